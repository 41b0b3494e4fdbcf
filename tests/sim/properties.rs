//! What must hold in every drawn world: health is never accused, and what is named is true.

use std::time::Duration;

use callcheck::model::finding::{Finding, Level};
use callcheck::model::report::{Report, Verdict};
use libtest_mimic::{Failed, Trial};

use super::case::{Case, Made, Truth, asks_by_v6_address};
use super::faults::{ALL, Fault, Harm};
use super::play::{Played, play};
use super::seeds::{Judged, Worlds};
use super::soundness;
use super::worlds::{Dice, healthy};

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
    let mut trials = Worlds { name: "world", count: WORLDS, chunk: CHUNK, mended: &MENDED, open: &[], play: judge }.trials();
    if std::env::var_os("SIM_SEED").is_none() {
        trials.push(Trial::test("the same seed gives the same report", repeats));
    }
    trials
}

fn draw(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let mut case = Case::healthy(healthy(seed, &mut dice));
    let choices: Vec<&Fault> = ALL.iter().collect();
    for _ in 0..[0, 1, 1, 2, 0, 1, 2, 3][(seed % 8) as usize] {
        case.add_fault(&mut dice, &choices);
    }
    case
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
    complaints.extend(late(case, played));
    let truth = Truth::of(case, report);
    complaints.extend(false_accusations(report, &truth));
    complaints.extend(wrong_verdict(case, report, &truth));
    complaints
}

/// What lasts longer than it may: the run, or its allocations.
pub fn late(case: &Case, played: &Played) -> Vec<String> {
    let mut late = Vec::new();
    if Duration::from_millis(played.report.duration_ms) > case.drawn.asks.timeout + LAST_ANSWER {
        late.push(format!("took {} ms", played.report.duration_ms));
    }
    let releases_arrive = case.faults.iter().all(|made| !made.fault.holds_releases);
    if releases_arrive && played.allocations_left > 0 {
        late.push(format!("{} allocations are left on the server", played.allocations_left));
    }
    late
}

/// The findings that are not true of their place.
pub fn false_accusations(report: &Report, truth: &Truth) -> Vec<String> {
    let accusing = report.findings.iter().filter(|finding| finding.level != Level::Warn);
    let judged = accusing.enumerate().filter_map(|(index, finding)| {
        let Finding { id, place, .. } = finding;
        if truth.holds(id, place) || truth.is_hedged(finding) {
            return None;
        }
        match (truth.is_consequence(id), index) {
            (true, 0) => Some(format!("{id} is named first, and only follows from a cause")),
            (true, _) => None,
            (false, _) => Some(format!("{id} is named at {place} and not true")),
        }
    });
    judged.collect()
}

/// Whether the verdict is one that the world can't have.
pub fn wrong_verdict(case: &Case, report: &Report, truth: &Truth) -> Option<String> {
    let logs_in = case.drawn.asks.services.iter().any(|planned| planned.login.is_some());
    let named = report.findings.iter().any(|finding| truth.is_mentioned(finding));
    let is_open_relay = |made: &Made| made.fault.causes == ["turn-open-relay"];
    match report.verdict {
        Verdict::Ok if case.has(Harm::Noticed) => Some("a harmful fault is not noticed".to_owned()),
        Verdict::Ok if !logs_in && !case.faults.iter().any(is_open_relay) => Some("ok without having logged in".to_owned()),
        Verdict::Ok => None,
        Verdict::Inconclusive if !logs_in => None,
        // No IPv4 address of the server is known to compare its IPv4 relay with.
        Verdict::Inconclusive if asks_by_v6_address(case) => None,
        Verdict::Inconclusive
            if (case.has(Harm::Noticed) || case.has(Harm::Sampled) || case.drawn.tcp_leaves_elsewhere()) && named =>
        {
            None
        }
        Verdict::Inconclusive => Some("inconclusive, and no true cause among what remains".to_owned()),
        Verdict::Degraded | Verdict::Failed if named => None,
        Verdict::Degraded | Verdict::Failed => Some("no true cause is named".to_owned()),
    }
}
