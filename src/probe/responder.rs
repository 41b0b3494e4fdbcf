//! A responder on the server's host: what it says of itself, and the sweep of all ports against it.
//!
//! What it is asked at one port it answers for that port alone, with an HMAC over this run's nonce; so what counts as open has been proved
//! by the host itself, and neither a replay nor a machine in between can make it so.

pub mod exchange;
pub mod passes;
pub mod tcp;
pub mod udp;

use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::context::Context;
use crate::model::fact::{PortsEnd, Tally};
use crate::model::ports::PortSet;
use crate::net::tls::unix_seconds;
use crate::proto::responder::{Answer, Nonce, Question, Request, Token};

/// How often a sweep looks whether it has to end.
const GLANCE: Duration = Duration::from_millis(20);

/// When a sweep has to end, so that what it knows is told; whoever has a clone may end it sooner.
#[derive(Clone, Debug)]
pub struct Until(Rc<Cell<Instant>>);

impl Until {
    /// At that moment.
    #[must_use]
    pub fn new(at: Instant) -> Self {
        Self(Rc::new(Cell::new(at)))
    }

    /// Ends it now.
    pub fn end_now(&self) {
        self.0.set(Instant::now());
    }

    /// Whether it has to end.
    #[must_use]
    pub fn is_past(&self) -> bool {
        Instant::now() >= self.0.get()
    }

    /// Waits until then.
    pub async fn passed(&self) {
        while !self.is_past() {
            sleep_until(self.0.get().min(Instant::now() + GLANCE)).await;
        }
    }
}

/// The client's side of a run against one responder.
pub struct Client {
    context: Context,
    address: SocketAddr,
    token: Token,
    nonce: Nonce,
}

impl Client {
    /// A client of the responder that listens at an address.
    #[must_use]
    pub fn new(context: &Context, address: SocketAddr, token: Token) -> Self {
        let mut nonce = Nonce::default();
        context.network.randomize(&mut nonce);
        Self { context: context.clone(), address, token, nonce }
    }

    /// The address of the responder's host.
    #[must_use]
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Where a port of the responder's host is.
    fn at(&self, port: u16) -> SocketAddr {
        // A link-local address keeps its scope.
        let mut address = self.address;
        address.set_port(port);
        address
    }

    fn request(&self, question: Question, port: u16) -> Vec<u8> {
        Request { question, port, time: self.now(), nonce: self.nonce }.sealed(&self.token)
    }

    fn answer(&self, bytes: &[u8]) -> Option<Answer> {
        Answer::read(bytes, &self.nonce, &self.token)
    }

    fn now(&self) -> i64 {
        unix_seconds(self.context.network.time_of_day())
    }
}

/// What came of a sweep over a protocol's ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Those that proved to be open.
    pub open: PortSet,
    /// Those that never answered, tried as often as the loss demands, or that were refused.
    pub closed: PortSet,
    /// Those of the closed ones that were refused.
    pub refused: PortSet,
    /// Those that lead to another port of the host.
    pub moved: PortSet,
    /// How often a closed port was tried, while the way was up.
    pub tries: u32,
    /// The tries at ports that proved to be open, controls included, and those that were answered.
    pub loss: Tally,
    /// What ended it before all was known.
    pub ended_by: Option<PortsEnd>,
}

#[cfg(test)]
mod tests;
