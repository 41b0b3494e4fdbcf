//! One port: an allocation, its permission, datagrams from outside until one arrives, and the release.

use std::cell::RefCell;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::pace::{Loss, Slot};
use super::relay::Relay;
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

/// How many fresh nonces a request may need.
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
    /// The server gave a port that could not be judged, and has it back: it will give it once more.
    Missed,
    /// No usable answer came.
    Unanswered,
}

/// Why there is no allocation.
struct NotGranted {
    drawn: Drawn,
    /// Whether there may be one all the same, in an answer that was lost.
    may_exist: bool,
}

/// The way to the server that one allocation is on.
struct Line {
    leg: Leg,
    held: Held,
    /// What the server said last: coturn takes a nonce only on the 5-tuple that it gave it to, and not for ever.
    nonce: RefCell<Option<String>>,
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
        let line = Line { leg, held, nonce: RefCell::default() };
        let relayed = match self.allocate(&line).await {
            Ok(relayed) => relayed,
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
        let drawn = self.judge(&line, relayed).await;
        let released = self.release(&line).await;
        self.context.count_losses(line.leg.tally());
        // What is not given back stays in the ledger too.
        if !released {
            return (drawn, None);
        }
        self.context.ledger.strike(held);
        (drawn, Some(socket))
    }

    /// What a port lets in, where it was not given before.
    async fn judge(&mut self, line: &Line, relayed: SocketAddr) -> Drawn {
        let port = relayed.port();
        if relayed.ip() != self.relay.relayed.ip() {
            return Drawn::Elsewhere;
        }
        if !self.seen.borrow_mut().insert(port) {
            return Drawn::Repeat;
        }
        if self.permit(line).await
            && let Some((arrived, tries)) = self.try_port(line, relayed).await
        {
            return Drawn::Port { port, arrived, tries };
        }
        self.seen.borrow_mut().remove(&port);
        Drawn::Missed
    }

    /// Lets in what comes from outside, or goes on doing so.
    async fn permit(&self, line: &Line) -> bool {
        self.ask_signed(line, &self.requests.permit).await.is_some_and(|answer| code_of(&answer).is_none())
    }

    /// Gives the allocation back and says whether the server has none any more.
    async fn release(&self, line: &Line) -> bool {
        self.ask_signed(line, &self.requests.release).await.is_some_and(|answer| matches!(code_of(&answer), None | Some(437)))
    }

    /// Gives the relayed address.
    async fn allocate(&self, line: &Line) -> Result<SocketAddr, NotGranted> {
        let unanswered = |may_exist| NotGranted { drawn: Drawn::Unanswered, may_exist };
        let request = self.identified(&self.requests.allocate);
        let mut answer = line.leg.ask(&request, &self.schedule(), |_| true).await.ok_or(unanswered(false))?;
        let signed = self.takes_nonce(line, &answer);
        if signed {
            answer = self.ask_signed(line, &self.requests.allocate).await.ok_or(unanswered(true))?;
        }
        match (code_of(&answer), RawMessage::new(&answer)) {
            (None, Some(message)) if signed => message.xor_address(XOR_RELAYED_ADDRESS).ok_or(unanswered(true)),
            (Some(code @ (486 | 508)), _) => Err(NotGranted { drawn: Drawn::Refused { code }, may_exist: false }),
            // One send of a request may have been granted before the nonce of the next went stale.
            (Some(437 | 438), _) if signed => Err(if self.release(line).await {
                NotGranted { drawn: Drawn::Missed, may_exist: false }
            } else {
                unanswered(true)
            }),
            (Some(437), _) => Err(NotGranted { drawn: Drawn::Remembered, may_exist: false }),
            _ => Err(unanswered(false)),
        }
    }

    /// Asks with credentials, and again where the server wants a fresh nonce: an unsigned success may come from anyone on the path,
    /// so it doesn't count.
    async fn ask_signed(&self, line: &Line, request: &[u8]) -> Option<Vec<u8>> {
        let accept = |answer: &[u8]| code_of(answer).is_some() || self.stamp.vouches_for(answer);
        for _ in 1..NONCES {
            let answer = line.leg.ask(&self.signed(line, request), &self.schedule(), accept).await?;
            if !self.takes_nonce(line, &answer) {
                return Some(answer);
            }
        }
        line.leg.ask(&self.signed(line, request), &self.schedule(), accept).await
    }

    fn signed(&self, line: &Line, request: &[u8]) -> Vec<u8> {
        let nonce = line.nonce.borrow();
        self.stamp.sign(self.identified(request), nonce.as_deref().unwrap_or_default())
    }

    /// Whether an answer brings the nonce that the next request is signed with.
    fn takes_nonce(&self, line: &Line, answer: &[u8]) -> bool {
        let Some(nonce) = fresh_nonce(answer) else { return false };
        self.context.ledger.renew(line.held, &self.relay.signed.with_nonce(nonce.clone()));
        line.nonce.replace(Some(nonce));
        true
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
    async fn try_port(&mut self, line: &Line, to: SocketAddr) -> Option<(bool, u32)> {
        let token = self.context.outside.token();
        let mut times = Vec::new();
        let (mut uncounted, mut rounds) = (0, 0);
        loop {
            let sent = count(times.len()) - uncounted;
            if sent >= self.loss.tries(self.ports) {
                return Some((false, sent));
            }
            let last = sent + 1 >= self.loss.tries(self.ports);
            if last && !self.answers_at_once(line).await? {
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
            while let Some(came) = line.leg.relayed(until).await {
                if let Some((number, at)) = number_of(&came, token).and_then(|number| Some((number, times.get(number)?))) {
                    let tries = (count(number) + 1).saturating_sub(uncounted).max(1);
                    self.loss.count(tries, at.elapsed());
                    return Some((true, tries));
                }
            }
            self.slot.waits();
        }
    }

    /// Whether the server answers the first send of each request; `None` where it answers none, or refuses.
    async fn answers_at_once(&self, line: &Line) -> Option<bool> {
        let (sent, answered) = line.leg.tally();
        let permitted = self.permit(line).await;
        let (sent_since, answered_since) = line.leg.tally();
        permitted.then_some(sent_since - sent == answered_since - answered)
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
