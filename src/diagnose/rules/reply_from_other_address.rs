//! `reply-from-other-address`: the server's answers come from another address than the one that was asked.

use std::net::SocketAddr;

use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{list, places};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};
use crate::model::outcome::Outcome;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "reply-from-other-address",
        group: Group::Stun,
        level: Level::Fail,
        title: "answers come from another address",
        meaning: "The server has several addresses and answers from another one than it was asked at, so NATs and browsers drop the answer.",
        impact: "Browsers drop the answers, and so does nearly every NAT: no relay over UDP.",
        proof: "An answer with the right transaction id comes from another address or port.",
        look_alikes: "turn-udp-closed: behind a NAT the stray answer is dropped before it is seen, and the two look the same.",
        remedy: "Bind the server to the address that clients use.",
    },
    folds: &["turn-udp-closed", "turn-down"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let strayed: Vec<_> = evidence.promised().filter(|endpoint| answers_from(endpoint).is_some()).collect();
    let Some(from) = strayed.first().and_then(|first| answers_from(first)) else { return Judgement::Unknown };
    let lost = places(&strayed);
    let found = Found::new(&RULE.cause, format!("Asked at {}, the server answers from {from}.", list(&lost)))
        .level(evidence.level_of(&RULE.cause, &lost))
        .because(strayed.iter().flat_map(|endpoint| endpoint.cite_reachability()));
    if evidence.is_coturn() {
        let line = format!("listening-ip={}", lost[0].ip());
        found.fix_by(Place::Server, "Bind coturn to the address that clients use.", line).done()
    } else {
        found.fix_by(Place::Server, "Bind the server to the address that clients use, not to all of them.", "ss -lunp").done()
    }
}

fn answers_from(endpoint: &EndpointEvidence<'_>) -> Option<SocketAddr> {
    if endpoint.alive() {
        return None;
    }
    let binding = endpoint.binding.map(|binding| &binding.fact.reply.outcome);
    let challenge = endpoint.challenge.map(|challenge| &challenge.fact.reply.outcome);
    binding
        .into_iter()
        .chain(challenge)
        .find_map(|outcome| if let Outcome::FromElsewhere { from } = outcome { Some(*from) } else { None })
}
