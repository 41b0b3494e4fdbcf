//! A connection to the gateway in memory: the same logic without sockets, so that whole calls run in virtual time.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::exchange::Account;
use super::fault::GatewayFault;
use super::hub::{Hub, MemberId, Order};
use crate::signaling::inbox::Inbox;
use crate::signaling::line::{Emitted, Incoming, Line, size};

/// A connection in memory.
pub struct MemoryLine {
    hub: Arc<Hub>,
    inbox: Arc<Inbox>,
    account: Option<Account>,
    /// None where the gateway did not let this side in, or where it has left.
    member: Option<MemberId>,
}

/// Connects an account by its auth payload. How long events take is the exchange's affair.
#[must_use]
pub fn line(hub: &Arc<Hub>, auth: Option<&Value>) -> MemoryLine {
    let inbox = Arc::new(Inbox::default());
    let mut account = None;
    if hub.has(GatewayFault::NamespaceRefused) {
        inbox.push(Incoming::Refused { message: "Invalid namespace".to_owned(), data: None });
    } else if let Some(known) = Account::of(auth).filter(|_| !hub.has(GatewayFault::AuthRefused)) {
        inbox.push(Incoming::Connected);
        account = Some(known);
    } else {
        inbox.push(Incoming::Refused { message: "invalid token".to_owned(), data: None });
    }
    let mut line = MemoryLine { hub: Arc::clone(hub), inbox, account, member: None };
    line.join();
    line
}

fn carry(inbox: &Inbox, order: Order<'_>) {
    match order {
        Order::Send { event, payload } => {
            inbox.push(Incoming::Event { name: event.to_owned(), payload: payload.clone(), bytes: size(payload) });
        }
        Order::Drop => inbox.push(Incoming::Lost { why: "the connection ended".to_owned() }),
        Order::Close => inbox.push(Incoming::ClosedByServer),
    }
}

#[async_trait(?Send)]
impl Line for MemoryLine {
    async fn emit(&self, event: &str, payload: Value) -> Emitted {
        let Some(member) = self.member else { return Emitted::NotConnected };
        if let Some(answer) = self.hub.receive(member, event, &payload) {
            let bytes = size(&answer);
            self.inbox.push(Incoming::Acknowledged { event: event.to_owned(), payload: answer, bytes });
        }
        Emitted::Sent
    }

    async fn next(&mut self) -> Incoming {
        let incoming = self.inbox.next().await;
        match incoming {
            Incoming::ClosedByServer => self.leave(),
            // A client connects again as soon as it notices.
            Incoming::Lost { .. } => {
                self.leave();
                self.inbox.push(Incoming::Reconnected);
                self.join();
            }
            Incoming::Connected
            | Incoming::Refused { .. }
            | Incoming::Event { .. }
            | Incoming::Acknowledged { .. }
            | Incoming::Reconnected => {}
        }
        incoming
    }

    fn dropped(&self) -> u32 {
        self.inbox.dropped()
    }

    async fn close(mut self: Box<Self>) {
        self.leave();
    }
}

impl MemoryLine {
    fn join(&mut self) {
        let inbox = Arc::clone(&self.inbox);
        let carrier = move |order: Order<'_>| carry(&inbox, order);
        self.member = self.account.map(|account| self.hub.join(account, Box::new(carrier)));
    }

    fn leave(&mut self) {
        if let Some(member) = self.member.take() {
            self.hub.leave(member);
        }
    }
}

impl Drop for MemoryLine {
    fn drop(&mut self) {
        self.leave();
    }
}
