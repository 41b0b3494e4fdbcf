//! `redirected`: the server sends its clients to another one, which answers.

use super::redirections;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::RedirectEnd;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "redirected",
        group: Group::Allocation,
        level: Level::Warn,
        title: "the server redirects to another",
        meaning: "The server answers Allocate by 300 and names another server in ALTERNATE-SERVER, as a load balancer does.",
        impact: "Calls work for clients that follow redirections, a few round trips later; those that don't follow get no relay.",
        proof: "The answer to Allocate is 300, and the server that it names answers.",
        look_alikes: "redirect-dead and redirect-loop: there the way ends nowhere.",
        remedy: "If the redirection is not meant, take it out; if it is, keep every named server reachable.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let arrived = redirections::ended(evidence, RedirectEnd::Arrived);
    if arrived.is_empty() {
        return redirections::excluded(evidence);
    }
    let summary =
        format!("The server on {} redirects its clients to {}.", redirections::places(&arrived), redirections::to(&arrived));
    let found = Found::new(&RULE.cause, summary).because(redirections::cite(evidence, &arrived));
    let text = "List the server that does the work in iceServers, where the redirection is not needed to share the load.";
    let found = found.fix_by(Place::Application, text, redirections::url(&arrived));
    redirections::stop(evidence, found).done()
}
