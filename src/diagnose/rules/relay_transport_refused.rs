//! `relay-transport-refused`: the server does not relay UDP.

use super::refusals;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-transport-refused",
        group: Group::Allocation,
        level: Level::Fail,
        title: "the server relays no UDP",
        meaning: "Every browser asks for a relayed UDP address, whatever transport it uses to the server. This server refuses to relay UDP.",
        impact: "No browser gets a relay, so calls that need one fail.",
        proof: "An Allocate for UDP is refused by 442 (unsupported transport protocol).",
        look_alikes: "turn-udp-closed concerns the leg between the client and the server; this is the far side of the relay.",
        remedy: "Switch relaying of UDP on.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let refused = refusals::by_code(evidence, &[442]);
    if refused.is_empty() {
        return refusals::excluded_by_grant(evidence);
    }
    let lost = refusals::endpoints(&refused);
    let summary = format!("The server on {} refuses to relay UDP (442), which is all that browsers ask for.", list(&lost));
    let found =
        Found::new(&RULE.cause, summary).level(refusals::level(evidence, &RULE.cause, &lost)).because(refusals::cite(&refused));
    if evidence.is_coturn() {
        let text = "Take no-udp-relay out of turnserver.conf, and restart coturn.";
        found.fix_by(Place::Server, text, "sed -i '/^no-udp-relay/d' /etc/turnserver.conf && systemctl restart coturn").done()
    } else {
        found.fix(Place::Server, "Switch relaying of UDP on in the TURN server's settings.").done()
    }
}
