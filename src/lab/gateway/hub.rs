//! Connections of any kind around one [`Exchange`]: what it wants done is done at its time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::exchange::{Account, Act, Exchange};
use super::fault::GatewayFault;

/// What a connection is told to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order<'a> {
    /// To send an event.
    Send {
        /// Its name.
        event: &'a str,
        /// Its payload.
        payload: &'a Value,
    },
    /// To break.
    Drop,
    /// To end.
    Close,
}

/// Carries out orders for one connection; it must not wait, nor call the hub.
pub type Carrier = Box<dyn Fn(Order<'_>) + Send>;

/// Names a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberId(u64);

/// The connections around one exchange.
pub struct Hub {
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    exchange: Exchange,
    members: Vec<Member>,
    numbers: u64,
}

struct Member {
    id: MemberId,
    account: Account,
    carrier: Carrier,
}

impl Hub {
    /// No connections yet. Somebody has to drive it by [`Hub::run`].
    #[must_use]
    pub fn new(exchange: Exchange) -> Arc<Self> {
        let state = State { exchange, members: Vec::new(), numbers: 0 };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new() })
    }

    /// Adds a connection of an account.
    pub fn join(&self, account: Account, carrier: Carrier) -> MemberId {
        let mut state = self.state();
        state.numbers += 1;
        let id = MemberId(state.numbers);
        state.exchange.join(account);
        state.members.push(Member { id, account, carrier });
        id
    }

    /// Takes a connection away.
    pub fn leave(&self, id: MemberId) {
        let mut state = self.state();
        let Some(index) = state.members.iter().position(|member| member.id == id) else { return };
        let account = state.members.remove(index).account;
        state.exchange.leave(account, Instant::now());
        drop(state);
        self.act();
    }

    /// Takes an event of a connection; what it returns answers the event.
    pub fn receive(&self, id: MemberId, event: &str, payload: &Value) -> Option<Value> {
        let mut state = self.state();
        let account = state.members.iter().find(|member| member.id == id)?.account;
        let answer = state.exchange.receive(account, event, payload, Instant::now());
        drop(state);
        self.act();
        answer
    }

    /// Does what is to be done at its time, for ever.
    pub async fn run(&self) {
        loop {
            let changed = self.changed.notified();
            let deadline = self.state().exchange.deadline();
            let due = async {
                match deadline {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = due => self.act(),
                () = changed => {}
            }
        }
    }

    /// Whether the exchange makes a fault.
    #[must_use]
    pub fn has(&self, fault: GatewayFault) -> bool {
        self.state().exchange.has(fault)
    }

    /// How many connections there are.
    #[must_use]
    pub fn members(&self) -> usize {
        self.state().members.len()
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().exchange.calls()
    }

    fn act(&self) {
        let mut state = self.state();
        for act in state.exchange.take_due(Instant::now()) {
            match act {
                Act::Send { to, event, payload } => state.order(to, Order::Send { event, payload: &payload }),
                Act::Drop(account) => state.order(account, Order::Drop),
                Act::Close(account) => state.order(account, Order::Close),
                // The exchange keeps its own timers.
                Act::NoAnswer { .. } => {}
            }
        }
        drop(state);
        self.changed.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn order(&self, account: Account, order: Order<'_>) {
        for member in self.members.iter().filter(|member| member.account == account) {
            (member.carrier)(order);
        }
    }
}
