//! `relay-range-mismatch`: the firewall opens another range than the server relays on.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::ports::{self, Needed, Source, TriedPorts};
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
    let tried = TriedPorts::of(evidence);
    let Some(block) = tried.one_end() else { return Judgement::Unknown };
    let (side, open, setting) = match (block.open_below, block.open_above) {
        (Some(below), _) => ("above", below, "max-port"),
        (None, Some(above)) => ("below", above, "min-port"),
        (None, None) => return Judgement::Unknown,
    };
    // A responder holds the ports that it was told, whichever a TURN server there uses.
    let of_server = !evidence.relays().is_empty();
    let differs = if of_server {
        "The firewall opens another range than the server relays on"
    } else {
        "The firewall opens only a part of the range"
    };
    let summary = if tried.complete {
        let (closed, count) = (block.closed, tried.count());
        format!("{differs}: the ports {side} {open} are closed, {closed} ({} of {count}).", block.tried)
    } else {
        let next = if side == "above" { block.closed.first() } else { block.closed.last() };
        let (low, high) = (open.min(next), open.max(next));
        format!("{differs}: all {} sampled ports {side} a boundary between {low} and {high} are closed.", block.tried)
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
    let Needed { range, source } = ports::needed(evidence);
    let missing = if tried.complete { block.closed } else { range };
    let text = match source {
        Source::Usual => format!("Open the server's whole range; {range} unless min-port and max-port say otherwise."),
        Source::Samples => {
            format!("Open the server's whole range: about {range} by the samples, and exactly from min-port to max-port.")
        }
        Source::Known => format!("Open the whole range {range}; what is missing is this."),
    };
    let found = found.fix_by(Place::Firewall, text, format!("ufw allow {}/udp", missing.with_colon()));
    if evidence.is_coturn() {
        return found.fix_by(Place::Server, "Or keep coturn within what is open.", format!("{setting}={open}")).done();
    }
    let bound = if side == "above" { "up to" } else { "from" };
    let exact = if tried.complete { "" } else { "about " };
    found.fix(Place::Server, format!("Or keep the TURN server within what is open, {bound} {exact}{open}.")).done()
}
