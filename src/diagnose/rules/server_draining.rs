//! `server-draining`: the server takes no new allocations, because it is about to stop.

use super::refusals;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "server-draining",
        group: Group::Allocation,
        level: Level::Fail,
        title: "the server takes no new allocations",
        meaning: "The server forbids every new allocation: it is being emptied before it stops, and waits for the calls that it still carries.",
        impact: "Calls that are under way go on; new ones get no relay here, and those that need it fail.",
        proof: "An Allocate is refused by 403 (forbidden).",
        look_alikes: "A server whose policy forbids this client or user answers the same: then it does so after a restart as well. peer-denied is \
                      a 403, too, but on CreatePermission.",
        remedy: "Send users to another server, or end the draining by a restart.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let refused = refusals::by_code(evidence, &[403]);
    if refused.is_empty() {
        return refusals::excluded_by_grant(evidence);
    }
    let lost = refusals::endpoints(&refused);
    let summary = format!(
        "The server on {} takes no new allocations (403): it is being emptied, or its policy forbids them.",
        list(&lost),
    );
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(refusals::cite(&refused))
        .fix(Place::Application, "Take the server out of iceServers while it is being emptied, and list one that takes calls.");
    if evidence.is_coturn() {
        found
            .fix_by(Place::Server, "If the draining is over or was not meant, restart coturn.", "systemctl restart coturn")
            .done()
    } else {
        found.fix(Place::Server, "If the draining is over or was not meant, restart the server.").done()
    }
}
