//! `tls-certificate-not-yet-valid`: the certificate begins after now.

use super::{handshakes, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::CertificateDefect;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-certificate-not-yet-valid",
        group: Group::Tls,
        level: Level::Degrade,
        title: "the TLS certificate is not valid yet",
        meaning: "The TURN server presents a certificate whose first day is still to come: it was issued for later, or on a host whose \
                  clock is ahead.",
        impact: "Browsers refuse the turns: URLs until that day, so users on networks that let only TLS out can't call.",
        proof: "The notBefore of the certificate that the server sent lies after this host's clock.",
        look_alikes: "A clock of this host that is behind: then unrelated hosts' certificates look the same, and the finding says it.",
        remedy: "Issue the certificate anew with the right clock, or wait until it begins.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let early = handshakes::with(evidence, CertificateDefect::NotYetValid);
    let Some(first) = early.first() else {
        return handshakes::excluded_by_handshakes(evidence, &[CertificateDefect::NotYetValid]);
    };
    let lost = handshakes::endpoints(&early);
    let certificate = first.certificate;
    let place = handshakes::places(&lost);
    let summary = if certificate.now < certificate.not_before {
        format!(
            "The TLS certificate on {place} is valid only from {}, {} from now.",
            handshakes::day(certificate.not_before),
            refusals::span(certificate.not_before - certificate.now),
        )
    } else {
        format!("An intermediate certificate that {place} sends is not valid yet, although the server's own is.")
    };
    let found =
        Found::new(&RULE.cause, summary).level(refusals::level(evidence, &RULE.cause, &lost)).because(handshakes::cite(&early));
    let elsewhere = handshakes::controls_with(evidence, CertificateDefect::NotYetValid);
    let found = if elsewhere.is_empty() {
        found
    } else {
        found.confidence(Confidence::Possible).because(elsewhere).unless(
            "clock-skew",
            "compare this host's clock with another's: certificates of unrelated hosts look too early here, too",
        )
    };
    found
        .fix_by(Place::Server, "Issue the certificate anew on a host whose clock is right.", "certbot renew --force-renewal")
        .fix_by(Place::Client, "If this host's clock is behind, set it right.", "timedatectl set-ntp true")
        .done()
}
