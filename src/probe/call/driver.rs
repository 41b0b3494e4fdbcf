//! The loop around a peer: what arrives goes in, and what it wants sent goes out by the socket or relay that it names.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::host::Host;
use super::relay::Relay;
use super::tasks::Tasks;
use crate::model::call;
use crate::model::fact::{Fact, ReleaseFact};
use crate::net::timer::sleep_until;
use crate::peer::{Event, Gathered, Peer, Transmit};
use crate::probe::allocate::Allocation;
use crate::probe::context::Context;

/// What the tasks of one end share.
pub struct Driver {
    /// The run.
    pub context: Context,
    peer: Rc<RefCell<Peer>>,
    hosts: RefCell<Vec<Rc<Host>>>,
    relays: RefCell<Vec<Rc<Relay>>>,
    wake: Notify,
    events: mpsc::UnboundedSender<Event>,
    tasks: Rc<Tasks>,
}

impl Driver {
    /// Drives a peer; what happens comes by the receiver.
    pub fn start(context: &Context, peer: Peer) -> (Rc<Self>, mpsc::UnboundedReceiver<Event>) {
        let (sender, events) = mpsc::unbounded_channel();
        let driver = Rc::new(Self {
            context: context.clone(),
            peer: Rc::new(RefCell::new(peer)),
            hosts: RefCell::default(),
            relays: RefCell::default(),
            wake: Notify::new(),
            events: sender,
            tasks: Rc::default(),
        });
        driver.spawn(keep_time(Rc::clone(&driver)));
        (driver, events)
    }

    /// All that was seen so far.
    pub fn report(&self) -> call::Peer {
        self.peer.borrow().report()
    }

    /// Whether the peer has a local candidate with this address.
    pub fn has_local(&self, address: SocketAddr) -> bool {
        self.peer.borrow().has_local(address)
    }

    /// Sends and receives over a host socket from now on.
    pub fn take_host(self: &Rc<Self>, host: &Rc<Host>) {
        self.hosts.borrow_mut().push(Rc::clone(host));
        self.spawn(Rc::clone(host).read(Rc::clone(&self.context.network), self.receiver()));
    }

    /// The host sockets.
    pub fn hosts(&self) -> Vec<Rc<Host>> {
        self.hosts.borrow().clone()
    }

    /// Sends and receives through an allocation from now on, and asks for the permissions that the other side's candidates need.
    pub fn take_relay(self: &Rc<Self>, allocation: Allocation) {
        let record = self.context.record.clone();
        let relay = Rc::new(Relay::new(allocation, record, Rc::clone(&self.peer), Rc::clone(&self.tasks)));
        self.relays.borrow_mut().push(Rc::clone(&relay));
        self.spawn(Rc::clone(&relay).read(self.receiver()));
        self.spawn(Rc::clone(&relay).keep());
        let remotes = self.peer.borrow().remote_addresses();
        for address in remotes {
            relay.permit(address.ip());
        }
    }

    /// Does something with the peer, and all that follows from it.
    pub fn with<T>(&self, act: impl FnOnce(&mut Peer, std::time::Instant) -> T) -> T {
        let result = act(&mut self.peer.borrow_mut(), Instant::now().into_std());
        self.follow_up();
        self.wake.notify_one();
        result
    }

    /// Adds a candidate.
    pub fn add_local(&self, candidate: Gathered) {
        self.with(|peer, now| peer.add_local(candidate, now));
    }

    /// Takes what arrives at an own address from a source.
    fn receiver(self: &Rc<Self>) -> impl Fn(SocketAddr, SocketAddr, &[u8]) + use<> {
        let driver = Rc::clone(self);
        move |at, source, bytes| driver.with(|peer, now| peer.receive(at, source, bytes, now))
    }

    /// Sends and tells what the peer wants sent and told.
    fn follow_up(&self) {
        loop {
            let transmit = self.peer.borrow_mut().poll_transmit();
            if let Some(transmit) = transmit {
                if !self.send(&transmit) {
                    self.peer.borrow_mut().unsendable(transmit.from, transmit.to);
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

    /// Whether a datagram left this host, or waits for a permission.
    fn send(&self, transmit: &Transmit) -> bool {
        let relay = self.relays.borrow().iter().find(|relay| relay.address() == transmit.from).cloned();
        if let Some(relay) = relay {
            return relay.send(transmit.to, &transmit.bytes);
        }
        let hosts = self.hosts.borrow();
        let host = hosts.iter().find(|host| host.has(transmit.from));
        host.is_some_and(|host| host.send(&self.context.record, &transmit.bytes, transmit.to))
    }

    /// What the relays have to do about an event.
    fn heed(&self, event: &Event) {
        match event {
            Event::RemoteAddress(address) => {
                let relays = self.relays.borrow().clone();
                for relay in relays {
                    relay.permit(address.ip());
                }
            }
            Event::Selected { from, to } => {
                let relay = self.relays.borrow().iter().find(|relay| relay.address() == *from).cloned();
                if let Some(relay) = relay {
                    relay.bind(*to);
                }
            }
            Event::State(_) | Event::Candidate(_) | Event::Track(_) | Event::ChannelOpen | Event::ChannelClosed => {}
        }
    }

    /// Runs a task for as long as the end lives.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.tasks.spawn(task);
    }

    /// Ends all tasks.
    pub fn stop(&self) {
        self.tasks.stop();
    }

    /// Gives the allocations back.
    pub async fn release(&self) {
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
