//! Reach: whether packets come back from a server, and who says that something listens.

use std::net::IpAddr;

use super::reset::Resets;
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Service};
use crate::model::address::Reach;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::HandshakeEnd;
use crate::model::message::Arg;
use crate::model::outcome::{Outcome, Reply, Unreachable};
use crate::model::place::Place;

/// Fewer unanswered sends over UDP are never called silence.
const FEWEST_SENDS: u32 = 3;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    let resets = Resets::new(run);
    for (endpoint, service) in &run.services {
        let promised = run.is_promised(*endpoint);
        let mut found = Vec::new();
        one(run, &resets, *endpoint, service, &mut found);
        // Nobody promised this port: that it is closed is no fault, that it is open shows the way.
        let speaks = service.answers();
        found.retain(|reading: &Reading| promised || reading.holds() && (speaks || reading.what == What::Reach));
        for reading in found {
            readings.add(reading);
        }
        if promised {
            each_time(*endpoint, service, readings);
        }
    }
}

/// Whether every connection gets as far as the first one: where the server answers over some, nobody means others to be refused, or to end before
/// anything was granted.
fn each_time(endpoint: Endpoint, service: &Service<'_>, readings: &mut Readings) {
    if !endpoint.transport.is_stream() || !service.answers() {
        return;
    }
    let is_refused =
        |reply: &Reply| matches!(reply.outcome, Outcome::Closed | Outcome::Unreachable { reason: Unreachable::Port, .. });
    let refused = service.connects.iter().filter(|seen| is_refused(&seen.fact.reply)).map(|seen| seen.at);
    let broken_off = service.handshakes.iter().filter(|seen| seen.fact.end == HandshakeEnd::Closed).map(|seen| seen.at);
    let allocations = service.allocations.iter().chain(&service.samples);
    let cut = allocations.filter(|seen| seen.fact.reply.outcome == Outcome::Closed).map(|seen| seen.at);
    let mute = service.challenges.iter().filter(|seen| seen.fact.reply.outcome == Outcome::Closed).map(|seen| seen.at);
    let failed: Vec<usize> = refused.chain(broken_off).chain(mute).chain(cut).collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let (tried, ended) = (count(service.connects.len()), count(failed.len()));
    if tried > 1 {
        let (state, evidence) = if failed.is_empty() {
            (State::Holds, service.connects.iter().map(|seen| seen.at).collect())
        } else {
            (State::Broken(Manner::Closed), failed)
        };
        let reading = Reading::new(What::EachTime, Place::service(endpoint), state, evidence);
        readings.add(reading.saying("ended", ended).saying("tried", tried));
    }
}

fn one(run: &Run<'_>, resets: &Resets<'_, '_>, endpoint: Endpoint, service: &Service<'_>, found: &mut Vec<Reading>) {
    let place = Place::service(endpoint);
    let mut add = |what: What, state: State, evidence: Vec<usize>, details: Vec<(&'static str, Arg)>| {
        let mut reading = Reading::new(what, place.clone(), state, evidence);
        reading.details = details;
        found.push(reading);
    };
    let first = first_replies(run, endpoint, service);
    let rejected_here = rejected_by_this_host(run, endpoint, &first);
    if !rejected_here.is_empty() {
        return add(What::Send, State::Broken(Manner::Denied), rejected_here, Vec::new());
    }
    let Some(((_, reply), evidence)) = decisive(&first) else { return };
    match &reply.outcome {
        Outcome::Silent if let Some(refusal) = resets.refusal(endpoint) => {
            add(What::Reach, State::Holds, vec![refusal], Vec::new());
            add(What::Listens, State::Broken(Manner::Refused), vec![refusal], Vec::new());
        }
        Outcome::Silent if endpoint.transport == Transport::Udp && sends(&first) < FEWEST_SENDS => {}
        Outcome::Silent => add(What::Reach, State::Broken(Manner::Silent), evidence, Vec::new()),
        Outcome::DeniedLocally => add(What::Send, State::Broken(Manner::Denied), evidence, Vec::new()),
        Outcome::NoRoute => {}
        Outcome::FromElsewhere { from } => {
            add(What::Source, State::Broken(Manner::Different), evidence, vec![("other", from.to_string().into())]);
        }
        Outcome::Unreachable { reason, from } => {
            if let Some(reset) = resets.nearer_than_the_server(endpoint).filter(|_| *reason == Unreachable::Port) {
                let router = reset.router.map_or_else(|| "none".to_owned(), |router| router.to_string());
                let manner = if reset.here { Manner::RejectedHere } else { Manner::Rejected };
                let evidence = evidence.into_iter().chain(reset.evidence).collect();
                add(What::Reach, State::Broken(manner), evidence, vec![("router", router.into())]);
            } else if *reason == Unreachable::Port && from.is_none_or(|from| from == endpoint.ip()) {
                add(What::Reach, State::Holds, evidence.clone(), Vec::new());
                add(What::Listens, State::Broken(Manner::Refused), evidence, Vec::new());
            } else {
                let manner = rejected(run, endpoint.ip(), *from);
                let router = from.map_or_else(|| "none".to_owned(), |from| from.to_string());
                add(What::Reach, State::Broken(manner), evidence, vec![("router", router.into())]);
            }
        }
        // A connection that is taken and ended at once: somebody is there, and nobody serves.
        Outcome::Closed if service.connects.iter().any(|seen| seen.fact.reply.outcome == Outcome::Closed) => {
            add(What::Reach, State::Holds, evidence.clone(), Vec::new());
            add(What::Listens, State::Broken(Manner::Closed), evidence, Vec::new());
        }
        Outcome::Success | Outcome::Error { .. } | Outcome::Closed | Outcome::NotStun { .. } | Outcome::Unusable { .. } => {
            add(What::Reach, State::Holds, evidence.clone(), Vec::new());
            add(What::Listens, State::Holds, evidence.clone(), Vec::new());
            if endpoint.transport == Transport::Udp {
                add(What::Source, State::Holds, evidence, Vec::new());
            }
        }
    }
}

/// Who rejects: the server's own firewall by its address, somebody in this network, or somebody on the way.
fn rejected(run: &Run<'_>, server: IpAddr, from: Option<IpAddr>) -> Manner {
    match from {
        // A private address is none of the way between two networks.
        Some(from) if from != server && !Reach::of(from).is_global() && Reach::of(server).is_global() => {
            let own = run.source_towards(server);
            if own == Some(from) { Manner::Rejected } else { Manner::RejectedHere }
        }
        Some(_) | None => Manner::Rejected,
    }
}

type Told<'a> = (usize, &'a Reply);

/// What came of the first packets: of a connection over a stream, of requests over UDP.
fn first_replies<'a>(run: &Run<'a>, endpoint: Endpoint, service: &Service<'a>) -> Vec<Told<'a>> {
    let connects = service.connects.iter().map(|seen| (seen.at, &seen.fact.reply));
    if endpoint.transport != Transport::Udp && !service.connects.is_empty() {
        return connects.collect();
    }
    let bindings = service.bindings.iter().map(|seen| (seen.at, &seen.fact.reply));
    let challenges = service.challenges.iter().map(|seen| (seen.at, &seen.fact.reply));
    // The socket that stands for a peer has asked it too.
    let outside = run.outside.iter().filter(|seen| seen.endpoint == Some(endpoint)).map(|seen| (seen.at, &seen.fact.reply));
    // What was asked over a stream was asked over one that stood.
    let counts =
        |reply: &Reply| endpoint.transport == Transport::Udp || !matches!(reply.outcome, Outcome::Silent | Outcome::Closed);
    connects.chain(bindings).chain(challenges).chain(outside).filter(|(_, reply)| counts(reply)).collect()
}

/// What a firewall on this host has rejected, by an address of its own.
fn rejected_by_this_host(run: &Run<'_>, endpoint: Endpoint, replies: &[Told<'_>]) -> Vec<usize> {
    let own = run.source_towards(endpoint.ip()).filter(|own| *own != endpoint.ip());
    let is_own = |reply: &Reply| matches!(reply.outcome, Outcome::Unreachable { reason: Unreachable::Port | Unreachable::Prohibited, from: Some(from) } if own == Some(from));
    replies.iter().filter(|(_, reply)| is_own(reply)).map(|(at, _)| *at).collect()
}

fn sends(replies: &[Told<'_>]) -> u32 {
    replies.iter().map(|(_, reply)| reply.sends).sum()
}

/// The reply that says most, with the observations that say the same: what came wins over silence.
fn decisive<'a>(replies: &[Told<'a>]) -> Option<(Told<'a>, Vec<usize>)> {
    let rank = |reply: &Reply| match reply.outcome {
        Outcome::Success | Outcome::Error { .. } => 0,
        Outcome::NotStun { .. } | Outcome::Unusable { .. } => 1,
        Outcome::FromElsewhere { .. } => 2,
        Outcome::Closed => 3,
        Outcome::Unreachable { reason: Unreachable::Port, .. } => 4,
        Outcome::Unreachable { .. } => 5,
        Outcome::DeniedLocally => 6,
        Outcome::NoRoute => 7,
        Outcome::Silent => 8,
    };
    let best = *replies.iter().min_by_key(|(_, reply)| rank(reply))?;
    let alike = replies.iter().filter(|(_, reply)| rank(reply) == rank(best.1)).map(|(at, _)| *at).collect();
    Some((best, alike))
}

/// Whether the handshake of a secure transport came to its end.
pub fn is_open(endpoint: Endpoint, service: &Service<'_>) -> bool {
    !endpoint.transport.is_secure() || service.handshakes.iter().any(|seen| seen.fact.end == HandshakeEnd::Completed)
}
