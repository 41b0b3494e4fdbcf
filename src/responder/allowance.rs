//! How many answers a responder gives: whoever has recorded a right request may repeat it for as long as it is fresh.

use std::time::Instant;

/// The most answers a second, over all ports together. Two sweeps at once are within it, each as fast as callcheck sends by default.
const ANSWERS_PER_S: f64 = 50_000.0;

/// Answers that are left, as a bucket that fills with time and holds those of one second.
#[derive(Debug)]
pub struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    /// A full bucket.
    #[must_use]
    pub fn full(now: Instant) -> Self {
        Self { left: ANSWERS_PER_S, at: now }
    }

    /// Takes one answer out; false where none is left.
    pub fn take(&mut self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + since * ANSWERS_PER_S).min(ANSWERS_PER_S);
        self.at = now;
        let any = self.left >= 1.0;
        if any {
            self.left -= 1.0;
        }
        any
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_of_right_requests_is_answered_no_more_often_than_allowed() {
        let start = Instant::now();
        let mut allowance = Allowance::full(start);
        let answered = (0..200_000).filter(|_| allowance.take(start)).count();
        assert_eq!(answered, 50_000);
        let later = start + Duration::from_millis(10);
        let answered = (0..200_000).filter(|_| allowance.take(later)).count();
        assert!((499..=500).contains(&answered), "{answered}");
    }
}
