//! `realm-mismatch`: the server works in another realm than its challenge says, or forgets whose allocation it is.

use super::refusals;
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "realm-mismatch",
        group: Group::Authentication,
        level: Level::Fail,
        title: "the server does not accept its own realm",
        meaning: "The server's challenge names a realm, and requests that are signed in that realm are refused as a mismatch: the server has \
                  several realms, or several servers with different ones share an address.",
        impact: "Nobody gets an allocation that lasts, so calls that need the relay fail.",
        proof: "An Allocate in the realm of the challenge is answered by 437 again from a new local port, or a request on a live allocation \
                by 441.",
        look_alikes: "A single 437 comes from a local port that was used a moment ago, and is no fault. credentials-rejected is a 401.",
        remedy: "Configure one realm, the same on every server behind the address.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let mismatched: Vec<_> = evidence
        .promised()
        .filter_map(|endpoint| {
            let (code, ids) = mismatch(evidence, endpoint)?;
            Some((endpoint.endpoint, code, ids))
        })
        .collect();
    let Some((_, code, _)) = mismatched.first() else { return refusals::excluded_by_grant(evidence) };
    let lost: Vec<_> = mismatched.iter().map(|(endpoint, ..)| *endpoint).collect();
    let place = list(&lost);
    let summary = if *code == 437 {
        format!(
            "The server on {place} refuses requests in the realm that it announces itself (437 again, from a new local port)."
        )
    } else {
        format!("The server on {place} grants an allocation and then refuses requests of the same user (441).")
    };
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(mismatched.iter().flat_map(|(_, _, ids)| ids.clone()));
    let found = if evidence.is_coturn() {
        let text = "Keep one realm in turnserver.conf, and none in the database's tables turn_realm and turn_origin_to_realm; restart coturn.";
        found.fix_by(Place::Server, text, "realm=example.org")
    } else {
        found.fix(Place::Server, "Configure a single realm, and announce that one in the challenge.")
    };
    found.fix(Place::Server, "Where several servers share the address, give all of them the same realm.").done()
}

/// The code of the mismatch with the observations that show it.
fn mismatch(evidence: &Evidence<'_>, endpoint: &EndpointEvidence<'_>) -> Option<(u16, Vec<String>)> {
    let of_code = |code: u16| {
        // The second try goes to a new 5-tuple with the nonce of the first: one fresh nonce is ordinary there.
        let allocations = endpoint.allocations.iter().zip(0..).filter(move |(seen, ordinary)| {
            // After a stale nonce a 437 may be about this run's own Allocate, whose answer was lost.
            seen.fact.reply.code() == Some(code) && (code != 437 || seen.fact.stale_nonces <= *ordinary)
        });
        let allocations = allocations.map(|(seen, _)| seen);
        allocations.map(Seen::cite).collect::<Vec<_>>()
    };
    let again = of_code(437);
    if again.len() >= 2 && endpoint.refusal().is_some_and(|last| last.fact.reply.code() == Some(437)) {
        return Some((437, again));
    }
    let relays = evidence.relays().iter().filter(|relay| relay.endpoint == endpoint.endpoint);
    let permissions = relays.flat_map(|relay| relay.permissions.iter()).filter(|seen| seen.fact.reply.code() == Some(441));
    let channel = endpoint.channel.filter(|seen| seen.fact.reply.code() == Some(441)).map(|seen| seen.cite());
    let wrong_user: Vec<String> = of_code(441).into_iter().chain(permissions.map(Seen::cite)).chain(channel).collect();
    if wrong_user.is_empty() { None } else { Some((441, wrong_user)) }
}
