//! The gateway itself: how it is reached, whether it is trusted, its Engine.IO handshakes, and whom it lets in.

use std::collections::BTreeSet;

use super::tls::spoken;
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Seen};
use crate::model::fact::{
    CertificateDefect, ConnectFact, EngineEnd, EngineFact, EngineTransport, Fact, HandshakeEnd, HandshakeFact, NameAnswer,
    SocketEnd, SocketFact,
};
use crate::model::outcome::{Outcome, Unreachable};
use crate::model::place::Place;

/// What a gateway says of a namespace that it doesn't have.
const INVALID_NAMESPACE: &str = "invalid namespace";

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    reach(run, readings);
    engines(run, readings);
}

/// A reading of the gateway.
pub fn gateway(what: What, state: State, evidence: Vec<usize>) -> Reading {
    Reading::new(what, Place::Gateway, state, evidence)
}

/// The address in the target of an observation, `gateway 203.0.113.20:443`.
fn address(target: &str) -> &str {
    target.strip_prefix("gateway ").unwrap_or(target)
}

/// The connections and the TLS handshakes, one an address.
fn reach(run: &Run<'_>, readings: &mut Readings) {
    let of = |probe: &str| run.observations.iter().enumerate().filter(move |(_, seen)| seen.probe == probe).collect::<Vec<_>>();
    let mut connects: Vec<(usize, &str, &ConnectFact)> = Vec::new();
    let mut handshakes: Vec<(usize, &str, &HandshakeFact)> = Vec::new();
    for (at, seen) in of("signaling-connect") {
        if let Fact::Connect(fact) = &seen.fact {
            connects.push((at, &seen.target, fact));
        }
    }
    for (at, seen) in of("signaling-handshake") {
        if let Fact::Handshake(fact) = &seen.fact {
            handshakes.push((at, &seen.target, fact));
        }
    }
    let taken: Vec<usize> = connects.iter().filter(|(_, _, fact)| fact.reply.succeeded()).map(|(at, ..)| *at).collect();
    if !taken.is_empty() {
        readings.add(gateway(What::GatewayReach, State::Holds, taken));
    } else if let Some((_, target, fact)) = connects.first() {
        let all = connects.iter().map(|(at, ..)| *at).collect();
        readings.add(at_address(gateway(What::GatewayReach, State::Broken(refusal(fact)), all), target));
        return;
    }
    let trusted: Vec<usize> = handshakes
        .iter()
        .filter(|(_, _, fact)| fact.end == HandshakeEnd::Completed && fact.defects.is_empty())
        .map(|(at, ..)| *at)
        .collect();
    if !trusted.is_empty() {
        readings.add(gateway(What::GatewayTrust, State::Holds, trusted));
    } else if let Some((_, target, fact)) = handshakes.first() {
        let all = handshakes.iter().map(|(at, ..)| *at).collect();
        let reading = gateway(What::GatewayTrust, State::Broken(distrust(fact)), all).saying("name", fact.server_name.as_str());
        let reading =
            if let HandshakeEnd::Alert { alert } = &fact.end { reading.saying("alert", alert.clone()) } else { reading };
        readings.add(at_address(reading, target));
    }
}

fn at_address(reading: Reading, target: &str) -> Reading {
    let address = address(target);
    let (server, port) = address.rsplit_once(':').unwrap_or((address, "443"));
    reading.saying("url", address).saying("server", server).saying("port", port)
}

fn refusal(connect: &ConnectFact) -> Manner {
    match connect.reply.outcome {
        Outcome::Unreachable { reason: Unreachable::Port, .. } => Manner::Refused,
        Outcome::Unreachable { .. } => Manner::Rejected,
        Outcome::NoRoute => Manner::NoRoute,
        Outcome::DeniedLocally => Manner::Denied,
        Outcome::Silent
        | Outcome::Success
        | Outcome::Error { .. }
        | Outcome::Closed
        | Outcome::NotStun { .. }
        | Outcome::FromElsewhere { .. }
        | Outcome::Unusable { .. } => Manner::Silent,
    }
}

fn distrust(handshake: &HandshakeFact) -> Manner {
    match &handshake.end {
        HandshakeEnd::Completed => match handshake.defects.first() {
            Some(CertificateDefect::Expired) => Manner::Expired,
            Some(CertificateDefect::NotYetValid) => Manner::NotYetValid,
            Some(CertificateDefect::NameMismatch) => Manner::Different,
            Some(CertificateDefect::UntrustedIssuer) => Manner::UntrustedIssuer,
            Some(CertificateDefect::ChainIncomplete) => Manner::ChainIncomplete,
            Some(CertificateDefect::Invalid) | None => Manner::Untrusted,
        },
        HandshakeEnd::Alert { .. } => Manner::Alert,
        HandshakeEnd::TooOld => Manner::TooOld,
        HandshakeEnd::NotTls { speaks } => spoken(*speaks),
        HandshakeEnd::Closed => Manner::Closed,
        HandshakeEnd::Silent => Manner::Silent,
        HandshakeEnd::Failed { .. } => Manner::Failed,
    }
}

/// Whether a session opens, by the transport that users begin with and by WebSocket, and whether it is found again.
fn engines(run: &Run<'_>, readings: &mut Readings) {
    let all: Vec<Seen<'_, EngineFact>> = run.facts(|fact| if let Fact::Engine(it) = fact { Some(it) } else { None }).collect();
    let by = |transport| all.iter().find(|seen| seen.fact.transport == transport).copied();
    let (polling, websocket) = (by(EngineTransport::Polling), by(EngineTransport::Websocket));
    let wanted = |seen: &Seen<'_, EngineFact>| seen.fact.wanted;
    let first = polling.filter(wanted).or_else(|| websocket.filter(wanted));
    let polling_opens = polling.filter(is_open);
    if let Some(first) = first {
        if is_open(&first) {
            readings.add(gateway(What::Engine, State::Holds, vec![first.at]));
        } else if polling_opens.is_none() {
            let telling = telling(first, polling);
            readings.add(about(&telling, gateway(What::Engine, State::Broken(failure(telling.fact)), vec![telling.at])));
        }
    }
    if let Some(seen) = websocket.filter(wanted) {
        if is_open(&seen) {
            readings.add(gateway(What::Websocket, State::Holds, vec![seen.at]));
        } else if let Some(polling) = polling_opens {
            let state = State::Broken(upgrade(&seen.fact.end));
            readings.add(about(&seen, gateway(What::Websocket, state, vec![seen.at, polling.at])));
        }
    }
    if let Some(seen) = polling_opens.filter(wanted) {
        cors(&seen, readings);
    }
    for seen in run.facts(|fact| if let Fact::EnginePolls(it) = fact { Some(it) } else { None }) {
        if seen.fact.answered > 0 {
            let state = if seen.fact.unknown == 0 { State::Holds } else { State::Broken(Manner::Stale) };
            let reading = gateway(What::Sticky, state, vec![seen.at]).saying("url", seen.target);
            readings.add(reading.saying("count", seen.fact.unknown).saying("sent", seen.fact.answered));
        }
    }
}

fn is_open(seen: &Seen<'_, EngineFact>) -> bool {
    matches!(seen.fact.end, EngineEnd::Open { .. })
}

/// Servers that close an upgrade without a word often say by polling what they don't like.
fn telling<'a>(first: Seen<'a, EngineFact>, polling: Option<Seen<'a, EngineFact>>) -> Seen<'a, EngineFact> {
    let says_nothing = |end: &EngineEnd| matches!(end, EngineEnd::Closed | EngineEnd::Silent);
    if !says_nothing(&first.fact.end) {
        return first;
    }
    let tells =
        |seen: &Seen<'_, EngineFact>| !says_nothing(&seen.fact.end) && !matches!(seen.fact.end, EngineEnd::Error { code: 0, .. });
    polling.filter(tells).unwrap_or(first)
}

fn about(seen: &Seen<'_, EngineFact>, reading: Reading) -> Reading {
    let (transport, other) = match seen.fact.transport {
        EngineTransport::Polling => (EngineTransport::Polling, EngineTransport::Websocket),
        EngineTransport::Websocket => (EngineTransport::Websocket, EngineTransport::Polling),
    };
    let reading = reading.saying("url", seen.target).saying("path", seen.fact.path.as_str());
    let reading = reading.saying("transport", transport.title()).saying("other", other.name());
    let reading = match seen.fact.status {
        Some(status) => reading.saying("status", status),
        None => reading,
    };
    if let EngineEnd::Error { code, message } = &seen.fact.end {
        reading.saying("code", u16::from(*code)).saying("words", message.as_str())
    } else {
        reading
    }
}

/// How a handshake failed; a status below 500 without a session is that of something else.
fn failure(fact: &EngineFact) -> Manner {
    match &fact.end {
        EngineEnd::Error { code, .. } => Manner::Code(u16::from(*code)),
        EngineEnd::Page | EngineEnd::Foreign => match (fact.status, &fact.end) {
            (Some(502..=504), _) => Manner::Dead,
            (Some(500..), _) => Manner::Failed,
            (Some(401 | 407), _) => Manner::Denied,
            (Some(403), _) => Manner::Rejected,
            (Some(300..=399), _) => Manner::Different,
            (Some(200..=299) | None, EngineEnd::Page) => Manner::Page,
            _ => Manner::Missing,
        },
        EngineEnd::Older => Manner::Older,
        EngineEnd::NotWebsocket => Manner::Unusable,
        EngineEnd::Stalled => Manner::Stalls,
        EngineEnd::Closed => Manner::Closed,
        EngineEnd::Silent | EngineEnd::Open { .. } => Manner::Silent,
        EngineEnd::NotHttp { speaks } => spoken(*speaks),
    }
}

/// What becomes of an upgrade where polling works.
fn upgrade(end: &EngineEnd) -> Manner {
    match end {
        // It is switched off.
        EngineEnd::Error { code: 0, .. } => Manner::Denied,
        // The headers of the upgrade did not arrive.
        EngineEnd::Error { code: 3, .. } => Manner::Missing,
        EngineEnd::Error { .. } => Manner::OtherCode,
        EngineEnd::Stalled => Manner::Stalls,
        EngineEnd::NotWebsocket => Manner::Unusable,
        EngineEnd::Closed => Manner::Closed,
        EngineEnd::Silent => Manner::Silent,
        EngineEnd::Open { .. } | EngineEnd::Older | EngineEnd::Page | EngineEnd::Foreign | EngineEnd::NotHttp { .. } => {
            Manner::Refused
        }
    }
}

/// Whether the page may read the answer; one of the gateway's own origin needs no leave.
fn cors(seen: &Seen<'_, EngineFact>, readings: &mut Readings) {
    let Some(origin) = seen.fact.origin.as_deref() else { return };
    let state = match seen.fact.allowed_origin.as_deref() {
        _ if origin == seen.target => State::Holds,
        Some(allowed) if allowed == "*" || allowed == origin => State::Holds,
        Some(_) => State::Broken(Manner::Different),
        None => State::Broken(Manner::Missing),
    };
    let reading = gateway(What::Cors, state, vec![seen.at]).saying("url", seen.target).saying("origin", origin);
    readings.add(match seen.fact.allowed_origin.as_deref() {
        Some(allowed) => reading.saying("other", allowed),
        None => reading,
    });
}

/// Whether the peers are let in; one that is refused is not mended by another that is not.
pub fn sockets(run: &Run<'_>) -> Vec<Reading> {
    let all: Vec<Seen<'_, SocketFact>> = run.facts(|fact| if let Fact::Socket(it) = fact { Some(it) } else { None }).collect();
    let unknown = |seen: &Seen<'_, SocketFact>| match &seen.fact.end {
        SocketEnd::Refused { message } => message.to_ascii_lowercase().contains(INVALID_NAMESPACE),
        SocketEnd::Connected | SocketEnd::Lost { .. } | SocketEnd::ClosedByServer | SocketEnd::Silent => false,
    };
    let engines: Vec<_> = run.facts(|fact| if let Fact::Engine(it) = fact { Some(it) } else { None }).collect();
    let is_unknown = run
        .observations
        .iter()
        .any(|seen| seen.probe == "signaling-name" && matches!(&seen.fact, Fact::Name(name) if name.answer != NameAnswer::Found));
    let is_never_open =
        (is_unknown || !engines.is_empty()) && engines.iter().all(|seen| !matches!(seen.fact.end, EngineEnd::Open { .. }));
    let mut seen = Vec::new();
    for socket in &all {
        let evidence = vec![socket.at];
        // Without a connection nobody was asked to let it in.
        if is_never_open && matches!(socket.fact.end, SocketEnd::Lost { .. } | SocketEnd::Silent) {
            continue;
        }
        if unknown(socket) {
            let reading = gateway(What::Namespace, State::Broken(Manner::Missing), evidence);
            seen.push(reading.saying("url", socket.target).saying("namespace", socket.fact.namespace.as_str()));
            continue;
        }
        let (state, words) = match &socket.fact.end {
            SocketEnd::Connected => (State::Holds, None),
            SocketEnd::Refused { message } => (State::Broken(Manner::Refused), Some(message.as_str())),
            SocketEnd::ClosedByServer => (State::Broken(Manner::Closed), None),
            SocketEnd::Lost { why } => (State::Broken(Manner::Failed), Some(why.as_str())),
            SocketEnd::Silent => (State::Broken(Manner::Silent), None),
        };
        if matches!(socket.fact.end, SocketEnd::Connected | SocketEnd::Refused { .. }) {
            seen.push(gateway(What::Namespace, State::Holds, evidence.clone()));
        }
        let alike: BTreeSet<&str> =
            all.iter().filter(|it| it.fact.end == socket.fact.end).map(|it| it.fact.role.name()).collect();
        let role = if alike.len() > 1 { "both" } else { socket.fact.role.name() };
        let reading = gateway(What::LetIn, state, evidence).saying("url", socket.target).saying("role", role);
        let reading = reading.saying("namespace", socket.fact.namespace.as_str());
        let reading = reading.saying("login", if socket.fact.auth { "sent" } else { "none" });
        seen.push(match words.filter(|words| !words.is_empty()) {
            Some(words) => reading.saying("words", words),
            None => reading,
        });
    }
    seen
}
