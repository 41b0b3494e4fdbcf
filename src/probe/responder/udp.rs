//! The sweep of UDP ports from one socket: a pass over all of them, then further ones over those that are still silent.
//!
//! Beside the ports of a pass goes a question now and then to a port that has answered before. These controls tell the loss of the way at
//! that very time, and a pass in which none of them came back counts for nothing.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::passes::{loss, passes};
use super::{Client, Swept, Until, exchange};
use crate::model::fact::{PortsEnd, Tally};
use crate::model::outcome::Outcome;
use crate::model::ports::PortSet;
use crate::net::network::{Arrival, Datagrams};
use crate::probe::progress::Progress;
use crate::proto::responder::{Answer, Content, Question};

/// Ports a second where none other was asked for: 14 Mbit/s with all headers, which a relay's line has to bear anyway.
const PORTS_PER_S: u32 = 20_000;

/// The most datagrams that leave without a look at what has come: a receive buffer of 212,992 bytes, Linux's default, holds some 256.
const BURST: usize = 128;

/// A control goes along with so many ports.
const PORTS_PER_CONTROL: usize = 64;

/// The fewest controls of a pass.
const LEAST_CONTROLS: usize = 8;

/// The first number of the controls' tries; those of the ports are below.
const CONTROLS: u16 = 0x8000;

/// Above this loss the sweep itself may be too fast for the way: it goes on at half of its rate.
const TOO_LOSSY: f64 = 0.3;

/// The least and the longest wait for the answers of a pass.
const WAITS: (Duration, Duration) = (Duration::from_millis(30), Duration::from_secs(1));

/// The wait where nothing is known of the round trip.
const FIRST_WAIT: Duration = Duration::from_millis(300);

/// The passes where nothing has ever answered: silence then proves nothing of the ports, and one of them that answers changes that.
const WITHOUT_A_SIGN: u32 = 3;

/// After so long without an answer, to so many controls, the responder answers no more.
const SILENCE: (Duration, u32) = (Duration::from_secs(5), 8);

/// How many new sockets are tried at the end.
const NEW_FLOWS: u32 = 2;

/// Each wait is longer than the last by this factor: what interrupts a line for a moment shall not take all tries.
const GROWTH: f64 = 1.4;

/// What the sweep is to know beside the ports.
#[derive(Clone, Debug)]
pub struct Pace {
    /// The most ports a second, where a bound was asked for.
    pub rate: Option<u32>,
    /// The round trip, where it is known; one that was measured with a repetition is too long, and the controls tell better soon.
    pub round_trip: Option<Duration>,
    /// A port that answers, where one is known.
    pub control: Option<u16>,
    /// When it has to end.
    pub until: Until,
}

/// A control of the pass that is under way.
#[derive(Clone, Copy)]
struct Control {
    sent_at: Instant,
    arrived: bool,
}

/// The round trip of the controls (RFC 6298 §2), which a moment of a busy host's doesn't stretch for long.
#[derive(Clone, Copy)]
struct RoundTrip {
    smoothed: Duration,
    variation: Duration,
}

impl RoundTrip {
    fn first(took: Duration) -> Self {
        Self { smoothed: took, variation: took / 2 }
    }

    fn and(self, took: Duration) -> Self {
        let variation = (self.variation * 3 + self.smoothed.abs_diff(took)) / 4;
        Self { smoothed: (self.smoothed * 7 + took) / 8, variation }
    }

    /// What hardly an answer takes longer than, with the granularity of the system's timers.
    fn most(self) -> Duration {
        self.smoothed + self.variation * 4 + Duration::from_millis(10)
    }
}

#[derive(Clone, Copy, Default)]
struct Port {
    sends: u16,
    /// The number of the try that was answered.
    answered: Option<u16>,
    refused: bool,
    moved: bool,
}

struct Sweep<'a> {
    client: &'a Client,
    socket: Rc<dyn Datagrams>,
    /// By number.
    ports: Vec<Port>,
    pace: Pace,
    rate: f64,
    /// Of the passes that are over.
    controls: Tally,
    /// Those of this pass, by number.
    in_pass: Vec<Control>,
    round_trip: Option<RoundTrip>,
    controls_sent: u16,
    sent_at: Instant,
    /// When the last answer came, and how many controls were sent since.
    heard_at: Instant,
    unheard: u32,
}

/// Sweeps ports.
///
/// # Errors
///
/// What the system says where it gives no socket.
pub async fn sweep(client: &Client, ports: &PortSet, pace: Pace) -> Result<Swept, Outcome> {
    let mut sweep = Sweep {
        client,
        socket: client.context.network.bind_udp(client.ip())?,
        ports: vec![Port::default(); usize::from(u16::MAX) + 1],
        rate: f64::from(pace.rate.unwrap_or(PORTS_PER_S)),
        pace,
        controls: Tally { sent: 0, arrived: 0 },
        in_pass: Vec::new(),
        round_trip: None,
        controls_sent: 0,
        sent_at: Instant::now(),
        heard_at: Instant::now(),
        unheard: 0,
    };
    let about = Duration::from_secs_f64(f64::from(ports.count()) / sweep.rate);
    (client.context.progress)(Progress::Begins { ports: ports.count(), about });
    let _ended = Ended(client);
    let mut growth = 1.0;
    let mut counted = 0;
    let mut ended_by = None;
    for number in 0..CONTROLS {
        let missing: Vec<u16> = ports.iter().filter(|port| sweep.is_missing(*port)).collect();
        let needed = if sweep.pace.control.is_some() { passes(loss(sweep.tally(ports)), ports.count()) } else { WITHOUT_A_SIGN };
        if missing.is_empty() || counted >= needed {
            break;
        }
        ended_by = sweep.pass(&missing, number).await;
        if ended_by.is_some() {
            break;
        }
        sweep.wait(&missing, growth).await;
        growth *= GROWTH;
        counted += u32::from(sweep.end_pass());
        sweep.tell(ports.count());
        if loss(sweep.tally(ports)) > TOO_LOSSY && sweep.pace.rate.is_none() {
            sweep.rate = (sweep.rate / 2.0).max(1000.0);
        }
    }
    if ended_by.is_none() && !sweep.result(ports, counted, None).closed.is_empty() && !sweep.new_flows_pass().await {
        ended_by = Some(PortsEnd::Silent);
    }
    Ok(sweep.result(ports, counted, ended_by))
}

/// Says that a sweep has ended, whatever ended it.
struct Ended<'a>(&'a Client);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        (self.0.context.progress)(Progress::Ends);
    }
}

impl Sweep<'_> {
    /// Tells how many ports are known.
    fn tell(&self, all: u32) {
        let known = self.ports.iter().filter(|port| port.answered.is_some()).count();
        let tried = u32::try_from(known).unwrap_or(u32::MAX).min(all);
        (self.client.context.progress)(Progress::Ports { tried, closed: 0 });
    }

    fn is_missing(&self, port: u16) -> bool {
        let port = &self.ports[usize::from(port)];
        port.answered.is_none() && !port.moved
    }

    /// Sends to all of these ports once; says what ended the sweep before that.
    async fn pass(&mut self, missing: &[u16], number: u16) -> Option<PortsEnd> {
        let begun = Instant::now();
        let every = (missing.len() / LEAST_CONTROLS).clamp(1, PORTS_PER_CONTROL);
        let mut sent = 0;
        while sent < missing.len() {
            if self.pace.until.is_past() {
                return Some(PortsEnd::Deadline);
            }
            if self.unheard >= SILENCE.1 && self.heard_at.elapsed() >= SILENCE.0 {
                return Some(PortsEnd::Silent);
            }
            // Truncation only makes the first burst one port smaller.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "seconds times a rate are a few thousands"
            )]
            let due = (begun.elapsed().as_secs_f64() * self.rate) as usize + 1;
            let burst = due.saturating_sub(sent).min(BURST).min(missing.len() - sent);
            for (index, port) in missing.iter().enumerate().skip(sent).take(burst) {
                self.send(*port, number);
                if index % every == 0 {
                    self.send_control();
                }
            }
            sent += burst;
            self.receive_until(Instant::now() + Duration::from_millis(1)).await;
        }
        None
    }

    fn send(&mut self, port: u16, number: u16) {
        let request = self.client.request(Question::Probe { attempt: number }, port);
        if self.socket.send(&request, self.client.at(port)).is_ok() {
            self.ports[usize::from(port)].sends += 1;
            self.sent_at = Instant::now();
        }
    }

    fn send_control(&mut self) {
        let Some(port) = self.pace.control else { return };
        let attempt = CONTROLS + self.controls_sent % CONTROLS;
        let request = self.client.request(Question::Probe { attempt }, port);
        if self.socket.send(&request, self.client.at(port)).is_ok() {
            self.controls_sent = self.controls_sent.wrapping_add(1);
            self.unheard += 1;
            self.in_pass.push(Control { sent_at: Instant::now(), arrived: false });
        }
    }

    /// Waits for answers to the last send, so many times longer than the first time, until nothing is missing, or until the sweep has to end.
    async fn wait(&mut self, missing: &[u16], growth: f64) {
        let known = || self.pace.round_trip.map_or(FIRST_WAIT, |round_trip| round_trip.mul_f64(1.5) + Duration::from_millis(10));
        let first = self.round_trip.map_or_else(known, RoundTrip::most);
        let until = self.sent_at + first.mul_f64(growth).clamp(WAITS.0, WAITS.1);
        while Instant::now() < until && !self.pace.until.is_past() && missing.iter().any(|port| self.is_missing(*port)) {
            self.receive_until(until.min(Instant::now() + Duration::from_millis(5))).await;
        }
    }

    async fn receive_until(&mut self, until: Instant) {
        while let Ok(arrival) = timeout_at(until, self.socket.receive()).await {
            match arrival {
                Arrival::Datagram { bytes, .. } => {
                    if let Some(answer) = self.client.answer(&bytes) {
                        self.take(&answer);
                    }
                }
                Arrival::Icmp { to, .. } => self.ports[usize::from(to.port())].refused = true,
                Arrival::Expired { .. } => {}
                Arrival::Closed => return,
            }
            if Instant::now() >= until {
                return;
            }
        }
    }

    fn take(&mut self, answer: &Answer) {
        let (Question::Probe { attempt }, Content::Arrived) = (answer.question, &answer.content) else { return };
        (self.heard_at, self.unheard) = (Instant::now(), 0);
        if attempt >= CONTROLS {
            return self.take_control(attempt);
        }
        let port = &mut self.ports[usize::from(answer.asked)];
        if answer.arrived == answer.asked {
            port.answered.get_or_insert(attempt);
            self.pace.control.get_or_insert(answer.asked);
        } else {
            port.moved = true;
        }
    }

    /// A control counts in its own pass alone, and once.
    fn take_control(&mut self, attempt: u16) {
        let back = usize::from(self.controls_sent.wrapping_sub(1).wrapping_sub(attempt - CONTROLS) % CONTROLS);
        let index = self.in_pass.len().checked_sub(back + 1);
        if let Some(control) = index.and_then(|index| self.in_pass.get_mut(index)).filter(|control| !control.arrived) {
            control.arrived = true;
            let took = control.sent_at.elapsed();
            self.round_trip = Some(self.round_trip.map_or_else(|| RoundTrip::first(took), |known| known.and(took)));
        }
    }

    /// Adds the controls of a pass to those before it; false where all of them were lost, so that the pass tells nothing.
    fn end_pass(&mut self) -> bool {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let arrived = self.in_pass.iter().filter(|control| control.arrived).count();
        self.controls = self.controls.plus(Tally { sent: count(self.in_pass.len()), arrived: count(arrived) });
        let counts = arrived > 0 || self.in_pass.is_empty();
        self.in_pass.clear();
        counts
    }

    /// The tries at controls and at ports that answered, and the answers.
    fn tally(&self, ports: &PortSet) -> Tally {
        self.controls.plus(self.tally_of_open(ports))
    }

    fn tally_of_open(&self, ports: &PortSet) -> Tally {
        let answered = ports.iter().filter_map(|port| self.ports[usize::from(port)].answered);
        answered.fold(Tally { sent: 0, arrived: 0 }, |tally, attempt| Tally {
            sent: tally.sent + u32::from(attempt) + 1,
            arrived: tally.arrived + 1,
        })
    }

    /// Whether a socket that has sent nothing so far is answered: where a NAT has no room for more flows, silence is the NAT's.
    ///
    /// Home routers have had room for some thousands; what is open already goes on to be answered, so that the controls don't show it.
    async fn new_flows_pass(&self) -> bool {
        let Some(port) = self.pace.control else { return true };
        for _ in 0..NEW_FLOWS {
            if exchange::over_udp(self.client, port).await.reply.succeeded() {
                return true;
            }
        }
        false
    }

    fn result(&self, ports: &PortSet, counted: u32, ended_by: Option<PortsEnd>) -> Swept {
        let of = |holds: &dyn Fn(&Port) -> bool| ports.iter().filter(|port| holds(&self.ports[usize::from(*port)])).collect();
        let is_open = |port: &Port| port.answered.is_some();
        let is_closed = |port: &Port| {
            let enough = ended_by.is_none() && u32::from(port.sends) >= counted.max(1);
            // The ports of a responder that has ended are refused by its host.
            let refused = port.refused && ended_by != Some(PortsEnd::Silent);
            port.answered.is_none() && !port.moved && (enough || refused)
        };
        Swept {
            open: of(&is_open),
            closed: of(&is_closed),
            refused: of(&|port| port.refused && is_closed(port)),
            moved: of(&|port| port.moved && !is_open(port)),
            tries: counted,
            loss: self.tally(ports),
            ended_by,
        }
    }
}
