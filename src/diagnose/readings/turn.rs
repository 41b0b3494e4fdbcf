//! What speaks at a port: STUN at all, Binding, TURN, and how it asks for a login.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::reach::is_open;
use super::tls::{spoken, spoken_instead};
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Service};
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::RedirectEnd;
use crate::model::outcome::{Defect, Outcome, Reply};
use crate::model::place::Place;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    for (endpoint, service) in run.promised() {
        speaks(run, endpoint, service, readings);
        stays(endpoint, service, readings);
        flow(run, endpoint, service, readings);
    }
    for seen in &run.again {
        let Some(endpoint) = seen.endpoint else { continue };
        let state = if seen.fact.reply.silent() { State::Broken(Manner::Silent) } else { State::Holds };
        readings.add(Reading::new(What::Again, Place::service(endpoint), state, vec![seen.at]));
    }
    realms(run, readings);
}

fn speaks(run: &Run<'_>, endpoint: Endpoint, service: &Service<'_>, readings: &mut Readings) {
    let place = Place::service(endpoint);
    let outside = run.outside.iter().filter(|seen| seen.endpoint == Some(endpoint));
    let bindings: Vec<(usize, &Reply)> = service.bindings.iter().chain(outside).map(|seen| (seen.at, &seen.fact.reply)).collect();
    let challenges: Vec<(usize, &Reply)> = service.challenges.iter().map(|seen| (seen.at, &seen.fact.reply)).collect();
    let all = || bindings.iter().chain(&challenges).copied();
    if all().next().is_none() || !is_open(endpoint, service) {
        return;
    }
    let is_stun = |reply: &Reply| reply.answered() || is_malformed_stun(reply);
    let answered: Vec<usize> = all().filter(|(_, reply)| is_stun(reply)).map(|(at, _)| at).collect();
    let foreign =
        all().find_map(|(at, reply)| if let Outcome::NotStun { speaks } = reply.outcome { Some((at, speaks)) } else { None });
    // Nothing at all over UDP is a matter of reach.
    let is_connected = endpoint.transport != Transport::Udp;
    if !answered.is_empty() {
        readings.add(Reading::new(What::Speaks, place.clone(), State::Holds, answered));
    } else if let Some((at, speaks)) = foreign {
        let manner = spoken(speaks);
        let reading = Reading::new(What::Speaks, place, State::Broken(manner), vec![at]);
        return readings.add(reading.saying("protocol", manner.name()));
    } else if is_connected {
        let closed = all().any(|(_, reply)| reply.outcome == Outcome::Closed);
        let mut evidence: Vec<usize> =
            all().filter(|(_, reply)| matches!(reply.outcome, Outcome::Silent | Outcome::Closed)).map(|(at, _)| at).collect();
        // TLS 1.3 refuses a client without a certificate after the handshake.
        let refused = service.handshakes.iter().find(|seen| closed && seen.fact.asks_certificate).map(|seen| seen.at);
        let refused = refused.map(|at| (Manner::AsksCertificate, at));
        let manner = match refused.or_else(|| spoken_instead(service)) {
            Some((manner, at)) => {
                evidence.push(at);
                manner
            }
            None if closed => Manner::Closed,
            None => Manner::Silent,
        };
        if !evidence.is_empty() {
            readings.add(Reading::new(What::Speaks, place, State::Broken(manner), evidence));
        }
        return;
    } else {
        return;
    }
    // Silence beside an answer.
    let asked_apart = [(What::Binding, &bindings, &challenges), (What::Turn, &challenges, &bindings)];
    for (what, own, others) in asked_apart {
        let refuses = |reply: &Reply| what == What::Binding && matches!(reply.outcome, Outcome::Error { .. });
        let answered: Vec<usize> = own.iter().filter(|(_, reply)| is_stun(reply) && !refuses(reply)).map(|(at, _)| *at).collect();
        let refused: Vec<usize> = own.iter().filter(|(_, reply)| refuses(reply)).map(|(at, _)| *at).collect();
        let silent: Vec<usize> = own
            .iter()
            .filter(|(_, reply)| matches!(reply.outcome, Outcome::Silent | Outcome::Closed))
            .map(|(at, _)| *at)
            .collect();
        if !answered.is_empty() {
            readings.add(Reading::new(what, place.clone(), State::Holds, answered));
        } else if !refused.is_empty() {
            let code = own.iter().find_map(|(_, reply)| reply.code()).unwrap_or_default();
            let reading = Reading::new(what, place.clone(), State::Broken(Manner::Refused), refused);
            readings.add(reading.saying("code", code));
        } else if !silent.is_empty() && others.iter().any(|(_, reply)| is_stun(reply)) {
            readings.add(Reading::new(what, place.clone(), State::Broken(Manner::Silent), silent));
        }
    }
    asks(&place, service, readings);
}

/// An answer of STUN that can't be used all the same.
fn is_malformed_stun(reply: &Reply) -> bool {
    matches!(
        reply.outcome,
        Outcome::Unusable {
            defect: Defect::Integrity | Defect::Fingerprint | Defect::Incomplete | Defect::UnknownAttribute | Defect::Malformed
        }
    )
}

/// How it asks for a login.
fn asks(place: &Place, service: &Service<'_>, readings: &mut Readings) {
    for seen in &service.challenges {
        let state = match seen.fact.reply.outcome {
            Outcome::Error { code: 401 } => State::Holds,
            Outcome::Success => State::Broken(Manner::Missing),
            Outcome::Error { .. }
            | Outcome::Silent
            | Outcome::Unreachable { .. }
            | Outcome::DeniedLocally
            | Outcome::NoRoute
            | Outcome::Closed
            | Outcome::NotStun { .. }
            | Outcome::FromElsewhere { .. }
            | Outcome::Unusable { .. } => continue,
        };
        readings.add(Reading::new(What::Asks, place.clone(), state, vec![seen.at]));
        if state == State::Holds {
            let state = match (seen.fact.realm.as_deref(), seen.fact.nonce) {
                (Some(""), _) => State::Broken(Manner::Empty),
                (None, _) | (Some(_), false) => State::Broken(Manner::Missing),
                (Some(_), true) => State::Holds,
            };
            readings.add(Reading::new(What::Realm, place.clone(), state, vec![seen.at]));
        }
    }
}

/// A server has one realm, whatever the transport.
fn realms(run: &Run<'_>, readings: &mut Readings) {
    let mut realms: BTreeMap<IpAddr, (BTreeSet<&str>, Vec<usize>)> = BTreeMap::new();
    for (endpoint, service) in run.promised() {
        for seen in &service.challenges {
            if let Some(realm) = seen.fact.realm.as_deref().filter(|realm| !realm.is_empty()) {
                let known = realms.entry(endpoint.ip()).or_default();
                known.0.insert(realm);
                known.1.push(seen.at);
            }
        }
    }
    for (server, (realms, evidence)) in realms {
        let state = if realms.len() > 1 { State::Broken(Manner::Different) } else { State::Holds };
        let names: Vec<String> = realms.into_iter().map(str::to_owned).collect();
        readings.add(Reading::new(What::OneRealm, Place::Server { server }, state, evidence).saying("names", names));
    }
}

/// Whether the server serves there itself.
fn stays(endpoint: Endpoint, service: &Service<'_>, readings: &mut Readings) {
    for seen in &service.redirects {
        let manner = match seen.fact.end {
            RedirectEnd::Arrived => Manner::Arrived,
            RedirectEnd::Loop => Manner::Loop,
            RedirectEnd::Dead => Manner::Dead,
        };
        let target = seen.fact.hops.last().map_or_else(|| "none".to_owned(), ToString::to_string);
        let reading = Reading::new(What::Stays, Place::service(endpoint), State::Broken(manner), vec![seen.at]);
        readings.add(reading.saying("target", target));
    }
}

/// Whether a server sees all requests of one flow come from one address and port. Whatever a NAT does, it keeps those of a flow.
fn flow(run: &Run<'_>, endpoint: Endpoint, service: &Service<'_>, readings: &mut Readings) {
    if endpoint.transport != Transport::Udp {
        return;
    }
    let again = run.again.iter().filter(|seen| seen.endpoint == Some(endpoint));
    let bindings = service.bindings.iter().chain(again).map(|seen| (seen.at, seen.fact.local, seen.fact.mapped));
    let granted = service.allocations.iter().chain(&service.samples).map(|seen| (seen.at, seen.fact.local, seen.fact.mapped));
    let mut flows: BTreeMap<SocketAddr, Vec<(usize, SocketAddr)>> = BTreeMap::new();
    for (at, local, mapped) in bindings.chain(granted) {
        if let (Some(local), Some(mapped)) = (local, mapped) {
            flows.entry(local).or_default().push((at, mapped));
        }
    }
    let evidence = |flow: &[(usize, SocketAddr)]| flow.iter().map(|(at, _)| *at).collect();
    let torn = flows.values().find(|flow| flow.iter().any(|(_, mapped)| *mapped != flow[0].1));
    let place = Place::service(endpoint);
    if let Some(flow) = torn {
        let other = flow.iter().map(|(_, mapped)| *mapped).find(|mapped| *mapped != flow[0].1).unwrap_or(flow[0].1);
        let reading = Reading::new(What::OneFlow, place, State::Broken(Manner::Several), evidence(flow));
        readings.add(reading.saying("mapped", flow[0].1.to_string()).saying("other", other.to_string()));
    } else if let Some(flow) = flows.values().find(|flow| flow.len() > 1) {
        readings.add(Reading::new(What::OneFlow, place, State::Holds, evidence(flow)));
    }
}
