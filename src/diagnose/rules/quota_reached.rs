//! `quota-reached`: the server grants no more allocations to this user, or to anyone.

use super::refusals;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "quota-reached",
        group: Group::Allocation,
        level: Level::Fail,
        title: "the allocation quota is reached",
        meaning: "The server limits how many allocations one user, or all users together, may hold at a time, and that many are held. A \
                  browser takes one for each URL and network interface; a client that vanishes without a word holds its own for ten minutes.",
        impact: "New calls get no relay until others end, so those that need it fail.",
        proof: "An Allocate is refused by 486, also after this run held nothing itself.",
        look_alikes: "relay-ports-exhausted is 508. This tool's own allocations can fill a small quota: a refusal beside a granted allocation \
                      is therefore no finding.",
        remedy: "Raise the quota per user or in total, or give each user a name of its own.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let met: Vec<_> = refusals::by_code(evidence, &[486])
        .into_iter()
        .filter(|refusal| !refusals::granted_elsewhere(evidence, refusal.endpoint))
        .collect();
    if met.is_empty() {
        let past_quota = refusals::by_code(evidence, &[508]);
        return Judgement::ruled_out_by(refusals::granted(evidence).into_iter().chain(refusals::cite(&past_quota)).collect());
    }
    let lost = refusals::endpoints(&met);
    let summary = format!(
        "The server on {} refuses an allocation because a quota is reached (486): too many are held already.",
        list(&lost),
    );
    let found =
        Found::new(&RULE.cause, summary).level(refusals::level(evidence, &RULE.cause, &lost)).because(refusals::cite(&met));
    let found = if evidence.is_coturn() {
        let text = "Raise the quotas in turnserver.conf, or take them out: 0 is no limit; then restart coturn.";
        found.fix_by(Place::Server, text, "user-quota=50\ntotal-quota=1200")
    } else {
        found.fix(Place::Server, "Raise the number of allocations that one user, and all users together, may hold.")
    };
    let text = "Give each user ephemeral credentials with a user id, so that they don't share one quota, and few URLs, as each takes an \
                allocation.";
    found.fix(Place::Application, text).done()
}
