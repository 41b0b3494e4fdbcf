//! `clock-skew`: ephemeral credentials are valid by this host's clock and expired by those of others.

use super::handshakes;
use super::refusals;
use super::refused_credentials::{self, Reading, Refused};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::CredentialsSource;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "clock-skew",
        group: Group::Authentication,
        level: Level::Fail,
        title: "this host's clock is wrong",
        meaning: "Ephemeral credentials carry the time at which they end. With a clock that is behind, a host makes, or still takes for valid, \
                  what has ended for everybody else. Certificates have dates as well, which a wrong clock misreads.",
        impact: "The server refuses every allocation with them, so calls that need the relay fail.",
        proof: "The server answers 401, the stamp in the user name is still ahead by this host's clock, and by the clocks of unrelated hosts, \
                which their web servers tell in the Date of an answer, it has passed. Or a certificate is out of its dates by this host's \
                clock and within them by those.",
        look_alikes: "credentials-rejected: a wrong shared secret is refused the same way, and so are right credentials by a server whose own \
                      clock is ahead, which can't be seen from outside. credentials-expired: there this host's clock agrees.",
        remedy: "Set the clock of this host, and see that those of the TURN server and of the host that makes the credentials are right.",
    },
    folds: &[],
    judge,
};

const SET_CLOCK: (&str, &str) = ("Synchronise this host's clock.", "timedatectl set-ntp true && timedatectl timesync-status");

fn judge(evidence: &Evidence<'_>) -> Judgement {
    match refused_credentials::read(evidence) {
        Some(refused) => match refused.reading {
            Reading::Skewed { behind } => of_credentials(evidence, &refused, behind),
            Reading::Malformed(_) | Reading::Expired { .. } | Reading::EphemeralRejected | Reading::Rejected => {
                of_certificates(evidence).unwrap_or(Judgement::Unknown)
            }
        },
        None => of_certificates(evidence).unwrap_or_else(|| refused_credentials::excluded(evidence)),
    }
}

/// Certificates that are out of their dates by this host's clock alone.
fn of_certificates(evidence: &Evidence<'_>) -> Option<Judgement> {
    let mistimed: Vec<_> =
        handshakes::presented(evidence).filter(|presented| handshakes::is_mistimed(evidence, presented)).collect();
    let lost = handshakes::endpoints(&mistimed);
    let first = mistimed.first()?;
    let behind = evidence.clock_behind();
    let (way, dates) = if behind > 0 { ("behind", "not valid yet") } else { ("ahead", "expired") };
    let summary = format!(
        "This host's clock is {} {way}, so the TLS certificate on {} looks as if it were {dates}.",
        refusals::span(behind),
        handshakes::places(&[first.endpoint.endpoint]),
    );
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &Cause { level: Level::Degrade, ..RULE.cause }, &lost))
        .because(handshakes::cite(&mistimed))
        .because(evidence.clocks().map(|clock| clock.cite()))
        .fix_by(Place::Client, SET_CLOCK.0, SET_CLOCK.1);
    Some(found.done())
}

fn of_credentials(evidence: &Evidence<'_>, refused: &Refused<'_, '_>, behind: i64) -> Judgement {
    let summary = format!(
        "This host's clock is {} behind, so ephemeral credentials that are valid by it are refused as expired on {} ({}).",
        refusals::span(behind),
        refused.place(),
        refused.code(),
    );
    let found = refused
        .finding(evidence, &RULE.cause, summary)
        .confidence(Confidence::Likely)
        .unless("credentials-rejected", "set the clock and try again: if the server still refuses, the shared secret differs");
    let made_here = refused.credentials.is_some_and(|seen| seen.fact.source == CredentialsSource::Computed);
    let found = if made_here {
        found
    } else {
        found.unless("credentials-expired", "fetch fresh credentials: if the server takes them, their maker's clock is right")
    };
    let found = found.fix_by(Place::Client, SET_CLOCK.0, SET_CLOCK.1).fix_by(
        Place::Server,
        "See that the clock of the host that makes the credentials is right as well.",
        "timedatectl status",
    );
    refused.close(found)
}
