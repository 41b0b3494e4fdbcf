//! `stun-silent`: the server relays and does not answer STUN Binding.

use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{list, places};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "stun-silent",
        group: Group::Stun,
        level: Level::Warn,
        title: "the server does not answer STUN",
        meaning: "The server answers TURN and stays silent to a STUN Binding, as coturn does with no-stun.",
        impact: "Where the application lists this server as its only stun: URL, browsers learn no public address from it and more calls \
                 need the relay.",
        proof: "An Allocate is answered, a Binding on the same socket is not.",
        look_alikes: "turn-disabled: there it is the other way round.",
        remedy: "Remove no-stun, or list another STUN server.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let silent: Vec<_> = evidence.promised().filter(|endpoint| is_silent(endpoint)).collect();
    if silent.is_empty() {
        let answered =
            evidence.promised().filter_map(|endpoint| endpoint.binding).filter(|binding| binding.fact.reply.answered());
        return Judgement::ruled_out_by(answered.map(|binding| binding.cite()).collect());
    }
    let found = Found::new(&RULE.cause, format!("The server answers TURN and not STUN Binding on {}.", list(&places(&silent))))
        .because(silent.iter().filter_map(|endpoint| endpoint.binding).map(|binding| binding.cite()))
        .because(silent.iter().filter_map(|endpoint| endpoint.challenge).map(|challenge| challenge.cite()));
    if evidence.is_coturn() {
        found
            .fix_by(Place::Server, "Remove no-stun from turnserver.conf.", "sed -i 's/^no-stun$/#no-stun/' /etc/turnserver.conf")
            .done()
    } else {
        found.fix(Place::Server, "Let the server answer STUN, or list another STUN server in the application.").done()
    }
}

fn is_silent(endpoint: &EndpointEvidence<'_>) -> bool {
    let binding = endpoint.binding.is_some_and(|binding| binding.fact.reply.silent());
    // A lossy line may lose all sends of one Binding; those by which its loss is measured are Bindings, too.
    let answered = endpoint.loss().is_some_and(|tally| tally.arrived > 0);
    binding && !answered && endpoint.challenge.is_some_and(|challenge| challenge.fact.reply.answered())
}
