//! `credentials-expired`: the stamp in the ephemeral user name lies in the past.

use super::refusals;
use super::refused_credentials::{self, Reading};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "credentials-expired",
        group: Group::Authentication,
        level: Level::Fail,
        title: "the TURN credentials have expired",
        meaning: "The user name of ephemeral (REST) credentials carries the time at which they end, and that time is over. They were made \
                  with too short a life, or the application keeps using old ones.",
        impact: "The server refuses every allocation with them, so calls that need the relay fail.",
        proof: "The server answers 401 to a correctly signed Allocate, and the stamp in the user name lies before this host's clock.",
        look_alikes: "On the wire a wrong secret looks the same; the stamp tells. If the stamp is only minutes old, the time of issue may have \
                      been written in place of the expiry (credentials-malformed). clock-skew: there the stamp is still ahead by this host's clock, and behind by those of others.",
        remedy: "Fetch fresh credentials before each call, and give them a life that is longer than a call.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some(refused) = refused_credentials::read(evidence) else { return refused_credentials::excluded(evidence) };
    let Reading::Expired { ago, just } = refused.reading else { return Judgement::Unknown };
    let summary = format!(
        "The TURN credentials expired {} ago, and the server on {} refuses them ({}).",
        refusals::span(ago),
        refused.place(),
        refused.code(),
    );
    let found = refused.finding(evidence, &RULE.cause, summary);
    let found = if just {
        found.confidence(Confidence::Likely).unless(
            "credentials-malformed",
            "see what the application writes into the name: it must be the time at which they end, not the time at which they were made",
        )
    } else {
        found
    };
    let text = "Have the application fetch fresh credentials before each call, with an expiry that lies hours ahead.";
    let found = found.fix_by(Place::Application, text, "username = (unix time in seconds + 86400) + \":\" + user id");
    refused.close(found)
}
