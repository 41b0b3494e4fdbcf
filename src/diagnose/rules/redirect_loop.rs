//! `redirect-loop`: servers send a client back and forth.

use super::{redirections, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::RedirectEnd;
use crate::model::finding::Level;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "redirect-loop",
        group: Group::Allocation,
        level: Level::Fail,
        title: "servers redirect in a circle",
        meaning: "The server answers Allocate by 300 and names another, which redirects again, until one is named that had redirected before \
                  or the chain gets too long.",
        impact: "No client ever gets an allocation, so calls that need the relay fail.",
        proof: "The ALTERNATE-SERVER of an answer is a server that had redirected before, or five redirections follow one another.",
        look_alikes: "redirected: there the chain ends at a server that answers.",
        remedy: "Let the servers that do the work have no alternate of their own.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let looping = redirections::ended(evidence, RedirectEnd::Loop);
    if looping.is_empty() {
        return redirections::excluded(evidence);
    }
    let summary = format!(
        "The server on {} redirects its clients in a circle, by {}.",
        redirections::places(&looping),
        redirections::way(&looping),
    );
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &redirections::lost(&looping)))
        .because(redirections::cite(evidence, &looping));
    redirections::stop(evidence, found).done()
}
