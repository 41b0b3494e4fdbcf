//! A short paced stream through the relay, both ways at once: loss, jitter, round trip, throughput, and stalls of TCP.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::allocate::Allocation;
use super::context::{Context, is_answer};
use super::inbox::Inbox;
use super::loss::{is_suspicious, measure_again, smoothed_jitter};
use super::outside::{Heard, Peer, TOKEN_LENGTH, Token};
use super::size;
use super::volume::still_answers;
use crate::model::duration::milliseconds;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, StreamFact, Tally};

/// A packet of the short stream over UDP, in bytes: 20 ms of Opus with its headers.
const VOICE_PACKET: usize = 172;

/// A packet over TCP or TLS, in bytes: some kilobytes must pass to show a connection that is cut after them.
const LARGE_PACKET: usize = 1200;

/// Which packets of the short stream over UDP are large: every so many-th, as the key frames of video among its sound.
const LARGE_EVERY: u32 = 5;

/// The same of those that come in towards a connection over TCP or TLS, of which there are fewer.
const LARGE_EVERY_INTO_STREAM: u32 = 2;

/// The distance of packets in the short stream.
const SHORT_DISTANCE: Duration = Duration::from_millis(1);

/// The distance of packets in a longer stream: 1200 bytes each 6 ms are 1.6 Mbit/s, a video call.
const LONG_DISTANCE: Duration = Duration::from_millis(6);

/// The packets of the short stream in each direction.
const SHORT_COUNT: u32 = 20;

/// The same over TCP and TLS: as many as fit into the first window of a connection (ten segments, RFC 6928), so that none waits a round
/// trip for the next one.
const SHORT_COUNT_OVER_STREAM: u32 = 10;

/// The packets in each direction that follow when the first show loss, and again while it isn't plain whether that was chance.
const MORE_COUNTS: [u32; 2] = [40, 90];

/// As many packets missing one after the other are no chance: where half of them are lost, they are missing once in a thousand places.
const ROW: u32 = 10;

/// The packets of the longest stream.
const LONGEST_COUNT: u32 = 10_000;

/// Runs the stream over an allocation towards the own socket outside, whose address the relay has seen.
pub async fn run(context: &Context, allocation: &Allocation, peer: &Peer, to: SocketAddr, relayed: &mut Inbox) {
    let over_stream = allocation.session.endpoint().transport.is_stream();
    let round_trip = allocation.session.round_trip().unwrap_or(Duration::from_millis(100));
    // Datagrams show the way in to the same relay, and over a connection every byte counts that something may stall it after.
    let large_in = over_stream && !answers_datagrams(context, allocation.session.endpoint().ip());
    let shape = Shape { large_in, ..Shape::new(context, over_stream, round_trip) };
    let run = Run { context, allocation, peer, to, shape };

    let mut measured = run.both_ways(relayed).await;
    run.take_back_stall(&mut measured).await;
    // A single lost packet of twenty says nothing. Over TCP the way to the server is not measured, so there a loss must be larger to
    // count, and a single one isn't worth the time.
    let worth_it = if over_stream { 3 } else { 1 };
    let lossy = measured.inbound.plus(measured.outbound).lost() >= worth_it;
    for count in MORE_COUNTS {
        let plain = count != MORE_COUNTS[0] && !is_suspicious(measured.inbound.plus(measured.outbound));
        if !lossy || plain || measured.long || measured.stalled_after_bytes.is_some() {
            break;
        }
        let more = Run { shape: Shape { count, ..run.shape }, ..run };
        let mut further = more.both_ways(relayed).await;
        more.take_back_stall(&mut further).await;
        add(&mut measured, &further);
    }
    if lossy && !measured.long && !over_stream {
        measure_again(context, &allocation.session).await;
    }
    let vanish = large_ones_vanish(&measured);
    context.record.add("stream", allocation.session.endpoint(), Fact::Stream(measured));
    if vanish {
        size::sweep(context, allocation.session.endpoint().ip()).await;
    }
}

/// Whether a server answers over plain UDP.
fn answers_datagrams(context: &Context, server: IpAddr) -> bool {
    let over_udp = |endpoint: Endpoint| endpoint.transport == Transport::Udp && endpoint.ip() == server;
    context.record.observations().iter().any(|seen| is_answer(&seen.fact) && seen.endpoint().is_some_and(over_udp))
}

/// Whether no large packet arrives where small ones may.
fn large_ones_vanish(measured: &StreamFact) -> bool {
    let large = measured.large;
    measured.stalled_after_bytes == Some(0) || large.sent > 0 && large.arrived == 0 && measured.outbound.arrived > 0
}

fn add(measured: &mut StreamFact, further: &StreamFact) {
    measured.inbound = measured.inbound.plus(further.inbound);
    measured.outbound = measured.outbound.plus(further.outbound);
    measured.large = measured.large.plus(further.large);
    measured.large_inbound = measured.large_inbound.plus(further.large_inbound);
    measured.lost_in_rows += further.lost_in_rows;
    measured.jitter_ms = measured.jitter_ms.max(further.jitter_ms);
    let arrived = u64::from(measured.outbound.arrived) * measured.packet_bytes as u64;
    measured.stalled_after_bytes = further.stalled_after_bytes.map(|_| arrived);
}

#[derive(Clone, Copy)]
struct Shape {
    packet: usize,
    count: u32,
    distance: Duration,
    wait: Duration,
    long: bool,
    over_stream: bool,
    /// Whether large packets are sent in too, where the connection has none of them.
    large_in: bool,
}

impl Shape {
    fn new(context: &Context, over_stream: bool, round_trip: Duration) -> Self {
        // Everything that arrives ends the wait; a busy host may hold a packet for a while without losing it.
        let wait = Duration::from_millis(400).max(round_trip * 3);
        let packet = if over_stream { LARGE_PACKET } else { VOICE_PACKET };
        match context.long_stream {
            None => {
                let count = if over_stream { SHORT_COUNT_OVER_STREAM } else { SHORT_COUNT };
                Self { packet, count, distance: SHORT_DISTANCE, wait, long: false, over_stream, large_in: false }
            }
            Some(length) => {
                let count = u32::try_from(length.as_millis() / LONG_DISTANCE.as_millis()).unwrap_or(u32::MAX);
                let count = count.clamp(SHORT_COUNT, LONGEST_COUNT);
                Self { packet: LARGE_PACKET, count, distance: LONG_DISTANCE, wait, long: true, over_stream, large_in: false }
            }
        }
    }
}

struct Run<'a> {
    context: &'a Context,
    allocation: &'a Allocation,
    peer: &'a Peer,
    to: SocketAddr,
    shape: Shape,
}

impl Run<'_> {
    async fn both_ways(&self, relayed: &mut Inbox) -> StreamFact {
        let shape = self.shape;
        let (inward, outward) = (self.context.outside.token(), self.context.outside.token());
        let mut heard = self.peer.expect(outward);
        let started = Instant::now();
        let end = started + shape.distance * shape.count + shape.wait;
        let sending = self.send(inward, outward);
        // TCP delivers late rather than never: what counts there is whether anything still moves.
        let patience = if shape.over_stream { Duration::from_millis(700) } else { Duration::ZERO };
        let inward_arrivals = collect_relayed(relayed, inward, shape.count, end + patience);
        let outward_arrivals = collect_heard(&mut heard, outward, shape.count, end + patience);
        let (sent, inbound, outbound) = tokio::join!(sending, inward_arrivals, outward_arrivals);
        self.fact(&sent, &inbound, &outbound)
    }

    async fn send(&self, inward: Token, outward: Token) -> Vec<Instant> {
        let mut sent = Vec::new();
        let started = Instant::now();
        for number in 0..self.shape.count {
            sent.push(Instant::now());
            // IN has shown that this host sends there.
            _ = self.peer.send(&packet(inward, number, self.size_inward(number)), self.allocation.relayed);
            self.allocation.session.send_to_peer(self.to, &packet(outward, number, self.size_of(number)));
            // By the clock and not by the last packet: timers wake late, and the lateness would add up.
            sleep_until(started + self.shape.distance * (number + 1)).await;
        }
        sent
    }

    fn size_of(&self, number: u32) -> usize {
        if is_every(LARGE_EVERY, number) { LARGE_PACKET } else { self.shape.packet }
    }

    /// Over TCP the volume goes out through the connection, so that few large datagrams do for the way in.
    fn size_inward(&self, number: u32) -> usize {
        match (self.shape.over_stream, self.shape.large_in) {
            (false, _) => self.size_of(number),
            (true, true) if is_every(LARGE_EVERY_INTO_STREAM, number) => LARGE_PACKET,
            (true, _) => VOICE_PACKET,
        }
    }

    fn large(&self, size: impl Fn(u32) -> usize, arrivals: &HashMap<u32, Instant>) -> Tally {
        let large = (0..self.shape.count).filter(|number| size(*number) == LARGE_PACKET);
        let count = |numbers: &mut dyn Iterator<Item = u32>| u32::try_from(numbers.count()).unwrap_or(u32::MAX);
        let sent = count(&mut large.clone());
        Tally { sent, arrived: count(&mut large.filter(|number| arrivals.contains_key(number))) }
    }

    fn fact(&self, sent: &[Instant], inbound: &HashMap<u32, Instant>, outbound: &HashMap<u32, Instant>) -> StreamFact {
        let shape = self.shape;
        let tally = |arrived: usize| Tally { sent: shape.count, arrived: u32::try_from(arrived).unwrap_or(u32::MAX) };
        let worse = if inbound.len() < outbound.len() { inbound } else { outbound };
        let transit = |arrivals: &HashMap<u32, Instant>| shortest_transit(sent, arrivals);
        let round_trip = transit(inbound).zip(transit(outbound)).map(|(inward, outward)| inward.max(outward));
        StreamFact {
            inbound: tally(inbound.len()),
            outbound: tally(outbound.len()),
            large: self.large(|number| self.size_of(number), outbound),
            large_inbound: self.large(|number| self.size_inward(number), inbound),
            packet_bytes: shape.packet,
            jitter_ms: jitter_ms(sent, inbound).max(jitter_ms(sent, outbound)),
            rtt_ms: round_trip.map(milliseconds),
            throughput_kbps: throughput_kbps(sent, worse, shape.packet),
            lost_in_rows: lost_in_rows(shape.count, inbound) + lost_in_rows(shape.count, outbound),
            long: shape.long,
            stalled_after_bytes: self.stalled(outbound),
        }
    }

    /// A connection that still answers has not stalled: what was lost was lost behind the relay.
    async fn take_back_stall(&self, measured: &mut StreamFact) {
        if measured.stalled_after_bytes.is_some() && still_answers(self.allocation).await {
            measured.stalled_after_bytes = None;
        }
    }

    /// The bytes after which a stream took nothing more: its last packets are all missing.
    fn stalled(&self, outbound: &HashMap<u32, Instant>) -> Option<u64> {
        let carried = outbound.keys().max().map_or(0, |last| last + 1);
        let missing = self.shape.count.saturating_sub(carried);
        // Datagrams behind the relay may be lost one by one; a quarter in one piece at the end is a stall.
        (self.shape.over_stream && missing >= self.shape.count / 4).then(|| u64::from(carried) * self.shape.packet as u64)
    }
}

fn is_every(nth: u32, number: u32) -> bool {
    number % nth == nth - 1
}

fn packet(token: Token, number: u32, size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size);
    bytes.extend(token);
    bytes.extend(number.to_be_bytes());
    bytes.resize(size.max(TOKEN_LENGTH + 4), 0);
    bytes
}

fn number_of(payload: &[u8], token: Token) -> Option<u32> {
    let rest = payload.strip_prefix(&token)?;
    rest.first_chunk::<4>().map(|number| u32::from_be_bytes(*number))
}

async fn collect_relayed(relayed: &mut Inbox, token: Token, count: u32, end: Instant) -> HashMap<u32, Instant> {
    let mut arrivals = HashMap::new();
    while let Some(datagram) = relayed.next(end).await {
        let Some(number) = number_of(&datagram.payload, token).filter(|number| *number < count) else {
            relayed.keep(datagram);
            continue;
        };
        arrivals.entry(number).or_insert(datagram.at);
        if arrivals.len() == count as usize {
            break;
        }
    }
    arrivals
}

async fn collect_heard(heard: &mut Receiver<Heard>, token: Token, count: u32, end: Instant) -> HashMap<u32, Instant> {
    let mut arrivals = HashMap::new();
    while let Ok(Some(datagram)) = timeout_at(end, heard.recv()).await {
        if let Some(number) = number_of(&datagram.payload, token).filter(|number| *number < count) {
            arrivals.entry(number).or_insert(datagram.at);
            if arrivals.len() == count as usize {
                break;
            }
        }
    }
    arrivals
}

/// How many packets are missing in rows of [`ROW`] or more.
fn lost_in_rows(count: u32, arrivals: &HashMap<u32, Instant>) -> u32 {
    let (mut lost, mut row) = (0, 0);
    for number in 0..=count {
        if number < count && !arrivals.contains_key(&number) {
            row += 1;
            continue;
        }
        lost += if row >= ROW { row } else { 0 };
        row = 0;
    }
    lost
}

fn shortest_transit(sent: &[Instant], arrivals: &HashMap<u32, Instant>) -> Option<Duration> {
    arrivals.iter().filter_map(|(number, at)| Some(at.saturating_duration_since(*sent.get(*number as usize)?))).min()
}

/// The jitter of the packets that arrived, in milliseconds.
fn jitter_ms(sent: &[Instant], arrivals: &HashMap<u32, Instant>) -> f64 {
    let arrived = (0..).zip(sent).filter_map(|(number, sent)| Some((sent, arrivals.get(&number)?)));
    smoothed_jitter(arrived.map(|(sent, at)| milliseconds(at.saturating_duration_since(*sent))))
}

/// What arrived, over the time from the first send to the last arrival, in kilobits a second.
fn throughput_kbps(sent: &[Instant], arrivals: &HashMap<u32, Instant>, packet: usize) -> f64 {
    let (Some(first), Some(last)) = (sent.first(), arrivals.values().max()) else { return 0.0 };
    let seconds = last.saturating_duration_since(*first).as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "a stream has some megabytes at the most")]
    let kilobits = (arrivals.len() * packet * 8) as f64 / 1000.0;
    (kilobits / seconds).round()
}
