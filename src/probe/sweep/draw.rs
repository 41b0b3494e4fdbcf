//! One port: an allocation, its permission, datagrams from outside until one arrives, and the release.

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::Relay;
use super::pace::{Loss, Slot};
use crate::net::ledger::Held;
use crate::net::leg::Leg;
use crate::net::network::Datagrams;
use crate::probe::context::Context;
use crate::probe::outside::Token;
use crate::proto::raw::{RawMessage, set_transaction_id};
use crate::proto::request::Request;
use crate::proto::schedule::Schedule;
use crate::proto::stamp::Stamp;

/// The shortest distance of two datagrams to a port.
const SHORTEST_DISTANCE: Duration = Duration::from_millis(25);

/// The longest one.
const LONGEST_DISTANCE: Duration = Duration::from_millis(200);

/// The least time that the last one gets.
const LAST_WAIT: Duration = Duration::from_millis(250);

/// So often a port is tried anew where the server did not answer at once.
const ROUNDS: u32 = 6;

/// How many fresh nonces an allocation may need.
const NONCES: u32 = 3;

/// The class bits of an error response (RFC 8489 §5).
const ERROR: u16 = 0x0110;

const NONCE: u16 = 0x0015;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;

/// What became of one allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// The server gave this port.
    Port {
        /// The port.
        port: u16,
        /// Whether a datagram came in.
        arrived: bool,
        /// How many were sent.
        tries: u32,
    },
    /// The server gave a port that it had given before.
    Repeat,
    /// The server gave a port of another address, which is sent nothing: no datagram of the run's has come in there.
    Elsewhere,
    /// The server refused.
    Refused {
        /// Its error code.
        code: u16,
    },
    /// The server remembers the local port from an allocation before (437).
    Remembered,
    /// No usable answer came.
    Unanswered,
}

/// Why there is no allocation.
struct NotGranted {
    drawn: Drawn,
    /// Whether there may be one all the same, in an answer that was lost.
    may_exist: bool,
}

/// What is asked for each port, made once.
pub struct Requests {
    allocate: Vec<u8>,
    permit: Vec<u8>,
    release: Vec<u8>,
}

impl Requests {
    /// The requests of an own socket outside.
    pub fn new(peer: IpAddr) -> Self {
        let made = |request: Request| request.seal([0; 12]);
        Self {
            allocate: made(Request::allocate()),
            permit: made(Request::create_permission(peer)),
            release: made(Request::refresh(Duration::ZERO)),
        }
    }
}

/// One allocation under way.
pub struct Drawing<'a> {
    /// The run.
    pub context: &'a Context,
    /// The server.
    pub relay: &'a Relay<'a>,
    /// The ports that the server has given.
    pub seen: &'a RefCell<HashSet<u16>>,
    /// What is asked.
    pub requests: &'a Requests,
    /// What signs its requests.
    pub stamp: &'a Stamp,
    /// What is known of the way.
    pub loss: &'a Loss,
    /// How many ports there are, for the number of tries.
    pub ports: u32,
    /// Its place in the budget.
    pub slot: Slot<'a>,
}

impl Drawing<'_> {
    /// Draws a port and tries it; the socket comes back where nothing is allocated on it any more.
    pub async fn run(mut self, socket: Rc<dyn Datagrams>) -> (Drawn, Option<Rc<dyn Datagrams>>) {
        let relay = self.relay;
        let leg = Leg::new(Rc::clone(&socket), relay.endpoint.address);
        let held = self.context.ledger.hold_socket(&self.context.network, relay.endpoint, Rc::clone(&socket), relay.signed);
        let (nonce, relayed) = match self.allocate(&leg, held).await {
            Ok(granted) => granted,
            Err(NotGranted { drawn, may_exist }) => {
                // What may exist all the same stays in the ledger, and the end of the run gives it back.
                if may_exist {
                    return (drawn, None);
                }
                self.context.ledger.strike(held);
                return (drawn, Some(socket));
            }
        };
        self.slot.succeeds();
        let drawn = self.judge(&leg, &nonce, relayed).await;
        let released = self.ask_signed(&leg, &self.requests.release, &nonce).await.is_some();
        self.context.count_losses(leg.tally());
        // A release that nobody answers stays in the ledger too.
        if !released {
            return (drawn, None);
        }
        self.context.ledger.strike(held);
        (drawn, Some(socket))
    }

    /// What a port lets in, where it was not given before.
    async fn judge(&mut self, leg: &Leg, nonce: &str, relayed: SocketAddr) -> Drawn {
        let port = relayed.port();
        if relayed.ip() != self.relay.relayed.ip() {
            return Drawn::Elsewhere;
        }
        if !self.seen.borrow_mut().insert(port) {
            return Drawn::Repeat;
        }
        if self.permit(leg, nonce).await
            && let Some((arrived, tries)) = self.try_port(leg, nonce, relayed).await
        {
            return Drawn::Port { port, arrived, tries };
        }
        // It will be given once more.
        self.seen.borrow_mut().remove(&port);
        Drawn::Unanswered
    }

    /// Lets in what comes from outside, or goes on doing so.
    async fn permit(&self, leg: &Leg, nonce: &str) -> bool {
        self.ask_signed(leg, &self.requests.permit, nonce).await.is_some_and(|answer| code_of(&answer).is_none())
    }

    /// Gives the nonce of the 5-tuple and the relayed address.
    async fn allocate(&self, leg: &Leg, held: Held) -> Result<(String, SocketAddr), NotGranted> {
        let unanswered = |may_exist| NotGranted { drawn: Drawn::Unanswered, may_exist };
        // coturn takes a nonce only on the 5-tuple that it gave it to, so the first request needs no credentials.
        let request = self.identified(&self.requests.allocate);
        let mut answer = leg.ask(&request, &self.schedule(), |_| true).await.ok_or(unanswered(false))?;
        let mut signed = false;
        for _ in 0..NONCES {
            let Some(nonce) = fresh_nonce(&answer) else { break };
            self.context.ledger.renew(held, &self.relay.signed.with_nonce(nonce.clone()));
            answer = self.ask_signed(leg, &self.requests.allocate, &nonce).await.ok_or(unanswered(true))?;
            signed = true;
            if let (None, Some(message)) = (code_of(&answer), RawMessage::new(&answer)) {
                return message.xor_address(XOR_RELAYED_ADDRESS).map(|relayed| (nonce, relayed)).ok_or(unanswered(true));
            }
        }
        match code_of(&answer) {
            Some(code @ (486 | 508)) => Err(NotGranted { drawn: Drawn::Refused { code }, may_exist: false }),
            // One send of a request may have been granted before the nonce of the next went stale.
            Some(437 | 438) if signed => Err(unanswered(true)),
            Some(437) => Err(NotGranted { drawn: Drawn::Remembered, may_exist: false }),
            Some(_) | None => Err(unanswered(false)),
        }
    }

    /// Asks with credentials: an unsigned success may come from anyone on the path, so it doesn't count.
    async fn ask_signed(&self, leg: &Leg, request: &[u8], nonce: &str) -> Option<Vec<u8>> {
        let bytes = self.stamp.sign(self.identified(request), nonce);
        let accept = |answer: &[u8]| code_of(answer).is_some() || self.stamp.vouches_for(answer);
        leg.ask(&bytes, &self.schedule(), accept).await
    }

    /// A server at work on hundreds of requests answers late, and each repetition is more work for it.
    fn schedule(&self) -> Schedule {
        Schedule::unhurried(self.relay.round_trip)
    }

    /// A copy of a request with a transaction id of its own.
    fn identified(&self, request: &[u8]) -> Vec<u8> {
        let mut id = [0; 12];
        self.context.network.randomize(&mut id);
        let mut request = request.to_vec();
        set_transaction_id(&mut request, id);
        request
    }

    /// Sends to a port until one datagram arrives or enough are lost. Each bears its number, so that a late one is told from a lost one.
    ///
    /// A server or a line that has gone silent looks like a closed port. So the last datagram goes out only after the server has answered at
    /// once; where it did not, those before it count for nothing. `None` where it answers no more.
    async fn try_port(&mut self, leg: &Leg, nonce: &str, to: SocketAddr) -> Option<(bool, u32)> {
        let token = self.context.outside.token();
        let mut times = Vec::new();
        let (mut uncounted, mut rounds) = (0, 0);
        loop {
            let sent = count(times.len()) - uncounted;
            if sent >= self.loss.tries(self.ports) {
                return Some((false, sent));
            }
            let last = sent + 1 >= self.loss.tries(self.ports);
            if last && !self.answers_at_once(leg, nonce).await? {
                rounds += 1;
                if rounds >= ROUNDS {
                    return None;
                }
                uncounted = count(times.len());
                continue;
            }
            self.relay.outside.send(&payload(token, times.len()), to).ok()?;
            times.push(Instant::now());
            let until = Instant::now() + if last { LAST_WAIT.max(self.distance(sent)) } else { self.distance(sent) };
            while let Some(came) = leg.relayed(until).await {
                if let Some((number, at)) = number_of(&came, token).and_then(|number| Some((number, times.get(number)?))) {
                    let tries = (count(number) + 1).saturating_sub(uncounted).max(1);
                    self.loss.count(tries, at.elapsed());
                    return Some((true, tries));
                }
            }
            self.slot.waits();
        }
    }

    /// Whether the server answers the first send of a request; `None` where it answers none, or refuses.
    async fn answers_at_once(&self, leg: &Leg, nonce: &str) -> Option<bool> {
        let (before, _) = leg.tally();
        let permitted = self.permit(leg, nonce).await;
        let (after, _) = leg.tally();
        permitted.then_some(after == before + 1)
    }

    /// The distance of the next datagram: beyond what they take, and twice as long each time.
    fn distance(&self, sent: u32) -> Duration {
        let usual = (self.loss.takes() * 3).max(self.relay.round_trip * 2).max(SHORTEST_DISTANCE);
        (usual * (1 << sent.min(4))).min(LONGEST_DISTANCE.max(usual))
    }
}

/// The code of an error response; `None` where it is a success.
fn code_of(answer: &[u8]) -> Option<u16> {
    let message = RawMessage::new(answer)?;
    // An error without a code is none that anything could be made of.
    (message.kind() & ERROR == ERROR).then(|| message.error_code().unwrap_or_default())
}

/// The nonce of an answer that wants one.
fn fresh_nonce(answer: &[u8]) -> Option<String> {
    matches!(code_of(answer), Some(401 | 438)).then(|| RawMessage::new(answer)?.text(NONCE)).flatten()
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn payload(token: Token, number: usize) -> Vec<u8> {
    let mut bytes = token.to_vec();
    bytes.push(u8::try_from(number).unwrap_or(u8::MAX));
    bytes
}

fn number_of(payload: &[u8], token: Token) -> Option<usize> {
    payload.strip_prefix(&token)?.first().map(|number| usize::from(*number))
}
