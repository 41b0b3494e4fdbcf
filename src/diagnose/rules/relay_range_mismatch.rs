//! `relay-range-mismatch`: the firewall opens another range than the server relays on.

use super::relay_ports_partly_closed::{Sampled, list};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-range-mismatch",
        group: Group::Relay,
        level: Level::Degrade,
        title: "server and firewall disagree on the relay range",
        meaning: "The range that the server relays on and the range that the firewall opens differ: one end of the server's range is closed.",
        impact: "Calls fail by chance: whenever the server picks a port beyond what the firewall opens.",
        proof: "Sorted by number, all sampled ports on one side of a boundary let a datagram in and all on the other side don't.",
        look_alikes: "relay-ports-partly-closed: there open and closed ports lie mixed.",
        remedy: "Give both the same range: min-port and max-port on the server, or the firewall's rule.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let sampled = Sampled::of(evidence);
    let (true, Some((open, closed))) = (sampled.is_one_block(), sampled.boundary()) else { return Judgement::Unknown };
    let (low, high) = (open.min(closed), open.max(closed));
    let side = if open < closed { "above" } else { "below" };
    let summary = format!(
        "The firewall opens another range than the server relays on: sampled ports {side} a boundary between {low} and {high} are closed ({}).",
        list(&sampled.closed)
    );
    let found = Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .because(sampled.evidence.iter().cloned())
        .unless("relay-ports-partly-closed", "sample more ports: if closed ones lie between open ones, the range has holes")
        .fix_by(
            Place::Firewall,
            "Open the server's whole range; 49152-65535 unless min-port and max-port say otherwise.",
            "ufw allow 49152:65535/udp",
        );
    let (setting, value) = if open < closed { ("max-port", open) } else { ("min-port", open) };
    if evidence.is_coturn() {
        found.fix_by(Place::Server, "Or keep coturn within what is open.", format!("{setting}={value}")).done()
    } else {
        found.fix(Place::Server, format!("Or keep the server within what is open, up to the boundary near {value}.")).done()
    }
}
