//! One request after another on a UDP socket of its own: what a sweep over thousands of 5-tuples needs, and no more.
//!
//! A [`super::session::Session`] keeps a task, a queue and the answers of many requests; of that nothing is needed here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::time::{Instant, timeout_at};

use super::network::{Arrival, Datagrams};
use crate::proto::raw::RawMessage;
use crate::proto::schedule::Schedule;

/// The type of a Data indication (RFC 8656 §18.1) and of its DATA.
const DATA_INDICATION: u16 = 0x0017;
const DATA: u16 = 0x0013;

/// How many relayed datagrams wait while a request is under way; a flood beyond that is dropped.
const RELAYED_QUEUE: usize = 64;

/// One socket to a server.
pub struct Leg {
    socket: Rc<dyn Datagrams>,
    server: SocketAddr,
    relayed: RefCell<VecDeque<Vec<u8>>>,
    tally: Cell<(u32, u32)>,
}

/// The server's host says that nothing listens there, or the socket is gone.
struct Refused;

impl Leg {
    /// Takes over a socket.
    #[must_use]
    pub fn new(socket: Rc<dyn Datagrams>, server: SocketAddr) -> Self {
        Self { socket, server, relayed: RefCell::default(), tally: Cell::default() }
    }

    /// The requests that were sent for an answer, repetitions included, and the answers: how lossy the way is.
    #[must_use]
    pub fn tally(&self) -> (u32, u32) {
        self.tally.get()
    }

    /// Sends a request by a schedule and waits for an answer that is accepted; `None` where none came, or the server refuses datagrams.
    pub async fn ask(&self, request: &[u8], schedule: &Schedule, accept: impl Fn(&[u8]) -> bool) -> Option<Vec<u8>> {
        let id = RawMessage::new(request)?.transaction_id();
        let begun = Instant::now();
        let mut sends = 0;
        loop {
            let until = match schedule.send_at(sends) {
                Some(_) => {
                    self.socket.send(request, self.server).ok()?;
                    sends += 1;
                    begun + schedule.send_at(sends).unwrap_or_else(|| schedule.give_up())
                }
                None => return None,
            };
            while let Ok(arrival) = timeout_at(until, self.socket.receive()).await {
                let Some(bytes) = self.take(arrival).ok()? else { continue };
                let answers = RawMessage::new(&bytes).is_some_and(|message| message.transaction_id() == id);
                if answers && accept(&bytes) {
                    let (all_sends, answers) = self.tally.get();
                    self.tally.set((all_sends + u32::try_from(sends).unwrap_or(u32::MAX), answers + 1));
                    return Some(bytes);
                }
            }
        }
    }

    /// Waits until a datagram came through the relay; those that came while a request was under way are given first, in their order.
    pub async fn relayed(&self, until: Instant) -> Option<Vec<u8>> {
        loop {
            if let Some(payload) = self.relayed.borrow_mut().pop_front() {
                return Some(payload);
            }
            let arrival = timeout_at(until, self.socket.receive()).await.ok()?;
            self.take(arrival).ok()?;
        }
    }

    /// Keeps what came through the relay, and gives any other message of the server's.
    fn take(&self, arrival: Arrival) -> Result<Option<Vec<u8>>, Refused> {
        match arrival {
            Arrival::Datagram { from, bytes } if from == self.server => {
                let Some(message) = RawMessage::new(&bytes) else { return Ok(None) };
                if message.kind() == DATA_INDICATION {
                    let mut relayed = self.relayed.borrow_mut();
                    if relayed.len() < RELAYED_QUEUE {
                        relayed.extend(message.attribute(DATA).map(<[u8]>::to_vec));
                    }
                    return Ok(None);
                }
                Ok(Some(bytes))
            }
            Arrival::Icmp { to, .. } if to == self.server => Err(Refused),
            Arrival::Datagram { .. } | Arrival::Icmp { .. } | Arrival::Expired { .. } => Ok(None),
            Arrival::Closed => Err(Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::model::outcome::Outcome;
    use crate::proto::incoming::{Method, Subject};
    use crate::proto::outgoing::{Outgoing, data_indication};
    use crate::proto::request::Request;

    /// A socket to which everything has come already.
    struct Scripted(RefCell<VecDeque<Vec<u8>>>);

    const SERVER: ([u8; 4], u16) = ([127, 0, 0, 1], 3478);

    #[async_trait(?Send)]
    impl Datagrams for Scripted {
        fn local(&self) -> SocketAddr {
            SocketAddr::from(([127, 0, 0, 1], 50_000))
        }

        fn send(&self, _: &[u8], _: SocketAddr) -> Result<(), Outcome> {
            Ok(())
        }

        async fn receive(&self) -> Arrival {
            let next = self.0.borrow_mut().pop_front();
            match next {
                Some(bytes) => Arrival::Datagram { from: SERVER.into(), bytes },
                None => pending().await,
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_relayed_while_a_request_is_under_way_waits_in_its_order() {
        let id = [7; 12];
        let relayed = |text: &[u8]| data_indication([0; 12], SERVER.into(), text).expect("it is short");
        let answer = Outgoing::success(Subject { method: Method::Binding, id, fingerprint: false }).seal(None);
        let came = [relayed(b"first"), relayed(b"second"), answer, relayed(b"third")];
        let leg = Leg::new(Rc::new(Scripted(RefCell::new(came.into()))), SERVER.into());
        let schedule = Schedule::unhurried(Duration::from_millis(1));
        assert!(leg.ask(&Request::binding().seal(id), &schedule, |_| true).await.is_some());
        assert_eq!(leg.tally(), (1, 1));
        for text in [&b"first"[..], b"second", b"third"] {
            assert_eq!(leg.relayed(Instant::now()).await.as_deref(), Some(text));
        }
        assert_eq!(leg.relayed(Instant::now()).await, None);
    }
}
