//! One end of a call attempt: a [`Peer`] over this network's sockets and this program's own TURN machines.
//!
//! What arrives is handled where it is read, and what follows from it is sent before the next is read: no queue and no task lies
//! between, so that the round trip that the call measures is the network's.

mod gather;
mod host;
mod relay;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;

pub use self::gather::own_addresses;
use self::host::Host as HostSocket;
use self::relay::Relay;
use super::context::Context;
use super::ice_server::IceServer;
use crate::model::call::{self, Path, Role};
use crate::model::fact::{Fact, ReleaseFact};
use crate::net::timer::sleep_until;
pub use crate::peer::{Event, Unusable};
use crate::peer::{Gathered, Peer, Settings, Transmit};

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
        let (sender, events) = mpsc::unbounded_channel();
        let driver = Rc::new(Driver {
            context: context.clone(),
            peer: RefCell::new(peer),
            hosts: RefCell::default(),
            relays: RefCell::default(),
            wake: Notify::new(),
            events: sender,
            tasks: RefCell::default(),
        });
        driver.spawn(keep_time(Rc::clone(&driver)));
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
        self.driver.peer.borrow().report()
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

/// What the tasks of one end share.
struct Driver {
    context: Context,
    peer: RefCell<Peer>,
    hosts: RefCell<Vec<Rc<HostSocket>>>,
    relays: RefCell<Vec<Rc<Relay>>>,
    wake: Notify,
    events: mpsc::UnboundedSender<Event>,
    tasks: RefCell<Vec<AbortHandle>>,
}

impl Driver {
    /// Does something with the peer, and all that follows from it.
    fn with<T>(self: &Rc<Self>, act: impl FnOnce(&mut Peer, std::time::Instant) -> T) -> T {
        let result = act(&mut self.peer.borrow_mut(), Instant::now().into_std());
        self.follow_up();
        self.wake.notify_one();
        result
    }

    fn add_local(self: &Rc<Self>, candidate: Gathered) {
        self.with(|peer, now| peer.add_local(candidate, now));
    }

    fn receive(self: &Rc<Self>, at: SocketAddr, source: SocketAddr, bytes: &[u8]) {
        self.with(|peer, now| peer.receive(at, source, bytes, now));
    }

    /// Sends and tells what the peer wants sent and told.
    fn follow_up(self: &Rc<Self>) {
        loop {
            let transmit = self.peer.borrow_mut().poll_transmit();
            if let Some(transmit) = transmit {
                if !self.send(&transmit) {
                    self.unsendable(transmit.from, transmit.to);
                }
                continue;
            }
            let event = self.peer.borrow_mut().poll_event();
            let Some(event) = event else { return };
            self.heed(&event);
            // Nobody listens any more once the handle is gone.
            _ = self.events.send(event);
        }
    }

    fn unsendable(&self, from: SocketAddr, to: SocketAddr) {
        self.peer.borrow_mut().unsendable(from, to);
    }

    /// Whether a datagram left this host, or waits for a permission.
    fn send(self: &Rc<Self>, transmit: &Transmit) -> bool {
        let relay = self.relays.borrow().iter().find(|relay| relay.address() == transmit.from).cloned();
        if let Some(relay) = relay {
            return relay.send(self, transmit.to, &transmit.bytes);
        }
        let hosts = self.hosts.borrow();
        let host = hosts.iter().find(|host| host.has(transmit.from));
        host.is_some_and(|host| host.send(&self.context.record, &transmit.bytes, transmit.to))
    }

    /// What the relays have to do about an event.
    fn heed(self: &Rc<Self>, event: &Event) {
        match event {
            Event::RemoteAddress(address) => {
                let relays = self.relays.borrow().clone();
                for relay in relays {
                    relay.permit(self, address.ip());
                }
            }
            Event::Selected { from, to } => {
                let relay = self.relays.borrow().iter().find(|relay| relay.address() == *from).cloned();
                if let Some(relay) = relay {
                    relay.bind(self, *to);
                }
            }
            Event::State(_) | Event::Candidate(_) | Event::Track(_) | Event::ChannelOpen | Event::ChannelClosed => {}
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let mut tasks = self.tasks.borrow_mut();
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::task::spawn_local(task).abort_handle());
    }

    fn stop(&self) {
        self.tasks.borrow_mut().drain(..).for_each(|task| task.abort());
    }

    async fn release(&self) {
        let relays = std::mem::take(&mut *self.relays.borrow_mut());
        let releases = relays.iter().map(|relay| async {
            if let Some(exchange) = self.context.ledger.release(relay.held()).await {
                let fact = Fact::Release(ReleaseFact { reply: exchange.reply });
                self.context.record.add("release", relay.endpoint(), fact);
            }
        });
        futures::future::join_all(releases).await;
    }
}

/// Does what is due when it is due.
async fn keep_time(driver: Rc<Driver>) {
    loop {
        let next = driver.peer.borrow_mut().next_timeout();
        tokio::select! {
            biased;
            () = driver.wake.notified() => {}
            () = sleep_until(next) => {
                driver.peer.borrow_mut().handle_timeout(Instant::now().into_std());
                driver.follow_up();
            }
        }
    }
}

#[cfg(test)]
mod tests;
