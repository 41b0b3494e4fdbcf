//! `nonce-loop`: every nonce is stale at once, the fresh ones too.

use super::{packet_loss, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::fact::AllocationFact;
use crate::model::finding::{Confidence, Level, Place};

/// How often a fresh nonce must be refused.
const STALE: u32 = 2;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "nonce-loop",
        group: Group::Authentication,
        level: Level::Fail,
        title: "the server calls every nonce stale",
        meaning: "The server hands out a nonce and refuses it at once as stale, again and again. Requests of one client reach different \
                  servers that don't know each other's nonces, or the life of a nonce is set to next to nothing.",
        impact: "Nobody gets past authentication, so calls that need the relay fail.",
        proof: "A signed Allocate with a fresh nonce is answered by 438 each time.",
        look_alikes: "A single 438 is ordinary: nonces expire, and the client goes on with the new one.",
        remedy: "Let all packets of one client reach one server, and give nonces a life of minutes.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let looping: Vec<_> = evidence
        .promised()
        .filter_map(|endpoint| endpoint.refusal().map(|refused| (endpoint.endpoint, refused)))
        .filter(|(_, refused)| is_loop(refused.fact))
        .collect();
    let Some((_, first)) = looping.first() else { return refusals::excluded_by_grant(evidence) };
    let lost: Vec<_> = looping.iter().map(|(endpoint, _)| *endpoint).collect();
    let summary = format!(
        "The server on {} calls every nonce stale, even one that it gave a moment before ({} times in a row).",
        list(&lost),
        first.fact.stale_nonces,
    );
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(looping.iter().map(|(_, refused)| refused.cite()));
    let found = if packet_loss::shows(evidence) {
        let decide = "run callcheck over another line: on one that loses packets a short-lived nonce goes stale on its way";
        found.confidence(Confidence::Likely).unless("packet-loss", decide)
    } else {
        found
    };
    let found = if evidence.is_coturn() {
        found.fix_by(
            Place::Server,
            "Give nonces the usual ten minutes in turnserver.conf, and restart coturn.",
            "stale-nonce=600",
        )
    } else {
        found.fix(Place::Server, "Raise the life of a nonce to some minutes.")
    };
    let text =
        "Where a load balancer spreads clients over several servers, bind each client to one by its source address and port.";
    found.fix(Place::Server, text).done()
}

/// A nonce that expired while a lost request was repeated is no loop.
fn is_loop(refused: &AllocationFact) -> bool {
    refused.reply.code() == Some(438) && refused.reply.sends == 1 && refused.stale_nonces >= STALE
}
