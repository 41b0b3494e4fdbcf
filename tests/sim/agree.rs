//! Reports that have to agree: on a server asked alone and beside others, and on the same world twice.

use std::collections::BTreeSet;

use callcheck::model::finding::{Confidence, Finding};
use callcheck::model::report::Report;
use libtest_mimic::Trial;

use super::case::{Case, Truth};
use super::host::Number;
use super::icmp;
use super::play::play;
use super::seeds::{Judged, Worlds};
use super::wide::draw;
use super::worlds::is_at;

const WORLDS: u64 = 160;
const CHUNK: u64 = 20;

/// A world that once broke a sentence: a server of two addresses has refused by its first errors, and is silent a second later.
const MENDED: [u64; 1] = [154];

/// Another stream of delays, ports and numbers.
const ANOTHER: u64 = 0xA107_4E12;

/// The worlds, for each of both sentences.
pub fn trials() -> Vec<Trial> {
    let beside = Worlds { name: "crowded world", count: WORLDS, chunk: CHUNK, mended: &[], open: &[], play: judge_beside };
    let twice = Worlds { name: "repeated world", count: WORLDS, chunk: CHUNK, mended: &MENDED, open: &[], play: judge_twice };
    beside.trials().into_iter().chain(twice.trials()).collect()
}

/// A world in which nothing is left to chance but delays, ports and numbers.
fn calm(seed: u64) -> Case {
    let mut case = draw(seed, |fault| !fault.is_random);
    let link = &mut case.drawn.world.caller.link;
    (link.loss_outward, link.loss_inward) = (0.0, 0.0);
    // Of several datagrams chance decides which one gets the last ICMP error.
    case.drawn.world.icmp_saved = icmp::SAVED;
    case
}

fn run(case: &Case) -> Report {
    play(&case.drawn.world, &case.drawn.asks).report
}

fn judge_beside(seed: u64) -> Judged {
    let case = calm(seed);
    let together = run(&case);
    let mut complaints = Vec::new();
    let mut reports = Vec::new();
    for host in &case.drawn.world.hosts {
        let mut alone = case.clone();
        alone.drawn.asks.services.retain(|planned| is_at(host, planned));
        let report = run(&alone);
        complaints.extend(changed(&case, host.number, &report, &together));
        reports.push(report);
    }
    reports.push(together);
    Judged { world: case.drawn.to_string(), reports, complaints }
}

/// What the servers beside it change about one: what was certain of it is certain still, and nobody is accused there whom its own report
/// doesn't know. Of what was open, others may show more.
fn changed(case: &Case, number: Number, alone: &Report, together: &Report) -> Vec<String> {
    let truth = Truth::of(case, together);
    let is_here = |finding: &&Finding| truth.server(&finding.place) == Some(number);
    let mut complaints = Vec::new();
    for finding in alone.findings.iter().filter(is_here).filter(|finding| finding.confidence == Confidence::Certain) {
        let known = together.findings.iter().find(|other| other.id == finding.id && truth.server(&other.place) == Some(number));
        if known.is_none_or(|known| known.confidence != Confidence::Certain) {
            let confidence = known.map_or("not found", |known| known.confidence.name());
            complaints.push(format!("{} at {} is certain alone, and {confidence} beside others", finding.id, finding.place));
        }
    }
    let known: BTreeSet<&str> = alone.findings.iter().flat_map(ids).collect();
    for finding in together.findings.iter().filter(is_here).filter(|finding| !known.contains(finding.id.as_str())) {
        complaints.push(format!("{} at {} is found beside others alone", finding.id, finding.place));
    }
    let unexplained = |report: &Report| {
        let here = report.unexplained.iter().filter(|entry| truth.server(&entry.place) == Some(number));
        here.map(|entry| (entry.place.to_string(), entry.what.clone())).collect::<BTreeSet<_>>()
    };
    if unexplained(alone) != unexplained(together) {
        let (alone, together) = (unexplained(alone), unexplained(together));
        complaints.push(format!("unexplained of {} alone {alone:?}, beside others {together:?}", number.public()));
    }
    complaints
}

/// A finding and what it can't exclude.
fn ids(finding: &Finding) -> impl Iterator<Item = &str> {
    [finding.id.as_str()].into_iter().chain(finding.remaining.iter().map(|cause| cause.id.as_str()))
}

fn judge_twice(seed: u64) -> Judged {
    let case = calm(seed);
    let mut other = case.clone();
    other.drawn.world.seed ^= ANOTHER;
    other.drawn.world.hosts.iter_mut().for_each(|host| host.config.seed ^= ANOTHER);
    let mut soon = case.clone();
    soon.drawn.world.icmp_saved = 0;
    let reports = vec![run(&case), run(&other), run(&soon)];
    let said = |report: &Report| {
        let truth = Truth::of(&case, report);
        let at = |finding: &Finding| truth.server(&finding.place).map_or_else(String::new, |number| number.public().to_string());
        let first = report.findings.first().map(|finding| format!(", {} {}", finding.id, at(finding)));
        format!("{}{}", report.verdict.name(), first.unwrap_or_default())
    };
    let (first, second) = (said(&reports[0]), said(&reports[1]));
    let mut complaints = Vec::new();
    if first != second {
        complaints.push(format!("first {first}, then {second}"));
    }
    // Just after, who has told of an error may keep silent: then what it told may remain, and nothing else has become true.
    let is_known = |finding: &Finding| reports[2].findings.iter().flat_map(ids).any(|id| id == finding.id);
    if reports[0].verdict != reports[2].verdict || reports[0].findings.first().is_some_and(|finding| !is_known(finding)) {
        complaints.push(format!("first {first}, just after {}", said(&reports[2])));
    }
    Judged { world: case.drawn.to_string(), reports, complaints }
}
