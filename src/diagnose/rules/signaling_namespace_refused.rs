//! `signaling-namespace-refused`: the gateway has no such namespace.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-namespace-refused",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the signaling server has no such namespace",
        meaning: "The signaling server answers, and the namespace that clients ask for is not one of its own. In Socket.IO's clients a path \
                  behind the host is the namespace, not a path of HTTP.",
        impact: "No call can be set up: the connection is refused before any event.",
        proof: "The server answers the connection by connect_error with \"Invalid namespace\".",
        look_alikes: "signaling-auth-refused: there the namespace exists and the login is refused. signaling-wrong-path is about the path \
                      of HTTP.",
        remedy: "Ask for a namespace that the server has, or add it there.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let signaling = evidence.signaling();
    let refused: Vec<_> = signaling.refusals(true).map(|(seen, _)| seen).collect();
    let Some(first) = refused.first() else { return Judgement::ruled_out_by(signaling.cite_let_in()) };
    let namespace = &first.fact.namespace;
    let summary = format!("The signaling server at {} has no namespace {namespace}.", first.target);
    Found::new(&RULE.cause, summary)
        .because(refused.iter().map(|seen| seen.cite()))
        .fix(Place::Application, "Set signaling.namespace to one that the server has; \"/\" is the one that every server has.")
        .fix_by(Place::Signaling, "Or add it on the server.", format!("io.of(\"{namespace}\").on(\"connection\", onConnection)"))
        .done()
}
