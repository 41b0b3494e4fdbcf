//! How requests end, in some words.

use crate::model::outcome::{Defect, Outcome, Protocol, Reply, Unreachable};

/// The round trip, where it is known.
pub fn in_ms(reply: &Reply) -> String {
    reply.rtt_ms.map_or_else(String::new, |rtt| format!(" in {rtt:.1} ms"))
}

/// The end of a request in some words.
pub fn reply(reply: &Reply) -> String {
    match &reply.outcome {
        Outcome::Success | Outcome::Error { .. } => format!("{}{}", outcome(&reply.outcome), in_ms(reply)),
        Outcome::Silent if reply.sends > 1 => format!("no answer to {} requests", reply.sends),
        Outcome::Silent
        | Outcome::Unreachable { .. }
        | Outcome::DeniedLocally
        | Outcome::NoRoute
        | Outcome::Closed
        | Outcome::NotStun { .. }
        | Outcome::FromElsewhere { .. }
        | Outcome::Unusable { .. } => outcome(&reply.outcome),
    }
}

/// The end of an exchange in some words.
#[must_use]
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Success => "answered".to_owned(),
        Outcome::Error { code } => format!("error {code}"),
        Outcome::Silent => "no answer".to_owned(),
        Outcome::Unreachable { reason, from } => {
            let reason = match reason {
                Unreachable::Port => "refused, nothing listens",
                Unreachable::Host => "host unreachable",
                Unreachable::Network => "network unreachable",
                Unreachable::Prohibited => "rejected by a filter",
                Unreachable::Other => "unreachable",
            };
            from.map_or_else(|| reason.to_owned(), |from| format!("{reason} (says {from})"))
        }
        Outcome::DeniedLocally => "this host refuses to send".to_owned(),
        Outcome::NoRoute => "no route".to_owned(),
        Outcome::Closed => "the connection was closed".to_owned(),
        Outcome::NotStun { speaks } => format!("the answer is {}, not STUN", protocol(*speaks)),
        Outcome::FromElsewhere { from } => format!("the answer came from {from}"),
        Outcome::Unusable { defect } => match defect {
            Defect::Integrity => "the answer's integrity check failed".to_owned(),
            Defect::Fingerprint => "the answer's fingerprint does not fit".to_owned(),
            Defect::Malformed => "the answer is malformed".to_owned(),
            Defect::Transaction => "only answers to other requests came".to_owned(),
            Defect::Incomplete => "the answer lacks its address".to_owned(),
            Defect::UnknownAttribute => "the answer demands an unknown attribute".to_owned(),
        },
    }
}

/// The name of a protocol.
#[must_use]
pub fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "HTTP",
        Protocol::Tls => "TLS",
        Protocol::Ssh => "SSH",
        Protocol::Other => "an unknown protocol",
    }
}
