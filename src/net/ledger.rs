//! The allocations that are alive, so that every one of them is given back on every way out.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::network::{Datagrams, Network};
use super::session::{Exchange, Session};
use crate::model::endpoint::Endpoint;
use crate::proto::authentication::LongTerm;

/// The pauses before a Refresh that may have overtaken its Allocate is sent again.
const OVERTAKEN: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(200)];

/// The live allocations of a run. Clones are handles to the same ledger.
#[derive(Clone, Default)]
pub struct Ledger {
    entries: Rc<RefCell<BTreeMap<u64, Entry>>>,
    /// How many there were.
    entered: Rc<Cell<u64>>,
}

struct Entry {
    line: Line,
    signed: Option<LongTerm>,
    granted: Option<SocketAddr>,
    releasing: bool,
}

/// What an allocation is given back over.
#[derive(Clone)]
enum Line {
    /// The session that it belongs to.
    Session(Session),
    /// A socket on which somebody else asks; a session is made of it only where the run ends before it is given back.
    Socket { network: Rc<dyn Network>, endpoint: Endpoint, socket: Rc<dyn Datagrams> },
}

impl Line {
    fn session(&self) -> Session {
        match self {
            Self::Session(session) => session.clone(),
            Self::Socket { network, endpoint, socket } => Session::over_datagrams(network, *endpoint, Rc::clone(socket)),
        }
    }
}

impl Entry {
    /// A server that finds nothing to give back may still be at work on the Allocate: coturn looks up the user of each request in
    /// one of several threads, so the Refresh may overtake it.
    async fn give_back(self) {
        let session = self.line.session();
        for pause in OVERTAKEN {
            let exchange = session.give_back(self.signed.as_ref()).await;
            if self.granted.is_some() || exchange.reply.code() != Some(437) {
                return;
            }
            tokio::time::sleep(pause).await;
        }
        session.give_back(self.signed.as_ref()).await;
    }
}

/// A live allocation in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held(u64);

impl Ledger {
    /// Enters an allocation. Do so before the Allocate is sent: a run may be cut short before its answer comes.
    #[must_use]
    pub fn hold(&self, session: &Session, signed: Option<&LongTerm>) -> Held {
        self.enter(Line::Session(session.clone()), signed)
    }

    /// Enters an allocation that is asked for on a bare socket, whose owner gives it back and strikes it out.
    #[must_use]
    pub fn hold_socket(
        &self,
        network: &Rc<dyn Network>,
        endpoint: Endpoint,
        socket: Rc<dyn Datagrams>,
        signed: &LongTerm,
    ) -> Held {
        self.enter(Line::Socket { network: Rc::clone(network), endpoint, socket }, Some(signed))
    }

    fn enter(&self, line: Line, signed: Option<&LongTerm>) -> Held {
        let number = self.entered.get();
        self.entered.set(number + 1);
        self.entries.borrow_mut().insert(number, Entry { line, signed: signed.cloned(), granted: None, releasing: false });
        Held(number)
    }

    /// Notes that the server has granted an allocation, and says whether another one that nobody has begun to give back has the same
    /// relayed address.
    #[must_use]
    pub fn grant(&self, held: Held, relayed: SocketAddr) -> bool {
        let mut entries = self.entries.borrow_mut();
        let mut others = entries.iter().filter(|(number, _)| **number != held.0);
        let shared = others.any(|(_, entry)| entry.granted == Some(relayed) && !entry.releasing);
        if let Some(entry) = entries.get_mut(&held.0) {
            entry.granted = Some(relayed);
        }
        shared
    }

    /// How many granted allocations are alive.
    #[must_use]
    pub fn alive(&self) -> u32 {
        u32::try_from(self.entries.borrow().values().filter(|entry| entry.granted.is_some()).count()).unwrap_or(u32::MAX)
    }

    /// Takes an entry out that never became an allocation.
    pub fn strike(&self, held: Held) {
        self.entries.borrow_mut().remove(&held.0);
    }

    /// Replaces the credentials of an entry: the server has sent a fresh nonce.
    pub fn renew(&self, held: Held, signed: &LongTerm) {
        if let Some(entry) = self.entries.borrow_mut().get_mut(&held.0) {
            entry.signed = Some(signed.clone());
        }
    }

    /// Gives an allocation back by a Refresh with LIFETIME 0 (RFC 8656 §8) and waits for the answer.
    ///
    /// The entry is taken out when the answer is there, so a run cut short meanwhile gives it back again.
    pub async fn release(&self, held: Held) -> Option<Exchange> {
        let (session, signed) = {
            let mut entries = self.entries.borrow_mut();
            let entry = entries.get_mut(&held.0)?;
            entry.releasing = true;
            (entry.line.session(), entry.signed.clone())
        };
        let exchange = session.give_back(signed.as_ref()).await;
        // Unanswered over UDP it may not have arrived: the end of the run tries once more.
        if !exchange.reply.silent() || session.endpoint().transport.is_stream() {
            self.strike(held);
        }
        Some(exchange)
    }

    /// Gives back all that is alive, within the limit.
    pub async fn release_all(&self, limit: Duration) {
        let entries = std::mem::take(&mut *self.entries.borrow_mut());
        let releases = entries.into_values().map(Entry::give_back);
        // Past the limit the server's own timer ends them.
        _ = tokio::time::timeout(limit, futures::future::join_all(releases)).await;
    }
}
