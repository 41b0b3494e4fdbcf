//! Observations become findings, in four steps: readings (what was asked where, and how it ended), candidates (which causes could be at work),
//! the explanation (the most plausible smallest sets of causes), the conclusion (findings, what remains, the verdict).
//!
//! No cause knows another: to add one is a row in `table`, a text in `src/text`, a scenario in `tests/scenarios`.

pub mod candidates;
pub mod conclude;
pub mod explain;
mod interval;
pub mod manner;
mod nat;
mod ports;
pub mod question;
pub mod reading;
mod readings;
pub mod row;
pub mod run;
mod say;
#[cfg(test)]
mod staged;
mod standing;
pub mod symptoms;
pub mod table;
#[cfg(test)]
mod tests_call;
#[cfg(test)]
mod tests_nat;
#[cfg(test)]
mod tests_relay;
#[cfg(test)]
mod tests_signaling;
mod untested;
mod verdict;

use std::net::IpAddr;

use candidates::{Ground, Kinds};
use run::Run;

use crate::model::asked::{Asked, Form, Purpose};
use crate::model::fact::Observation;
use crate::model::finding::{Finding, NotTested, Overrides, RuledOut, Unexplained};
use crate::model::message::Message;
use crate::model::nat::Nat;
use crate::model::relay_ports::RelayPorts;
use crate::model::report::{CutShort, Loss, Verdict};

/// What a run's evidence comes to; its sentences are keys yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The answer in one word.
    pub verdict: Verdict,
    /// What the answer in one sentence is made from.
    pub headline: Message,
    /// What is wrong; the first is the root cause.
    pub findings: Vec<Finding>,
    /// What the evidence excludes.
    pub ruled_out: Vec<RuledOut>,
    /// What failed and no cause explains.
    pub unexplained: Vec<Unexplained>,
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
pub fn diagnose(asked: &Asked, observations: &[Observation], cut_short: Option<CutShort>, overrides: &Overrides) -> Diagnosis {
    let run = Run::new(asked, observations);
    let readings = readings::read(&run);
    let kinds = kinds(&run);
    let ground = Ground::new(&readings, &kinds);
    let (mut candidates, excluded) = ground.survey(table::causes());
    let parts = symptoms::explain(&readings, &mut candidates);
    let conclusion = conclude::conclude(&run, &readings, &candidates, &excluded, &parts, overrides);
    let not_tested = untested::list(&run, &readings, &conclusion, cut_short);
    let verdict = verdict::decide(&run, &readings, &conclusion, cut_short);
    let headline = verdict::headline(&run, &conclusion, &not_tested, verdict, cut_short);
    // Where silence may be this network's own doing, it makes no port closed.
    let is_untestable = conclusion.findings.iter().any(|found| found.id == conclude::UNTESTABLE);
    let relay_ports = ports::summary(&run).filter(|ports| !is_untestable || !ports.open.is_empty());
    let (nat, loss) = if asked.purpose == Purpose::Stun {
        let few_ports = verdict::lets_few_ports_out(&run);
        (nat::nat(asked, observations, &conclusion.findings, few_ports, cut_short), verdict::losses(&run))
    } else {
        (None, Vec::new())
    };
    Diagnosis {
        verdict,
        headline,
        findings: conclusion.findings,
        ruled_out: conclusion.ruled_out,
        unexplained: conclusion.unexplained,
        not_tested,
        relay_ports,
        nat,
        loss,
    }
}

/// What is known of places beyond their address: by the names that lead to them, and by what they are listed for.
fn kinds(run: &Run<'_>) -> Kinds {
    let mut kinds = Kinds::default();
    let answers = |ip: IpAddr| run.services_at(ip).any(|(_, service)| service.answers());
    for name in &run.names {
        let addresses = &name.fact.addresses;
        let answering: Vec<IpAddr> = addresses.iter().copied().filter(|ip| answers(*ip)).collect();
        // Where IPv4 is as dead, it is the host that is, and not its IPv6 address.
        let is_asked = |ip: IpAddr| run.services_at(ip).next().is_some();
        if addresses.iter().any(|ip| ip.is_ipv4() && (answers(*ip) || !is_asked(*ip))) {
            kinds.beside_v4.extend(addresses.iter().filter(|ip| ip.is_ipv6()));
        }
        let is_sibling = |ip: IpAddr| answering.iter().any(|other| *other != ip && other.is_ipv4() == ip.is_ipv4());
        kinds.siblings.extend(addresses.iter().copied().filter(|ip| is_sibling(*ip)));
    }
    kinds.first_of = run.services.keys().map(|endpoint| (endpoint.ip(), run.server_of(endpoint.ip()))).collect();
    if run.asked.form == Form::Urls && run.wants_relay() {
        kinds.stun_alone = run.promised().map(|(endpoint, _)| endpoint).filter(|endpoint| !run.is_of_relay(*endpoint)).collect();
    }
    kinds
}
