//! The sockets of a sweep: each allocation needs a local port that the server doesn't remember from one before.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::net::descriptors;
use crate::net::network::{Datagrams, Handling, Network};

/// The local ports that are gone through: those that systems choose from, without the usual range of a relay, which may be on this host.
const LOCAL_PORTS: (u16, u16) = (32_768, 49_151);

/// So many local ports may be in use by others, in a row, before the system is asked for any.
const BINDS: u32 = 32;

/// How long a socket rests after its allocation: coturn remembers it for a second (437).
const REST: Duration = Duration::from_millis(1300);

/// The longest that it rests, where that wasn't enough.
const LONGEST_REST: Duration = Duration::from_secs(10);

/// The most sockets that rest. What is used again costs a NAT on the way no further mapping, of which home routers have had some thousands.
const MOST_RESTING: usize = 8192;

/// The descriptors that are left for everything else.
const OTHERS: usize = 1000;

/// Sockets to use, and those that were used and rest.
pub struct Sockets {
    network: Rc<dyn Network>,
    towards: IpAddr,
    next_port: Cell<u16>,
    resting: RefCell<VecDeque<(Instant, Rc<dyn Datagrams>)>>,
    most_resting: usize,
    rest: Cell<Duration>,
}

impl Sockets {
    /// Sockets that can reach an address; as many rest as this process may have open.
    pub fn new(network: &Rc<dyn Network>, towards: IpAddr) -> Self {
        let open = descriptors::allow((MOST_RESTING + OTHERS) as u64);
        let open = usize::try_from(open).unwrap_or(usize::MAX);
        // The run before this one may have ended a moment ago.
        let mut bytes = [0; 2];
        network.randomize(&mut bytes);
        let (first, last) = LOCAL_PORTS;
        Self {
            network: Rc::clone(network),
            towards,
            next_port: Cell::new(first + u16::from_be_bytes(bytes) % (last - first + 1)),
            resting: RefCell::default(),
            most_resting: open.saturating_sub(OTHERS).min(MOST_RESTING),
            rest: Cell::new(REST),
        }
    }

    /// One that has rested, or a new one on the next local port. Of those ports that a system chooses, a third would have been used a
    /// moment ago.
    pub fn take(&self) -> Option<Rc<dyn Datagrams>> {
        self.rested().or_else(|| self.bind())
    }

    /// Lets a socket rest on which nothing is allocated any more. Where that is one too many the oldest is closed: its port is the first to
    /// be bound again when all have had their turn.
    pub fn give_back(&self, socket: Rc<dyn Datagrams>) {
        let mut resting = self.resting.borrow_mut();
        resting.push_back((Instant::now(), socket));
        if resting.len() > self.most_resting {
            resting.pop_front();
        }
    }

    /// The server has remembered one.
    pub fn rest_longer(&self) {
        self.rest.set((self.rest.get() * 2).min(LONGEST_REST));
    }

    fn rested(&self) -> Option<Rc<dyn Datagrams>> {
        let mut resting = self.resting.borrow_mut();
        let (since, _) = resting.front()?;
        if since.elapsed() < self.rest.get() {
            return None;
        }
        resting.pop_front().map(|(_, socket)| socket)
    }

    fn bind(&self) -> Option<Rc<dyn Datagrams>> {
        let bind = |port| self.network.bind_udp_with(self.towards, Handling { port, ..Handling::default() }).ok();
        let (first, last) = LOCAL_PORTS;
        for _ in 0..BINDS {
            let port = self.next_port.get();
            self.next_port.set(if port < last { port + 1 } else { first });
            if let Some(socket) = bind(Some(port)) {
                return Some(socket);
            }
        }
        bind(None)
    }
}
