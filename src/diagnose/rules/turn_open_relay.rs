//! `turn-open-relay`: the server relays for anyone.

use super::refusals;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "turn-open-relay",
        group: Group::Authentication,
        level: Level::Warn,
        title: "anyone may use the relay",
        meaning: "The server grants allocations without credentials. Strangers can send their traffic through it, into its own network too, \
                  under its address.",
        impact: "Calls work; but strangers can use up the server's ports and bandwidth, and do harm in its name.",
        proof: "An Allocate without credentials is granted.",
        look_alikes: "None: every other TURN server answers 401.",
        remedy: "Switch authentication on.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let challenges =
        || refusals::served(evidence).filter_map(|endpoint| endpoint.challenge.map(|challenge| (endpoint.endpoint, challenge)));
    let open: Vec<_> = challenges().filter(|(_, challenge)| challenge.fact.reply.succeeded()).collect();
    if open.is_empty() {
        let asking = challenges().filter(|(_, challenge)| challenge.fact.reply.code() == Some(401));
        return Judgement::ruled_out_by(asking.map(|(_, challenge)| challenge.cite()).collect());
    }
    let places: Vec<_> = open.iter().map(|(endpoint, _)| *endpoint).collect();
    let summary = format!("The server on {} gives a relay to anyone, without credentials.", list(&places));
    let found = Found::new(&RULE.cause, summary).because(open.iter().map(|(_, challenge)| challenge.cite()));
    if evidence.is_coturn() {
        let text =
            "Take no-auth out of turnserver.conf, name a secret (or lt-cred-mech with users) and a realm, and restart coturn.";
        found.fix_by(Place::Server, text, "use-auth-secret\nstatic-auth-secret=SECRET\nrealm=example.org").done()
    } else {
        found
            .fix(Place::Server, "Switch authentication by long-term credentials on, with a realm and a user or a shared secret.")
            .done()
    }
}
