//! `redirect-dead`: the server sends its clients to one that doesn't answer.

use super::{redirections, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::fact::RedirectEnd;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "redirect-dead",
        group: Group::Allocation,
        level: Level::Fail,
        title: "the server redirects to a dead one",
        meaning: "The server answers Allocate by 300 and names another in ALTERNATE-SERVER, which is down, unreachable, or not named at all.",
        impact: "Clients that follow get no answer, and those that don't follow get no relay, so calls that need it fail.",
        proof: "The answer to Allocate is 300, and nothing answers at the address that it names.",
        look_alikes: "turn-down: there the listed server itself does not answer.",
        remedy: "Mend the named server, or take the redirection out.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let dead = redirections::ended(evidence, RedirectEnd::Dead);
    if let Some(nowhere) = to_nowhere(evidence).filter(|_| dead.is_empty()) {
        return nowhere;
    }
    if dead.is_empty() {
        return redirections::excluded(evidence);
    }
    let to = redirections::to(&dead);
    let summary = format!("The server on {} redirects its clients to {to}, where nothing answers.", redirections::places(&dead));
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &redirections::lost(&dead)))
        .because(redirections::cite(evidence, &dead))
        .fix(Place::Server, format!("Start the server at {to} and open its ports, if it is to do the work."));
    redirections::stop(evidence, found).done()
}

/// A redirection without an address leads nowhere.
fn to_nowhere(evidence: &Evidence<'_>) -> Option<Judgement> {
    let nowhere: Vec<_> = refusals::by_code(evidence, &[300])
        .into_iter()
        .filter(|refusal| match (refusal.signed, refusal.endpoint.refusal()) {
            (true, Some(refused)) => refused.fact.alternate.is_none(),
            (true, None) => false,
            (false, _) => refusal.endpoint.challenge.is_some_and(|challenge| challenge.fact.alternate.is_none()),
        })
        .collect();
    if nowhere.is_empty() {
        return None;
    }
    let lost = refusals::endpoints(&nowhere);
    let summary = format!("The server on {} redirects its clients (300) without saying where to.", list(&lost));
    let found =
        Found::new(&RULE.cause, summary).level(refusals::level(evidence, &RULE.cause, &lost)).because(refusals::cite(&nowhere));
    Some(redirections::stop(evidence, found).done())
}
