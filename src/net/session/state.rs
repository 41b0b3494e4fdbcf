//! What a session knows: the requests under way and who waits for them, what is to be sent, what has come.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::model::outcome::{Outcome, Stray, StrayKind};
use crate::proto::transactions::{Answer, Due, Received, Transactions};

/// A datagram that came through the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// The peer as the relay sees it; absent where it came over a channel.
    pub peer: Option<SocketAddr>,
    /// The channel that it came over, if any.
    pub channel: Option<u16>,
    /// What the peer sent.
    pub payload: Vec<u8>,
    /// When it came.
    pub at: Instant,
}

/// What the handles and the tasks of a session share.
#[derive(Default)]
pub struct State {
    pub transactions: Transactions,
    pub waiting: HashMap<[u8; 12], oneshot::Sender<Ended>>,
    pub outbox: Vec<Vec<u8>>,
    pub strays: Vec<Stray>,
    pub relayed: Option<mpsc::Sender<Relayed>>,
    pub trouble: Option<Outcome>,
    pub closed: Option<Outcome>,
    pub icmp_errors: u32,
    pub round_trip: Option<Duration>,
    pub sends: u32,
    pub answers: u32,
    /// The bytes that came over a stream.
    pub received: u64,
}

/// The end of a request that somebody waits for.
pub enum Ended {
    Answered(Box<Answer>),
    GivenUp { sends: u32 },
}

impl State {
    /// Takes a message that has arrived.
    pub fn take(&mut self, bytes: &[u8], from: Option<SocketAddr>, now: Instant) {
        match self.transactions.receive(bytes, now.into_std()) {
            Received::Answer(answer) => {
                self.answers += 1;
                // Before a round trip is known a request is sent again sooner than its answer can come.
                self.sends += if self.round_trip.is_some() { answer.sends } else { 1 };
                // Karn's rule: an answer to a retransmitted request tells no round trip.
                if answer.sends == 1 {
                    let shortest = self.round_trip.map_or(answer.round_trip, |known| known.min(answer.round_trip));
                    self.round_trip = Some(shortest);
                } else if self.round_trip.is_none() {
                    self.round_trip = Some(answer.round_trip);
                }
                if let Some(waiting) = self.waiting.remove(&answer.id) {
                    _ = waiting.send(Ended::Answered(answer));
                }
            }
            Received::Data { peer, payload } => self.relay(Relayed { peer: Some(peer), channel: None, payload, at: now }),
            Received::ChannelData { channel, payload } => {
                self.relay(Relayed { peer: None, channel: Some(channel), payload, at: now });
            }
            Received::Duplicate => {}
            Received::Stray(kind) => self.stray(kind, from),
        }
    }

    fn relay(&mut self, arrived: Relayed) {
        if let Some(relayed) = &self.relayed {
            // A full queue means a flood: what overflows is dropped.
            _ = relayed.try_send(arrived);
        }
    }

    /// Counts what is no answer.
    pub fn stray(&mut self, kind: StrayKind, from: Option<SocketAddr>) {
        if let Some(stray) = self.strays.iter_mut().find(|stray| stray.defect == kind) {
            stray.count = stray.count.saturating_add(1);
            stray.from = from;
        } else {
            self.strays.push(Stray { defect: kind, count: 1, from });
        }
    }

    /// What is to be sent now; requests that are given up are told so.
    pub fn outgoing(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut outgoing = std::mem::take(&mut self.outbox);
        for due in self.transactions.due(now.into_std()) {
            match due {
                Due::Transmit(bytes) => outgoing.push(bytes),
                Due::GivenUp { id, sends } => {
                    if let Some(waiting) = self.waiting.remove(&id) {
                        _ = waiting.send(Ended::GivenUp { sends });
                    }
                }
            }
        }
        outgoing
    }

    /// Gives all requests up.
    pub fn fail(&mut self) {
        for (id, sends) in self.transactions.abandon() {
            if let Some(waiting) = self.waiting.remove(&id) {
                _ = waiting.send(Ended::GivenUp { sends });
            }
        }
    }

    /// Nothing is sent or received any more.
    pub fn close(&mut self, outcome: Outcome) {
        self.closed = Some(outcome);
        self.relayed = None;
        self.fail();
    }
}
