//! What came of one kind of media: packets, losses by their sequence numbers, jitter (RFC 3550 §6.4.1 and A.3, A.8).

use std::time::{Duration, Instant};

/// What came of one kind of media.
#[derive(Debug)]
pub(super) struct Reception {
    /// The clock of its timestamps, in ticks a second.
    clock: f64,
    pub packets: u32,
    pub first_at: Option<Instant>,
    base: i64,
    highest: i64,
    last: Option<(Instant, u32)>,
    /// In ticks.
    jitter: f64,
}

impl Reception {
    pub fn new(clock: u32) -> Self {
        Self { clock: f64::from(clock), packets: 0, first_at: None, base: 0, highest: 0, last: None, jitter: 0.0 }
    }

    /// Takes a packet by its header.
    pub fn take(&mut self, sequence: u16, timestamp: u32, now: Instant) {
        self.packets += 1;
        if self.first_at.is_none() {
            self.first_at = Some(now);
            self.base = i64::from(sequence);
            self.highest = self.base;
        }
        let extended = extend(sequence, self.highest);
        self.highest = self.highest.max(extended);
        self.base = self.base.min(extended);
        if let Some((at, earlier)) = self.last.replace((now, timestamp)) {
            let ticks = f64::from(timestamp.wrapping_sub(earlier).cast_signed());
            let elapsed = now.saturating_duration_since(at).as_secs_f64() * self.clock;
            self.jitter += ((elapsed - ticks).abs() - self.jitter) / 16.0;
        }
    }

    /// Packets missing between the first and the last.
    pub fn lost(&self) -> u32 {
        if self.packets == 0 {
            return 0;
        }
        let expected = self.highest - self.base + 1;
        u32::try_from(expected - i64::from(self.packets)).unwrap_or_default()
    }

    pub fn jitter(&self) -> Duration {
        Duration::from_secs_f64(self.jitter / self.clock)
    }
}

/// The number nearest to the highest so far that ends in these sixteen bits.
fn extend(sequence: u16, highest: i64) -> i64 {
    let within = i64::from(sequence) - highest.rem_euclid(1 << 16);
    let nearest = match within {
        ..-0x8000 => within + (1 << 16),
        0x8000.. => within - (1 << 16),
        _ => within,
    };
    highest + nearest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sequences: &[u16]) -> Reception {
        let mut reception = Reception::new(48_000);
        let start = Instant::now();
        for sequence in sequences {
            reception.take(*sequence, 0, start);
        }
        reception
    }

    #[test]
    fn losses_are_counted_across_the_wrap_and_not_for_what_came_late() {
        assert_eq!(of(&[]).lost(), 0);
        assert_eq!(of(&[65_534, 65_535, 0, 1]).lost(), 0);
        assert_eq!(of(&[65_534, 1]).lost(), 2);
        assert_eq!(of(&[10, 12, 11, 13]).lost(), 0);
        assert_eq!(of(&[0, 65_535]).lost(), 0);
        assert_eq!(of(&[5, 5, 6]).lost(), 0);
    }

    #[test]
    fn an_even_stream_has_no_jitter_and_an_uneven_one_has() {
        let (start, tick) = (Instant::now(), Duration::from_millis(20));
        let jitter = |late: Duration| {
            let mut reception = Reception::new(48_000);
            for number in 0..100_u16 {
                let at = start + tick * u32::from(number) + late * u32::from(number % 2);
                reception.take(number, u32::from(number) * 960, at);
            }
            reception.jitter()
        };
        assert!(jitter(Duration::ZERO) < Duration::from_micros(1));
        let uneven = jitter(Duration::from_millis(4));
        assert!(uneven > Duration::from_millis(3) && uneven < Duration::from_millis(5), "{uneven:?}");
    }
}
