//! Every port of a relay, one by one: allocation after allocation, each tried from outside and given back at once.
//!
//! A server chooses the ports itself. coturn hands them out of a queue and takes freed ones back at its end, so that as many allocations
//! as there are ports show each of them once; servers that draw by chance repeat themselves, and the sweep ends when little new comes.

mod draw;
mod pace;
mod relay;
mod sockets;
pub(super) mod wish;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::draw::{Drawing, Drawn, Requests};
use self::pace::{Budget, Loss};
pub use self::relay::Relay;
use self::sockets::Sockets;
pub use self::wish::Wish;
use super::context::Context;
use super::progress::Progress;
use crate::model::fact::{Fact, PortProtocol, PortsBy, PortsEnd, PortsFact, Tally};
use crate::model::ports::{PortRange, PortSet, USUAL_RELAY_RANGE};
use crate::net::network::Datagrams;
use crate::proto::stamp::Stamp;

/// Beyond so many ports that were seen before, in a row, a server that goes through a queue has no other ones.
const REPEATS: u32 = 256;

/// After so many repeats in a row for each port a server that draws by chance has no other ones: one is left in one run of fifty.
const SURE: u32 = 4;

/// Of so many ports that is waited for; of more, few are left after as many repeats.
const FEW_PORTS: u32 = 1024;

/// How long the sweep waits after a refusal: coturn gives a freed allocation back a second later.
const BACK_OFF: Duration = Duration::from_millis(1200);

/// So often it waits: what is refused then is refused.
const PAUSES: u32 = 3;

/// So many draws for each port of the usual range are enough, whatever the server gives.
const DRAWS: u32 = 3;

/// After so many requests in a row without an answer, the server answers no more.
const UNANSWERED: u32 = 64;

/// Sweeps a relay and records what its ports let in.
pub async fn sweep(context: &Context, relay: &Relay<'_>, wish: Wish) {
    let expected = wish.range.unwrap_or(USUAL_RELAY_RANGE);
    let budget = Budget::new(relay.round_trip, wish.rate);
    (context.progress)(Progress::Begins { ports: expected.count(), about: budget.estimate(expected.count()) });
    let sweep = Sweep {
        context,
        relay,
        wish,
        expected,
        requests: Requests::new(relay.peer),
        stamp: Stamp::new(relay.signed),
        budget,
        loss: Loss::default(),
        found: RefCell::new(Found::default()),
        changed: Notify::new(),
        sockets: Sockets::new(&context.network, relay.endpoint.ip()),
        seen: RefCell::default(),
    };
    // A run that is cut short keeps what was found.
    let recorded = Recorded { sweep: &sweep, ended: Cell::new(Some(PortsEnd::Deadline)) };
    recorded.ended.set(sweep.run().await);
}

struct Sweep<'a> {
    context: &'a Context,
    relay: &'a Relay<'a>,
    wish: Wish,
    /// The range that the server is thought to have.
    expected: PortRange,
    requests: Requests,
    stamp: Stamp,
    budget: Budget,
    loss: Loss,
    found: RefCell<Found>,
    changed: Notify,
    sockets: Sockets,
    /// The ports that the server has given, those under way included.
    seen: RefCell<HashSet<u16>>,
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// All draws, whatever came of them.
    drawn: u32,
    open: Vec<u16>,
    closed: Vec<u16>,
    /// Of all closed ports the fewest tries.
    fewest_tries: Option<u32>,
    /// The ports that the server has given, whatever came of them.
    given: u32,
    /// Those that could not be judged.
    missed: u32,
    /// How many were given when the last of these was.
    missed_at: Option<u32>,
    /// Ports in a row that were seen before.
    repeats: u32,
    first_repeat: Option<FirstRepeat>,
    /// Requests in a row without an answer.
    unanswered: u32,
    pauses: u32,
    /// The ports that the server has given since then, repeats too: of a small range it frees some late.
    given_since_pause: u32,
    new_since_pause: u32,
}

/// The moment in which a port came that was seen before. A server that goes through a queue has given all its ports then, up to a tenth
/// that come free when other calls end.
#[derive(Clone, Copy)]
struct FirstRepeat {
    /// The ports that had come to their end.
    ended: u32,
    /// Those that were under way.
    alive: u32,
}

impl FirstRepeat {
    /// Whether a server of so many ports draws by chance; where most of them were under way at once that doesn't show.
    fn by_chance(self, ports: u32) -> bool {
        ports > 2 * self.alive && self.ended + self.alive + ports / 10 < ports
    }
}

impl Found {
    fn add(&mut self, port: u16, arrived: bool, tries: u32) {
        self.unanswered = 0;
        self.given += 1;
        self.repeats = 0;
        self.given_since_pause += 1;
        self.new_since_pause += 1;
        if arrived {
            self.open.push(port);
        } else {
            self.closed.push(port);
            self.fewest_tries = Some(self.fewest_tries.map_or(tries, |fewest| fewest.min(tries)));
        }
    }

    fn count(&self) -> u32 {
        count(&self.open) + count(&self.closed)
    }

    fn span(&self) -> Option<PortRange> {
        let ports = || self.open.iter().chain(&self.closed);
        PortRange::new(*ports().min()?, *ports().max()?)
    }
}

fn count(ports: &[u16]) -> u32 {
    u32::try_from(ports.len()).unwrap_or(u32::MAX)
}

/// The end of a sweep: every port was seen, or something ended it before.
enum End {
    Complete,
    Before(PortsEnd),
}

impl Sweep<'_> {
    /// Draws ports until all are seen or something ends it.
    async fn run(&self) -> Option<PortsEnd> {
        let mut running = FuturesUnordered::new();
        let mut paused_until = Instant::now();
        let mut end = None;
        loop {
            while end.is_none() && self.budget.may_begin() && paused_until <= Instant::now() {
                let Some(socket) = self.sockets.take() else {
                    // Those under way have all that this process may open.
                    self.budget.narrow();
                    end = end.or_else(|| running.is_empty().then_some(End::Before(PortsEnd::NoSockets)));
                    break;
                };
                running.push(self.draw(socket));
            }
            let wake = self.budget.next().max(paused_until);
            // The time may have come since it was asked for above: then nothing else would wake an idle sweep.
            let idle = running.is_empty();
            tokio::select! {
                biased;
                Some(drawn) = running.next() => {
                    // What was under way when the server refused is refused for the same reason.
                    let again = paused_until <= Instant::now();
                    let ends = self.take(drawn, again);
                    end = match (end, drawn) {
                        // Its port was not judged, and will be given once more.
                        (Some(End::Complete), Drawn::Unanswered | Drawn::Missed | Drawn::Remembered) => ends,
                        (end, _) => end.or(ends),
                    };
                    if again && matches!(drawn, Drawn::Refused { .. }) {
                        paused_until = Instant::now() + BACK_OFF;
                    }
                    (self.context.progress)(self.progress());
                }
                () = self.changed.notified() => {}
                () = sleep_until(wake), if end.is_none() && (idle || wake > Instant::now()) => {}
                else => {}
            }
            match end {
                Some(End::Complete) if running.is_empty() => return None,
                Some(End::Before(why)) if running.is_empty() => return Some(why),
                Some(_) | None => {}
            }
        }
    }

    fn draw(&self, socket: Rc<dyn Datagrams>) -> impl Future<Output = Drawn> {
        let slot = self.budget.begin(&self.changed);
        let drawing = Drawing {
            context: self.context,
            relay: self.relay,
            seen: &self.seen,
            requests: &self.requests,
            stamp: &self.stamp,
            loss: &self.loss,
            ports: self.expected.count(),
            slot,
        };
        async move {
            let (drawn, socket) = drawing.run(socket).await;
            if drawn == Drawn::Remembered {
                self.sockets.rest_longer();
            }
            if let Some(socket) = socket {
                self.sockets.give_back(socket);
            }
            drawn
        }
    }

    /// Takes a result and says whether the sweep ends with it.
    fn take(&self, drawn: Drawn, again: bool) -> Option<End> {
        let mut found = self.found.borrow_mut();
        found.drawn += 1;
        // A small range is drawn from often before chance has shown it to the end.
        if found.drawn > DRAWS * self.expected.count().max(USUAL_RELAY_RANGE.count()) {
            return Some(End::Before(PortsEnd::Repeats));
        }
        match drawn {
            Drawn::Port { port, arrived, tries } => {
                found.add(port, arrived, tries);
                self.is_complete(&found).then_some(End::Complete)
            }
            Drawn::Repeat => {
                found.unanswered = 0;
                found.given += 1;
                found.repeats += 1;
                found.given_since_pause += 1;
                let first = FirstRepeat { ended: found.count() + found.missed, alive: self.budget.alive() };
                found.first_repeat.get_or_insert(first);
                is_repeating(&found)
            }
            Drawn::Elsewhere | Drawn::Remembered => {
                found.unanswered = 0;
                None
            }
            Drawn::Unanswered | Drawn::Missed => {
                if drawn == Drawn::Missed {
                    found.given += 1;
                    found.missed += 1;
                    found.missed_at = Some(found.given);
                }
                found.repeats = 0;
                found.unanswered += 1;
                (found.unanswered >= UNANSWERED).then_some(End::Before(PortsEnd::Silent))
            }
            Drawn::Refused { code } => {
                if !again {
                    return None;
                }
                self.budget.narrow();
                let in_vain = found.pauses > 0 && found.given_since_pause == 0;
                // No port is free, and those that came free meanwhile are known: there are no others.
                let known = code == 508 && found.given_since_pause > 0 && found.new_since_pause == 0;
                found.pauses += 1;
                (found.given_since_pause, found.new_since_pause) = (0, 0);
                let end = if known { End::Complete } else { End::Before(PortsEnd::Refused { code }) };
                (in_vain || found.pauses > PAUSES).then_some(end)
            }
        }
    }

    fn is_complete(&self, found: &Found) -> bool {
        let seen = self.seen.borrow();
        found.count() >= self.expected.count() && self.expected.iter().all(|port| seen.contains(&port))
    }

    fn progress(&self) -> Progress {
        let found = self.found.borrow();
        Progress::Ports { tried: found.count(), closed: count(&found.closed) }
    }

    fn fact(&self, ended_by: Option<PortsEnd>) -> PortsFact {
        let found = self.found.borrow();
        let is_asked = |port: &u16| self.wish.range.is_none_or(|range| range.contains(*port));
        let open: PortSet = found.open.iter().copied().filter(is_asked).collect();
        let closed: PortSet = found.closed.iter().copied().filter(is_asked).collect();
        // Ports that the server never gives out are none of its range.
        let whole = if ended_by.is_none() { found.span() } else { None };
        let probed = self.wish.range.or(whole).unwrap_or(self.expected);
        let (sent, arrived) = self.loss.tally();
        PortsFact {
            proto: PortProtocol::Udp,
            by: PortsBy::Sweep,
            probed,
            unknown: PortSet::rest_of(probed, &[&open, &closed]),
            tries: found.fewest_tries.unwrap_or_default(),
            loss: Tally { sent, arrived },
            open,
            closed,
            refused: PortSet::default(),
            moved: PortSet::default(),
            ended_by,
        }
    }
}

/// Whether a server begins again, or hardly shows a new port any more.
fn is_repeating(found: &Found) -> Option<End> {
    let ports = found.count().max(1);
    let first = found.first_repeat?;
    let by_chance = first.by_chance(ports);
    let enough = if by_chance { REPEATS.max(SURE * ports.min(FEW_PORTS)) } else { REPEATS.min(ports) };
    // One that was missed comes back after all others.
    let outstanding = found.missed_at.is_some_and(|at| found.given < at + ports + first.alive);
    if found.repeats < enough || outstanding {
        return None;
    }
    Some(if by_chance && ports > FEW_PORTS { End::Before(PortsEnd::Repeats) } else { End::Complete })
}

/// Records a sweep at its end, whichever that is.
struct Recorded<'a> {
    sweep: &'a Sweep<'a>,
    ended: Cell<Option<PortsEnd>>,
}

impl Drop for Recorded<'_> {
    fn drop(&mut self) {
        let sweep = self.sweep;
        let relayed: IpAddr = sweep.relay.relayed.ip();
        sweep.context.record.add("ports", relayed, Fact::Ports(sweep.fact(self.ended.get())));
        (sweep.context.progress)(Progress::Ends);
    }
}
