//! `tls-name-mismatch`: the certificate is made out to other names than the one that was asked for.

use super::{handshakes, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::CertificateDefect;
use crate::model::finding::{Level, Place};

/// How many names of a certificate a sentence can bear.
const NAMES: usize = 3;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-name-mismatch",
        group: Group::Tls,
        level: Level::Degrade,
        title: "the TLS certificate is for another name",
        meaning: "None of the names in the certificate is the host of the turns: URL. Either the URL uses another name or the bare address \
                  of the server, or the server presents the certificate of another service.",
        impact: "Browsers refuse the turns: URLs with this host, so users on networks that let only TLS out can't call.",
        proof: "No subject alternative name of the certificate fits the host that was asked for.",
        look_alikes: "wrong-host: if the certificate's names belong to somebody else, the DNS entry may point to the wrong address.",
        remedy: "List the server by a name that its certificate holds, or get a certificate for the name that is listed.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let other = handshakes::with(evidence, CertificateDefect::NameMismatch);
    let Some(first) = other.first() else {
        return handshakes::excluded_by_handshakes(evidence, &[CertificateDefect::NameMismatch]);
    };
    let lost = handshakes::endpoints(&other);
    let asked = &first.handshake.fact.server_name;
    let place = handshakes::places(&lost);
    let names = &first.certificate.names;
    let summary = if names.is_empty() {
        format!("The TLS certificate on {place} names no host at all, so it is not good for {asked}.")
    } else {
        format!("The TLS certificate on {place} is for {}, not for {asked}.", few(names))
    };
    let found =
        Found::new(&RULE.cause, summary).level(refusals::level(evidence, &RULE.cause, &lost)).because(handshakes::cite(&other));
    let usable = names.iter().find(|name| !name.starts_with('*') && !handshakes::is_address(name));
    let found = match usable {
        Some(name) => found.fix_by(
            Place::Application,
            "If that name leads to this server, list it in iceServers in place of the other.",
            format!("turns:{name}:{}?transport=tcp", first.endpoint.endpoint.address.port()),
        ),
        None => found,
    };
    if handshakes::is_address(asked) {
        let text =
            "Or give the server a name, get a certificate for it, and list that name: hardly any authority certifies addresses.";
        return found.fix(Place::Application, text).done();
    }
    let text = format!("Or get a certificate that holds {asked}.");
    let found = found.fix_by(Place::Server, text, format!("certbot certonly --standalone -d {asked}"));
    handshakes::set_certificate(evidence, found, asked).done()
}

fn few(names: &[String]) -> String {
    if names.len() <= NAMES {
        return refusals::listed(names);
    }
    format!("{} and {} more names", names[..NAMES].join(", "), names.len() - NAMES)
}
