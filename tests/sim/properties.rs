//! What must hold in every drawn world: health is never accused, and what is named is true.

use std::collections::BTreeSet;
use std::time::Duration;

use callcheck::model::fact::{Fact, InboundWay, Observation};
use callcheck::model::finding::{Confidence, Finding, Level};
use callcheck::model::report::{Report, Verdict};
use libtest_mimic::{Failed, Trial};

use super::faults::{ALL, Fault, Harm};
use super::play::{Played, play};
use super::seeds::{Judged, Worlds};
use super::soundness;
use super::worlds::{Dice, Drawn, healthy};

/// A quarter of the worlds is healthy, three eighths have one fault, a quarter has two, an eighth three.
const WORLDS: u64 = 1000;
const CHUNK: u64 = 50;

/// What a run may take beyond its bound, for its last answer.
const LAST_ANSWER: Duration = Duration::from_millis(100);

/// Worlds that once broke a sentence: lossy lines over TCP and TLS, own allocations that fill a quota, dead controls, nonces that go
/// stale while a request is repeated, networks whose TCP leaves from another address.
const MENDED: [u64; 33] = [
    1446, 2245, 3827, 7391, 11241, 12374, 13015, 13903, 14079, 15025, 15051, 15817, 16641, 19310, 19662, 19902, 40206, 40217,
    40639, 41094, 41450, 41521, 42751, 43516, 43621, 44425, 45127, 45387, 45619, 45886, 46337, 47941, 61422,
];

/// The worlds, and one of them twice.
pub fn trials() -> Vec<Trial> {
    let mut trials = Worlds { name: "world", count: WORLDS, chunk: CHUNK, mended: &MENDED, play: judge }.trials();
    if std::env::var_os("SIM_SEED").is_none() {
        trials.push(Trial::test("the same seed gives the same report", repeats));
    }
    trials
}

/// A world with what is wrong in it.
struct Case {
    drawn: Drawn,
    faults: Vec<(&'static Fault, Harm)>,
}

fn draw(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let mut drawn = healthy(seed, &mut dice);
    let wanted = [0, 1, 1, 2, 0, 1, 2, 3][(seed % 8) as usize];
    let mut faults = Vec::new();
    for _ in 0..wanted {
        faults.push(add_fault(&mut drawn, &mut dice, &faults));
    }
    for (fault, harm) in &faults {
        drawn.words.push(format!("FAULT {} ({harm:?})", fault.name));
    }
    Case { drawn, faults }
}

/// Tries faults until one suits the world; what was tried and did not suit leaves no trace.
fn add_fault(drawn: &mut Drawn, dice: &mut Dice, others: &[(&'static Fault, Harm)]) -> (&'static Fault, Harm) {
    loop {
        let fault = &ALL[dice.number(0..=u32::try_from(ALL.len()).expect("a list of some dozens") - 1) as usize];
        if others.iter().any(|(other, _)| std::ptr::eq(*other, fault)) {
            continue;
        }
        let mut broken = drawn.clone();
        if let Some(harm) = (fault.apply)(&mut broken, dice) {
            *drawn = broken;
            return (fault, harm);
        }
    }
}

fn judge(seed: u64) -> Judged {
    let case = draw(seed);
    let played = play(&case.drawn.world, &case.drawn.asks);
    let complaints = complaints(&case, &played);
    Judged { world: case.drawn.to_string(), reports: vec![played.report], complaints }
}

fn repeats() -> Result<(), Failed> {
    for seed in 0..20 {
        let reports = [(); 2].map(|()| {
            let case = draw(seed);
            play(&case.drawn.world, &case.drawn.asks).report
        });
        if reports[0] != reports[1] {
            return Err(format!("{} gives two different reports", draw(seed).drawn).into());
        }
    }
    Ok(())
}

/// Everything that does not hold, one line each.
fn complaints(case: &Case, played: &Played) -> Vec<String> {
    let report = &played.report;
    let mut complaints = soundness::complaints(report);
    if Duration::from_millis(report.duration_ms) > case.drawn.asks.timeout + LAST_ANSWER {
        complaints.push(format!("took {} ms", report.duration_ms));
    }
    let releases_arrive = case.faults.iter().all(|(fault, _)| !fault.holds_releases);
    if releases_arrive && played.allocations_left > 0 {
        complaints.push(format!("{} allocations are left on the server", played.allocations_left));
    }
    let mut truth: BTreeSet<&str> = case.faults.iter().flat_map(|(fault, _)| fault.causes).copied().collect();
    // A server that is closed over UDP for one reason and over TCP for another is closed on every transport.
    let over_udp = ["turn-udp-closed", "turn-not-listening-udp"].iter().any(|id| truth.contains(id));
    if (over_udp || truth.contains("wrong-host")) && truth.contains("turn-tcp-closed") {
        truth.insert("turn-down");
    }
    // A server that answers neither Binding nor Allocate is no TURN server to anybody who asks.
    // Who resets connections in the name of a server that drops everything makes it look as if UDP alone were dropped.
    if truth.contains("turn-down") && truth.contains("network-allow-list") && truth.contains("turn-tcp-closed") {
        truth.insert("turn-udp-closed");
    }
    if truth.contains("stun-silent") && truth.contains("turn-disabled") {
        truth.extend(["wrong-host", "turn-down", "tls-not-turn"]);
    }
    // Where chance has drawn closed ports alone, that is all there is to see.
    if truth.contains("relay-ports-partly-closed") && !any_port_open(report) {
        truth.insert("relay-ports-closed");
    }
    if case.drawn.tcp_leaves_elsewhere() {
        truth.insert("cgnat");
    }
    let consequences: BTreeSet<&str> = case.faults.iter().flat_map(|(fault, _)| fault.consequences).copied().collect();
    // Who says that it may be something else, and names what it is, has not accused wrongly.
    let hedged = |finding: &Finding| {
        finding.confidence != Confidence::Certain && finding.remaining.iter().any(|cause| truth.contains(cause.id.as_str()))
    };
    let accusing: Vec<&Finding> = report.findings.iter().filter(|finding| finding.level != Level::Warn).collect();
    for (index, finding) in accusing.iter().enumerate() {
        let id = finding.id.as_str();
        if truth.contains(id) || hedged(finding) {
            continue;
        }
        match (consequences.contains(id), index) {
            (true, 0) => complaints.push(format!("{id} is named first, and only follows from a cause")),
            (true, _) => {}
            (false, _) => complaints.push(format!("{id} is named and not true")),
        }
    }
    complaints.extend(wrong_verdict(case, report, &truth));
    complaints
}

fn asks_by_v6_address(case: &Case) -> bool {
    case.drawn.asks.services.iter().all(|planned| planned.service.host.address().is_some_and(|address| address.is_ipv6()))
}

fn any_port_open(report: &Report) -> bool {
    let arrived = |seen: &Observation| matches!(&seen.fact, Fact::Inbound(inbound) if inbound.way == InboundWay::Unsolicited && inbound.arrived);
    report.observations.iter().any(arrived)
}

fn wrong_verdict(case: &Case, report: &Report, truth: &BTreeSet<&str>) -> Option<String> {
    let logs_in = case.drawn.asks.services.iter().any(|planned| planned.login.is_some());
    let has = |harm| case.faults.iter().any(|(_, found)| *found == harm);
    let mentions = |id: &str| truth.contains(id);
    let named =
        report.findings.iter().any(|finding| mentions(&finding.id) || finding.remaining.iter().any(|cause| mentions(&cause.id)));
    match report.verdict {
        Verdict::Ok if has(Harm::Noticed) => Some("a harmful fault is not noticed".to_owned()),
        Verdict::Ok if !logs_in && !case.faults.iter().any(|(fault, _)| fault.causes == ["turn-open-relay"]) => {
            Some("ok without having logged in".to_owned())
        }
        Verdict::Ok => None,
        Verdict::Inconclusive if !logs_in => None,
        // No IPv4 address of the server is known to compare its IPv4 relay with.
        Verdict::Inconclusive if asks_by_v6_address(case) => None,
        Verdict::Inconclusive if (has(Harm::Noticed) || has(Harm::Sampled) || case.drawn.tcp_leaves_elsewhere()) && named => None,
        Verdict::Inconclusive => Some("inconclusive, and no true cause among what remains".to_owned()),
        Verdict::Degraded | Verdict::Failed if named => None,
        Verdict::Degraded | Verdict::Failed => Some("no true cause is named".to_owned()),
    }
}
