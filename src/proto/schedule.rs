//! When a request is sent again and when it is given up, as values.

use std::time::Duration;

/// The moments of sending, counted from the first, and the moment of giving up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    sends: Vec<Duration>,
    give_up: Duration,
}

/// A first question to a host: five sends within 1.5 s, given up at 2 s.
///
/// At 10 % loss each way this says "silent" wrongly about once in 4,000; RFC 8489's own schedule (500 ms doubling,
/// given up after 39.5 s) is for applications that must connect and not for a diagnosis that must end.
const PATIENT_MS: [u64; 5] = [0, 100, 300, 700, 1500];

impl Schedule {
    /// A first question to a host over UDP, given up at 2 s.
    #[must_use]
    pub fn first_contact() -> Self {
        Self { sends: PATIENT_MS.map(Duration::from_millis).to_vec(), give_up: Duration::from_secs(2) }
    }

    /// A request to a host that has answered before: the first interval is 1.5 round trips and at least 100 ms, each
    /// further one twice the last; six sends.
    #[must_use]
    pub fn known_path(round_trip: Duration) -> Self {
        let first = round_trip.mul_f64(1.5).clamp(Duration::from_millis(100), Duration::from_millis(500));
        let sends: Vec<_> = (0..6).map(|index| first * ((1 << index) - 1)).collect();
        let give_up = sends[5] + first.max(Duration::from_millis(300)) * 2;
        Self { sends, give_up: give_up.min(Duration::from_secs(5)) }
    }

    /// The last request of a session, which must arrive although nobody waits long: ten sends close together.
    ///
    /// At 20 % loss each way it is not received once in ten million, and not known to be received once in ten thousand.
    #[must_use]
    pub fn parting(round_trip: Duration) -> Self {
        let distance = round_trip.mul_f64(1.2).clamp(Duration::from_millis(100), Duration::from_millis(250));
        Self::paced(10, distance, Duration::from_millis(300).max(round_trip * 2))
    }

    /// A request that costs the server more than an answer, an Allocate for instance: RFC 8489's own first interval of 500 ms.
    ///
    /// coturn searches its ports for each retransmission again, 0.9 s where none is free.
    #[must_use]
    pub fn unhurried(round_trip: Duration) -> Self {
        let first = (round_trip * 2).clamp(Duration::from_millis(500), Duration::from_secs(1));
        Self { sends: vec![Duration::ZERO, first, first * 2, first * 4], give_up: first * 8 }
    }

    /// One send on a reliable transport; TCP retransmits by itself.
    #[must_use]
    pub fn reliable(give_up: Duration) -> Self {
        Self { sends: vec![Duration::ZERO], give_up }
    }

    /// So many sends at one distance, given up so long after the last.
    #[must_use]
    pub fn paced(count: u32, distance: Duration, wait: Duration) -> Self {
        let sends: Vec<_> = (0..count.max(1)).map(|index| distance * index).collect();
        let give_up = sends.last().copied().unwrap_or_default() + wait;
        Self { sends, give_up }
    }

    /// The moment of the send with that number, the first being 0.
    #[must_use]
    pub fn send_at(&self, number: usize) -> Option<Duration> {
        self.sends.get(number).copied().filter(|at| *at < self.give_up)
    }

    /// How many sends there are before some moment.
    #[must_use]
    pub fn sends_within(&self, limit: Duration) -> u32 {
        u32::try_from(self.sends.iter().filter(|at| **at < limit).count()).unwrap_or(u32::MAX)
    }

    /// The moment of giving up.
    #[must_use]
    pub fn give_up(&self) -> Duration {
        self.give_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(schedule: &Schedule) -> Vec<u128> {
        (0..).map_while(|number| schedule.send_at(number)).map(|at| at.as_millis()).collect()
    }

    #[test]
    fn the_first_contact_is_given_up_after_two_seconds() {
        let schedule = Schedule::first_contact();
        assert_eq!(millis(&schedule), [0, 100, 300, 700, 1500]);
        assert_eq!(schedule.give_up().as_millis(), 2000);
    }

    #[test]
    fn a_known_path_is_asked_again_after_one_and_a_half_round_trips() {
        assert_eq!(millis(&Schedule::known_path(Duration::from_millis(1))), [0, 100, 300, 700, 1500, 3100]);
        assert_eq!(millis(&Schedule::known_path(Duration::from_millis(200)))[1], 300);
    }
}
