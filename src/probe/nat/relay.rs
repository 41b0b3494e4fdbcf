//! Filtering and mapping by a relay: it sends to a socket that never sent to it, then to one that sent to its address, then to one that
//! sent to that very port.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::pace::{TESTS, pace};
use super::subject::{Subject, ask, udp};
use crate::model::endpoint::Endpoint;
use crate::model::fact::{Contact, Fact, FilteringFact, FilteringWay, MappingFact, NatRelayFact};
use crate::model::outcome::{Outcome, Reply};
use crate::net::session::{Relayed, Session};
use crate::probe::allocate::{Allocation, Role, allocate};
use crate::probe::context::{Context, Record};
use crate::probe::greet::{challenge, on_a_new_port};
use crate::probe::ice_server::IceServer;
use crate::probe::outside::{TOKEN_LENGTH, Token};
use crate::proto::authentication::LongTerm;
use crate::proto::request::Request;

/// How often the relay's own mapping is used while others are idle: more often than the shortest idle time that is tried.
const KEEP_ALIVE: Duration = Duration::from_millis(700);

/// An allocation from which own sockets are sent to.
pub struct Relay {
    allocation: Allocation,
    knocks: Rc<Knocks>,
    task: AbortHandle,
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Who has sent to the relay, by the tokens that came.
#[derive(Default)]
struct Knocks {
    seen: RefCell<HashMap<Token, SocketAddr>>,
    changed: Notify,
}

/// Gets an allocation of the first server that grants one.
pub async fn open_any(context: &Context, servers: &[&IceServer]) -> Option<Relay> {
    for server in servers {
        if let Some(relay) = open(context, server).await {
            return Some(relay);
        }
    }
    None
}

/// Gets an allocation; how that ended is recorded, and nothing else of it: here it is a means.
async fn open(context: &Context, server: &IceServer) -> Option<Relay> {
    let quiet = Context { record: Record::new(None), ..context.clone() };
    let (reply, allocation) = match try_open(&quiet, server).await {
        Ok(allocation) => (Reply { sends: 1, ..Reply::unsent(Outcome::Success) }, Some(allocation)),
        Err(reply) => (reply, None),
    };
    let fact = NatRelayFact { reply, relayed: allocation.as_ref().map(|allocation| allocation.relayed) };
    context.record.add("nat-relay", server.endpoint, Fact::NatRelay(fact));
    let allocation = allocation?;
    let knocks = Rc::new(Knocks::default());
    let task = tokio::task::spawn_local(listen(allocation.session.clone(), Rc::clone(&knocks))).abort_handle();
    Some(Relay { allocation, knocks, task })
}

async fn try_open(context: &Context, server: &IceServer) -> Result<Allocation, Reply> {
    let session = Session::over_udp(&context.network, server.endpoint).map_err(Reply::unsent)?;
    let greeting = challenge(context, &session).await;
    let (session, greeting) = on_a_new_port(context, &server.host, session, greeting).await;
    let refused = greeting.challenge.reply;
    let login = server.login.as_deref();
    let signed = login.zip(greeting.response.as_ref()).and_then(|(login, response)| LongTerm::new(login, response));
    let (Some(401), Some(signed)) = (refused.code(), signed) else { return Err(refused) };
    allocate(context, &session, Some(signed), Role::Main).await
}

async fn listen(session: Session, knocks: Rc<Knocks>) {
    let mut relayed = session.relayed();
    while let Some(Relayed { peer, payload, .. }) = relayed.recv().await {
        if let (Some(peer), Some(token)) = (peer, payload.first_chunk::<TOKEN_LENGTH>()) {
            knocks.seen.borrow_mut().insert(*token, peer);
            knocks.changed.notify_waiters();
        }
    }
}

impl Relay {
    /// The relayed address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.allocation.relayed
    }

    /// The server's own address.
    #[must_use]
    pub fn server(&self) -> SocketAddr {
        self.allocation.session.endpoint().address
    }

    /// Keeps the mapping of the allocation's own socket alive, for ever.
    pub async fn keep_reachable(&self) {
        loop {
            tokio::time::sleep(KEEP_ALIVE).await;
            _ = self.allocation.session.ask(&Request::binding()).await;
        }
    }

    /// Gives the allocation back.
    pub async fn close(self, context: &Context) {
        _ = context.ledger.release(self.allocation.held).await;
    }

    /// Lets an address of this host through the relay.
    pub async fn permit(&self, own: SocketAddr) -> bool {
        let request = Request::create_permission(own.ip());
        self.allocation.session.ask_signed(&request, self.allocation.signed.as_ref()).await.reply.succeeded()
    }

    /// Sends from the relay to an own socket until it comes there or enough tries were made.
    pub async fn send(&self, context: &Context, subject: &Subject, to: SocketAddr) -> Reply {
        let token = context.outside.token();
        let mut heard = subject.socket.expect(token);
        let started = Instant::now();
        let mut sends = 0;
        loop {
            // What is known of the way's loss grows meanwhile, and with it the number of tries.
            let tries = context.tries(TESTS);
            if sends >= tries {
                return Reply { outcome: Outcome::Silent, sends, rtt_ms: None, strays: Vec::new() };
            }
            self.allocation.session.send_to_peer(to, &token);
            sends += 1;
            let pace = pace(subject.round_trip, tries);
            let wait = if sends == tries { pace.wait } else { pace.distance };
            let until = started + pace.distance * (sends - 1) + wait;
            if let Ok(Some(_)) = timeout_at(until, heard.recv()).await {
                return Reply { sends, ..Reply::unsent(Outcome::Success) };
            }
        }
    }

    /// Has a socket send to the relay, and tells how the relay sees it.
    pub async fn knock(&self, context: &Context, subject: &Subject) -> Option<SocketAddr> {
        let token = context.outside.token();
        context.record.contact(udp(self.address()));
        let tries = context.tries(TESTS);
        let pace = pace(subject.round_trip, tries);
        let started = Instant::now();
        for sends in 1..=tries {
            subject.socket.send(&token, self.address());
            let wait = if sends == tries { pace.wait } else { pace.distance };
            let until = started + pace.distance * (sends - 1) + wait;
            let arrived = async {
                loop {
                    let changed = self.knocks.changed.notified();
                    if let Some(peer) = self.knocks.seen.borrow().get(&token).copied() {
                        return peer;
                    }
                    changed.await;
                }
            };
            if let Ok(peer) = timeout_at(until, arrived).await {
                return Some(peer);
            }
        }
        None
    }
}

/// Tests a socket that has asked another server than the relay's for its address; where there is no other, only whether the filter
/// looks at the port can be told.
pub async fn run(context: &Context, relay: &Relay, subject: &Subject) {
    let place = relay.address();
    let at = |subject: &Subject, contact: Contact, mapped: SocketAddr| FilteringFact {
        local: subject.socket.local(place),
        mapped,
        from: place,
        contact,
        way: FilteringWay::Relay,
        reply: Reply::unsent(Outcome::Silent),
    };
    if !relay.permit(subject.asked.mapped).await {
        return;
    }
    let mut came = false;
    if subject.asked.server.ip() != place.ip() {
        let fact = at(subject, Contact::None, subject.asked.mapped);
        came = try_filter(context, relay, subject, fact).await;
    }
    // A datagram to the same address, another port: the server's own.
    if !came
        && relay.server().ip() == place.ip()
        && let Some(asked) = ask(context, &subject.socket, relay.server()).await
        && relay.permit(asked.mapped).await
    {
        came = try_filter(context, relay, subject, at(subject, Contact::Address, asked.mapped)).await;
    }
    // A router of Linux has taken what came so far for its own, and would let the same socket send there from another port only.
    let fresh = Subject::another(context, subject.asked.server).await;
    let subject = fresh.as_ref().unwrap_or(subject);
    if fresh.is_some() && relay.server().ip() == place.ip() {
        // The second port of that address, which tells what of the destination matters.
        _ = ask(context, &subject.socket, relay.server()).await;
    }
    if !relay.permit(subject.asked.mapped).await {
        return;
    }
    let Some(seen) = relay.knock(context, subject).await else { return };
    let fact = MappingFact {
        reply: Reply { sends: 1, ..Reply::unsent(Outcome::Success) },
        local: subject.socket.local(place),
        mapped: Some(seen),
        other_address: None,
    };
    context.record.add("nat-mapping", udp(place), Fact::Mapping(fact));
    if !came || subject.asked.server.ip() != place.ip() {
        try_filter(context, relay, subject, at(subject, Contact::AddressAndPort, seen)).await;
    }
}

async fn try_filter(context: &Context, relay: &Relay, subject: &Subject, mut fact: FilteringFact) -> bool {
    fact.reply = relay.send(context, subject, fact.mapped).await;
    let came = fact.reply.succeeded();
    let endpoint: Endpoint = udp(relay.server());
    context.record.add("nat-filtering", endpoint, Fact::Filtering(fact));
    came
}
