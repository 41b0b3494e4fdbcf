//! `relay-range-mismatch`: the firewall opens another range than the server relays on.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::ports::TriedPorts;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};
use crate::model::ports::USUAL_RELAY_RANGE;

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
    let tried = TriedPorts::of(evidence);
    let Some(block) = tried.one_end() else { return Judgement::Unknown };
    let (side, open, setting) = match (block.open_below, block.open_above) {
        (Some(below), _) => ("above", below, "max-port"),
        (None, Some(above)) => ("below", above, "min-port"),
        (None, None) => return Judgement::Unknown,
    };
    let summary = if tried.complete {
        format!(
            "The firewall opens another range than the server relays on: the ports {side} {open} are closed, {} ({} of {}).",
            block.closed,
            block.tried,
            tried.count()
        )
    } else {
        let next = if side == "above" { block.closed.first() } else { block.closed.last() };
        let (low, high) = (open.min(next), open.max(next));
        format!(
            "The firewall opens another range than the server relays on: all {} sampled ports {side} a boundary between {low} and {high} are closed.",
            block.tried
        )
    };
    let certain = tried.place_is_certain() && tried.tried_enough;
    let found = Found::new(&RULE.cause, summary)
        .confidence(if certain { Confidence::Certain } else { Confidence::Likely })
        .because(tried.evidence.iter().cloned());
    let found = if certain {
        found
    } else {
        found.unless("relay-ports-partly-closed", "sample more ports: if closed ones lie between open ones, the range has holes")
    };
    let missing = if tried.complete { block.closed } else { USUAL_RELAY_RANGE };
    let found = found.fix_by(
        Place::Firewall,
        "Open the server's whole range; 49152-65535 unless min-port and max-port say otherwise.",
        format!("ufw allow {}/udp", missing.with_colon()),
    );
    if evidence.is_coturn() {
        found.fix_by(Place::Server, "Or keep coturn within what is open.", format!("{setting}={open}")).done()
    } else {
        found.fix(Place::Server, format!("Or keep the server within what is open, up to the boundary near {open}.")).done()
    }
}
