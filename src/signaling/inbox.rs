//! What has come and was not read yet: bounded, so that a gateway that floods costs neither memory nor time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::line::Incoming;

/// How many events of one name wait at most, so that no other is crowded out by them: a call has some dozens of candidates.
pub const MOST_ALIKE: usize = 256;

/// How many events wait at most.
pub const MOST_EVENTS: usize = 2048;

/// How large one event may be, in bytes: servers refuse more than a million by themselves, and an offer has about ten thousand.
pub const LARGEST: usize = 1 << 20;

/// How many bytes of payload wait at most.
pub const MOST_BYTES: usize = 8 << 20;

/// A queue between the connection and its reader.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Incoming>,
    alike: HashMap<String, usize>,
    events: usize,
    bytes: usize,
    dropped: u32,
}

impl State {
    /// Whether an event still finds room.
    fn admits(&self, name: &str, bytes: usize) -> bool {
        let alike = self.alike.get(name).copied().unwrap_or_default();
        bytes <= LARGEST && alike < MOST_ALIKE && self.events < MOST_EVENTS && self.bytes + bytes <= MOST_BYTES
    }

    fn count_in(&mut self, name: &str, bytes: usize) {
        *self.alike.entry(name.to_owned()).or_default() += 1;
        self.events += 1;
        self.bytes += bytes;
    }

    fn count_out(&mut self, name: &str, bytes: usize) {
        if let Some(alike) = self.alike.get_mut(name) {
            *alike -= 1;
            if *alike == 0 {
                self.alike.remove(name);
            }
        }
        self.events -= 1;
        self.bytes -= bytes;
    }
}

impl Inbox {
    /// Adds what came. Events beyond the bounds are thrown away and counted; how the connection stands is always kept.
    pub fn push(&self, incoming: Incoming) {
        let mut state = self.state();
        if let Some((name, bytes)) = weight(&incoming) {
            if !state.admits(name, bytes) {
                state.dropped = state.dropped.saturating_add(1);
                return;
            }
            state.count_in(name, bytes);
        }
        state.queue.push_back(incoming);
        drop(state);
        self.arrived.notify_one();
    }

    /// Waits for what came first. There is one reader.
    pub async fn next(&self) -> Incoming {
        loop {
            if let Some(incoming) = self.pop() {
                return incoming;
            }
            self.arrived.notified().await;
        }
    }

    /// How many events were thrown away.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.state().dropped
    }

    fn pop(&self) -> Option<Incoming> {
        let mut state = self.state();
        let incoming = state.queue.pop_front()?;
        if let Some((name, bytes)) = weight(&incoming) {
            state.count_out(name, bytes);
        }
        Some(incoming)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(incoming: &Incoming) -> Option<(&str, usize)> {
    match incoming {
        Incoming::Event { name, bytes, .. } => Some((name, *bytes)),
        // As many as this side sent events, but as large as the gateway likes.
        Incoming::Acknowledged { bytes, .. } => Some(("", *bytes)),
        Incoming::Connected
        | Incoming::Refused { .. }
        | Incoming::Lost { .. }
        | Incoming::Reconnected
        | Incoming::ClosedByServer => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn event(name: &str, bytes: usize) -> Incoming {
        Incoming::Event { name: name.to_owned(), payload: Value::Null, bytes }
    }

    #[tokio::test]
    async fn a_flood_of_one_event_crowds_out_no_other() {
        let inbox = Inbox::default();
        for _ in 0..MOST_ALIKE + 3 {
            inbox.push(event("chat:typing", 1));
        }
        inbox.push(event("call:offer", 1));
        inbox.push(Incoming::ClosedByServer);
        assert_eq!(inbox.dropped(), 3);
        for _ in 0..MOST_ALIKE {
            assert_eq!(inbox.next().await, event("chat:typing", 1));
        }
        assert_eq!(inbox.next().await, event("call:offer", 1));
        assert_eq!(inbox.next().await, Incoming::ClosedByServer);
        inbox.push(event("chat:typing", 1));
        assert_eq!(inbox.dropped(), 3, "there is room again once they were read");
    }

    #[test]
    fn events_of_ever_new_names_are_bounded_and_the_end_is_kept() {
        let inbox = Inbox::default();
        for number in 0..MOST_EVENTS + 5 {
            inbox.push(event(&number.to_string(), 1));
        }
        inbox.push(Incoming::ClosedByServer);
        assert_eq!(inbox.dropped(), 5);
        assert_eq!(inbox.state().queue.back(), Some(&Incoming::ClosedByServer));
    }

    #[test]
    fn one_event_may_be_large_and_all_together_may_be_larger() {
        let inbox = Inbox::default();
        inbox.push(event("chat:history", LARGEST + 1));
        assert_eq!(inbox.dropped(), 1);
        for _ in 0..MOST_BYTES / LARGEST {
            inbox.push(event("chat:history", LARGEST));
        }
        assert_eq!(inbox.dropped(), 1);
        inbox.push(event("call:offer", 1));
        assert_eq!(inbox.dropped(), 2);
    }
}
