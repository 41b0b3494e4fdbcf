//! `tls-certificate-expired`: the certificate, or another of its chain, ended before now.

use super::{handshakes, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::CertificateDefect;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-certificate-expired",
        group: Group::Tls,
        level: Level::Degrade,
        title: "the TLS certificate has expired",
        meaning: "The TURN server presents a certificate whose last day is over, or one of its intermediates is. Most often the renewal \
                  failed, or it succeeded and the server was never told to load the new file.",
        impact: "Browsers refuse the turns: URLs, so users on networks that let only TLS out can't call.",
        proof: "The notAfter of the certificate that the server sent lies before this host's clock.",
        look_alikes: "A wrong clock on this host makes every certificate look expired: then unrelated hosts' certificates look so too, and \
                      the finding says it.",
        remedy: "Renew the certificate, and make the server load it: coturn does so on SIGUSR2 or at a restart.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let expired = handshakes::with(evidence, CertificateDefect::Expired);
    let Some(first) = expired.first() else {
        return handshakes::excluded_by_handshakes(evidence, &[CertificateDefect::Expired]);
    };
    let lost = handshakes::endpoints(&expired);
    let certificate = first.certificate;
    let place = handshakes::places(&lost);
    let summary = if certificate.now > certificate.not_after {
        format!(
            "The TLS certificate on {place} expired on {}, {} ago.",
            handshakes::day(certificate.not_after),
            refusals::span(certificate.now - certificate.not_after),
        )
    } else {
        format!(
            "An intermediate certificate that {place} sends has expired, although the server's own is valid until {}.",
            handshakes::day(certificate.not_after),
        )
    };
    let found =
        Found::new(&RULE.cause, summary).level(refusals::level(evidence, &RULE.cause, &lost)).because(handshakes::cite(&expired));
    let elsewhere = handshakes::controls_with(evidence, CertificateDefect::Expired);
    if elsewhere.is_empty() {
        return handshakes::renew(evidence, found).done();
    }
    let found = found
        .confidence(Confidence::Possible)
        .because(elsewhere)
        .unless(
            "clock-skew",
            "compare this host's clock with another's: certificates of unrelated hosts look expired from here, too",
        )
        .fix_by(Place::Client, "Set this host's clock right and run callcheck again.", "timedatectl set-ntp true");
    handshakes::renew(evidence, found).done()
}
