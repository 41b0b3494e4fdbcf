//! `server-address-blocked`: this network drops everything to the server's address. Silence alone never proves it: without a trace the
//! cause stands in `remaining` of others.

use crate::diagnose::controls::Answer;
use crate::diagnose::endpoint::{EndpointEvidence, Reachability};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::trace;
use crate::model::cause::{Cause, Group};
use crate::model::endpoint::Endpoint;
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "server-address-blocked",
        group: Group::Reach,
        level: Level::Fail,
        title: "this network blocks the server's address",
        meaning: "Everything that is sent to the server's address is dropped on the way, by an operator's block list for instance; from \
                  elsewhere the server answers.",
        impact: "Users in this network can't reach the server by any transport; others can.",
        proof: "All protocols to that address are silent here, and another network reaches it; or a trace shows that datagrams to that \
                address end in this network, while those to other hosts go on from there.",
        look_alikes: "turn-down: from one network alone the two look the same where no router tells of what it drops.",
        remedy: "Move the server to another address, or have the operator lift the block.",
    },
    folds: &["turn-down"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let blocked: Vec<_> = evidence.promised().filter(|endpoint| is_blocked(evidence, endpoint)).collect();
    let lost: Vec<Endpoint> = blocked.iter().map(|endpoint| endpoint.endpoint).collect();
    let Some(first) = lost.first().filter(|first| evidence.controls().over(first.ip()).stun() == Answer::Passes) else {
        let reached = evidence.endpoints().iter().filter(|endpoint| endpoint.alive() || endpoint.refused());
        return Judgement::ruled_out_by(reached.flat_map(EndpointEvidence::cite_reachability).collect());
    };
    let ends = trace::ends(evidence.traces(), &lost);
    let summary = format!("This network blocks the TURN server's address {}{}.", first.ip(), trace::named(&ends));
    Found::new(&RULE.cause, summary)
        .level(evidence.level_by_rest(&lost))
        .confidence(Confidence::Likely)
        .because(blocked.iter().flat_map(|endpoint| endpoint.cite_reachability()))
        .because(ends.into_iter().flat_map(|end| end.evidence))
        .because(evidence.controls().cite(&[ControlKind::Stun]))
        .unless("turn-down", "run callcheck from another network: if the server is silent there too, it is down")
        .fix(Place::Network, "Have the network or its operator lift the block of the server's address.")
        .fix(Place::Server, "Or move the server to another address.")
        .done()
}

/// Whether an address is silent by all that was tried, over UDP and otherwise, and its datagrams end in this network.
fn is_blocked(evidence: &Evidence<'_>, endpoint: &EndpointEvidence<'_>) -> bool {
    let is_silent = |it: &EndpointEvidence<'_>| matches!(it.reachability(), Reachability::Silent | Reachability::Rejected);
    let ends_here = trace::ends_here(evidence.traces(), endpoint);
    let mut others = evidence.siblings(endpoint).peekable();
    let answers = evidence.answering_port(endpoint.endpoint.ip()).is_some();
    ends_here && !answers && is_silent(endpoint) && others.peek().is_some() && others.all(is_silent)
}
