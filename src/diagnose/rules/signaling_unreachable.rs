//! `signaling-unreachable`: the gateway of the signaling does not answer at all, or something before it says that it is down.

use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::signaling::foreign_status;
use crate::model::cause::{Cause, Group};
use crate::model::fact::{CertificateDefect, ConnectFact, EngineEnd, EngineFact, HandshakeEnd, HandshakeFact};
use crate::model::finding::{Confidence, Level, Place};
use crate::model::outcome::{Outcome, Unreachable};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-unreachable",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the signaling server can't be reached",
        meaning: "Nothing listens at the signaling server's address, it stays silent, its TLS certificate is not accepted, or a proxy \
                  before it answers 502, 503 or 504 because the application behind it is down.",
        impact: "No call can be set up: offers and answers don't get through.",
        proof: "The TCP connection, the TLS handshake or the first request to the Engine.IO endpoint fails, or its status is 500 or above.",
        look_alikes: "signaling-wrong-path: there a server answers, by 404 or a page. dns-not-found: there the name has no address.",
        remedy: "Start the signaling server, open its port, renew its certificate, or mend what the proxy passes requests to.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let signaling = evidence.signaling();
    if !signaling.is_reached() {
        return match (signaling.handshakes.first(), signaling.connects.first()) {
            (Some(handshake), _) => untrusted(handshake).done(),
            (None, Some(connect)) => unconnected(connect, signaling.connects.iter().map(|seen| seen.cite()).collect()).done(),
            (None, None) => Judgement::Unknown,
        };
    }
    match signaling.failed_engine() {
        Some(engine) => unanswered(&engine).unwrap_or(Judgement::Unknown),
        None => Judgement::ruled_out_by(signaling.cite_open()),
    }
}

fn unconnected(connect: &Seen<'_, ConnectFact>, cited: Vec<String>) -> Found {
    let place = place(connect.target);
    let (what, confidence) = match &connect.fact.reply.outcome {
        Outcome::Unreachable { reason: Unreachable::Port, .. } => {
            ("refuses connections: nothing listens there", Confidence::Certain)
        }
        Outcome::Unreachable { .. } => ("is rejected by a router or firewall on the way", Confidence::Likely),
        Outcome::Silent => ("does not answer", Confidence::Likely),
        Outcome::NoRoute => ("can't be reached: this host has no route there", Confidence::Certain),
        Outcome::DeniedLocally => ("can't be reached: this host refuses to connect", Confidence::Certain),
        Outcome::Success
        | Outcome::Error { .. }
        | Outcome::Closed
        | Outcome::NotStun { .. }
        | Outcome::FromElsewhere { .. }
        | Outcome::Unusable { .. } => ("takes no connection", Confidence::Likely),
    };
    let found = Found::new(&RULE.cause, format!("The signaling server at {place} {what}.")).confidence(confidence).because(cited);
    let found = match confidence {
        Confidence::Certain => found,
        Confidence::Likely | Confidence::Possible => {
            found.unless("server-address-blocked", "open the signaling server's address from another network")
        }
    };
    found.fix_by(
        Place::Signaling,
        "Start the signaling server, and let its port through the firewall.",
        format!("ss -ltnp 'sport = :{}'", port(place)),
    )
}

fn untrusted(handshake: &Seen<'_, HandshakeFact>) -> Found {
    let place = place(handshake.target);
    let why = match &handshake.fact.end {
        HandshakeEnd::Completed => format!("its certificate {}", defect(handshake.fact.defects.first())),
        HandshakeEnd::Alert { alert } => format!("it ends the TLS handshake by the alert {alert}"),
        HandshakeEnd::TooOld => "it offers nothing newer than TLS 1.1".to_owned(),
        HandshakeEnd::NotTls { .. } => "what answers there does not speak TLS".to_owned(),
        HandshakeEnd::Closed => "it closes the connection in the TLS handshake".to_owned(),
        HandshakeEnd::Silent => "it does not answer the TLS handshake".to_owned(),
        HandshakeEnd::Failed { .. } => "its TLS handshake fails".to_owned(),
    };
    let summary =
        format!("No secure connection to the signaling server {} at {place} is possible: {why}.", handshake.fact.server_name);
    let text = "Give the signaling server, or the proxy before it, a valid certificate with its chain; for a private authority name its \
                root by --ca.";
    let name = &handshake.fact.server_name;
    let command = format!("openssl s_client -connect {place} -servername {name} -verify_return_error </dev/null");
    Found::new(&RULE.cause, summary).because([handshake.cite()]).fix_by(Place::Signaling, text, command)
}

fn defect(defect: Option<&CertificateDefect>) -> &'static str {
    match defect {
        Some(CertificateDefect::Expired) => "has expired",
        Some(CertificateDefect::NotYetValid) => "is not valid yet",
        Some(CertificateDefect::NameMismatch) => "is made out to another name",
        Some(CertificateDefect::UntrustedIssuer) => "comes from an issuer that is not trusted",
        Some(CertificateDefect::ChainIncomplete) => "comes without its intermediate",
        Some(CertificateDefect::Invalid) | None => "is not valid",
    }
}

fn unanswered(engine: &Seen<'_, EngineFact>) -> Option<Judgement> {
    let place = engine.target;
    let status = foreign_status(engine).filter(|status| *status >= 500);
    let (what, fix) = match (&engine.fact.end, status) {
        (_, Some(status @ (502..=504))) => (
            format!("is down behind its proxy, which answers {status}"),
            "Start the application behind the proxy, and see that the proxy passes requests to its port.",
        ),
        (_, Some(status)) => {
            (format!("fails on the first request, with status {status}"), "Look into the signaling server's log for the error.")
        }
        (EngineEnd::Silent, None) => {
            ("takes connections and answers no request".to_owned(), "Look why the signaling server hangs; restart it.")
        }
        (EngineEnd::Closed, None) => {
            ("closes connections without an answer".to_owned(), "Look into the signaling server's log, and the proxy's.")
        }
        (EngineEnd::NotHttp { .. }, None) => (
            "does not speak HTTP".to_owned(),
            "Check the scheme and the port of signaling.url: a port for https answers http so, and the other way round.",
        ),
        (
            EngineEnd::Open { .. }
            | EngineEnd::Older
            | EngineEnd::Error { .. }
            | EngineEnd::Page
            | EngineEnd::Foreign
            | EngineEnd::Stalled
            | EngineEnd::NotWebsocket,
            None,
        ) => return None,
    };
    let found = Found::new(&RULE.cause, format!("The signaling server at {place} {what}.")).because([engine.cite()]);
    Some(found.fix_by(Place::Signaling, fix, format!("curl -i '{place}{}?EIO=4&transport=polling'", engine.fact.path)).done())
}

/// The address in the target of an observation, `gateway 203.0.113.20:443`.
fn place(target: &str) -> &str {
    target.strip_prefix("gateway ").unwrap_or(target)
}

fn port(place: &str) -> &str {
    place.rsplit_once(':').map_or("443", |(_, port)| port)
}
