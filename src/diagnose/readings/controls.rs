//! Hosts that have nothing to do with the servers, and other ports of the servers: what this network lets through.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::readings::tls::spoken;
use crate::diagnose::run::{Run, Seen};
use crate::model::address::Reach;
use crate::model::fact::{Cargo, ControlFact, ControlKind, Fact, HandshakeEnd};
use crate::model::outcome::{Outcome, Unreachable};
use crate::model::place::{Family, Place};

/// The port of HTTPS; another one is a name server's.
const HTTPS: u16 = 443;

/// The highest port that some service of the system may have.
pub const LAST_LOW_PORT: u16 = 10_000;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    let families: BTreeSet<Family> = run.services.keys().map(|endpoint| Family::of(endpoint.ip())).collect();
    // Over a family that no server was asked over, a control says nothing of the servers.
    let compares = |ip: IpAddr| families.is_empty() || families.contains(&Family::of(ip));
    for seen in &run.controls {
        let Some(endpoint) = seen.endpoint.filter(|endpoint| compares(endpoint.ip())) else { continue };
        match seen.fact.control {
            ControlKind::Stun => control(What::Stun, seen, endpoint.ip(), readings),
            // A resolver inside this network proves nothing of the way out.
            ControlKind::Dns if Reach::of(endpoint.ip()).is_global() => control(What::Dns, seen, endpoint.ip(), readings),
            ControlKind::Dns => {}
            ControlKind::Tcp if endpoint.address.port() == HTTPS => control(What::Tcp, seen, endpoint.ip(), readings),
            ControlKind::Tcp => {}
            ControlKind::Port => alive(seen, endpoint.ip(), readings),
            ControlKind::HighPort => high_port(run, seen, endpoint.ip(), readings),
        }
    }
    for seen in &run.control_handshakes {
        let Some(endpoint) = seen.endpoint else { continue };
        let state = match &seen.fact.end {
            HandshakeEnd::Completed => State::Holds,
            HandshakeEnd::NotTls { speaks } => State::Broken(spoken(*speaks)),
            HandshakeEnd::Alert { .. }
            | HandshakeEnd::TooOld
            | HandshakeEnd::Closed
            | HandshakeEnd::Silent
            | HandshakeEnd::Failed { .. } => {
                continue;
            }
        };
        readings.add(Reading::new(What::Honest, Place::Control { control: endpoint.ip() }, state, vec![seen.at]));
    }
    fronts(run, readings);
    traced(run, readings);
    proxy(run, readings);
}

/// Networks that stand before web servers, at addresses at which nothing of TURN answers.
fn fronts(run: &Run<'_>, readings: &mut Readings) {
    for seen in run.facts(|fact| if let Fact::Web(it) = fact { Some(it) } else { None }) {
        let Some((ip, front)) = seen.endpoint.map(|endpoint| endpoint.ip()).zip(seen.fact.front.as_deref()) else { continue };
        if run.services_at(ip).all(|(_, service)| !service.answers()) {
            let reading = Reading::new(What::Unfronted, Place::Server { server: ip }, State::Broken(Manner::Http), vec![seen.at]);
            readings.add(reading.saying("front", front));
        }
    }
}

/// Traces to a server's unused high ports that end at the server itself: datagrams to such ports reach it. One that ends elsewhere tells
/// nothing, for hosts limit their ICMP errors.
fn traced(run: &Run<'_>, readings: &mut Readings) {
    for seen in run.facts(|fact| if let Fact::Trace(it) = fact { Some(it) } else { None }) {
        let Some(endpoint) = seen.endpoint.filter(|endpoint| endpoint.address.port() > LAST_LOW_PORT) else { continue };
        let is_servers = run.services_at(endpoint.ip()).next().is_some();
        let is_unused = run.services_at(endpoint.ip()).all(|(service, _)| service.address != endpoint.address);
        if is_servers && is_unused && seen.fact.carried == Cargo::Noise && seen.fact.reached.is_some() {
            let place = Place::Server { server: endpoint.ip() };
            readings.add(Reading::new(What::HighPort, place, State::Holds, vec![seen.at]));
        }
    }
}

fn control(what: What, seen: &Seen<'_, ControlFact>, ip: IpAddr, readings: &mut Readings) {
    let state = match seen.fact.reply.outcome {
        Outcome::Success | Outcome::Error { .. } | Outcome::Unusable { .. } => State::Holds,
        // Refused by the host itself: the way is open.
        Outcome::Unreachable { reason: Unreachable::Port, from } if from.is_none_or(|from| from == ip) => State::Holds,
        Outcome::Closed => State::Holds,
        Outcome::Silent => State::Broken(Manner::Silent),
        Outcome::Unreachable { from: Some(from), .. } if !Reach::of(from).is_global() => State::Broken(Manner::RejectedHere),
        Outcome::Unreachable { .. } => State::Broken(Manner::Rejected),
        Outcome::DeniedLocally => State::Broken(Manner::Denied),
        Outcome::NoRoute => return,
        Outcome::NotStun { speaks } => State::Broken(spoken(speaks)),
        Outcome::FromElsewhere { .. } => State::Broken(Manner::Different),
    };
    let reading = Reading::new(what, Place::Control { control: ip }, state, vec![seen.at]).saying("control", ip.to_string());
    readings.add(match seen.endpoint {
        Some(endpoint) => reading.at(endpoint),
        None => reading,
    });
}

/// Another of the usual ports of a server that answers, or says itself that nothing listens there: the host is up.
fn alive(seen: &Seen<'_, ControlFact>, ip: IpAddr, readings: &mut Readings) {
    let by_itself = match seen.fact.reply.outcome {
        Outcome::Success | Outcome::Error { .. } => true,
        Outcome::Unreachable { reason: Unreachable::Port, from } => from == Some(ip) || from.is_none(),
        Outcome::Silent
        | Outcome::Unreachable { .. }
        | Outcome::DeniedLocally
        | Outcome::NoRoute
        | Outcome::Closed
        | Outcome::NotStun { .. }
        | Outcome::FromElsewhere { .. }
        | Outcome::Unusable { .. } => false,
    };
    let state = if by_itself { State::Holds } else { State::Broken(Manner::Silent) };
    let reading = Reading::new(What::Alive, Place::Server { server: ip }, state, vec![seen.at]);
    readings.add(match seen.endpoint {
        Some(endpoint) => reading.saying("service", endpoint.title()),
        None => reading,
    });
}

/// An unused high port of a server that it refuses itself: datagrams to high ports reach it.
fn high_port(run: &Run<'_>, seen: &Seen<'_, ControlFact>, ip: IpAddr, readings: &mut Readings) {
    if run.services_at(ip).next().is_none() {
        return;
    }
    if seen.endpoint.is_some_and(|endpoint| endpoint.address.port() <= LAST_LOW_PORT) {
        return;
    }
    let place = Place::Server { server: ip };
    match seen.fact.reply.outcome {
        Outcome::Unreachable { from, .. } if from.is_none_or(|from| from == ip) => {
            readings.add(Reading::new(What::HighPort, place, State::Holds, vec![seen.at]));
        }
        Outcome::DeniedLocally => {
            readings.add(Reading::new(What::Send, place, State::Broken(Manner::Denied), vec![seen.at]));
        }
        Outcome::Success
        | Outcome::Error { .. }
        | Outcome::Silent
        | Outcome::Unreachable { .. }
        | Outcome::NoRoute
        | Outcome::Closed
        | Outcome::NotStun { .. }
        | Outcome::FromElsewhere { .. }
        | Outcome::Unusable { .. } => {
            readings.add(Reading::new(What::HighPort, place, State::Broken(Manner::Silent), vec![seen.at]));
        }
    }
}

/// Whether a proxy of the environment leads to the server where nothing else does.
fn proxy(run: &Run<'_>, readings: &mut Readings) {
    for seen in run.facts(|fact| if let Fact::Proxy(it) = fact { Some(it) } else { None }) {
        let proxy = seen.fact.proxy.as_str();
        let state = match seen.fact.status {
            Some(200..=299) => match run.tunnels.values().next() {
                Some(_) if run.tunnels.values().any(|tunnel| tunnel.answers()) => State::Holds,
                _ => State::Broken(Manner::Other),
            },
            // Tinyproxy answers a wrong login with 401.
            Some(401 | 407) if seen.fact.login => State::Broken(Manner::Denied),
            Some(407) => State::Broken(Manner::Missing),
            Some(403 | 405) => State::Broken(Manner::Rejected),
            Some(502..=504) => State::Broken(Manner::Dead),
            Some(_) => State::Broken(Manner::Other),
            None => continue,
        };
        let reading = Reading::new(What::Proxy, Place::Host, state, vec![seen.at]).saying("proxy", proxy);
        readings.add(reading.saying("status", seen.fact.status.unwrap_or_default()));
    }
}
