//! Which ports of a relay let datagrams in, from single probes and from whole ranges; and what that says of those that nobody tried.

use super::evidence::{Evidence, Seen};
use super::interval::open_share;
use super::rules::packet_loss;
use crate::model::fact::{PortProtocol, PortsBy, PortsEnd, PortsFact};
use crate::model::ports::{PortRange, PortSet, USUAL_RELAY_RANGE};
use crate::model::relay_ports::{Block, RelayPorts, Share, blocks};

/// In how many runs a port may be called closed although all tries at it were lost.
const WRONG_RUNS: f64 = 0.01;

/// How rarely chance may put all closed ports to one end of those that were tried, before their place is certain.
const CHANCE: f64 = 0.001;

/// The ports of a relay that were tried.
pub struct TriedPorts {
    /// Those that let something in.
    pub open: PortSet,
    /// Those that don't.
    pub closed: PortSet,
    /// Whether every port that the server uses was tried.
    pub complete: bool,
    /// Whether the relay lets something in at ports beyond the range that was asked for; `None` where it has none beyond.
    pub others_open: Option<bool>,
    /// Whether enough tries were made for the loss of the way.
    pub tried_enough: bool,
    /// The observations.
    pub evidence: Vec<String>,
}

impl TriedPorts {
    /// The ports at which IN was tried, or which a range tells of.
    #[must_use]
    pub fn of(evidence: &Evidence<'_>) -> Self {
        Self::in_ranges(evidence, &udp_ranges(evidence))
    }

    /// The same as some ranges tell of them. Ports of the relay beyond a range that was asked for are left out.
    fn in_ranges(evidence: &Evidence<'_>, ranges: &[Seen<'_, PortsFact>]) -> Self {
        let (mut open, mut closed) = (Vec::new(), Vec::new());
        let mut cited = Vec::new();
        let is_asked = |port| ranges.is_empty() || ranges.iter().any(|range| range.fact.probed.contains(port));
        for relay in evidence.relays().iter().filter(|relay| is_asked(relay.relayed.port())) {
            let Some(arrived) = relay.lets_in() else { continue };
            let side = if arrived { &mut open } else { &mut closed };
            side.push(relay.relayed.port());
            cited.extend(relay.unsolicited.map(|seen| seen.cite()));
        }
        for range in ranges {
            open.extend(range.fact.open.iter());
            closed.extend(range.fact.closed.iter());
        }
        let open: PortSet = open.into_iter().collect();
        // What let something in once is open.
        let closed: PortSet = closed.into_iter().filter(|port| !open.contains(*port)).collect();
        Self {
            complete: is_complete_in(ranges, &open, &closed),
            others_open: ranges.iter().any(|range| beyond(evidence, range).is_some()).then(|| {
                let others = evidence.relays().iter().filter(|relay| !is_asked(relay.relayed.port()));
                others.into_iter().any(|relay| relay.lets_in() == Some(true))
            }),
            open,
            closed,
            tried_enough: if ranges.is_empty() {
                packet_loss::is_measured(evidence) && !packet_loss::shows(evidence)
            } else {
                ranges.iter().all(|range| is_tried_enough(range.fact))
            },
            evidence: ranges.iter().map(|range| range.cite()).chain(cited).collect(),
        }
    }

    /// How many ports were tried.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.open.count() + self.closed.count()
    }

    /// The blocks of closed ports, from the lowest.
    #[must_use]
    pub fn blocks(&self) -> Vec<Block> {
        blocks(&self.open, &self.closed)
    }

    /// The block at one end, where all closed ports lie there and enough of them that chance doesn't explain it.
    #[must_use]
    pub fn one_end(&self) -> Option<Block> {
        // Within a part of the server's range a block at one end is none of the whole.
        let [block] = self.blocks()[..] else { return None };
        let at_one_end = block.open_below.is_none() != block.open_above.is_none();
        let enough = self.complete || block.tried >= 2 && self.open.count() >= 2;
        (at_one_end && enough && self.others_open.is_none()).then_some(block)
    }

    /// Whether chance would hardly ever put all closed ports to one end.
    #[must_use]
    pub fn place_is_certain(&self) -> bool {
        self.complete || chance_of_one_end(self.closed.count(), self.count()) < CHANCE
    }
}

/// The share of all ways to draw so many of the tried ports that lie at one of both ends.
fn chance_of_one_end(closed: u32, tried: u32) -> f64 {
    let ways = (0..closed).map(|drawn| f64::from(tried - drawn) / f64::from(closed - drawn)).product::<f64>();
    2.0 / ways
}

/// The ranges of UDP ports, which relays use.
fn udp_ranges<'a>(evidence: &Evidence<'a>) -> Vec<Seen<'a, PortsFact>> {
    evidence.port_ranges().filter(|range| range.fact.proto == PortProtocol::Udp).collect()
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

/// The range that is to be open, as a fix names it.
pub struct Needed {
    /// The ports.
    pub range: PortRange,
    /// Where it comes from.
    pub source: Source,
}

/// Where the range that is to be open comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It is the usual one: nothing is known of the server's.
    Usual,
    /// The ports that were sampled lie as those of such a range do.
    Samples,
    /// It was gone through, or asked for.
    Known,
}

/// The range that is to be open.
#[must_use]
pub fn needed(evidence: &Evidence<'_>) -> Needed {
    let usual = Needed { range: USUAL_RELAY_RANGE, source: Source::Usual };
    let Some(range) = udp_ranges(evidence).pop() else { return usual };
    let responders = (range.fact.by == PortsBy::Responder).then_some(range.fact.probed);
    match (responders, summary(evidence)) {
        (Some(range), _) => Needed { range, source: Source::Known },
        (None, Some(RelayPorts { server_range: None, complete: true, .. })) => {
            Needed { range: range.fact.probed, source: Source::Known }
        }
        (None, Some(RelayPorts { server_range: Some(range), complete: true, .. })) => Needed { range, source: Source::Known },
        (None, Some(RelayPorts { server_range: Some(range), .. })) if !is_nearly_usual(range) => {
            Needed { range, source: Source::Samples }
        }
        (None, _) => usual,
    }
}

/// Whether so many tries were made at each closed port that fewer than one in a hundred runs calls a port closed wrongly.
fn is_tried_enough(range: &PortsFact) -> bool {
    let lost = range.loss.lost();
    // Half a loss stands for what isn't known, as where the number of tries was chosen.
    let share = ((f64::from(lost) + 0.5) / (f64::from(range.loss.sent) + 3.0)).clamp(0.001, 1.0);
    let ports = f64::from((range.open.count() + range.closed.count()).max(1));
    range.closed.is_empty() || ports * share.powi(i32::try_from(range.tries).unwrap_or(i32::MAX)) < WRONG_RUNS
}

/// Where the ports of a relay lie that it has given out beyond a range that was asked for.
#[must_use]
pub fn beyond(evidence: &Evidence<'_>, range: &Seen<'_, PortsFact>) -> Option<PortRange> {
    let at_address =
        evidence.relays().iter().map(|relay| relay.relayed).filter(|relayed| relayed.ip().to_string() == range.target);
    at_address.map(|relayed| relayed.port()).filter(|port| !range.fact.probed.contains(*port)).collect::<PortSet>().span()
}

/// Whether a range that was estimated may as well be the usual one: to open too little of it would be worse than nothing.
fn is_nearly_usual(range: PortRange) -> bool {
    let usual = USUAL_RELAY_RANGE;
    usual.contains(range.first()) && usual.contains(range.last()) && range.count() * 10 >= usual.count() * 9
}

/// What the tried ports come to, where the run was after them.
#[must_use]
pub fn summary(evidence: &Evidence<'_>) -> Option<RelayPorts> {
    let range = udp_ranges(evidence).pop()?;
    let tried = TriedPorts::in_ranges(evidence, &[range]);
    let (lower, upper) = open_share(tried.open.count(), tried.count());
    let span = [&tried.open, &tried.closed].into_iter().filter_map(|set| set.span());
    let span = span.reduce(|span, other| span.extended_to(other.first()).extended_to(other.last()))?;
    // A responder's range is its own, whatever a TURN server there uses; and of a range that was asked for, a server may use more.
    let is_whole = range.fact.by != PortsBy::Responder && beyond(evidence, &range).is_none();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(open: impl IntoIterator<Item = u16>, closed: impl IntoIterator<Item = u16>) -> TriedPorts {
        TriedPorts {
            open: open.into_iter().collect(),
            closed: closed.into_iter().collect(),
            complete: false,
            others_open: None,
            tried_enough: true,
            evidence: Vec::new(),
        }
    }

    #[test]
    fn a_block_at_one_end_needs_enough_ports_on_either_side() {
        let block = tried([100, 120], [150, 160]).one_end().expect("a block above");
        assert_eq!((block.open_below, block.open_above), (Some(120), None));
        assert!(tried([100, 120], [150]).one_end().is_none());
        assert!(tried([], [150, 160]).one_end().is_none());
        let exact = TriedPorts { complete: true, ..tried([100, 120], [150]) };
        assert!(exact.one_end().is_some());
    }

    #[test]
    fn the_place_of_few_closed_ports_may_be_chance() {
        assert!((chance_of_one_end(1, 2) - 1.0).abs() < 1e-9);
        assert!(!tried(1..6, 6..10).place_is_certain());
        assert!(tried(1..33, 33..65).place_is_certain());
    }
}
