//! One 5-tuple in motion: drives its transactions over datagrams or a stream, and hands out answers and relayed data.
//!
//! A session lives as long as a handle to it; its tasks end with the last one.

mod pump;
mod state;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use self::pump::{pump_datagrams, pump_stream, write_stream};
pub use self::state::Relayed;
use self::state::{Ended, State};
use super::network::{Datagrams, Network, Stream};
use crate::model::duration::milliseconds;
use crate::model::endpoint::Endpoint;
use crate::model::outcome::{Defect, Outcome, Protocol, Reply, Stray, StrayKind};
use crate::proto::authentication::LongTerm;
use crate::proto::channel_data::ChannelData;
use crate::proto::request::{Request, send_indication};
use crate::proto::response::{Class, Response};
use crate::proto::schedule::Schedule;
use crate::proto::transactions::Answer;

/// How long a request over a stream may take. TCP retransmits by itself, first after one second (RFC 6298 §2).
const STREAM_PATIENCE: Duration = Duration::from_millis(2200);

/// How many fresh nonces the last request of a session takes: on a slow line its own repetitions may make each one stale.
const PARTING_NONCES: u32 = 4;

/// How many relayed datagrams wait to be taken; a flood beyond that is dropped.
const RELAYED_QUEUE: usize = 4096;

/// The end of a request.
#[derive(Debug)]
pub struct Exchange {
    /// How it ended.
    pub reply: Reply,
    /// What was answered.
    pub response: Option<Response>,
}

/// One 5-tuple to a server. Clones are handles to the same one.
#[derive(Clone)]
pub struct Session {
    inner: Rc<Inner>,
}

struct Inner {
    endpoint: Endpoint,
    local: Option<SocketAddr>,
    network: Rc<dyn Network>,
    state: Rc<RefCell<State>>,
    wake: Rc<Notify>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Session {
    /// A session over a new UDP socket.
    ///
    /// # Errors
    ///
    /// What the network says where no socket can be had.
    pub fn over_udp(network: &Rc<dyn Network>, endpoint: Endpoint) -> Result<Self, Outcome> {
        Ok(Self::over_datagrams(network, endpoint, network.bind_udp(endpoint.ip())?))
    }

    /// A session over a socket that is the endpoint's: one of UDP, or one that carries DTLS.
    #[must_use]
    pub fn over_datagrams(network: &Rc<dyn Network>, endpoint: Endpoint, socket: Rc<dyn Datagrams>) -> Self {
        let local_ip = network.source(endpoint.ip()).unwrap_or_else(|| socket.local().ip());
        let local = SocketAddr::new(local_ip, socket.local().port());
        let (state, wake) = <(Rc<RefCell<State>>, Rc<Notify>)>::default();
        let pump = tokio::task::spawn_local(pump_datagrams(socket, endpoint.address, Rc::clone(&state), Rc::clone(&wake)));
        Self {
            inner: Rc::new(Inner {
                endpoint,
                local: Some(local),
                network: Rc::clone(network),
                state,
                wake,
                tasks: vec![pump.abort_handle()],
            }),
        }
    }

    /// A session over a connected stream.
    #[must_use]
    pub fn over_stream(network: &Rc<dyn Network>, endpoint: Endpoint, stream: Box<dyn Stream>) -> Self {
        let (state, wake) = <(Rc<RefCell<State>>, Rc<Notify>)>::default();
        let (reader, writer) = tokio::io::split(stream);
        let (outgoing, queue) = mpsc::unbounded_channel();
        let write = tokio::task::spawn_local(write_stream(writer, queue));
        let pump = tokio::task::spawn_local(pump_stream(reader, outgoing, Rc::clone(&state), Rc::clone(&wake)));
        Self {
            inner: Rc::new(Inner {
                endpoint,
                local: None,
                network: Rc::clone(network),
                state,
                wake,
                tasks: vec![write.abort_handle(), pump.abort_handle()],
            }),
        }
    }

    /// The server's endpoint.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        self.inner.endpoint
    }

    /// The local address, where it is a session over datagrams.
    #[must_use]
    pub fn local(&self) -> Option<SocketAddr> {
        self.inner.local
    }

    /// The shortest round trip seen so far.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.inner.state.borrow().round_trip
    }

    /// The bytes that have come, where it is a session over a stream.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.inner.state.borrow().received
    }

    /// How often requests that were answered were sent over UDP, and how many these were: a stream loses none, and a request that is
    /// never answered tells of the server.
    #[must_use]
    pub fn tally(&self) -> (u32, u32) {
        let state = self.inner.state.borrow();
        if self.inner.endpoint.transport.is_stream() { (0, 0) } else { (state.sends, state.answers) }
    }

    /// Sends a request without credentials and waits for its end.
    pub async fn ask(&self, request: &Request) -> Exchange {
        let id = self.new_id();
        self.run(id, request.seal(id), self.schedule(), None).await
    }

    /// Sends a request without credentials by a schedule of the caller's.
    pub async fn ask_by(&self, request: &Request, schedule: Schedule) -> Exchange {
        let id = self.new_id();
        self.run(id, request.seal(id), schedule, None).await
    }

    /// Sends a request with credentials, where there are any, and waits for its end.
    ///
    /// A stale nonce is renewed once (RFC 8489 §9.2.5).
    pub async fn ask_signed(&self, request: &Request, with: Option<&LongTerm>) -> Exchange {
        self.ask_renewing(request, with, &self.schedule(), 1).await
    }

    /// Gives the allocation of this 5-tuple back by a Refresh with LIFETIME 0 (RFC 8656 §8): what is lost holds a port for minutes.
    pub async fn give_back(&self, with: Option<&LongTerm>) -> Exchange {
        let schedule = if self.inner.endpoint.transport.is_stream() {
            self.schedule()
        } else {
            Schedule::parting(self.round_trip().unwrap_or_default())
        };
        self.ask_renewing(&Request::refresh(Duration::ZERO), with, &schedule, PARTING_NONCES).await
    }

    async fn ask_renewing(&self, request: &Request, with: Option<&LongTerm>, schedule: &Schedule, nonces: u32) -> Exchange {
        let mut exchange = self.ask_signed_by(request, with, schedule.clone()).await;
        let mut with = with.cloned();
        for _ in 0..nonces {
            let (Some(with), Some(response), Some(438)) = (&mut with, &exchange.response, exchange.reply.code()) else { break };
            if !with.renew(response) {
                break;
            }
            exchange = self.ask_signed_by(request, Some(with), schedule.clone()).await;
        }
        exchange
    }

    /// Sends a request that is costly for the server, with credentials where there are any, and waits for its end. A stale nonce
    /// is the caller's to renew.
    pub async fn ask_unhurried(&self, request: &Request, with: Option<&LongTerm>) -> Exchange {
        let schedule = if self.inner.endpoint.transport.is_stream() {
            Schedule::reliable(STREAM_PATIENCE)
        } else {
            Schedule::unhurried(self.round_trip().unwrap_or_default())
        };
        self.ask_signed_by(request, with, schedule).await
    }

    async fn ask_signed_by(&self, request: &Request, with: Option<&LongTerm>, schedule: Schedule) -> Exchange {
        let id = self.new_id();
        let Some(with) = with else { return self.run(id, request.seal(id), schedule, None).await };
        match request.authenticate(id, with) {
            Ok(bytes) => self.run(id, bytes, schedule, Some(with.clone())).await,
            Err(_) => Exchange { reply: Reply::unsent(Outcome::Unusable { defect: Defect::Malformed }), response: None },
        }
    }

    /// Sends a payload to a peer by a Send indication, for which there is no answer.
    pub fn send_to_peer(&self, peer: SocketAddr, payload: &[u8]) {
        if let Some(bytes) = send_indication(self.new_id(), peer, payload) {
            self.send(bytes);
        }
    }

    /// Sends a payload over a bound channel.
    pub fn send_over_channel(&self, channel: u16, payload: &[u8]) {
        if let Some(bytes) = (ChannelData { channel, payload }).encode(self.inner.endpoint.transport.is_stream()) {
            self.send(bytes);
        }
    }

    /// The datagrams that come through the relay from now on; an earlier receiver gets none any more.
    #[must_use]
    pub fn relayed(&self) -> mpsc::Receiver<Relayed> {
        let (sender, receiver) = mpsc::channel(RELAYED_QUEUE);
        self.inner.state.borrow_mut().relayed = Some(sender);
        receiver
    }

    fn send(&self, bytes: Vec<u8>) {
        self.inner.state.borrow_mut().outbox.push(bytes);
        self.inner.wake.notify_one();
    }

    fn new_id(&self) -> [u8; 12] {
        let mut id = [0; 12];
        self.inner.network.randomize(&mut id);
        id
    }

    fn schedule(&self) -> Schedule {
        if self.inner.endpoint.transport.is_stream() {
            return Schedule::reliable(STREAM_PATIENCE);
        }
        self.round_trip().map_or_else(Schedule::first_contact, Schedule::known_path)
    }

    async fn run(&self, id: [u8; 12], bytes: Vec<u8>, schedule: Schedule, signed: Option<LongTerm>) -> Exchange {
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.inner.state.borrow_mut();
            if let Some(outcome) = &state.closed {
                return Exchange { reply: Reply::unsent(outcome.clone()), response: None };
            }
            state.transactions.start(id, bytes, schedule, signed, Instant::now().into_std());
            state.waiting.insert(id, sender);
        }
        self.inner.wake.notify_one();
        let _forget = Forget { state: &self.inner.state, id };
        match receiver.await {
            Ok(Ended::Answered(answer)) => self.answered(*answer),
            Ok(Ended::GivenUp { sends }) => self.given_up(sends),
            Err(_) => self.given_up(0),
        }
    }

    fn answered(&self, answer: Answer) -> Exchange {
        let state = self.inner.state.borrow();
        let response = answer.response;
        let outcome = match (response.class, response.error_code) {
            (Class::Error, Some(code)) => Outcome::Error { code },
            (Class::Success, _) if response.unknown_required => Outcome::Unusable { defect: Defect::UnknownAttribute },
            (Class::Success, _) => Outcome::Success,
            (Class::Error | Class::Indication | Class::Request, _) => Outcome::Unusable { defect: Defect::Malformed },
        };
        let reply =
            Reply { outcome, sends: answer.sends, rtt_ms: Some(milliseconds(answer.round_trip)), strays: state.strays.clone() };
        Exchange { reply, response: Some(response) }
    }

    fn given_up(&self, sends: u32) -> Exchange {
        let state = self.inner.state.borrow();
        let outcome = state.closed.clone().or_else(|| state.trouble.clone()).unwrap_or_else(|| outcome_of_strays(&state.strays));
        Exchange { reply: Reply { outcome, sends, rtt_ms: None, strays: state.strays.clone() }, response: None }
    }
}

/// Forgets a request whose asker was dropped.
struct Forget<'a> {
    state: &'a RefCell<State>,
    id: [u8; 12],
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut state = self.state.borrow_mut();
        state.waiting.remove(&self.id);
        state.transactions.cancel(self.id);
    }
}

/// What unanswered requests mean when something else came.
fn outcome_of_strays(strays: &[Stray]) -> Outcome {
    for stray in strays {
        match (stray.defect, stray.from) {
            (StrayKind::ForeignSource, Some(from)) => return Outcome::FromElsewhere { from },
            (StrayKind::BadIntegrity, _) => return Outcome::Unusable { defect: Defect::Integrity },
            (StrayKind::BadFingerprint, _) => return Outcome::Unusable { defect: Defect::Fingerprint },
            (StrayKind::Malformed, _) => return Outcome::Unusable { defect: Defect::Malformed },
            (StrayKind::WrongTransaction, _) => return Outcome::Unusable { defect: Defect::Transaction },
            (StrayKind::NotStun, _) => return Outcome::NotStun { speaks: Protocol::Other },
            (StrayKind::ForeignSource, None) => {}
        }
    }
    Outcome::Silent
}
