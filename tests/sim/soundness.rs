//! What holds for every report, whatever the world: citations that exist, no cause both found and ruled out, no idle words.

use std::collections::BTreeSet;

use callcheck::model::fact::{Fact, Observation};
use callcheck::model::finding::{Confidence, Finding, Level};
use callcheck::model::report::{Report, SCHEMA};

/// Everything in which a report is unsound, one line each.
pub fn complaints(report: &Report) -> Vec<String> {
    let mut complaints = Vec::new();
    if report.schema != SCHEMA {
        complaints.push(format!("schema {:?}", report.schema));
    }
    if report.contacted.is_empty()
        && !report.observations.is_empty()
        && report.findings.iter().all(|it| !it.id.starts_with("dns-"))
    {
        complaints.push("observations, and nobody contacted".to_owned());
    }
    let known: BTreeSet<&str> = report.observations.iter().map(|observation| observation.id.as_str()).collect();
    if known.len() != report.observations.len() {
        complaints.push("two observations share an id".to_owned());
    }
    for finding in &report.findings {
        check_finding(finding, &known, &mut complaints);
        complaints.extend(check_place(finding, report));
    }
    for ruled_out in &report.ruled_out {
        check_evidence(&ruled_out.id, &ruled_out.evidence, &known, &mut complaints);
        for finding in &report.findings {
            let is_named = finding.id == ruled_out.id || finding.remaining.iter().any(|cause| cause.id == ruled_out.id);
            // Elsewhere it may be at work all the same.
            if is_named && ruled_out.place.as_ref().is_none_or(|place| *place == finding.place) {
                complaints.push(format!("{} is named and ruled out", ruled_out.id));
            }
        }
    }
    if report.not_tested.iter().any(|entry| entry.what.is_empty() || entry.why.is_empty()) {
        complaints.push("something is not tested without saying what or why".to_owned());
    }
    complaints
}

fn check_finding(finding: &Finding, known: &BTreeSet<&str>, complaints: &mut Vec<String>) {
    let id = &finding.id;
    check_evidence(id, &finding.evidence, known, complaints);
    if finding.summary.is_empty() || finding.impact.is_empty() {
        complaints.push(format!("{id} has no summary or no impact"));
    }
    if finding.level != Level::Warn && finding.fixes.is_empty() {
        complaints.push(format!("{id} has no fix"));
    }
    if finding.remaining.iter().any(|cause| cause.decide.is_empty()) {
        complaints.push(format!("{id} doesn't say what would decide"));
    }
    if finding.confidence == Confidence::Certain && !finding.remaining.is_empty() {
        complaints.push(format!("{id} is certain though other causes remain"));
    }
}

/// What is said of a server rests on something that was seen there, on what a name of it leads to, or on this host's route to it.
fn check_place(finding: &Finding, report: &Report) -> Option<String> {
    let server = finding.place.server()?;
    let tells = |seen: &&Observation| {
        let is_there = seen.endpoint().is_some_and(|endpoint| endpoint.ip() == server);
        let is_route = matches!(&seen.fact, Fact::Route(_)) && seen.target == server.to_string();
        is_there || is_route || matches!(&seen.fact, Fact::Name(name) if name.addresses.contains(&server))
    };
    let cited = |seen: &&Observation| finding.evidence.contains(&seen.id);
    let is_seen = report.observations.iter().filter(cited).any(|seen| tells(&seen));
    (!is_seen).then(|| format!("{} at {} cites nothing that was seen there", finding.id, finding.place))
}

fn check_evidence(id: &str, evidence: &[String], known: &BTreeSet<&str>, complaints: &mut Vec<String>) {
    if evidence.is_empty() {
        complaints.push(format!("{id} cites no evidence"));
    }
    for observation in evidence.iter().filter(|observation| !known.contains(observation.as_str())) {
        complaints.push(format!("{id} cites {observation}, which isn't in the report"));
    }
}
