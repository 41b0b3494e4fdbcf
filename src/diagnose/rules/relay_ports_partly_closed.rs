//! `relay-ports-partly-closed`: some sampled ports of the relay let datagrams in and others don't.

use super::packet_loss;
use super::relay_ports_closed::open_the_range;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::interval::clopper_pearson;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-ports-partly-closed",
        group: Group::Relay,
        level: Level::Degrade,
        title: "part of the relay's ports is closed",
        meaning: "The firewall lets in only some of the ports that the server relays on.",
        impact: "Calls fail by chance: whenever the server picks a closed port for one of them.",
        proof: "Some sampled ports let an unsolicited datagram in, and others fail after as many tries as the loss of the way demands.",
        look_alikes: "packet-loss: there a port that failed passes at another try. relay-range-mismatch: there the closed ports form one \
                      block at an end of the range.",
        remedy: "Open the whole range that the server relays on.",
    },
    folds: &[],
    judge,
};

/// The sampled ports, by whether they let a datagram in.
pub struct Sampled {
    /// Open ones, in order.
    pub open: Vec<u16>,
    /// Closed ones, in order.
    pub closed: Vec<u16>,
    /// The observations.
    pub evidence: Vec<String>,
}

impl Sampled {
    /// The ports on which IN was tried.
    pub fn of(evidence: &Evidence<'_>) -> Self {
        let mut sampled = Self { open: Vec::new(), closed: Vec::new(), evidence: Vec::new() };
        for relay in evidence.relays() {
            let Some(arrived) = relay.lets_in() else { continue };
            let side = if arrived { &mut sampled.open } else { &mut sampled.closed };
            side.push(relay.relayed.port());
            sampled.evidence.extend(relay.unsolicited.map(|seen| seen.cite()));
        }
        sampled.open.sort_unstable();
        sampled.closed.sort_unstable();
        sampled
    }

    /// Whether one cut parts open from closed: the lowest or highest port on the open side of it, and the first closed one.
    pub fn boundary(&self) -> Option<(u16, u16)> {
        let (first_open, last_open) = (*self.open.first()?, *self.open.last()?);
        let (first_closed, last_closed) = (*self.closed.first()?, *self.closed.last()?);
        if last_open < first_closed {
            Some((last_open, first_closed))
        } else if last_closed < first_open {
            Some((first_open, last_closed))
        } else {
            None
        }
    }

    /// Whether the ports are parted by one cut, and enough are closed that chance doesn't explain it.
    pub fn is_one_block(&self) -> bool {
        self.boundary().is_some() && self.closed.len() >= 2 && self.open.len() >= 2
    }
}

/// Ports in a sentence.
pub fn list(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let sampled = Sampled::of(evidence);
    if sampled.open.is_empty() || sampled.closed.is_empty() || sampled.is_one_block() {
        return Judgement::Unknown;
    }
    let total = sampled.open.len() + sampled.closed.len();
    let count = |ports: &[u16]| u32::try_from(ports.len()).unwrap_or(u32::MAX);
    let (lower, upper) = clopper_pearson(count(&sampled.open), count(&sampled.open) + count(&sampled.closed));
    let summary = format!(
        "Part of the relay's ports is closed: of {total} sampled, {} let nothing in, so {:.0} to {:.0} % of the range is open (95 %).",
        list(&sampled.closed),
        lower * 100.0,
        upper * 100.0
    );
    // Over TCP and TLS alone the way's loss is unknown, and with it the number of tries that a datagram needs.
    let measured = packet_loss::is_measured(evidence);
    let found = Found::new(&RULE.cause, summary)
        .confidence(if sampled.closed.len() > 1 && sampled.boundary().is_none() && measured {
            Confidence::Certain
        } else {
            Confidence::Likely
        })
        .because(sampled.evidence.iter().cloned());
    let found = if sampled.boundary().is_some() {
        found.unless(
            "relay-range-mismatch",
            "sample more ports: if all closed ones lie at one end, the firewall opens another range",
        )
    } else {
        found
    };
    let found = if measured {
        found
    } else {
        found.unless("packet-loss", "run callcheck again: on a line that loses packets other ports fail each time")
    };
    open_the_range(evidence, found).done()
}
