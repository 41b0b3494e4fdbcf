//! What comes through a relay, taken by whoever waits for it: a datagram that nobody waits for yet is kept for later.

use std::collections::VecDeque;

use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::outside::TOKEN_LENGTH;
use crate::net::session::{Relayed, Session};

/// How many datagrams are kept for later; a flood pushes the oldest out.
const KEPT: usize = 64;

/// The datagrams of one session's relay.
pub struct Inbox {
    receiver: Receiver<Relayed>,
    kept: VecDeque<Relayed>,
}

impl Inbox {
    /// Takes over what comes through a session's relay.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self { receiver: session.relayed(), kept: VecDeque::new() }
    }

    /// The next datagram until a moment; `None` when it is reached.
    pub async fn next(&mut self, until: Instant) -> Option<Relayed> {
        match timeout_at(until, self.receiver.recv()).await {
            Ok(Some(relayed)) => Some(relayed),
            // The session has ended: nothing will come any more, and the schedule stays what it is.
            Ok(None) => {
                sleep_until(until).await;
                None
            }
            Err(_elapsed) => None,
        }
    }

    /// Keeps a datagram that somebody else may wait for.
    pub fn keep(&mut self, relayed: Relayed) {
        if relayed.payload.len() > TOKEN_LENGTH {
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(relayed);
    }

    /// Waits for a datagram with this payload, whether it came before or comes until a moment.
    pub async fn wait_for(&mut self, payload: &[u8], until: Instant) -> Option<Relayed> {
        if let Some(index) = self.kept.iter().position(|kept| kept.payload == payload) {
            return self.kept.remove(index);
        }
        while let Some(relayed) = self.next(until).await {
            if relayed.payload == payload {
                return Some(relayed);
            }
            self.keep(relayed);
        }
        None
    }
}
