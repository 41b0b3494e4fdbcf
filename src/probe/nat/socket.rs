//! A socket that only the NAT's tests use: it asks any server from one port, and takes an answer from where it was to come.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::model::duration::milliseconds;
use crate::model::outcome::{Outcome, Reply};
use crate::net::network::{Arrival, Datagrams, Network};
use crate::net::session::Exchange;
use crate::net::timer::sleep_until;
use crate::probe::outside::{TOKEN_LENGTH, Token};
use crate::proto::request::Request;
use crate::proto::response::Class;
use crate::proto::schedule::Schedule;
use crate::proto::transactions::{Answer, Due, Received, Transactions};

/// How many datagrams wait for whoever expects them.
const QUEUE: usize = 64;

/// A socket.
pub struct Socket {
    datagrams: Rc<dyn Datagrams>,
    network: Rc<dyn Network>,
    state: Rc<RefCell<State>>,
    wake: Rc<Notify>,
    task: AbortHandle,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Default)]
struct State {
    transactions: Transactions,
    waiting: HashMap<[u8; 12], Waiting>,
    expected: HashMap<Token, mpsc::Sender<SocketAddr>>,
}

/// A request in flight.
struct Waiting {
    to: SocketAddr,
    from: SocketAddr,
    /// The socket that sends it.
    by: Rc<dyn Datagrams>,
    /// What came in place of the answer.
    instead: Option<Outcome>,
    sender: oneshot::Sender<Ended>,
}

enum Ended {
    Answered(Box<Answer>),
    GivenUp { outcome: Outcome, sends: u32 },
}

impl Socket {
    /// Opens a socket on a new port.
    ///
    /// # Errors
    ///
    /// What the network says where none can be had.
    pub fn open(network: &Rc<dyn Network>, towards: SocketAddr) -> Result<Self, Outcome> {
        let datagrams = network.bind_udp(towards.ip())?;
        let (state, wake) = <(Rc<RefCell<State>>, Rc<Notify>)>::default();
        let task = tokio::task::spawn_local(pump(Rc::clone(&datagrams), Rc::clone(&state), Rc::clone(&wake)));
        Ok(Self { datagrams, network: Rc::clone(network), state, wake, task: task.abort_handle() })
    }

    /// The own address, as this host would use it towards another.
    #[must_use]
    pub fn local(&self, towards: SocketAddr) -> SocketAddr {
        let local = self.datagrams.local();
        SocketAddr::new(self.network.source(towards.ip()).unwrap_or_else(|| local.ip()), local.port())
    }

    /// Sends a request and takes its answer from the address where it is to come from; one from elsewhere is told as such.
    pub async fn ask(&self, request: &Request, to: SocketAddr, from: SocketAddr, schedule: Schedule) -> Exchange {
        self.ask_by(self, request, to, from, schedule).await
    }

    /// The same where another socket sends the request, and the answer is to come here (RESPONSE-PORT).
    pub async fn ask_by(&self, by: &Self, request: &Request, to: SocketAddr, from: SocketAddr, schedule: Schedule) -> Exchange {
        let by = Rc::clone(&by.datagrams);
        let mut id = [0; 12];
        self.network.randomize(&mut id);
        let (sender, receiver) = oneshot::channel();
        {
            let mut state = self.state.borrow_mut();
            state.transactions.start(id, request.seal(id), schedule, None, Instant::now().into_std());
            state.waiting.insert(id, Waiting { to, from, by, instead: None, sender });
        }
        self.wake.notify_one();
        let _forget = Forget { state: &self.state, id };
        match receiver.await {
            Ok(Ended::Answered(answer)) => answered(*answer),
            Ok(Ended::GivenUp { outcome, sends }) => {
                Exchange { reply: Reply { outcome, sends, rtt_ms: None, strays: Vec::new() }, response: None }
            }
            Err(_) => Exchange { reply: Reply::unsent(Outcome::Closed), response: None },
        }
    }

    /// Expects datagrams that begin with a token; where each came from is told.
    #[must_use]
    pub fn expect(&self, token: Token) -> mpsc::Receiver<SocketAddr> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.state.borrow_mut().expected.insert(token, sender);
        receiver
    }

    /// Sends a datagram; what this host has against it shows as silence.
    pub fn send(&self, payload: &[u8], to: SocketAddr) {
        _ = self.datagrams.send(payload, to);
    }
}

fn answered(answer: Answer) -> Exchange {
    let outcome = match (answer.response.class, answer.response.error_code) {
        (Class::Error, Some(code)) => Outcome::Error { code },
        (Class::Success, _) if answer.response.reflexive().is_some() => Outcome::Success,
        (Class::Success | Class::Error | Class::Indication | Class::Request, _) => {
            Outcome::Unusable { defect: crate::model::outcome::Defect::Incomplete }
        }
    };
    let rtt_ms = Some(milliseconds(answer.round_trip));
    let reply = Reply { outcome, sends: answer.sends, rtt_ms, strays: Vec::new() };
    Exchange { reply, response: Some(answer.response) }
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

async fn pump(datagrams: Rc<dyn Datagrams>, state: Rc<RefCell<State>>, wake: Rc<Notify>) {
    loop {
        send_what_is_due(&mut state.borrow_mut());
        let next = state.borrow().transactions.next_due();
        tokio::select! {
            biased;
            arrival = datagrams.receive() => state.borrow_mut().take(arrival),
            () = sleep_until(next) => {}
            () = wake.notified() => {}
        }
    }
}

fn send_what_is_due(state: &mut State) {
    for due in state.transactions.due(Instant::now().into_std()) {
        match due {
            Due::Transmit(bytes) => state.transmit(&bytes),
            Due::GivenUp { id, sends } => state.give_up(id, sends),
        }
    }
}

impl State {
    fn transmit(&mut self, bytes: &[u8]) {
        let Some(id) = transaction_id(bytes) else { return };
        let Some(waiting) = self.waiting.get_mut(&id) else { return };
        if let Err(outcome) = waiting.by.send(bytes, waiting.to) {
            waiting.instead.get_or_insert(outcome);
        }
    }

    fn give_up(&mut self, id: [u8; 12], sends: u32) {
        if let Some(waiting) = self.waiting.remove(&id) {
            let outcome = waiting.instead.unwrap_or(Outcome::Silent);
            _ = waiting.sender.send(Ended::GivenUp { outcome, sends });
        }
    }

    fn take(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Datagram { from, bytes } => self.take_datagram(from, &bytes),
            Arrival::Icmp { to, reason, from } => {
                for waiting in self.waiting.values_mut().filter(|waiting| waiting.to == to) {
                    waiting.instead.get_or_insert(Outcome::Unreachable { reason, from });
                }
            }
            Arrival::Expired { .. } | Arrival::Closed => {}
        }
    }

    fn take_datagram(&mut self, from: SocketAddr, bytes: &[u8]) {
        if let Some(expected) = bytes.first_chunk::<TOKEN_LENGTH>().and_then(|token| self.expected.get(token)) {
            // A full queue means a flood: what overflows is dropped.
            _ = expected.try_send(from);
            return;
        }
        let Some(id) = transaction_id(bytes) else { return };
        let Some(waiting) = self.waiting.get_mut(&id) else { return };
        if waiting.from != from {
            waiting.instead = Some(Outcome::FromElsewhere { from });
            return;
        }
        if let Received::Answer(answer) = self.transactions.receive(bytes, Instant::now().into_std())
            && let Some(waiting) = self.waiting.remove(&id)
        {
            _ = waiting.sender.send(Ended::Answered(answer));
        }
    }
}

fn transaction_id(bytes: &[u8]) -> Option<[u8; 12]> {
    crate::proto::raw::RawMessage::new(bytes).map(|message| message.transaction_id())
}
