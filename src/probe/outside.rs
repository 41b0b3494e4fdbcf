//! Sockets that stand for a peer outside: they send unsolicited datagrams to relayed addresses and hear what the relay sends.
//!
//! Datagrams go only to relayed addresses of our own allocations; each carries a random token by which it is told again.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::model::fact::IcmpFact;
use crate::model::outcome::Outcome;
use crate::net::network::{Arrival, Datagrams, Network};
use crate::net::timer::sleep_until;
use crate::proto::request::Request;
use crate::proto::response::{Class, Response};
use crate::proto::schedule::Schedule;
use crate::proto::transactions::{Due, Received, Transactions};

/// The length of a token in bytes. No payload is shorter: one under four bytes kills some servers.
pub const TOKEN_LENGTH: usize = 16;

/// The random head of a payload, by which it is told again.
pub type Token = [u8; TOKEN_LENGTH];

/// How many datagrams wait for whoever expects them; a flood beyond that is dropped.
const QUEUE: usize = 1024;

/// One socket per address family.
pub struct Outside {
    network: Rc<dyn Network>,
    v4: Option<Peer>,
    v6: Option<Peer>,
}

/// A datagram that arrived outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Where it came from.
    pub from: SocketAddr,
    /// What it carries.
    pub payload: Vec<u8>,
    /// When it came.
    pub at: Instant,
}

/// One socket outside.
pub struct Peer {
    socket: Rc<dyn Datagrams>,
    network: Rc<dyn Network>,
    state: Rc<RefCell<State>>,
    wake: Rc<Notify>,
    changed: Rc<Notify>,
    task: AbortHandle,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Default)]
struct State {
    questions: Vec<(SocketAddr, Transactions)>,
    mapped: Vec<(SocketAddr, SocketAddr)>,
    expected: HashMap<Token, mpsc::Sender<Heard>>,
    errors: HashMap<SocketAddr, IcmpFact>,
}

impl Outside {
    /// Opens the sockets that this host can have.
    #[must_use]
    pub fn open(network: &Rc<dyn Network>) -> Self {
        let peer = |towards: IpAddr| network.bind_udp(towards).ok().map(|socket| Peer::new(network, socket));
        Self { network: Rc::clone(network), v4: peer([0; 4].into()), v6: peer([0; 16].into()) }
    }

    /// The socket that can reach an address.
    #[must_use]
    pub fn towards(&self, address: IpAddr) -> Option<&Peer> {
        if address.is_ipv4() { self.v4.as_ref() } else { self.v6.as_ref() }
    }

    /// A new random token.
    #[must_use]
    pub fn token(&self) -> Token {
        let mut token = [0; TOKEN_LENGTH];
        self.network.randomize(&mut token);
        // Neither a STUN message nor ChannelData begins with two set bits (RFC 7983 §7).
        token[0] |= 0xC0;
        token
    }
}

impl Peer {
    fn new(network: &Rc<dyn Network>, socket: Rc<dyn Datagrams>) -> Self {
        let (state, wake, changed) = <(Rc<RefCell<State>>, Rc<Notify>, Rc<Notify>)>::default();
        let task = tokio::task::spawn_local(pump(Rc::clone(&socket), Rc::clone(&state), Rc::clone(&wake), Rc::clone(&changed)));
        Self { socket, network: Rc::clone(network), state, wake, changed, task: task.abort_handle() }
    }

    /// Asks a STUN server for the own address; the answer shows in [`Peer::mapped`].
    pub fn ask(&self, server: SocketAddr) {
        let mut id = [0; 12];
        self.network.randomize(&mut id);
        let mut state = self.state.borrow_mut();
        if state.questions.iter().any(|(asked, _)| *asked == server) {
            return;
        }
        let mut transactions = Transactions::default();
        let request = Request::binding().seal(id);
        transactions.start(id, request, Schedule::first_contact(), None, Instant::now().into_std());
        state.questions.push((server, transactions));
        self.wake.notify_one();
    }

    /// The own addresses as STUN servers see them, each with the server that told it.
    #[must_use]
    pub fn mapped(&self) -> Vec<(SocketAddr, SocketAddr)> {
        self.state.borrow().mapped.clone()
    }

    /// The STUN servers that have told nothing, with the ICMP error that came instead.
    #[must_use]
    pub fn unreachable(&self) -> Vec<(SocketAddr, IcmpFact)> {
        let state = self.state.borrow();
        let asked = state.questions.iter().map(|(server, _)| *server);
        let in_vain = asked.filter(|server| !state.mapped.iter().any(|(told_by, _)| told_by == server));
        in_vain.filter_map(|server| Some((server, *state.errors.get(&server)?))).collect()
    }

    /// The own address, as this host would use it towards another.
    #[must_use]
    pub fn local(&self, towards: IpAddr) -> SocketAddr {
        let local = self.socket.local();
        SocketAddr::new(self.network.source(towards).unwrap_or_else(|| local.ip()), local.port())
    }

    /// Waits until one server has told the own address, all were asked in vain, or the limit is reached.
    pub async fn mapped_within(&self, limit: Duration) -> Vec<(SocketAddr, SocketAddr)> {
        let is_known = |state: &State| {
            let asking = state.questions.iter().any(|(_, transactions)| !transactions.is_idle());
            !state.mapped.is_empty() || !asking
        };
        _ = tokio::time::timeout(limit, self.until(is_known)).await;
        self.mapped()
    }

    /// Waits until servers at two addresses have told the own address, or the limit is reached: who is to be asked may not be known yet.
    pub async fn told_by_two_within(&self, limit: Duration) -> Vec<(SocketAddr, SocketAddr)> {
        let is_known = |state: &State| state.mapped.iter().map(|(server, _)| server.ip()).collect::<HashSet<_>>().len() > 1;
        _ = tokio::time::timeout(limit, self.until(is_known)).await;
        self.mapped()
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if holds(&self.state.borrow()) {
                return;
            }
            changed.await;
        }
    }

    /// Expects datagrams that begin with a token.
    #[must_use]
    pub fn expect(&self, token: Token) -> mpsc::Receiver<Heard> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let mut state = self.state.borrow_mut();
        state.expected.retain(|_, sender| !sender.is_closed());
        state.expected.insert(token, sender);
        receiver
    }

    /// Sends a datagram to a relayed address.
    ///
    /// # Errors
    ///
    /// What this host itself has against it.
    pub fn send(&self, payload: &[u8], to: SocketAddr) -> Result<(), Outcome> {
        match self.socket.send(payload, to) {
            // Told about an earlier datagram, or by a router: what becomes of this one shows by itself.
            Err(Outcome::Unreachable { .. } | Outcome::Closed | Outcome::Silent) => Ok(()),
            ended => ended,
        }
    }

    /// The last ICMP error about a datagram to an address.
    #[must_use]
    pub fn error(&self, to: SocketAddr) -> Option<IcmpFact> {
        self.state.borrow().errors.get(&to).copied()
    }

    /// Forgets an ICMP error, before the address is tried again.
    pub fn forget_error(&self, to: SocketAddr) {
        self.state.borrow_mut().errors.remove(&to);
    }
}

async fn pump(socket: Rc<dyn Datagrams>, state: Rc<RefCell<State>>, wake: Rc<Notify>, changed: Rc<Notify>) {
    loop {
        let next = ask_what_is_due(&socket, &mut state.borrow_mut());
        let arrival = tokio::select! {
            biased;
            arrival = socket.receive() => Some(arrival),
            () = sleep_until(next) => None,
            () = wake.notified() => None,
        };
        if let Some(arrival) = arrival {
            take(&mut state.borrow_mut(), arrival);
        }
        changed.notify_waiters();
    }
}

fn ask_what_is_due(socket: &Rc<dyn Datagrams>, state: &mut State) -> Option<std::time::Instant> {
    let now = Instant::now().into_std();
    for (server, transactions) in &mut state.questions {
        for due in transactions.due(now) {
            if let Due::Transmit(bytes) = due {
                _ = socket.send(&bytes, *server);
            }
        }
    }
    state.questions.iter().filter_map(|(_, transactions)| transactions.next_due()).min()
}

fn take(state: &mut State, arrival: Arrival) {
    match arrival {
        Arrival::Datagram { from, bytes } => take_datagram(state, from, bytes),
        Arrival::Expired { .. } | Arrival::Closed => {}
        Arrival::Icmp { to, reason, from } => {
            state.errors.insert(to, IcmpFact { reason, from });
        }
    }
}

fn take_datagram(state: &mut State, from: SocketAddr, payload: Vec<u8>) {
    if let Some((server, transactions)) = state.questions.iter_mut().find(|(server, _)| *server == from)
        && let Received::Answer(answer) = transactions.receive(&payload, Instant::now().into_std())
    {
        if let (Class::Success, Some(mapped)) = (answer.response.class, Response::reflexive(&answer.response)) {
            state.mapped.push((*server, mapped));
        }
        return;
    }
    let token = payload.first_chunk::<TOKEN_LENGTH>();
    if let Some(expected) = token.and_then(|token| state.expected.get(token)) {
        // A full queue means a flood: what overflows is dropped.
        _ = expected.try_send(Heard { from, payload, at: Instant::now() });
    }
}
