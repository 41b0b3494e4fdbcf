//! One request after another on a UDP socket of its own: what a sweep over thousands of 5-tuples needs, and no more.
//!
//! A [`super::session::Session`] keeps a task, a queue and the answers of many requests; of that nothing is needed here.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::time::{Instant, timeout_at};

use super::network::{Arrival, Datagrams};
use crate::proto::raw::RawMessage;
use crate::proto::schedule::Schedule;

/// The type of a Data indication (RFC 8656 §18.1) and of its DATA.
const DATA_INDICATION: u16 = 0x0017;
const DATA: u16 = 0x0013;

/// One socket to a server.
pub struct Leg {
    socket: Rc<dyn Datagrams>,
    server: SocketAddr,
    relayed: RefCell<Option<Vec<u8>>>,
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

    /// Waits until a datagram came through the relay.
    pub async fn relayed(&self, until: Instant) -> Option<Vec<u8>> {
        loop {
            if let Some(payload) = self.relayed.borrow_mut().take() {
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
                    *self.relayed.borrow_mut() = message.attribute(DATA).map(<[u8]>::to_vec);
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
