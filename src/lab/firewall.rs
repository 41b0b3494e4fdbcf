//! What comes between the relay ports and the world: which datagrams are let in and out, and which are lost.

use std::ops::RangeInclusive;

use rand::Rng as _;
use rand::rngs::StdRng;

use super::configuration::Config;
use super::fault::Fault;

/// The share of datagrams that [`Fault::PacketLoss`] and [`Fault::RelayLossy`] lose each way.
///
/// Twenty round trips then lose five to six, far from the three percent that count as loss, and five sends in a row are
/// lost once in six hundred times.
const LOSS: f64 = 0.15;

/// What is let in to the relay ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Firewall {
    /// Everything.
    Open,
    /// Nothing.
    Closed,
    /// What comes to these ports.
    Ports(Vec<RangeInclusive<u16>>),
    /// What answers to something that was sent.
    Stateful,
}

/// Whether the relay has sent to that peer before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contact {
    /// It has.
    Made,
    /// It hasn't.
    None,
}

impl Firewall {
    /// As the faults make it.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        if config.has(Fault::RelayPortsClosed) {
            Self::Closed
        } else if config.has(Fault::RelayPortsStatefulOnly) {
            Self::Stateful
        } else if config.has(Fault::RelayRangeMismatch) {
            Self::Ports(parts(&config.ports, 2).into_iter().take(1).collect())
        } else if config.has(Fault::RelayPortsPartlyClosed) {
            Self::Ports(parts(&config.ports, 8).into_iter().step_by(2).collect())
        } else {
            Self::Open
        }
    }

    /// Whether a datagram to that port is let in.
    #[must_use]
    pub fn admits(&self, port: u16, contact: Contact) -> bool {
        match self {
            Self::Open => true,
            Self::Closed => false,
            Self::Ports(open) => open.iter().any(|range| range.contains(&port)),
            Self::Stateful => contact == Contact::Made,
        }
    }
}

/// A range in parts of one size, in order; the last takes the remainder.
fn parts(range: &RangeInclusive<u16>, count: u16) -> Vec<RangeInclusive<u16>> {
    let (first, last) = (*range.start(), *range.end());
    let size = (last.saturating_sub(first) / count).saturating_add(1);
    (0..count)
        .map_while(|index| first.checked_add(size.checked_mul(index)?).filter(|start| *start <= last))
        .map(|start| start..=start.saturating_add(size - 1).min(last))
        .collect()
}

/// Whether the network loses the next datagram.
#[must_use]
pub fn is_lost(random: &mut StdRng) -> bool {
    random.random_bool(LOSS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_range_cover_it_once() {
        assert_eq!(parts(&(49_152..=65_535), 2), [49_152..=57_343, 57_344..=65_535]);
        assert_eq!(parts(&(10..=12), 8), [10..=10, 11..=11, 12..=12]);
    }

    #[test]
    fn a_stateful_firewall_lets_in_what_answers() {
        assert!(Firewall::Stateful.admits(50_000, Contact::Made));
        assert!(!Firewall::Stateful.admits(50_000, Contact::None));
    }
}
