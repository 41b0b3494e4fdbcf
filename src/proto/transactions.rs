//! The client's side of one 5-tuple: requests in flight, their retransmission, and what becomes of each datagram.
//!
//! The driver calls [`Transactions::start`], hands in what arrives and asks what is due; time is an argument.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::authentication::LongTerm;
use super::channel_data::ChannelData;
use super::raw::RawMessage;
use super::response::{Class, Response, is_data};
use super::schedule::Schedule;
use crate::model::outcome::StrayKind;

/// The requests in flight on one 5-tuple.
#[derive(Debug, Default)]
pub struct Transactions {
    pending: Vec<Pending>,
    answered: VecDeque<[u8; 12]>,
}

/// How many answered requests are remembered, for the duplicate answers of retransmitted ones.
const REMEMBERED: usize = 64;

#[derive(Debug)]
struct Pending {
    id: [u8; 12],
    bytes: Vec<u8>,
    schedule: Schedule,
    started: Instant,
    sends: usize,
    signed: Option<LongTerm>,
}

/// What became of a message that arrived.
#[derive(Debug)]
pub enum Received {
    /// An answer to a request in flight.
    Answer(Box<Answer>),
    /// Data from a peer, in a Data indication.
    Data {
        /// The peer's address as the relay sees it.
        peer: SocketAddr,
        /// What it sent.
        payload: Vec<u8>,
    },
    /// Data from a peer, over a channel.
    ChannelData {
        /// The channel.
        channel: u16,
        /// What it sent.
        payload: Vec<u8>,
    },
    /// One more answer to a request that was answered already.
    Duplicate,
    /// Something that is none of these.
    Stray(StrayKind),
}

/// An answer to a request in flight.
#[derive(Debug)]
pub struct Answer {
    /// The request's transaction id.
    pub id: [u8; 12],
    /// How often the request was sent.
    pub sends: u32,
    /// From the first send to the answer.
    pub round_trip: Duration,
    /// The answer itself.
    pub response: Response,
}

/// What is due at a moment.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// These bytes are to be sent.
    Transmit(Vec<u8>),
    /// The request with that id got no answer.
    GivenUp {
        /// Its transaction id.
        id: [u8; 12],
        /// How often it was sent.
        sends: u32,
    },
}

impl Transactions {
    /// Takes a sealed request; [`Transactions::due`] then gives its first transmission.
    ///
    /// `signed` are the credentials that it was made with: its answer must carry them too (RFC 8489 §9.2.5).
    pub fn start(&mut self, id: [u8; 12], bytes: Vec<u8>, schedule: Schedule, signed: Option<LongTerm>, now: Instant) {
        self.pending.push(Pending { id, bytes, schedule, started: now, sends: 0, signed });
    }

    /// Forgets a request without an end.
    pub fn cancel(&mut self, id: [u8; 12]) {
        self.pending.retain(|pending| pending.id != id);
    }

    /// What is due now, in the order of the requests.
    pub fn due(&mut self, now: Instant) -> Vec<Due> {
        let mut due = Vec::new();
        self.pending.retain_mut(|pending| {
            let age = now.saturating_duration_since(pending.started);
            if age >= pending.schedule.give_up() {
                due.push(Due::GivenUp { id: pending.id, sends: count(pending.sends) });
                return false;
            }
            while pending.schedule.send_at(pending.sends).is_some_and(|at| at <= age) {
                pending.sends += 1;
                due.push(Due::Transmit(pending.bytes.clone()));
            }
            true
        });
        due
    }

    /// When something is due next.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let next = |pending: &Pending| {
            let offset = pending.schedule.send_at(pending.sends).unwrap_or_else(|| pending.schedule.give_up());
            pending.started + offset
        };
        self.pending.iter().map(next).min()
    }

    /// Whether any request waits for an answer.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether a message carries the transaction id of a request in flight.
    #[must_use]
    pub fn awaits(&self, bytes: &[u8]) -> bool {
        RawMessage::new(bytes).is_some_and(|message| self.pending.iter().any(|pending| pending.id == message.transaction_id()))
    }

    /// The requests that wait, taken out: the connection is gone.
    pub fn abandon(&mut self) -> Vec<([u8; 12], u32)> {
        self.pending.drain(..).map(|pending| (pending.id, count(pending.sends))).collect()
    }

    /// Takes one message.
    pub fn receive(&mut self, bytes: &[u8], now: Instant) -> Received {
        if let Some(data) = ChannelData::read(bytes) {
            return Received::ChannelData { channel: data.channel, payload: data.payload.to_vec() };
        }
        let Some(response) = Response::read(bytes) else { return Received::Stray(StrayKind::NotStun) };
        if is_data(&response) {
            return match (response.peer, response.data) {
                (Some(peer), Some(payload)) => Received::Data { peer, payload },
                (Some(_) | None, _) => Received::Stray(StrayKind::Malformed),
            };
        }
        match response.class {
            Class::Success | Class::Error => {}
            Class::Indication | Class::Request => return Received::Stray(StrayKind::WrongTransaction),
        }
        let Some(index) = self.pending.iter().position(|pending| pending.id == response.id) else {
            if self.answered.contains(&response.id) {
                return Received::Duplicate;
            }
            return Received::Stray(StrayKind::WrongTransaction);
        };
        // An unsigned success to a signed request may come from anyone on the path; wait for the real one.
        let unsigned = |signed: &LongTerm| !response.message.as_ref().is_some_and(|message| signed.vouches_for(message));
        if response.class == Class::Success && self.pending[index].signed.as_ref().is_some_and(unsigned) {
            return Received::Stray(StrayKind::BadIntegrity);
        }
        let pending = self.pending.swap_remove(index);
        if self.answered.len() == REMEMBERED {
            self.answered.pop_front();
        }
        self.answered.push_back(pending.id);
        Received::Answer(Box::new(Answer {
            id: pending.id,
            sends: count(pending.sends),
            round_trip: now.saturating_duration_since(pending.started),
            response,
        }))
    }
}

fn count(sends: usize) -> u32 {
    u32::try_from(sends).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::request::Request;

    #[test]
    fn a_request_is_sent_by_its_schedule_and_then_given_up() {
        let start = Instant::now();
        let mut transactions = Transactions::default();
        transactions.start([1; 12], Request::binding().seal([1; 12]), Schedule::first_contact(), None, start);
        let mut log = Vec::new();
        while let Some(at) = transactions.next_due() {
            for due in transactions.due(at) {
                log.push((at.duration_since(start).as_millis(), matches!(due, Due::Transmit(_))));
            }
        }
        assert_eq!(log, [(0, true), (100, true), (300, true), (700, true), (1500, true), (2000, false)]);
    }

    #[test]
    fn an_answer_with_another_transaction_id_is_a_stray() {
        let start = Instant::now();
        let mut transactions = Transactions::default();
        transactions.start([1; 12], Request::binding().seal([1; 12]), Schedule::first_contact(), None, start);
        let mut answer = Request::binding().seal([2; 12]);
        answer[0] = 1;
        assert!(matches!(transactions.receive(&answer, start), Received::Stray(StrayKind::WrongTransaction)));
        answer[8..20].copy_from_slice(&[1; 12]);
        assert!(matches!(transactions.receive(&answer, start), Received::Answer(_)));
        assert!(transactions.is_idle());
        assert!(matches!(transactions.receive(&answer, start), Received::Duplicate));
    }
}
