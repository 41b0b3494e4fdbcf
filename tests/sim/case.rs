//! A drawn world with what is wrong in it, and what is then true, by place.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use callcheck::model::asked::Form;
use callcheck::model::fact::{Fact, InboundWay, Observation};
use callcheck::model::finding::{Confidence, Finding};
use callcheck::model::place::Place;
use callcheck::model::report::Report;

use super::faults::{Fault, Harm};
use super::host::{Host, Number};
use super::icmp;
use super::world::Controls;
use super::worlds::{Dice, Drawn, is_at};

/// A world with what is wrong in it.
#[derive(Clone)]
pub struct Case {
    pub drawn: Drawn,
    pub faults: Vec<Made>,
}

/// A fault that was made.
#[derive(Clone, Copy)]
pub struct Made {
    pub fault: &'static Fault,
    pub harm: Harm,
    /// The server that it is at; none where it is on the caller's side.
    pub at: Option<Number>,
}

impl Case {
    /// A world without a fault.
    pub fn healthy(drawn: Drawn) -> Self {
        Self { drawn, faults: Vec::new() }
    }

    /// Tries faults until one suits the world at the chosen server; what was tried and did not suit leaves no trace.
    pub fn add_fault(&mut self, dice: &mut Dice, choices: &[&'static Fault]) {
        loop {
            let fault = choices[dice.number(0..=u32::try_from(choices.len()).expect("a list of some dozens") - 1) as usize];
            let at = (!fault.is_of_caller).then_some(self.drawn.host().number);
            if self.faults.iter().any(|made| std::ptr::eq(made.fault, fault) && made.at == at) {
                continue;
            }
            let mut broken = self.drawn.clone();
            if let Some(harm) = (fault.apply)(&mut broken, dice) {
                let place = at.map_or_else(|| "the caller's".to_owned(), |number| number.public().to_string());
                broken.words.push(format!("FAULT {} ({harm:?}) at {place}", fault.name));
                self.drawn = broken;
                self.faults.push(Made { fault, harm, at });
                return;
            }
        }
    }

    pub fn has(&self, harm: Harm) -> bool {
        self.faults.iter().any(|made| made.harm == harm)
    }

    /// Whether nothing else is wrong that may hide a fault: at the same server or on the caller's side.
    pub fn is_alone(&self, made: &Made) -> bool {
        let hides = |other: &Made| made.at.is_none() || other.at.is_none() || other.at == made.at;
        self.faults.iter().filter(|other| hides(other)).count() == 1
    }

    /// Whether the server of a fault is asked by its IPv6 address alone, so that none is known to compare its IPv4 relay with.
    pub fn is_asked_by_v6(&self, made: &Made) -> bool {
        let hosts = &self.drawn.world.hosts;
        let Some(host) = hosts.iter().find(|host| made.at == Some(host.number)) else { return false };
        let mut asked = self.drawn.asks.services.iter().filter(|planned| is_at(host, planned));
        asked.all(|planned| planned.service.host.address().is_some_and(|address| address.is_ipv6()))
    }
}

/// What is true in a world, by place.
pub struct Truth {
    hosts: Vec<Host>,
    at: BTreeMap<Number, BTreeSet<&'static str>>,
    /// On the caller's side.
    ours: BTreeSet<&'static str>,
    consequences: BTreeSet<&'static str>,
}

impl Truth {
    /// What is true of a case; where chance has shown less than there is, it is what a report can know.
    pub fn of(case: &Case, report: &Report) -> Self {
        let causes = |at: Option<Number>| {
            let there = case.faults.iter().filter(move |made| made.at == at);
            there.flat_map(|made| made.fault.causes).copied().collect::<BTreeSet<_>>()
        };
        let mut ours = causes(None);
        if case.drawn.tcp_leaves_elsewhere() {
            ours.insert("cgnat");
        }
        let hosts = case.drawn.world.hosts.clone();
        let mut at = BTreeMap::new();
        for host in &hosts {
            let mut truth = causes(Some(host.number));
            truth.extend(&ours);
            if case.drawn.world.icmp_saved < icmp::SAVED {
                truth.extend(case.faults.iter().filter(|made| made.at == Some(host.number)).flat_map(|made| made.fault.unsaid));
            }
            // A bare host need not have TLS, and is asked for it.
            let has_tls = host.listeners.as_ref().is_some_and(|listeners| listeners.tls.is_some());
            if case.drawn.asks.form != Form::Urls && !has_tls {
                truth.insert("turn-tls-closed");
            }
            // Where chance has drawn closed ports alone, that is all there is to see.
            if truth.contains("relay-ports-partly-closed") && !any_port_open(report, host) {
                truth.insert("relay-ports-closed");
            }
            at.insert(host.number, with_sums(truth));
        }
        let consequences: BTreeSet<&str> = case.faults.iter().flat_map(|made| made.fault.consequences).copied().collect();
        // Where no connection is made, all that a portal shows is what follows from it.
        let connects = case.drawn.asks.services.iter().any(|planned| planned.service.transport.is_stream());
        if !connects && case.drawn.world.controls != Controls::Everything {
            ours.extend(&consequences);
        }
        Self { hosts, at, ours, consequences }
    }

    /// Whether a cause is true of a place. What is said of this network is the caller's affair, but for what a server does in its name.
    pub fn holds(&self, id: &str, place: &Place) -> bool {
        let is_ours = matches!(place, Place::Host | Place::Network { .. }) && id != "stun-rewritten";
        match self.server(place) {
            Some(number) => self.at[&number].contains(id),
            None if is_ours => self.ours.contains(id),
            None => self.is_anywhere(id),
        }
    }

    fn is_anywhere(&self, id: &str) -> bool {
        self.ours.contains(id) || self.at.values().any(|truth| truth.contains(id))
    }

    pub fn is_consequence(&self, id: &str) -> bool {
        self.consequences.contains(id)
    }

    /// Whether a finding says that it may be something else and names what it is: then it has not accused wrongly.
    pub fn is_hedged(&self, finding: &Finding) -> bool {
        finding.confidence != Confidence::Certain && self.remains(finding)
    }

    /// Whether a finding is true, or one of the causes that it can't exclude.
    pub fn is_mentioned(&self, finding: &Finding) -> bool {
        self.holds(&finding.id, &finding.place) || self.remains(finding)
    }

    fn remains(&self, finding: &Finding) -> bool {
        // What remains may be elsewhere: in place of this network a server, say.
        let is_here = self.server(&finding.place).is_some();
        let is_true = |id: &str| self.holds(id, &finding.place) || !is_here && self.is_anywhere(id);
        finding.remaining.iter().any(|cause| is_true(&cause.id))
    }

    /// Whether a report names a fault at its place, or lets it remain there.
    pub fn is_told(&self, made: &Made, report: &Report) -> bool {
        let truth = match made.at {
            Some(number) => self.at[&number].clone(),
            None => self.ours.clone(),
        };
        let is_true = |id: &str| truth.contains(id);
        report.findings.iter().any(|finding| {
            let elsewhere = self.server(&finding.place).is_some_and(|number| made.at.is_some_and(|at| at != number));
            !elsewhere && (is_true(&finding.id) || finding.remaining.iter().any(|cause| is_true(&cause.id)))
        })
    }

    /// The server that a place is at.
    pub fn server(&self, place: &Place) -> Option<Number> {
        let is_there = |host: &&Host| match place {
            Place::Name { name } => name == host.number.name(),
            Place::Host
            | Place::Network { .. }
            | Place::List
            | Place::Server { .. }
            | Place::Service { .. }
            | Place::Relay { .. }
            | Place::Control { .. }
            | Place::Gateway
            | Place::Peer { .. }
            | Place::Call => place.server().is_some_and(|address| host.has(address)),
        };
        self.hosts.iter().find(is_there).map(|host| host.number)
    }
}

/// What several causes at one place come to.
fn with_sums(mut truth: BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    // A server that is closed over UDP for one reason and over TCP for another is closed on every transport.
    let over_udp = ["turn-udp-closed", "turn-not-listening-udp"].iter().any(|id| truth.contains(id));
    if (over_udp || truth.contains("wrong-host")) && truth.contains("turn-tcp-closed") {
        truth.insert("turn-down");
    }
    // Who resets connections in the name of a server that drops everything makes it look as if UDP alone were dropped.
    if truth.contains("turn-down") && truth.contains("network-allow-list") && truth.contains("turn-tcp-closed") {
        truth.insert("turn-udp-closed");
    }
    // A server that answers neither Binding nor Allocate is no TURN server to anybody who asks.
    if truth.contains("stun-silent") && truth.contains("turn-disabled") {
        truth.extend(["wrong-host", "turn-down", "tls-not-turn"]);
    }
    truth
}

/// Whether any datagram arrived unasked at a relay of a server.
fn any_port_open(report: &Report, host: &Host) -> bool {
    let is_there = |seen: &Observation| seen.endpoint().is_none_or(|endpoint| host.has(endpoint.ip()));
    let arrived = |seen: &Observation| matches!(&seen.fact, Fact::Inbound(inbound) if inbound.way == InboundWay::Unsolicited && inbound.arrived);
    report.observations.iter().any(|seen| arrived(seen) && is_there(seen))
}

/// Whether all is asked of a server by its IPv6 addresses.
pub fn asks_by_v6_address(case: &Case) -> bool {
    let is_v6 = |address: Option<IpAddr>| address.is_some_and(|address| address.is_ipv6());
    case.drawn.asks.services.iter().all(|planned| is_v6(planned.service.host.address()))
}
