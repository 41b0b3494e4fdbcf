//! `relay-ports-partly-closed`: some sampled ports of the relay let datagrams in and others don't.

use super::packet_loss;
use super::relay_ports_closed::open_the_range;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::interval::clopper_pearson;
use crate::diagnose::ports::TriedPorts;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level};
use crate::model::relay_ports::Share;

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

/// The most blocks that a sentence names.
const NAMED: usize = 3;

/// Closed ports in a sentence: by their blocks where these are few, else one by one as far as a reader follows.
pub fn list(tried: &TriedPorts) -> String {
    let blocks = tried.blocks();
    if blocks.len() <= NAMED && blocks.iter().any(|block| block.tried > 1) {
        return blocks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    }
    let ports: Vec<String> = tried.closed.iter().map(|port| port.to_string()).collect();
    let shown = ports[..ports.len().min(MOST_PORTS)].join(", ");
    match ports.len() - ports.len().min(MOST_PORTS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The most ports that a sentence lists.
const MOST_PORTS: usize = 12;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let tried = TriedPorts::of(evidence);
    let explained_by_loss = !tried.tried_enough && packet_loss::shows(evidence);
    let none_open = tried.open.is_empty() && tried.others_open != Some(true);
    if none_open || tried.closed.is_empty() || tried.one_end().is_some() || explained_by_loss {
        return Judgement::Unknown;
    }
    let summary = summary(&tried);
    let one_end_only = matches!(tried.blocks()[..], [block] if block.open_below.is_none() || block.open_above.is_none());
    // Over TCP and TLS alone the way's loss is unknown, and with it the number of tries that a datagram needs.
    let sure = tried.tried_enough && (tried.complete || tried.closed.count() > 1 && !one_end_only);
    let found = Found::new(&RULE.cause, summary)
        .confidence(if sure { Confidence::Certain } else { Confidence::Likely })
        .because(tried.evidence.iter().cloned());
    let found = if one_end_only && !tried.complete {
        found.unless(
            "relay-range-mismatch",
            "sample more ports: if all closed ones lie at one end, the firewall opens another range",
        )
    } else {
        found
    };
    let found = if tried.tried_enough {
        found
    } else {
        found.unless("packet-loss", "run callcheck again: on a line that loses packets other ports fail each time")
    };
    open_the_range(evidence, found).done()
}

fn summary(tried: &TriedPorts) -> String {
    let (count, closed) = (tried.count(), list(tried));
    if tried.open.is_empty() {
        return format!(
            "Part of the relay's ports is closed: none of {count} asked for lets anything in, {closed}, and others do."
        );
    }
    if tried.complete {
        return format!("Part of the relay's ports is closed: {} of {count}, {closed}.", tried.closed.count());
    }
    let (lower, upper) = clopper_pearson(tried.open.count(), count);
    let share = Share { lower, upper };
    format!(
        "Part of the relay's ports is closed: of {count} sampled, {closed} let nothing in, so {share} of the range is open (95 %)."
    )
}
