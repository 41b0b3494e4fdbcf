//! `clock-skew`: ephemeral credentials are valid by this host's clock and expired by the server's.

use super::refusals;
use super::refused_credentials::{self, Reading};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "clock-skew",
        group: Group::Authentication,
        level: Level::Fail,
        title: "two clocks disagree",
        meaning: "The host that makes the ephemeral credentials, or checks a certificate's dates, and the TURN server don't agree on the time. \
                  Credentials that one of them calls valid have ended for the other.",
        impact: "The server refuses allocations with credentials that are in order, so calls that need the relay fail.",
        proof: "The server answers 401, the stamp in the user name is still ahead by this host's clock, and the time that the server's host \
                tells lies after it.",
        look_alikes: "credentials-rejected: a wrong shared secret is refused the same way. Comparing the clocks tells.",
        remedy: "Synchronise the clocks of the TURN server and of the host that makes the credentials.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some(refused) = refused_credentials::read(evidence) else { return refused_credentials::excluded(evidence) };
    let Reading::Skewed { ahead } = refused.reading else { return Judgement::Unknown };
    let summary = format!(
        "The server's clock is {} ahead of this host's, so credentials that are still valid here are refused as expired on {} ({}).",
        refusals::span(ahead),
        refused.place(),
        refused.code(),
    );
    let found = refused
        .finding(evidence, &RULE.cause, summary)
        .confidence(Confidence::Likely)
        .unless("credentials-rejected", "set the clocks right; if the server still refuses, the shared secret differs")
        .fix_by(
            Place::Server,
            "Synchronise the clock of the TURN server.",
            "timedatectl set-ntp true && timedatectl timesync-status",
        )
        .fix_by(
            Place::Client,
            "See that the clock of the host that makes the credentials is right as well.",
            "timedatectl status",
        );
    refused.close(found)
}
