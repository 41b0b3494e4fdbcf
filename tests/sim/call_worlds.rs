//! What must hold for both reports on a call in every drawn world: health is never accused, and what is named is true.

use std::collections::BTreeSet;

use callcheck::lab::gateway::fault::GatewayFault;
use callcheck::model::finding::{Confidence, Finding, Level};
use callcheck::model::report::{Report, Verdict};
use libtest_mimic::Trial;

use super::call_world::{CallWorld, Defect, Home, View, call, draw};
use super::seeds::{Judged, Worlds};
use super::soundness;

/// What loses more than this each way runs badly: a call bears 3 % of round trips.
const MOST_LOSS: f64 = 0.015;

const WORLDS: u64 = 240;
const CHUNK: u64 = 20;

/// What follows from a cause and says where the call ended; it leads only where the cause can't be seen from that end.
const SYMPTOMS: [&str; 4] = ["ice-no-path", "ice-no-candidates", "ice-no-relay-candidate", "ice-path-lost"];

/// The worlds.
pub fn trials() -> Vec<Trial> {
    Worlds { name: "call world", count: WORLDS, chunk: CHUNK, mended: &[], open: &[], play: judge }.trials()
}

/// Makes the call of a world and says what doesn't hold for its reports.
fn judge(seed: u64) -> Judged {
    let drawn = draw(seed);
    let called = call(&drawn);
    let mut complaints = Vec::new();
    for (view, report) in drawn.views().iter().zip(&called.reports) {
        let of_view = self::complaints(&drawn, *view, report);
        complaints.extend(of_view.into_iter().map(|complaint| format!("{view:?}: {complaint}")));
    }
    if called.allocations_left > 0 {
        complaints.push(format!("{} allocations are left on the server", called.allocations_left));
    }
    Judged { world: drawn.to_string(), reports: called.reports, complaints }
}

/// Everything that does not hold, one line each.
fn complaints(drawn: &CallWorld, view: View, report: &Report) -> Vec<String> {
    let mut complaints = soundness::complaints(report);
    let harmful = truth(drawn, view);
    let mut truth = harmful.clone();
    truth.extend(chances(drawn, view));
    let is_healthy = truth.is_empty() && is_hidden_healthy(drawn, view);
    let names_truth = |finding: &Finding| finding.remaining.iter().any(|cause| truth.contains(cause.id.as_str()));
    // Who says that it may be something else, and names what it is, has not accused wrongly.
    let hedged = |finding: &Finding| finding.confidence != Confidence::Certain && names_truth(finding);
    let accusing = report.findings.iter().filter(|finding| finding.level != Level::Warn);
    for (index, finding) in accusing.enumerate() {
        let id = finding.id.as_str();
        let follows = SYMPTOMS.contains(&id) && !is_healthy;
        let leads_alone = index == 0 && !truth.is_empty() && is_hidden_healthy(drawn, view);
        match (truth.contains(id) || hedged(finding), follows) {
            (true, _) => {}
            (false, true) if leads_alone => complaints.push(format!("{id} is named first, and only follows from a cause")),
            (false, true) => {}
            (false, false) => complaints.push(format!("{id} is named and not true")),
        }
    }
    let mut noticeable = harmful;
    if is_unseen(drawn, view) && carries(report) {
        noticeable.remove("candidates-not-forwarded");
    }
    complaints.extend(wrong_verdict(report, &noticeable, &truth, is_healthy));
    complaints
}

fn wrong_verdict(report: &Report, harmful: &BTreeSet<&str>, truth: &BTreeSet<&str>, is_healthy: bool) -> Option<String> {
    let mentions = |finding: &Finding| {
        truth.contains(finding.id.as_str()) || finding.remaining.iter().any(|cause| truth.contains(cause.id.as_str()))
    };
    let is_named = report.findings.iter().any(mentions);
    match report.verdict {
        Verdict::Ok if !carries(report) => Some("ok without a call that carries media".to_owned()),
        Verdict::Ok if !harmful.is_empty() && !is_named => Some("a fault is not noticed".to_owned()),
        Verdict::Ok => None,
        Verdict::Inconclusive | Verdict::Degraded | Verdict::Failed if is_healthy => {
            Some(format!("{} without a fault", report.verdict.name()))
        }
        Verdict::Inconclusive if is_named || truth.is_empty() || is_call_untested(report) => None,
        Verdict::Inconclusive => Some("inconclusive, and no true cause among what remains".to_owned()),
        Verdict::Degraded | Verdict::Failed if is_named || harmful.is_empty() => None,
        Verdict::Degraded | Verdict::Failed => Some("no true cause is named".to_owned()),
    }
}

/// Whether the report says that no call came about, or that it was ended from elsewhere: then an end knows no more.
fn is_call_untested(report: &Report) -> bool {
    let of_call = |what: &str| what.starts_with("the call on the path ") || what.starts_with("whether the call finds a path ");
    report.not_tested.iter().any(|entry| of_call(&entry.what))
}

fn carries(report: &Report) -> bool {
    let paths = report.call.iter().flat_map(|call| &call.paths);
    paths.clone().count() > 0 && paths.clone().all(|path| path.verdict == Verdict::Ok)
}

/// The causes that are true and can be seen from an end.
fn truth(drawn: &CallWorld, view: View) -> BTreeSet<&'static str> {
    let mut truth: BTreeSet<&'static str> = drawn.defects.iter().flat_map(|defect| defect.causes()).copied().collect();
    truth.extend(drawn.gateway.iter().flat_map(|(_, causes)| causes.iter().copied()));
    let (own, other) = match view {
        View::Caller => (drawn.homes[0], Some(drawn.homes[1])),
        View::Callee => (drawn.homes[1], Some(drawn.homes[0])),
        View::Both => (drawn.homes[0], None),
    };
    // Where the other side's network leaves no path, nobody gets as far as to see it.
    let shows = drawn.alteration.filter(|alteration| alteration.is_fatal() && is_hidden_healthy(drawn, view));
    truth.extend(shows.iter().flat_map(|alteration| alteration.causes()));
    if own.blocks_udp {
        truth.insert("network-blocks-udp");
    }
    if drawn.relay_forced && !has_relay(drawn, own) {
        truth.insert("ice-relay-forced-without-turn");
    }
    if drawn.relay_forced && other.is_some_and(|other| !has_relay(drawn, other)) {
        truth.insert("ice-no-candidates");
    }
    truth
}

/// The causes that are true and need not show: a line that loses packets may lose none of a second of media, and a call survives another
/// name of its session.
fn chances(drawn: &CallWorld, view: View) -> BTreeSet<&'static str> {
    let mut chances: BTreeSet<&'static str> =
        drawn.alteration.iter().flat_map(|alteration| alteration.causes()).copied().collect();
    let [caller, callee] = drawn.homes.map(|home| home.loss > MOST_LOSS);
    let (own, other) = match view {
        View::Caller => (caller, callee),
        View::Callee => (callee, caller),
        View::Both => (caller, caller),
    };
    if own {
        chances.extend(["packet-loss", "relay-lossy"]);
    }
    if own || other {
        chances.insert("media-lossy");
    }
    chances
}

/// Whether the server gives a relay to a host in that network.
fn has_relay(drawn: &CallWorld, home: Home) -> bool {
    let udp_is_lost = home.blocks_udp || drawn.has(Defect::UdpClosed);
    let is_reached = !udp_is_lost || drawn.listed.len() > 1;
    is_reached && !drawn.has(Defect::Down) && !drawn.has(Defect::WrongPassword)
}

/// Whether a fault takes from an end nothing but what it has sent: where the call connects all the same, the end sees nothing of it.
fn is_unseen(drawn: &CallWorld, view: View) -> bool {
    let fault = match view {
        View::Caller => GatewayFault::CallerCandidatesNotForwarded,
        View::Callee => GatewayFault::CalleeCandidatesNotForwarded,
        View::Both => return false,
    };
    drawn.gateway.is_some_and(|(made, _)| made == fault)
}

/// Whether nothing is wrong with the other side's network, of which an end sees nothing but that no path comes about.
fn is_hidden_healthy(drawn: &CallWorld, view: View) -> bool {
    match view {
        View::Caller => !drawn.homes[1].blocks_udp,
        View::Callee => !drawn.homes[0].blocks_udp,
        View::Both => true,
    }
}
