//! Holds a run against its scenario: the whole of every finding, and the promises that hold for every report.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use callcheck::model::place::Place;
use serde::Deserialize;
use serde_json::Value;

use crate::command::{self, Call, OtherEnd, Run};
use crate::format::nat;
use crate::format::{Callee, Confidence, Expect, ExpectedPorts, ExpectedRange, Level, NamedFinding, Scenario, Verdict};
use crate::wiretap::Wiretap;

/// As much of the report as the scenarios speak of.
#[derive(Debug, Deserialize)]
struct Report {
    schema: String,
    verdict: Verdict,
    findings: Vec<Finding>,
    ruled_out: Vec<RuledOut>,
    not_tested: Vec<NotTested>,
    #[serde(default)]
    nat: Value,
    observations: Vec<Observation>,
    contacted: Vec<String>,
    relay_ports: Option<RelayPorts>,
}

#[derive(Debug, Deserialize)]
struct RelayPorts {
    tried: u32,
    closed: Vec<String>,
    server_range: Option<String>,
    complete: bool,
}

#[derive(Debug, Deserialize)]
struct Finding {
    id: String,
    level: Level,
    confidence: Confidence,
    place: Value,
    summary: String,
    impact: String,
    evidence: Vec<String>,
    remaining: Vec<Remaining>,
    fixes: Vec<Value>,
}

impl Finding {
    fn named(&self) -> NamedFinding {
        let word = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
        NamedFinding {
            id: self.id.clone(),
            level: word(&self.level),
            confidence: word(&self.confidence),
            remaining: self.remaining.iter().map(|cause| cause.id.clone()).collect(),
            place: serde_json::from_value::<Place>(self.place.clone()).map(|place| place.to_string()).unwrap_or_default(),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Remaining {
    id: String,
    decide: String,
}

#[derive(Debug, Deserialize)]
struct RuledOut {
    id: String,
    place: Option<Value>,
    evidence: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct NotTested {
    what: String,
    why: String,
}

#[derive(Debug, Deserialize)]
struct Observation {
    id: String,
    fact: Value,
}

/// Everything in which the run differs from what its scenario wants, one line each.
pub fn complaints(scenario: &Scenario, call: &Call, run: &Run, tap: &Wiretap) -> Vec<String> {
    let mut complaints = Vec::new();
    let expect = &scenario.expect;
    if run.exit != Some(expect.exit) {
        complaints.push(format!("exit code {:?}, expected {}", run.exit, expect.exit));
    }
    if run.took > command::allowed(scenario) {
        complaints.push(format!("took {:?}, may take {:?}", run.took, command::allowed(scenario)));
    }
    for word in call.secrets.iter().chain(&tap.nonces()) {
        if run.stdout.contains(word.as_str()) || run.stderr.contains(word.as_str()) {
            complaints.push(format!("prints the secret {word:?}"));
        }
    }
    match serde_json::from_str::<Report>(&run.stdout) {
        Ok(report) => {
            check_soundness(&report, &mut complaints);
            check_contacted(&report.contacted, &tap.destinations(), &mut complaints);
            check_expectation(&report, expect, &mut complaints);
            complaints.extend(nat::complaints(&report.nat, expect));
        }
        Err(error) => complaints.push(format!("stdout is no report: {error}")),
    }
    complaints
}

/// The same for the other end of a call between two networks, whose traffic nobody listens to.
pub fn complaints_of_other_end(callee: &Callee, call: &Call, other: &OtherEnd) -> Vec<String> {
    let mut complaints = Vec::new();
    match (other, &callee.expect) {
        (OtherEnd::Callcheck(run), Some(expect)) => check_other_report(expect, call, run, &mut complaints),
        (OtherEnd::Callcheck(_), None) => complaints.push("the scenario expects nothing of it".to_owned()),
        (OtherEnd::Browser(seen), _) => check_page(seen, &mut complaints),
    }
    complaints.iter().map(|complaint| format!("other end: {complaint}")).collect()
}

fn check_other_report(expect: &Expect, call: &Call, run: &Run, complaints: &mut Vec<String>) {
    if run.exit != Some(expect.exit) {
        complaints.push(format!("exit code {:?}, expected {}\n{}", run.exit, expect.exit, run.stderr));
    }
    if call.secrets.iter().any(|word| run.stdout.contains(word.as_str()) || run.stderr.contains(word.as_str())) {
        complaints.push("prints a secret".to_owned());
    }
    match serde_json::from_str::<Report>(&run.stdout) {
        Ok(report) => {
            check_soundness(&report, complaints);
            check_expectation(&report, expect, complaints);
        }
        Err(error) => complaints.push(format!("stdout is no report: {error}")),
    }
}

/// What a browser's page saw of the call.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    states: Vec<String>,
    frames_decoded: u32,
    audio_packets: u32,
}

fn check_page(seen: &str, complaints: &mut Vec<String>) {
    let last = seen.lines().last().unwrap_or_default();
    match serde_json::from_str::<Page>(last) {
        Ok(page) if page.frames_decoded > 0 && page.audio_packets > 0 => {
            if !page.states.iter().any(|state| state == "connection connected") {
                complaints.push(format!("the page was never connected: {:?}", page.states));
            }
        }
        Ok(_) | Err(_) => complaints.push(format!("the page saw no media: {last}")),
    }
}

/// What holds for every report.
fn check_soundness(report: &Report, complaints: &mut Vec<String>) {
    if report.schema != "callcheck/1" {
        complaints.push(format!("schema {:?}", report.schema));
    }
    let known: BTreeSet<&str> = report.observations.iter().map(|observation| observation.id.as_str()).collect();
    if known.len() != report.observations.len() {
        complaints.push("two observations share an id".into());
    }
    for finding in &report.findings {
        check_finding(finding, &known, complaints);
    }
    for ruled_out in &report.ruled_out {
        check_evidence(&ruled_out.id, &ruled_out.evidence, &known, complaints);
        if report
            .findings
            .iter()
            .any(|finding| finding.id == ruled_out.id && ruled_out.place.as_ref().is_none_or(|place| *place == finding.place))
        {
            complaints.push(format!("{} is found and ruled out", ruled_out.id));
        }
    }
    if report.not_tested.iter().any(|entry| entry.what.is_empty() || entry.why.is_empty()) {
        complaints.push("something is not tested without saying what or why".into());
    }
}

/// Every host that was sent something must stand in the report.
fn check_contacted(contacted: &[String], heard: &BTreeSet<IpAddr>, complaints: &mut Vec<String>) {
    let mut named = BTreeSet::new();
    for entry in contacted {
        match host_of(entry) {
            Some(host) => drop(named.insert(host)),
            None => complaints.push(format!("contacted {entry:?} is no address:port/protocol")),
        }
    }
    for host in heard.difference(&named) {
        complaints.push(format!("{host} was contacted, the report doesn't say so"));
    }
}

/// The host in `203.0.113.10:3478/udp` or in `203.0.113.10 relay ports/udp`.
fn host_of(entry: &str) -> Option<IpAddr> {
    let (place, _) = entry.rsplit_once('/')?;
    match place.strip_suffix(" relay ports") {
        Some(host) => host.parse().ok(),
        None => place.parse::<SocketAddr>().ok().map(|address| address.ip()),
    }
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
}

fn check_evidence(id: &str, evidence: &[String], known: &BTreeSet<&str>, complaints: &mut Vec<String>) {
    if evidence.is_empty() {
        complaints.push(format!("{id} cites no evidence"));
    }
    for observation in evidence.iter().filter(|observation| !known.contains(observation.as_str())) {
        complaints.push(format!("{id} cites {observation}, which isn't in the report"));
    }
}

fn check_expectation(report: &Report, expect: &Expect, complaints: &mut Vec<String>) {
    if let Some(verdict) = expect.verdict
        && verdict != report.verdict
    {
        complaints.push(format!("verdict {:?}, expected {verdict:?}", report.verdict));
    }
    complaints.extend(expect.wrong_findings(&report.findings.iter().map(Finding::named).collect::<Vec<_>>()));
    if let Some(expected) = &expect.ports {
        let known: Vec<ExpectedRange> = report.observations.iter().filter_map(ports_of).collect();
        if known != *expected {
            complaints.push(format!("ports\n    {known:?}\n  expected\n    {expected:?}"));
        }
    }
    for words in &expect.first_says {
        if !report.findings.first().is_some_and(|finding| finding.summary.contains(words.as_str())) {
            complaints.push(format!("doesn't say {words:?} first"));
        }
    }
    for id in &expect.ruled_out {
        if !report.ruled_out.iter().any(|entry| entry.id == *id) {
            complaints.push(format!("{id} isn't ruled out"));
        }
    }
    if let Some(expected) = &expect.relay_ports {
        check_ports(report.relay_ports.as_ref(), expected, complaints);
    }
    for words in &expect.not_tested {
        if !report.not_tested.iter().any(|entry| entry.what.contains(words)) {
            complaints.push(format!("doesn't say that {words:?} was not tested"));
        }
    }
}

fn check_ports(found: Option<&RelayPorts>, expected: &ExpectedPorts, complaints: &mut Vec<String>) {
    let Some(found) = found else { return complaints.push("says nothing of the relay's ports".into()) };
    let closed = expected.closed.as_ref().is_none_or(|closed| *closed == found.closed);
    let range = !expected.complete || expected.server_range == found.server_range;
    if found.tried < expected.tried_at_least || found.complete != expected.complete || !closed || !range {
        complaints.push(format!("ports {found:?}, expected {expected:?}"));
    }
}

/// A range of ports as the scenarios write it.
fn ports_of(observation: &Observation) -> Option<ExpectedRange> {
    let fact = observation.fact.as_object().filter(|fact| fact["kind"] == "ports")?;
    let list = |key: &str| -> Vec<String> {
        let ranges = fact[key].as_array().into_iter().flatten();
        ranges.filter_map(|range| range.as_str().map(str::to_owned)).collect()
    };
    let proto = fact["proto"].as_str()?.to_owned();
    Some(ExpectedRange { proto, open: list("open"), closed: list("closed"), unknown: list("unknown") })
}
