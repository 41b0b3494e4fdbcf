//! One end of a call attempt: a [`Peer`] over this network's sockets and this program's own TURN machines.
//!
//! What arrives is handled where it is read, and what follows from it is sent before the next is read: no queue and no task lies
//! between, so that the round trip that the call measures is the network's.

mod driver;
mod gather;
mod host;
mod relay;
mod tasks;

use std::rc::Rc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use self::driver::Driver;
pub use self::gather::own_addresses;
use super::context::Context;
use super::ice_server::IceServer;
use crate::model::call::{self, Path, Role};
pub use crate::peer::{Event, Unusable};
use crate::peer::{Peer, Settings};

/// One end of a call attempt. It must be made within a `LocalSet`; what it runs ends when it is dropped, and the ledger still knows
/// its allocations then.
pub struct PeerHandle {
    driver: Rc<Driver>,
    events: mpsc::UnboundedReceiver<Event>,
}

impl PeerHandle {
    /// Sets a peer up and begins to gather its candidates.
    ///
    /// # Errors
    ///
    /// [`Unusable::Setup`] where no peer connection can be had.
    pub fn start(context: &Context, role: Role, path: Path, servers: &[IceServer]) -> Result<Self, Unusable> {
        let mut random = [0; 8];
        context.network.randomize(&mut random);
        let [first, second] = [0, 4].map(|at| u32::from_be_bytes([random[at], random[at + 1], random[at + 2], random[at + 3]]));
        let settings = Settings { role, started: context.record.started().into_std(), ssrcs: [first, second] };
        let peer = Peer::new(&settings, Instant::now().into_std())?;
        let (driver, events) = Driver::start(context, peer);
        gather::start(&driver, path, servers);
        Ok(Self { driver, events })
    }

    /// The offer.
    ///
    /// # Errors
    ///
    /// [`Unusable::Own`] where none can be made.
    pub fn offer(&self) -> Result<String, Unusable> {
        self.driver.with(|peer, now| peer.create_offer(now))
    }

    /// Takes the other side's offer and gives the answer.
    ///
    /// # Errors
    ///
    /// [`Unusable::Description`] where the offer can't be used.
    pub fn accept_offer(&self, sdp: &str) -> Result<String, Unusable> {
        self.driver.with(|peer, now| peer.accept_offer(sdp, now))
    }

    /// Takes the other side's answer.
    ///
    /// # Errors
    ///
    /// [`Unusable::Description`] where the answer can't be used.
    pub fn accept_answer(&self, sdp: &str) -> Result<(), Unusable> {
        self.driver.with(|peer, now| peer.accept_answer(sdp, now))
    }

    /// Takes a candidate of the other side; one that says nothing is borne.
    pub fn add_remote_candidate(&self, candidate: &call::TrickledCandidate) {
        self.driver.with(|peer, now| peer.add_remote_candidate(candidate.candidate.as_deref(), now));
    }

    /// What happens next; `None` after [`PeerHandle::close`].
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// Ends in `failed` before the protocol does, for want of patience.
    pub fn give_up(&self) {
        self.driver.with(Peer::give_up);
    }

    /// All that was seen so far.
    #[must_use]
    pub fn report(&self) -> call::Peer {
        self.driver.report()
    }

    /// Hangs up, tells the other side, and gives the allocations back.
    pub async fn close(&mut self) {
        self.driver.stop();
        self.driver.with(Peer::close);
        self.driver.release().await;
        self.events.close();
    }
}

impl Drop for PeerHandle {
    fn drop(&mut self) {
        self.driver.stop();
    }
}

#[cfg(test)]
mod tests;
