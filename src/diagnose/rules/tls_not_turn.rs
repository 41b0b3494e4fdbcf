//! `tls-not-turn`: the TLS port is trusted, and what is behind it doesn't speak STUN.

use super::{handshakes, refusals, tls_intercepted};
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::HandshakeEnd;
use crate::model::finding::{Confidence, Level, Place};
use crate::model::outcome::{Outcome, Protocol, Reply};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-not-turn",
        group: Group::Tls,
        level: Level::Degrade,
        title: "behind TLS there is no TURN server",
        meaning: "The TLS handshake completes with a trusted certificate, and then something else than a TURN server answers, or nothing: a \
                  web server or a reverse proxy has the port, and does not pass TURN on.",
        impact: "The turns: URLs lead nowhere, so users on networks that let only TLS out can't call.",
        proof: "After the handshake neither a Binding nor an Allocate gets an answer in STUN; what comes instead is HTTP, the end of the \
                connection, or silence.",
        look_alikes: "wrong-host: there the plain ports answer another protocol as well. tls-intercepted: there the certificate is not the \
                      server's own.",
        remedy: "Give the port to the TURN server, or let the proxy pass the bytes of TURN on by the name in the handshake (SNI).",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let foreign: Vec<_> =
        refusals::served(evidence).filter_map(|endpoint| answer(endpoint).map(|answer| (endpoint, answer))).collect();
    let Some((first, answer)) = foreign.first() else {
        let speaking = refusals::served(evidence).filter(|endpoint| endpoint.is_secure() && endpoint.alive());
        return Judgement::ruled_out_by(speaking.flat_map(EndpointEvidence::cite_reachability).collect());
    };
    let lost: Vec<_> = foreign.iter().map(|(endpoint, _)| endpoint.endpoint).collect();
    let place = handshakes::places(&lost);
    let summary = match answer {
        Answer::Speaks(Protocol::Http) => format!("Behind TLS on {place} there is a web server, not a TURN server."),
        Answer::Speaks(Protocol::Ssh) => format!("Behind TLS on {place} there is an SSH server, not a TURN server."),
        Answer::Speaks(Protocol::Tls | Protocol::Other) => {
            format!("Behind TLS on {place} something answers that is no TURN server.")
        }
        Answer::Nothing => {
            format!("TLS on {place} opens with a trusted certificate, and no request of STUN or TURN is answered inside.")
        }
    };
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(foreign.iter().flat_map(|(endpoint, _)| endpoint.cite_reachability()));
    let elsewhere =
        "run callcheck from another network: if TURN over TLS answers there, this network looks into TLS and answers itself";
    let found = match answer {
        Answer::Speaks(_) if is_own(evidence, first) => found,
        Answer::Speaks(_) => found.confidence(Confidence::Likely).unless("tls-intercepted", elsewhere),
        Answer::Nothing => found
            .confidence(Confidence::Likely)
            .unless(
                "tls-intercepted",
                "run callcheck from another network: if TURN over TLS answers there, this network looks into TLS and drops what is no HTTP",
            )
            .unless("packet-loss", "run callcheck again: on a line that is slow and lossy an answer may come too late"),
    };
    give_port(evidence, found, first).done()
}

/// Whether unrelated hosts show certificates of other issuers: what looks into TLS would sign them all, and a root of its own may be trusted
/// on this host.
fn is_own(evidence: &Evidence<'_>, endpoint: &EndpointEvidence<'_>) -> bool {
    let own = endpoint.handshake.and_then(|seen| tls_intercepted::issuer(seen.fact));
    evidence.control_handshakes().filter_map(|control| tls_intercepted::issuer(control.fact)).any(|issuer| Some(issuer) != own)
}

/// What came after a trusted handshake in place of STUN.
pub enum Answer {
    /// Another protocol.
    Speaks(Protocol),
    /// Nothing.
    Nothing,
}

/// What the endpoint answered in place of STUN, where its certificate is trusted.
pub fn answer(endpoint: &EndpointEvidence<'_>) -> Option<Answer> {
    let handshake = endpoint.handshake.filter(|it| it.fact.end == HandshakeEnd::Completed && it.fact.defects.is_empty())?;
    let binding = endpoint.binding.map(|seen| &seen.fact.reply);
    let challenge = endpoint.challenge.map(|seen| &seen.fact.reply);
    let replies: Vec<&Reply> = binding.into_iter().chain(challenge).collect();
    let none = replies.iter().all(|reply| matches!(reply.outcome, Outcome::Silent | Outcome::Closed | Outcome::NotStun { .. }));
    if replies.is_empty() || !none || handshake.fact.certificate.is_none() {
        return None;
    }
    let speaks =
        replies.iter().find_map(|reply| if let Outcome::NotStun { speaks } = reply.outcome { Some(speaks) } else { None });
    Some(speaks.map_or(Answer::Nothing, Answer::Speaks))
}

fn give_port(evidence: &Evidence<'_>, found: Found, first: &EndpointEvidence<'_>) -> Found {
    let port = first.endpoint.address.port();
    let sockets = if first.is_datagram() { "-lunp" } else { "-ltnp" };
    let see = format!("ss {sockets} 'sport = :{port}'");
    let found = found.fix_by(Place::Server, "See what has the port.", see);
    if evidence.is_coturn() {
        found.fix_by(
            Place::Server,
            "Give it to coturn, or list the port that coturn really uses.",
            format!("tls-listening-port={port}"),
        )
    } else {
        let text = "Give it to the TURN server, or list the port that it really uses in iceServers.";
        found.fix(Place::Server, text)
    }
}
