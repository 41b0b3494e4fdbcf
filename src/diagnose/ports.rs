//! Which ports of a relay let datagrams in, from single probes and from whole ranges; and what that says of those that nobody tried.

use std::net::IpAddr;
use std::time::Duration;

use super::interval::{clopper_pearson, open_share};
use super::reading::{Manner, Reading, Readings, State, What};
use super::readings::quality::worst_loss;
use super::run::{RelayAt, Run, Seen};
use crate::model::fact::{Fact, InboundFact, InboundWay, PortProtocol, PortsBy, PortsEnd, PortsFact, Tally, distance_of_tries};
use crate::model::place::Place;
use crate::model::ports::{PortRange, PortSet, USUAL_RELAY_RANGE};
use crate::model::relay_ports::{Block, RelayPorts, Share, blocks};

/// In how many runs a port may be called closed although all tries at it were lost.
const WRONG_RUNS: f64 = 0.01;

/// The same of single ports that were tried beside each other, whose loss is known from few tries.
const WRONG_SAMPLES: f64 = 0.001;

/// How rarely chance may put all closed ports to one end of those that were tried, before their place is sure.
const CHANCE: f64 = 0.001;

/// So many connections of one server are not held up at once for longer than a port is tried.
const FEWEST_HELD_UP: u32 = 3;

/// With so many ports tried, a range of which half is open would have shown an open one in 255 of 256 runs.
const SPEAKS_FOR_ALL: u32 = 8;

/// The ports of a relay that were tried.
pub struct TriedPorts {
    open: PortSet,
    closed: PortSet,
    /// Those of the closed ones at which the host itself refused.
    refused: PortSet,
    /// Whether every port that the server uses was tried.
    complete: bool,
    /// Whether the relay lets something in at ports beyond the range that was asked for; `None` where it has none beyond.
    others_open: Option<bool>,
    /// Whether enough tries were made for the loss of the way.
    tried_enough: bool,
    evidence: Vec<usize>,
}

/// The ranges of UDP ports, which relays use.
pub fn udp_ranges<'a>(run: &Run<'a>) -> Vec<Seen<'a, PortsFact>> {
    all_ranges(run).filter(|range| range.fact.proto == PortProtocol::Udp).collect()
}

fn all_ranges<'a>(run: &Run<'a>) -> impl Iterator<Item = Seen<'a, PortsFact>> {
    run.ranges.iter().copied()
}

impl TriedPorts {
    /// The ports of a relayed address at which IN was tried, or which a range tells of.
    #[must_use]
    pub fn at(run: &Run<'_>, at: RelayAt) -> Option<Self> {
        let ranges = ranges_at(run, at);
        let tried = Self::in_ranges(run, at, &ranges);
        (tried.count() > 0).then_some(tried)
    }

    fn in_ranges(run: &Run<'_>, at: RelayAt, ranges: &[Seen<'_, PortsFact>]) -> Self {
        let (mut open, mut closed, mut refused, mut cited) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let is_asked = |port: u16| ranges.is_empty() || ranges.iter().any(|range| range.fact.probed.contains(port));
        let mut others_open = None;
        let (mut fewest_sends, mut arrivals) = (u32::MAX, Vec::new());
        for (port, relayed) in run.relays.get(&at).into_iter().flatten() {
            let tried: Vec<_> = relayed.inbound.iter().filter(|seen| seen.fact.way == InboundWay::Unsolicited).collect();
            let Some(first) = tried.first() else { continue };
            let arrived = tried.iter().any(|seen| seen.fact.arrived);
            if !is_asked(*port) {
                others_open = Some(others_open == Some(true) || arrived);
                continue;
            }
            if arrived {
                arrivals.push((first.fact.sends, wait(first.fact)));
            } else {
                // What the host itself refuses needs no further try.
                if relayed.inbound.iter().any(|seen| is_refused_at(seen.fact, at.1)) {
                    refused.push(*port);
                } else {
                    fewest_sends = fewest_sends.min(first.fact.sends);
                }
            }
            if arrived {
                open.push(*port);
            } else {
                closed.push(*port);
            }
            cited.extend(tried.iter().map(|seen| seen.at));
        }
        for range in ranges {
            open.extend(range.fact.open.iter());
            closed.extend(range.fact.closed.iter());
            refused.extend(range.fact.refused.iter());
        }
        let open: PortSet = open.into_iter().collect();
        // What let something in once is open.
        let closed: PortSet = closed.into_iter().filter(|port| !open.contains(*port)).collect();
        let refused: PortSet = refused.into_iter().filter(|port| !open.contains(*port)).collect();
        let tried_enough = if ranges.is_empty() {
            let lost = lost_share(tries_before(&arrivals)).max(worst_loss(run, at.0));
            fewest_sends > 1 && is_tried_enough(lost, [closed.count(), open.count()], fewest_sends, WRONG_SAMPLES)
        } else {
            ranges.iter().all(|range| {
                let fact = range.fact;
                fact.closed.is_empty()
                    || is_tried_enough(lost_share(fact.loss), [fact.closed.count(), fact.open.count()], fact.tries, WRONG_RUNS)
            })
        };
        Self {
            complete: is_complete_in(ranges, &open, &closed),
            others_open,
            tried_enough,
            evidence: ranges.iter().map(|range| range.at).chain(cited).collect(),
            open,
            closed,
            refused,
        }
    }

    /// Whether the few closed ports were tried over connections alone, each of which may have waited for what the line had lost.
    #[must_use]
    pub fn may_be_held_up(&self, run: &Run<'_>, at: RelayAt) -> bool {
        let ports = run.relays.get(&at);
        let over_streams = |port: u16| {
            let through = ports.and_then(|ports| ports.get(&port)).map(|relayed| &relayed.through);
            through.is_some_and(|through| through.iter().all(|endpoint| endpoint.transport.is_stream()))
        };
        self.closed.count() < FEWEST_HELD_UP && self.closed.iter().all(over_streams)
    }

    fn count(&self) -> u32 {
        self.open.count() + self.closed.count()
    }

    fn blocks(&self) -> Vec<Block> {
        blocks(&self.open, &self.closed)
    }

    /// How the closed ports lie; nothing where all are open, or none is.
    fn manner(&self) -> Option<Manner> {
        let none_open = self.open.is_empty() && self.others_open != Some(true);
        if none_open || self.closed.is_empty() {
            return None;
        }
        // Hosts limit their refusals, so that one of them stands for others.
        let all_refused = !self.refused.is_empty();
        Some(match self.blocks()[..] {
            // Within a part of the server's range a block at one end is none of the whole.
            [block] if block.open_below.is_none() != block.open_above.is_none() && self.others_open.is_none() => {
                let enough = self.complete || block.tried >= 2 && self.open.count() >= 2;
                let sure = self.complete || chance_of_one_end(self.closed.count(), self.count()) < CHANCE;
                match (enough, sure) {
                    (true, true) => Manner::Split,
                    (true, false) => Manner::OneWay,
                    (false, _) if all_refused => Manner::ScatteredRefused,
                    (false, _) => Manner::OneEnd,
                }
            }
            [_] if all_refused && !self.complete => Manner::ScatteredRefused,
            [_] => Manner::Block,
            _ if all_refused => Manner::ScatteredRefused,
            _ => Manner::Scattered,
        })
    }

    /// The reading of them.
    pub fn read(&self, at: RelayAt, readings: &mut Readings) {
        let place = Place::Relay { server: at.0, relayed: at.1 };
        self.read_at(place, readings);
    }

    fn read_at(&self, place: Place, readings: &mut Readings) {
        let state = match self.manner() {
            Some(_) if !self.tried_enough => return,
            Some(manner) => State::Broken(manner),
            None if self.open.is_empty() => {
                if self.complete || self.closed.count() >= SPEAKS_FOR_ALL {
                    readings.add(Reading::new(What::Throughout, place, State::Holds, self.evidence.clone()));
                }
                return;
            }
            None => State::Holds,
        };
        let (lower, upper) = clopper_pearson(self.open.count(), self.count());
        let blocks = self.blocks();
        let told = match blocks.as_slice() {
            [block] => block.to_string(),
            _ => "none".to_owned(),
        };
        let first = blocks.first();
        let edge = |port: Option<u16>| port.map_or_else(|| "none".to_owned(), |port| port.to_string());
        let next = first.map_or_else(
            || "none".to_owned(),
            |block| {
                if block.open_below.is_some() { block.closed.first().to_string() } else { block.closed.last().to_string() }
            },
        );
        let reading = Reading::new(What::Ports, place, state, self.evidence.clone());
        readings.add(
            reading
                .saying("share", Share { lower, upper }.to_string())
                .saying("blocks", told)
                .saying("block-count", u32::try_from(blocks.len()).unwrap_or(u32::MAX))
                .saying("open-below", edge(first.and_then(|block| block.open_below)))
                .saying("open-above", edge(first.and_then(|block| block.open_above)))
                .saying("next", next)
                .saying("count", self.closed.count())
                .saying("sent", self.count())
                .saying("complete", if self.complete { "yes" } else { "no" }),
        );
    }

    /// What responders on a server's host tell of its ports: the relay that will stand there has them.
    pub fn of_responders(run: &Run<'_>, readings: &mut Readings) {
        // Its own port shows the way to the host.
        for seen in run.facts(|fact| if let Fact::Responder(it) = fact { Some(it) } else { None }) {
            if let Some(endpoint) = seen.endpoint.filter(|_| seen.fact.reply.succeeded()) {
                readings.add(Reading::new(What::Reach, Place::service(endpoint), State::Holds, vec![seen.at]));
            }
        }
        for range in udp_ranges(run).into_iter().filter(|range| range.fact.by == PortsBy::Responder) {
            let Ok(ip) = range.target.parse() else { continue };
            let at = (ip, ip);
            let place = Place::Relay { server: ip, relayed: ip };
            if !range.fact.moved.is_empty() {
                let all = range.fact.open.is_empty();
                let manner = if all { Manner::Different } else { Manner::Several };
                let reading = Reading::new(What::OwnPort, place.clone(), State::Broken(manner), vec![range.at]);
                readings.add(reading.saying("count", range.fact.moved.count()).saying("sent", range.fact.probed.count()));
            }
            let tried = Self::in_ranges(run, at, &[range]);
            if tried.open.is_empty() && !tried.closed.is_empty() {
                let manner = if tried.refused.is_empty() { Manner::Silent } else { Manner::Refused };
                readings.add(
                    Reading::new(What::In, place.clone(), State::Broken(manner), vec![range.at]).saying("sent", tried.count()),
                );
                // Each port was asked again and again, beside one that answers.
                readings.add(Reading::new(What::InAgain, place.clone(), State::Broken(manner), vec![range.at]));
                readings.add(Reading::new(What::Throughout, place.clone(), State::Holds, vec![range.at]));
                readings.add(Reading::new(What::Out, place, State::Holds, vec![range.at]));
            } else if !run.relays.contains_key(&at) {
                if !tried.open.is_empty() {
                    readings.add(Reading::new(What::In, place.clone(), State::Holds, vec![range.at]));
                }
                tried.read_at(place, readings);
            }
        }
    }
}

fn ranges_at<'a>(run: &Run<'a>, at: RelayAt) -> Vec<Seen<'a, PortsFact>> {
    udp_ranges(run).into_iter().filter(|range| range.target.parse() == Ok(at.1)).collect()
}

/// Whether the host of a relayed address itself refused what was sent there, then or when it was tried again.
fn is_refused_at(inbound: &InboundFact, relayed: IpAddr) -> bool {
    inbound.sent_to.ip() == relayed && inbound.icmp.is_some_and(|icmp| icmp.from == Some(relayed))
}

/// The share of all ways to draw so many of the tried ports that lie at one of both ends.
fn chance_of_one_end(closed: u32, tried: u32) -> f64 {
    let ways = (0..closed).map(|drawn| f64::from(tried - drawn) / f64::from(closed - drawn)).product::<f64>();
    2.0 / ways
}

/// Whether ranges that were gone through to their ends hold all ports of which anything is known.
fn is_complete_in(ranges: &[Seen<'_, PortsFact>], open: &PortSet, closed: &PortSet) -> bool {
    let whole: Vec<_> = ranges.iter().filter(|range| is_complete(range.fact)).map(|range| range.fact.probed).collect();
    let within = |range: &PortRange| whole.iter().any(|whole| whole.contains(range.first()) && whole.contains(range.last()));
    !whole.is_empty() && open.ranges().iter().chain(closed.ranges()).all(within)
}

/// Whether a range was gone through to its end. Where nothing at all comes back, a responder has told nothing of its ports.
fn is_complete(range: &PortsFact) -> bool {
    let ended = range.ended_by.is_none_or(|end| end == PortsEnd::Repeats);
    match range.by {
        PortsBy::Samples => false,
        PortsBy::Sweep => ended && !(range.open.is_empty() && range.closed.is_empty()),
        PortsBy::Responder => ended && !range.open.is_empty(),
    }
}

/// Whether so many tries were made at each closed port that no larger a share of runs calls as many of them closed wrongly.
fn is_tried_enough(lost: f64, [closed, open]: [u32; 2], tries: u32, wrong_runs: f64) -> bool {
    let wrongly_closed = lost.powi(i32::try_from(tries).unwrap_or(i32::MAX));
    // As many ways to choose them, times the chance that all of them lose every try.
    let chance = (0..closed.max(1)).fold(1.0, |chance, chosen| {
        chance * wrongly_closed * f64::from((open + closed).saturating_sub(chosen).max(1)) / f64::from(chosen + 1)
    });
    chance < wrong_runs
}

/// How long it took until something arrived.
fn wait(inbound: &InboundFact) -> Duration {
    Duration::try_from_secs_f64(inbound.rtt_ms.unwrap_or_default() / 1000.0).unwrap_or_default()
}

/// The tries that were lost before those that arrived, and these. Of several that were sent, one that arrives a try's distance later than the
/// fastest was a later one.
fn tries_before(arrivals: &[(u32, Duration)]) -> Tally {
    let fastest = arrivals.iter().map(|(_, wait)| *wait).min().unwrap_or_default();
    let later = |wait: Duration| wait.saturating_sub(fastest).as_nanos() / distance_of_tries(fastest).as_nanos();
    let lost = |(sends, wait): &(u32, Duration)| u32::try_from(later(*wait)).unwrap_or(u32::MAX).min(sends.saturating_sub(1));
    let arrived = u32::try_from(arrivals.len()).unwrap_or(u32::MAX);
    Tally { sent: arrived.saturating_add(arrivals.iter().map(lost).sum()), arrived }
}

/// The share that a way loses. Half a loss stands for what isn't known, as where the number of tries was chosen.
fn lost_share(loss: Tally) -> f64 {
    ((f64::from(loss.lost()) + 0.5) / (f64::from(loss.sent) + 3.0)).clamp(0.001, 1.0)
}

/// The range that is to be open, and whether it is known; else it is the usual one.
#[must_use]
pub fn needed(run: &Run<'_>, at: Option<RelayAt>) -> (PortRange, bool) {
    let ranges = at.map_or_else(|| udp_ranges(run), |at| ranges_at(run, at));
    let Some(range) = ranges.last() else { return (USUAL_RELAY_RANGE, false) };
    if range.fact.by == PortsBy::Responder {
        return (range.fact.probed, true);
    }
    match summary_of(run, range) {
        Some(RelayPorts { server_range: None, complete: true, .. }) => (range.fact.probed, true),
        Some(RelayPorts { server_range: Some(range), complete: true, .. }) => (range, true),
        Some(RelayPorts { server_range: Some(range), .. }) if !is_nearly_usual(range) => (range, true),
        _ => (USUAL_RELAY_RANGE, false),
    }
}

/// Where the ports of a relay lie that it has given out beyond a range that was asked for.
#[must_use]
pub fn beyond(run: &Run<'_>, range: &Seen<'_, PortsFact>) -> Option<PortRange> {
    let of_address = run.relays.iter().filter(|((_, relayed), _)| range.target.parse() == Ok(*relayed));
    let ports = of_address.flat_map(|(_, ports)| ports.keys().copied());
    ports.filter(|port| !range.fact.probed.contains(*port)).collect::<PortSet>().span()
}

/// Whether a range that was estimated may as well be the usual one: to open too little of it would be worse than nothing.
fn is_nearly_usual(range: PortRange) -> bool {
    let usual = USUAL_RELAY_RANGE;
    usual.contains(range.first()) && usual.contains(range.last()) && range.count() * 10 >= usual.count() * 9
}

/// What the tried ports come to, where the run was after them; of several addresses the one with most closed ports.
#[must_use]
pub fn summary(run: &Run<'_>) -> Option<RelayPorts> {
    let all = udp_ranges(run).into_iter().filter_map(|range| summary_of(run, &range));
    all.max_by_key(|ports| (ports.by == PortsBy::Responder, ports.closed.count(), ports.tried))
}

fn summary_of(run: &Run<'_>, range: &Seen<'_, PortsFact>) -> Option<RelayPorts> {
    let relayed = range.target.parse().ok();
    let at = relayed.and_then(|relayed| run.relays.keys().find(|at| at.1 == relayed).copied().or(Some((relayed, relayed))))?;
    let tried = TriedPorts::in_ranges(run, at, std::slice::from_ref(range));
    let (lower, upper) = open_share(tried.open.count(), tried.count());
    let span = [&tried.open, &tried.closed].into_iter().filter_map(|set| set.span());
    let span = span.reduce(|span, other| span.extended_to(other.first()).extended_to(other.last()))?;
    // A responder's range is its own, whatever a TURN server there uses; and of a range that was asked for, a server may use more.
    let is_whole = range.fact.by != PortsBy::Responder && beyond(run, range).is_none();
    let is_sample = !tried.complete && range.fact.by != PortsBy::Responder;
    Some(RelayPorts {
        address: range.target.to_owned(),
        by: range.fact.by,
        tried: tried.count(),
        open: tried.open,
        closed: tried.closed,
        // What a responder leaves open is no sample of its range.
        open_share: is_sample.then_some(Share { lower, upper }),
        server_range: is_whole.then(|| if tried.complete { span } else { estimate(span, range.fact) }),
        complete: tried.complete,
    })
}

/// The range that a server with this span of sampled ports seems to have (the German tank problem with both ends unknown); the usual
/// one where the estimate comes near it.
fn estimate(span: PortRange, range: &PortsFact) -> PortRange {
    let samples = f64::from((range.open.count() + range.closed.count()).max(2));
    let missing = f64::from(span.count()) / (samples - 1.0);
    // At most the whole of the ports, which no estimate leaves.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the ports that there are")]
    let missing = missing.round().clamp(0.0, 65_535.0) as u16;
    let usual = USUAL_RELAY_RANGE;
    let near = |ours: u16, theirs: u16| ours.abs_diff(theirs) <= missing.saturating_mul(4);
    if near(span.first(), usual.first()) && near(span.last(), usual.last()) {
        return usual;
    }
    let first = span.first().saturating_sub(missing).max(1);
    span.extended_to(first).extended_to(span.last().saturating_add(missing))
}
