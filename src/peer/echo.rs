//! Round trips on the data channel: own messages come back from the other side as they are, and its messages are sent back.

use std::time::{Duration, Instant};

use crate::model::call::Role;

/// From one message to the next.
const INTERVAL: Duration = Duration::from_millis(100);

/// How much of the other side's is sent back, so that two sides that send everything back come to an end.
const MOST_ECHOES: u32 = 10_000;

/// A message that was sent, by the time it went out.
const PENDING: usize = 64;

/// Round trips on the data channel.
#[derive(Debug)]
pub(super) struct Echo {
    name: String,
    number: u32,
    pending: Vec<(u32, Instant)>,
    due: Option<Instant>,
    echoes: u32,
    pub trips: Vec<(Instant, Duration)>,
}

impl Echo {
    pub fn new(role: Role) -> Self {
        let name = format!("callcheck {}", role.name());
        Self { name, number: 0, pending: Vec::new(), due: None, echoes: 0, trips: Vec::new() }
    }

    /// The channel is open.
    pub fn open(&mut self, now: Instant) {
        self.due.get_or_insert(now);
    }

    /// The channel is closed.
    pub fn close(&mut self) {
        self.due = None;
    }

    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The next own message, where it is due.
    pub fn message(&mut self, now: Instant) -> Option<String> {
        self.due.filter(|due| *due <= now)?;
        self.due = Some(now + INTERVAL);
        self.number += 1;
        if self.pending.len() == PENDING {
            self.pending.remove(0);
        }
        self.pending.push((self.number, now));
        Some(format!("{} {}", self.name, self.number))
    }

    /// Takes a message; what is to be sent back comes out.
    pub fn take(&mut self, message: &[u8], now: Instant) -> Option<Vec<u8>> {
        let own = std::str::from_utf8(message).ok().and_then(|text| text.strip_prefix(&self.name)).map(str::trim_start);
        let Some(number) = own else {
            self.echoes += 1;
            return (self.echoes <= MOST_ECHOES).then(|| message.to_vec());
        };
        let known = number.parse().ok().and_then(|number: u32| self.pending.iter().position(|(sent, _)| *sent == number));
        if let Some(index) = known {
            let (_, sent_at) = self.pending.swap_remove(index);
            self.trips.push((now, now.saturating_duration_since(sent_at)));
        }
        None
    }

    /// The shortest round trip.
    pub fn shortest(&self) -> Option<Duration> {
        self.trips.iter().map(|(_, trip)| *trip).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_messages_are_timed_and_others_sent_back_once() {
        let start = Instant::now();
        let (mut asking, mut other) = (Echo::new(Role::Caller), Echo::new(Role::Callee));
        assert_eq!(asking.message(start), None);
        asking.open(start);
        let ping = asking.message(start).expect("it is due");
        assert_eq!(asking.message(start), None);
        let back = other.take(ping.as_bytes(), start).expect("it is sent back");
        let later = start + Duration::from_millis(3);
        assert_eq!(asking.take(&back, later), None);
        assert_eq!(asking.take(&back, later + INTERVAL), None);
        assert_eq!(asking.shortest(), Some(Duration::from_millis(3)));
        assert_eq!((asking.trips.len(), other.trips.len()), (1, 0));
    }
}
