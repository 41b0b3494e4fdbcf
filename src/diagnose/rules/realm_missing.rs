//! `realm-missing`: the challenge lacks what every client needs to sign its request.

use super::{refusals, refused_credentials};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "realm-missing",
        group: Group::Authentication,
        level: Level::Fail,
        title: "the server's challenge has no realm",
        meaning: "A TURN server answers the first Allocate by 401 with its realm and a nonce, from which clients compute their signature. This \
                  server leaves one of the two out, usually because no realm is configured.",
        impact: "No client can sign its request, so nobody gets an allocation, and calls that need the relay fail.",
        proof: "The 401 to an Allocate without credentials comes without a REALM, with an empty one, or without a NONCE.",
        look_alikes: "credentials-rejected: there the challenge is whole, and a signed request is refused.",
        remedy: "Configure a realm on the server.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let asking = || refusals::served(evidence).filter_map(|endpoint| endpoint.challenge.map(|challenge| (endpoint, challenge)));
    let lacking: Vec<_> =
        asking().filter(|(endpoint, _)| refused_credentials::lacks_realm(endpoint) && endpoint.allocation().is_none()).collect();
    let Some((_, first)) = lacking.first() else {
        let whole = asking().filter(|(endpoint, challenge)| {
            challenge.fact.reply.code() == Some(401) && !refused_credentials::lacks_realm(endpoint)
        });
        return Judgement::ruled_out_by(whole.map(|(_, challenge)| challenge.cite()).collect());
    };
    let what = match (first.fact.realm.as_deref(), first.fact.nonce) {
        (None, false) => "neither a REALM nor a NONCE",
        (None, true) => "no REALM",
        (Some(""), _) => "an empty REALM",
        (Some(_), _) => "no NONCE",
    };
    let lost: Vec<_> = lacking.iter().map(|(endpoint, _)| endpoint.endpoint).collect();
    let summary = format!("The server on {} asks for credentials with {what}, so no client can sign its request.", list(&lost));
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(lacking.iter().map(|(_, challenge)| challenge.cite()));
    let found = if evidence.is_coturn() {
        found.fix_by(
            Place::Server,
            "Set a realm in turnserver.conf and restart coturn; a domain of yours is usual.",
            "realm=example.org",
        )
    } else {
        found.fix(
            Place::Server,
            "Configure a realm on the TURN server, and see that authentication by long-term credentials is on.",
        )
    };
    found.done()
}
