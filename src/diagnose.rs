//! Observations become findings: every rule judges the same evidence, a root cause hides its symptoms, and the verdict follows.
//!
//! To add a cause: a file in `rules/`, its line in `rules.rs`, a scenario in `tests/scenarios/`.

pub mod call;
mod connection_end;
pub mod controls;
pub mod endpoint;
pub mod evidence;
pub mod interval;
pub mod loss;
pub mod nat;
pub mod ports;
pub mod relay;
pub mod responder;
pub mod rule;
pub mod rules;
pub mod server;
pub mod signaling;
pub mod trace;
mod untested;
mod verdict;

use crate::model::asked::{Asked, Purpose};
use crate::model::fact::Observation;
use crate::model::finding::{Finding, Level, NotTested, RuledOut};
use crate::model::nat::Nat;
use crate::model::relay_ports::RelayPorts;
use crate::model::report::{CutShort, Loss, Report, Verdict};
use evidence::Evidence;
use rule::{Judgement, Rule, Symptom};

/// What a run's evidence comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The answer in one word.
    pub verdict: Verdict,
    /// What is wrong; the first is the root cause.
    pub findings: Vec<Finding>,
    /// What the evidence excludes.
    pub ruled_out: Vec<RuledOut>,
    /// What would have mattered and was not tested.
    pub not_tested: Vec<NotTested>,
    /// What the relay's ports come to, where the run was after them.
    pub relay_ports: Option<RelayPorts>,
    /// How the NAT behaves, of `stun`.
    pub nat: Option<Nat>,
    /// The loss of the ways to the servers, of `stun`.
    pub loss: Vec<Loss>,
}

/// Judges what a run has seen.
#[must_use]
pub fn diagnose(asked: &Asked, observations: &[Observation], cut_short: Option<CutShort>) -> Diagnosis {
    let evidence = Evidence::new(asked, observations);
    let mut found: Vec<(&Rule, Finding)> = Vec::new();
    let mut ruled_out = Vec::new();
    for rule in rules::ALL {
        match (rule.judge)(&evidence) {
            Judgement::Found(finding) => found.push((rule, *finding)),
            Judgement::RuledOut(evidence) => ruled_out.push(RuledOut { id: rule.cause.id.to_owned(), evidence }),
            Judgement::Unknown => {}
        }
    }
    let folded: Vec<&str> = found.iter().flat_map(|(rule, _)| rule.folds.iter().copied()).collect();
    found.retain(|(rule, _)| !folded.contains(&rule.cause.id));
    for symptom in rules::SYMPTOMS {
        fold(symptom, &mut found);
    }
    // Stable: within a level the order of the registry stands, from the name to the relayed media.
    found.sort_by_key(|(_, finding)| finding.level);
    let findings: Vec<Finding> = found.into_iter().map(|(_, finding)| finding).collect();
    let not_tested = untested::list(&evidence, &findings, cut_short);
    let verdict = verdict::decide(&evidence, &findings, cut_short);
    // Where silence may be this network's own doing, it makes no port closed.
    let untestable = findings.iter().any(|found| found.id == "relay-untestable-from-here");
    let relay_ports = ports::summary(&evidence).filter(|ports| !untestable || !ports.open.is_empty());
    let (nat, loss) = match asked.purpose {
        Purpose::Stun => (nat::nat(&evidence, &findings, cut_short), loss::losses(&evidence)),
        Purpose::Turn | Purpose::ExternalIp | Purpose::Ports | Purpose::Call => (None, Vec::new()),
    };
    Diagnosis { verdict, findings, ruled_out, not_tested, relay_ports, nat, loss }
}

/// Folds a symptom into the first cause that explains it, which has then made the call fail.
fn fold(symptom: &Symptom, found: &mut Vec<(&Rule, Finding)>) {
    let Some(at) = found.iter().position(|(rule, _)| rule.cause.id == symptom.id) else { return };
    let explains = |level: Level| {
        found.iter().position(|(rule, finding)| finding.level == level && symptom.is_explained_by(&rule.cause, finding))
    };
    let Some(root) = explains(Level::Fail).or_else(|| explains(Level::Degrade)) else { return };
    let evidence = std::mem::take(&mut found[at].1.evidence);
    let level = found[at].1.level;
    let root = &mut found[root].1;
    root.level = root.level.min(level);
    root.evidence.extend(evidence.into_iter().filter(|id| !root.evidence.contains(id)).collect::<Vec<_>>());
    found.remove(at);
}

/// The verdict on a report whose findings were given other levels.
#[must_use]
pub fn verdict_again(report: &Report) -> Verdict {
    verdict::decide(&Evidence::new(&report.asked, &report.observations), &report.findings, report.cut_short)
}

/// Judges a saved report again.
#[must_use]
pub fn again(report: &Report) -> Report {
    let diagnosis = diagnose(&report.asked, &report.observations, report.cut_short);
    Report {
        verdict: diagnosis.verdict,
        findings: diagnosis.findings,
        ruled_out: diagnosis.ruled_out,
        not_tested: diagnosis.not_tested,
        relay_ports: diagnosis.relay_ports,
        nat: diagnosis.nat,
        loss: diagnosis.loss,
        ..report.clone()
    }
}

/// The rules by name, for listings.
#[must_use]
pub fn by_name() -> Vec<&'static Rule> {
    let mut rules: Vec<&'static Rule> = rules::ALL.iter().collect();
    rules.sort_by_key(|rule| rule.cause.id);
    rules
}
