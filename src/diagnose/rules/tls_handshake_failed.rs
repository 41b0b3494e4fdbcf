//! `tls-handshake-failed`: a TCP connection opens, or a port answers DTLS, and the handshake never completes.

use super::{handshakes, packet_loss, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::endpoint::Endpoint;
use crate::model::fact::{HandshakeEnd, HandshakeFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-handshake-failed",
        group: Group::Tls,
        level: Level::Degrade,
        title: "the TLS handshake fails",
        meaning: "The TLS port accepts connections and does not get through the handshake: the key does not belong to the certificate, \
                  client and server have no cipher in common, the server wants a name or a certificate that it was not given, or it has no \
                  certificate at all.",
        impact: "Browsers can't use the turns: URLs, so users on networks that let only TLS out can't call.",
        proof: "The server sent an alert, closed the connection or said nothing after the first message of the handshake, or what it \
                signed does not fit its certificate.",
        look_alikes: "tls-protocol-too-old has its own alert. A filter that lets TCP pass and cuts TLS looks like a server that closes or \
                      is silent: from another network the handshake then works.",
        remedy: "Read the alert and the server's log: make key and certificate fit each other and readable for the server, and allow current \
                 ciphers.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    // A line that loses packets makes the server's answer late, and then silence says nothing of the server.
    let lossy = packet_loss::shows(evidence);
    let failed: Vec<_> = evidence
        .promised()
        .filter_map(|endpoint| endpoint.handshake.map(|handshake| (endpoint.endpoint, handshake)))
        .filter(|(place, handshake)| failure(*place, &handshake.fact.end).is_some())
        .filter(|(_, handshake)| !(lossy && handshake.fact.end == HandshakeEnd::Silent))
        .collect();
    let Some((first, handshake)) = failed.first() else {
        return handshakes::excluded_by_handshakes(evidence, &[]);
    };
    let lost: Vec<_> = failed.iter().map(|(endpoint, _)| *endpoint).collect();
    let how = failure(*first, &handshake.fact.end).unwrap_or_default();
    let summary = format!("The TLS handshake with {} fails: {how}.", handshakes::places(&lost));
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(failed.iter().map(|(_, handshake)| handshake.cite()));
    let found = if failed.iter().any(|(_, handshake)| may_be_filtered(&handshake.fact.end)) {
        found.confidence(Confidence::Likely).unless(
            "network-allow-list",
            "run callcheck from another network: if the handshake works there, a filter of this one cuts TLS to this server",
        )
    } else {
        found
    };
    let may_be_lost = |place: Endpoint, handshake: &HandshakeFact| {
        handshake.end == HandshakeEnd::Silent && !(place.transport.is_stream() && packet_loss::is_measured(evidence))
    };
    let found = if failed.iter().any(|(place, handshake)| may_be_lost(*place, handshake.fact)) {
        found
            .unless("packet-loss", "run callcheck again: on a line that loses packets the handshake gets through some other time")
    } else {
        found
    };
    let name = &handshake.fact.server_name;
    let found = key_fits(evidence, found);
    let text = "This shows the handshake, and the server's log says why it ended.";
    found.fix_by(Place::Server, text, handshakes::show_chain(*first, name)).done()
}

/// What a failed handshake looked like; nothing where it completed or where other causes speak.
fn failure(place: Endpoint, end: &HandshakeEnd) -> Option<String> {
    match end {
        HandshakeEnd::Alert { alert } => Some(match meaning(alert) {
            Some(meaning) => format!("the server sends the alert {alert}, {meaning}"),
            None => format!("the server sends the alert {alert}"),
        }),
        HandshakeEnd::Closed => Some("the server closes the connection in the middle of it".to_owned()),
        HandshakeEnd::Silent if !place.transport.is_stream() => {
            Some("the server answers the first message, and the rest of the handshake never comes".to_owned())
        }
        HandshakeEnd::Silent => Some("the TCP connection opens, and the server never answers the first message".to_owned()),
        HandshakeEnd::Failed { why } => Some(format!("what the server sent can't be accepted ({why})")),
        HandshakeEnd::Completed | HandshakeEnd::TooOld | HandshakeEnd::NotTls { .. } => None,
    }
}

fn may_be_filtered(end: &HandshakeEnd) -> bool {
    match end {
        HandshakeEnd::Closed | HandshakeEnd::Silent => true,
        HandshakeEnd::Completed
        | HandshakeEnd::Alert { .. }
        | HandshakeEnd::TooOld
        | HandshakeEnd::NotTls { .. }
        | HandshakeEnd::Failed { .. } => false,
    }
}

/// What a server usually means by an alert (RFC 8446 §6.2).
fn meaning(alert: &str) -> Option<&'static str> {
    match alert {
        "handshake_failure" | "insufficient_security" => {
            Some("which means that it has no usable certificate with its key, or no cipher in common")
        }
        "internal_error" => Some("which most often means that its certificate or key could not be loaded"),
        "unrecognized_name" | "unrecognised_name" => Some("which means that it knows no host of that name"),
        "certificate_required" | "bad_certificate" | "no_certificate" => {
            Some("which means that it wants a certificate of its client, and browsers have none")
        }
        "no_application_protocol" => Some("which means that it wants another protocol than TURN, by ALPN"),
        "decrypt_error" => Some("which means that the key does not belong to the certificate"),
        _ => None,
    }
}

fn key_fits(evidence: &Evidence<'_>, found: Found) -> Found {
    let check = "openssl x509 -noout -pubkey -in CERT | openssl sha256; openssl pkey -pubout -in KEY | openssl sha256";
    if evidence.is_coturn() {
        let text = "See that cert= and pkey= name files that belong together, which both sums being equal shows, and that coturn's user can \
                    read both; then restart coturn.";
        found.fix_by(Place::Server, text, check)
    } else {
        let text = "See that the server's certificate and key belong together, which both sums being equal shows, and that it can read both; \
                    then restart it.";
        found.fix_by(Place::Server, text, check)
    }
}
