//! How often a port is tried before its silence counts.

use crate::model::fact::Tally;

/// How many open ports a sweep may call closed, on average: one in two thousand runs. A further pass asks only the few that are silent.
const WRONG: f64 = 0.0005;

/// What the loss is taken for while little is known of it: as if so many exchanges had been seen, a tenth of them lost. It is what 5 % each
/// way come to.
const SUPPOSED: (f64, f64) = (20.0, 2.0);

/// The bounds of the number of passes: three do on a clean way for a few ports, and a way that needs more than two dozen is no way.
const BOUNDS: (u32, u32) = (3, 24);

/// The share of exchanges that are lost, by what was seen.
#[must_use]
pub fn loss(seen: Tally) -> f64 {
    let (exchanges, lost) = SUPPOSED;
    ((f64::from(seen.lost()) + lost) / (f64::from(seen.sent) + exchanges)).clamp(0.02, 0.9)
}

/// How many passes so many ports need on a way with such a loss: each open port is silent in all of them with the loss to that power.
#[must_use]
pub fn passes(loss: f64, ports: u32) -> u32 {
    let needed = ((WRONG / f64::from(ports.max(1))).ln() / loss.ln()).ceil();
    // Truncation can't matter between these bounds.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is clamped to 3..=24")]
    let passes = needed.clamp(f64::from(BOUNDS.0), f64::from(BOUNDS.1)) as u32;
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_relay_range_needs_eight_passes_at_five_percent_each_way() {
        let lossy = Tally { sent: 16_384, arrived: 14_787 };
        assert_eq!(passes(loss(lossy), 16_384), 8);
    }

    #[test]
    fn a_clean_way_needs_few_and_a_bad_one_no_more_than_two_dozen() {
        let clean = Tally { sent: 16_384, arrived: 16_384 };
        assert_eq!((passes(loss(clean), 16_384), passes(loss(clean), 8)), (5, 3));
        let dead = Tally { sent: 1000, arrived: 0 };
        assert_eq!(passes(loss(dead), 16_384), 24);
    }

    #[test]
    fn what_nothing_is_known_of_is_taken_for_a_lossy_way() {
        assert_eq!(passes(loss(Tally { sent: 0, arrived: 0 }), 16_384), 8);
    }
}
