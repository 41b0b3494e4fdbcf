//! `tls-untrusted-issuer`: the chain ends in a root that nobody knows, or the certificate is its own issuer.

use super::handshakes::{self, Presented};
use super::refusals;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::CertificateDefect;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-untrusted-issuer",
        group: Group::Tls,
        level: Level::Degrade,
        title: "the TLS certificate's issuer is not trusted",
        meaning: "The certificate is self-signed, or its chain ends in a root that is not among the trusted ones here. A browser has no way \
                  to ask its user about a TURN server's certificate: it just fails.",
        impact: "Browsers refuse the turns: URLs, so users on networks that let only TLS out can't call.",
        proof: "The chain that the server sent does not lead to a trusted root.",
        look_alikes: "tls-chain-incomplete: a single certificate of a public authority lacks its intermediate. tls-intercepted: there \
                      unrelated hosts present certificates of the same unknown issuer.",
        remedy: "Get a certificate from a public authority; or install the private root on every user's device and give it to callcheck by \
                 --ca.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let untrusted: Vec<_> = handshakes::presented(evidence).filter(is_untrusted).collect();
    let Some(first) = untrusted.first() else {
        return handshakes::excluded_by_trust(evidence);
    };
    let lost = handshakes::endpoints(&untrusted);
    let name = &first.handshake.fact.server_name;
    let found = Found::new(&RULE.cause, summary(first, &handshakes::places(&lost)))
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(handshakes::cite(&untrusted));
    let unclear = untrusted.iter().any(|presented| !presented.has(CertificateDefect::UntrustedIssuer));
    let found = if untrusted.iter().any(Presented::is_lone_leaf) {
        let command = handshakes::show_chain(lost[0], name);
        found.confidence(Confidence::Likely).unless(
            "tls-chain-incomplete",
            format!("see who issued it ({command}): if that is a public authority, its intermediate is what is missing"),
        )
    } else if unclear {
        found.confidence(Confidence::Likely)
    } else {
        found
    };
    // Without any other host's certificate nothing tells that this network doesn't issue them all.
    let compared = evidence.control_handshakes().any(|control| control.fact.certificate.is_some());
    let found = if compared || first.certificate.self_signed {
        found
    } else {
        found.confidence(Confidence::Likely).unless(
            "tls-intercepted",
            "allow controls, or run callcheck from another network: if the issuer is another one there, this network looks into TLS",
        )
    };
    let subject = if handshakes::is_address(name) { "NAME" } else { name };
    let text = "Get a certificate from a public authority for the server's name.";
    let found = found.fix_by(Place::Server, text, format!("certbot certonly --standalone -d {subject}"));
    let found = handshakes::set_certificate(evidence, found, name);
    let text = "If the issuer is your own and every user's device trusts it, give its root to callcheck as well.";
    found.fix_by(Place::Client, text, format!("callcheck turn {name} --ca root.pem")).done()
}

/// Any defect of the chain that has no cause of its own counts here: no client trusts such a chain either.
fn is_untrusted(presented: &Presented<'_, '_>) -> bool {
    presented.has(CertificateDefect::UntrustedIssuer) || presented.has(CertificateDefect::Invalid)
}

fn summary(first: &Presented<'_, '_>, place: &str) -> String {
    let issuer = &first.certificate.issuer;
    if !first.has(CertificateDefect::UntrustedIssuer) {
        format!("The TLS certificate on {place}, issued by {issuer}, can't be verified: it or its chain is malformed.")
    } else if first.certificate.self_signed {
        format!("The TLS certificate on {place} is self-signed ({issuer}), so no browser trusts it.")
    } else {
        format!("The TLS certificate on {place} was issued by {issuer}, which no trusted root vouches for.")
    }
}
