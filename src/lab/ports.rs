//! The relay ports of one address, shuffled by a seed, and given back at the end.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// The free relay ports of one address.
#[derive(Clone, Debug)]
pub struct PortPool {
    free: VecDeque<u16>,
    /// Where a port goes that was given back: at random, or behind all others.
    chance: Option<StdRng>,
}

/// How a server chooses among its free ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Draws {
    /// Each once before any comes again, as coturn does.
    #[default]
    InTurn,
    /// By chance, as pion does.
    ByChance,
}

/// Which ports will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// Any.
    Any,
    /// Even ones (EVEN-PORT, RFC 8656 §18.6).
    Even,
}

impl PortPool {
    /// All ports of a range but for so many that others hold.
    #[must_use]
    pub fn new(range: RangeInclusive<u16>, held: usize, draws: Draws, random: &mut StdRng) -> Self {
        let mut ports: Vec<u16> = range.collect();
        ports.shuffle(random);
        ports.truncate(ports.len().saturating_sub(held));
        Self { free: ports.into(), chance: (draws == Draws::ByChance).then(|| StdRng::from_rng(random)) }
    }

    /// Takes the next port that will do.
    pub fn draw(&mut self, parity: Parity) -> Option<u16> {
        match parity {
            Parity::Any => self.free.pop_front(),
            Parity::Even => {
                let at = self.free.iter().position(|port| port.is_multiple_of(2))?;
                self.free.remove(at)
            }
        }
    }

    /// Takes a port back; in turn all others come before it.
    pub fn give_back(&mut self, port: u16) {
        let place = self.free.len();
        let place = self.chance.as_mut().map_or(place, |chance| chance.random_range(0..=place));
        self.free.insert(place, port);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn every_port_is_drawn_once_before_any_comes_again() {
        let mut pool = PortPool::new(50_000..=50_099, 0, Draws::InTurn, &mut StdRng::seed_from_u64(1));
        let drawn: BTreeSet<u16> = std::iter::from_fn(|| pool.draw(Parity::Any)).collect();
        assert_eq!(drawn.len(), 100);
        pool.give_back(50_007);
        assert_eq!(pool.draw(Parity::Even), None);
        assert_eq!(pool.draw(Parity::Any), Some(50_007));
    }
}
