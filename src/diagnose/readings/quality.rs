//! How well packets go: loss, sizes, connections that stall, streams through the relay. Each is measured, and counts only where the sample can
//! show the fault.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::diagnose::interval::{clopper_pearson, surely_over, surely_under};
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Seen, Service};
use crate::model::endpoint::Endpoint;
use crate::model::fact::{ENOUGH_VOLUME, Fact, StreamFact, Tally};
use crate::model::message::Arg;
use crate::model::place::Place;

/// The share of lost packets that a call bears.
pub const BEARABLE: f64 = 0.03;

/// A stream is known to be clean where its loss is surely below this share.
const TELLING: f64 = 0.1;

/// Jitter that a call bears, in milliseconds (CAUSES: over 30 ms).
const BEARABLE_JITTER_MS: f64 = 30.0;

/// What a video call needs, in kilobits a second.
const NEEDED_KBPS: f64 = 1000.0;

/// Fewer requests tell nothing of loss.
const FEWEST_REQUESTS: u32 = 20;

/// Where so large a share of what a longer stream loses is lost in rows, it is what was above some rate.
const ALL_BUT_CHANCE: f64 = 0.8;

/// How many large packets must be lost to the last one.
const ENOUGH_LARGE: u32 = 4;

/// What a large packet of the stream has with the headers of TURN, UDP and IP, in bytes.
const LARGE_PACKET: u16 = 1200 + 36 + 28;

/// As many packets above a lost size stay unanswered at the least: four sizes, tried four times each.
const LOST_AT_LEAST: f64 = 16.0;

/// What is lost by chance oftener than this tells nothing.
pub const CHANCE: f64 = 0.001;

/// The least time that a lost segment costs a TCP connection, in milliseconds (Linux; RFC 6298 has a second).
const LEAST_RETRANSMISSION_MS: f64 = 200.0;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    let clean = loss(run, readings);
    let late = held_up(run);
    sizes(run, readings);
    for (endpoint, service) in run.promised() {
        volume(run, endpoint, service, late.contains(&endpoint.ip()), readings);
        stream(run, endpoint, service, clean.get(&endpoint.ip()), readings);
    }
}

/// The paced requests to a server: at a thousand a second, and as many as a call sends.
#[derive(Clone, Copy, Default)]
struct Paces {
    fast: Tally,
    slow: Tally,
    jitter_ms: f64,
}

impl Paces {
    fn is_limited(self) -> bool {
        self.slow.sent > 0 && surely_over(self.fast.lost(), self.fast.sent) > surely_under(self.slow.lost(), self.slow.sent)
    }

    /// Those that tell of the line: where their number is limited the slow ones.
    fn counting(self) -> Tally {
        if self.is_limited() { self.slow } else { self.fast.plus(self.slow) }
    }
}

/// The share of the exchanges with a server that are lost at the pace that loses more; nothing is lost where none was measured.
#[must_use]
pub fn worst_loss(run: &Run<'_>, server: IpAddr) -> f64 {
    let share = |tally: Tally| f64::from(tally.lost()) / f64::from(tally.sent.max(1));
    let measured = run.services_at(server).flat_map(|(_, service)| &service.losses).map(|seen| seen.fact);
    let shares = measured.map(|fact| share(fact.requests).max(fact.slow.map_or(0.0, share)));
    shares.fold(0.0, f64::max)
}

fn loss(run: &Run<'_>, readings: &mut Readings) -> BTreeMap<IpAddr, Paces> {
    let mut servers: BTreeMap<IpAddr, (Paces, Vec<usize>)> = BTreeMap::new();
    for (endpoint, service) in run.promised() {
        for seen in &service.losses {
            let (paces, evidence) = servers.entry(endpoint.ip()).or_default();
            paces.fast = paces.fast.plus(seen.fact.requests);
            paces.slow = paces.slow.plus(seen.fact.slow.unwrap_or_default());
            paces.jitter_ms = paces.jitter_ms.max(seen.fact.jitter_ms.unwrap_or_default());
            evidence.push(seen.at);
        }
    }
    for (server, (paces, evidence)) in &servers {
        let counted = paces.counting();
        let place = Place::Server { server: *server };
        let state = if is_loss(counted) {
            State::Broken(Manner::Loss)
        } else if counted.sent >= FEWEST_REQUESTS && surely_over(counted.lost(), counted.sent) < BEARABLE {
            State::Holds
        } else {
            continue;
        };
        readings.add(with_loss(Reading::new(What::Clean, place, state, evidence.clone()), counted));
    }
    servers.into_iter().map(|(server, (paces, _))| (server, paces)).collect()
}

fn is_loss(tally: Tally) -> bool {
    tally.sent >= FEWEST_REQUESTS && surely_over(tally.lost(), tally.sent) > BEARABLE
}

fn with_loss(reading: Reading, tally: Tally) -> Reading {
    let (lower, upper) = clopper_pearson(tally.lost(), tally.sent);
    let percent = |share: f64| Arg::Text(format!("{:.0}", share * 100.0));
    reading
        .saying("lost", tally.lost())
        .saying("sent", tally.sent)
        .saying("percent", percent(f64::from(tally.lost()) / f64::from(tally.sent.max(1))))
        .saying("lower", percent(lower))
        .saying("upper", percent(upper))
}

/// The servers of which so many answers over TCP come a retransmission late that the way loses packets: a stream hides lost packets and
/// pays for each with time. Of a server that gave few answers those of all servers tell.
#[must_use]
pub fn held_up(run: &Run<'_>) -> Vec<IpAddr> {
    let mut answers: BTreeMap<Endpoint, Vec<f64>> = BTreeMap::new();
    for observation in run.observations {
        let Some(endpoint) = observation.endpoint().filter(|endpoint| endpoint.transport.is_stream()) else { continue };
        if let Some(rtt_ms) = answered_at_once(&observation.fact) {
            answers.entry(endpoint).or_default().push(rtt_ms);
        }
    }
    let mut servers: BTreeMap<IpAddr, Tally> = BTreeMap::new();
    for (endpoint, answers) in answers {
        let fastest = answers.iter().copied().fold(f64::INFINITY, f64::min);
        let late = answers.iter().filter(|rtt_ms| **rtt_ms >= fastest + LEAST_RETRANSMISSION_MS).count();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let known = servers.entry(endpoint.ip()).or_default();
        *known = known.plus(Tally { sent: count(answers.len()), arrived: count(answers.len() - late) });
    }
    let all = servers.values().fold(Tally::default(), |all, tally| all.plus(*tally));
    let is_late = |tally: Tally| is_loss(tally) || tally.sent < FEWEST_REQUESTS && is_loss(all);
    servers.into_iter().filter(|(_, tally)| is_late(*tally)).map(|(server, _)| server).collect()
}

/// The round trip, in milliseconds, of an answer that takes a server no time; an allocation may take it a second.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts are no single answer")]
fn answered_at_once(fact: &Fact) -> Option<f64> {
    let reply = match fact {
        Fact::Connect(it) => &it.reply,
        Fact::Binding(it) => &it.reply,
        Fact::Challenge(it) => &it.reply,
        Fact::Permission(it) => &it.reply,
        Fact::Channel(it) => &it.reply,
        Fact::Release(it) => &it.reply,
        _ => return None,
    };
    reply.rtt_ms.filter(|_| reply.answered())
}

fn sizes(run: &Run<'_>, readings: &mut Readings) {
    for seen in &run.sizes {
        let Some(endpoint) = seen.endpoint else { continue };
        let place = Place::Server { server: endpoint.ip() };
        let is_chance = worst_loss(run, endpoint.ip()).powf(LOST_AT_LEAST) > CHANCE;
        let state = if seen.fact.lost.is_none() {
            State::Holds
        } else if is_chance {
            continue;
        } else if seen.fact.passed < LARGE_PACKET || has_large_trouble(run, endpoint.ip()) {
            State::Broken(Manner::Large)
        } else {
            continue;
        };
        let knows = seen.fact.known.zip(seen.fact.lost).is_some_and(|(known, lost)| known < lost);
        let known = if knows { "yes" } else { "no" };
        let reading = Reading::new(What::Size, place, state, vec![seen.at]);
        readings.add(reading.saying("size", u32::from(seen.fact.passed)).saying("known-size", known));
    }
}

/// Whether a connection to the server stalls with its first full segment, which is as large as Ethernet allows.
fn has_large_trouble(run: &Run<'_>, server: IpAddr) -> bool {
    run.services_at(server).any(|(_, service)| stalls_at_once(service))
}

fn stalls_at_once(service: &Service<'_>) -> bool {
    let in_answers = service.volumes.iter().any(|seen| seen.fact.stalled && seen.fact.requests.arrived == 0);
    match service.streams.first() {
        Some(stream) => stream.fact.stalled_after_bytes == Some(0) || in_answers && stream.fact.outbound.arrived == 0,
        None => in_answers,
    }
}

/// Whether a connection goes on after some kilobytes.
fn volume(run: &Run<'_>, endpoint: Endpoint, service: &Service<'_>, is_late: bool, readings: &mut Readings) {
    if !endpoint.transport.is_stream() {
        return;
    }
    // Where nothing at all comes through the relay, the connection is not to blame.
    let flows = |fact: &StreamFact| fact.outbound.arrived > 0 || service.volumes.iter().all(|seen| seen.fact.stalled);
    let in_stream = service.streams.first().filter(|seen| flows(seen.fact)).and_then(|seen| seen.fact.stalled_after_bytes);
    let in_answers = service.volumes.iter().find(|seen| seen.fact.stalled).map(|seen| seen.fact.received_bytes);
    let evidence = service.streams.iter().map(|seen| seen.at).chain(service.volumes.iter().map(|seen| seen.at));
    let allocations = service.allocations.iter().chain(&service.samples).filter(|seen| seen.fact.reply.silent());
    let unanswered: Vec<usize> = allocations.filter(|_| is_late).map(|seen| seen.at).collect();
    let evidence: Vec<usize> = evidence.chain(unanswered.iter().copied()).collect();
    if evidence.is_empty() {
        return;
    }
    let place = Place::service(endpoint);
    let bytes = in_stream.unwrap_or(0).saturating_add(in_answers.unwrap_or(0));
    let state = match (in_stream, in_answers) {
        // A line that loses packets may hold up a connection for seconds; one that is cut has not carried as much.
        (None, Some(bytes)) if bytes >= ENOUGH_VOLUME || goes_on(service) => return,
        (None, None) if unanswered.is_empty() => State::Holds,
        // What waits for lost packets comes late time and again.
        _ if is_late => State::Broken(Manner::Loss),
        _ if stalls_at_once(service) && !all_sizes_pass(run, endpoint.ip()) => State::Broken(Manner::StallsAtOnce),
        _ => State::Broken(Manner::Stalls),
    };
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    readings.add(Reading::new(What::Volume, place, state, evidence).saying("bytes", bytes));
}

/// Whether a connection whose answers stopped has carried most of a stream after that.
fn goes_on(service: &Service<'_>) -> bool {
    let stopped = service.volumes.iter().find(|seen| seen.fact.stalled);
    let stream = service.streams.first().filter(|seen| stopped.is_some_and(|stopped| stopped.at < seen.at));
    stream.map(|seen| seen.fact.inbound.plus(seen.fact.outbound)).is_some_and(|both| both.arrived > both.sent / 2)
}

/// Whether a connection to a service stalls.
#[must_use]
pub fn stalls(service: &Service<'_>) -> bool {
    service.volumes.iter().any(|seen| seen.fact.stalled)
        || service.streams.iter().any(|seen| seen.fact.stalled_after_bytes.is_some())
}

fn all_sizes_pass(run: &Run<'_>, server: IpAddr) -> bool {
    run.sizes.iter().any(|seen| seen.endpoint.is_some_and(|endpoint| endpoint.ip() == server) && seen.fact.lost.is_none())
}

/// A stream through the relay: what it loses counts where the way to the server loses less.
fn stream(run: &Run<'_>, endpoint: Endpoint, service: &Service<'_>, clean: Option<&Paces>, readings: &mut Readings) {
    let Some(seen) = service.streams.first() else { return };
    if stalls(service) {
        return;
    }
    let Some(relayed) = run.relayed_through(endpoint) else { return };
    let place = Place::Relay { server: endpoint.ip(), relayed };
    let (fact, both) = (seen.fact, seen.fact.inbound.plus(seen.fact.outbound));
    let lost_large = lost_large_alone(fact.large, fact.outbound);
    if lost_large && !endpoint.transport.is_stream() {
        let place = Place::Server { server: endpoint.ip() };
        readings.add(
            Reading::new(What::Size, place, State::Broken(Manner::Large), vec![seen.at])
                .saying("size", 1200_u32)
                .saying("known-size", "none"),
        );
        return;
    }
    if lost_large_alone(fact.large_inbound, fact.inbound) {
        readings.add(Reading::new(What::SizeIn, place, State::Broken(Manner::Large), vec![seen.at]).saying("size", 1200_u32));
        return;
    }
    // A way that loses as much explains the stream's loss.
    let share = f64::from(both.lost()) / f64::from(both.sent.max(1));
    let is_own_way = clean.is_some_and(|paces| {
        let counted = paces.counting();
        counted.sent > 0 && surely_under(counted.lost(), counted.sent) > share
    });
    let state = match complaint(endpoint, seen, both, clean.copied()) {
        Some(Manner::Loss) if is_own_way => return,
        Some(manner) => State::Broken(manner),
        // Few packets would hide a loss.
        None if clopper_pearson(both.lost(), both.sent).1 < TELLING => State::Holds,
        None => return,
    };
    let reading = with_loss(Reading::new(What::Stream, place, state, vec![seen.at]), both).at(endpoint);
    readings.add(reading.saying("jitter", fact.jitter_ms.round()).saying("kbps", fact.throughput_kbps.round()));
}

/// Whether no large packet arrived, and most of the small ones did.
fn lost_large_alone(large: Tally, all: Tally) -> bool {
    large.sent >= ENOUGH_LARGE && large.arrived == 0 && all.arrived > (all.sent - large.sent) / 2
}

fn complaint(endpoint: Endpoint, seen: &Seen<'_, StreamFact>, both: Tally, clean: Option<Paces>) -> Option<Manner> {
    let is_datagram = !endpoint.transport.is_stream();
    // Over a stream nothing tells the loss of the way from that of the relay but its size.
    let bearable = if is_datagram { BEARABLE } else { BEARABLE * 2.0 };
    if surely_over(both.lost(), both.sent) > bearable {
        let in_rows = f64::from(seen.fact.lost_in_rows) > ALL_BUT_CHANCE * f64::from(both.lost());
        return Some(if seen.fact.long && in_rows { Manner::UnderLoad } else { Manner::Loss });
    }
    let own_jitter_ms = clean.map_or(f64::INFINITY, |paces| paces.jitter_ms);
    if is_datagram && seen.fact.jitter_ms > BEARABLE_JITTER_MS + 2.0 * own_jitter_ms {
        Some(Manner::Jitter)
    } else if seen.fact.long && seen.fact.throughput_kbps < NEEDED_KBPS {
        Some(Manner::Slow)
    } else {
        None
    }
}
