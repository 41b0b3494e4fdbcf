//! Sweeps in virtual time against a responder behind a line that loses datagrams, by seed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::*;
use crate::model::fact::NameAnswer;
use crate::model::outcome::Outcome;
use crate::model::ports::PortRange;
use crate::model::secret::Secret;
use crate::net::network::{Arrival, Datagrams, Handling, Lookup, Network, Stream};
use crate::net::tls::Trust;
use crate::proto::responder::{Content, Description};

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 10)), 9999);

/// The half of a round trip.
const ONE_WAY: Duration = Duration::from_millis(10);

/// A line to a responder that has every port but some.
struct Line {
    token: Token,
    closed: HashSet<u16>,
    /// The share of datagrams that each way loses.
    loss: f64,
    /// When everything is lost, from the first datagram on.
    outage: Option<(Duration, Duration)>,
    /// How many flows a NAT on the way has room for.
    flows: usize,
    random: Cell<u64>,
    known_flows: RefCell<HashSet<(u16, u16)>>,
    sockets: Cell<u16>,
    begun: Cell<Option<Instant>>,
    sent: Cell<u32>,
}

impl Line {
    fn new(seed: u64, closed: &[u16], loss: f64) -> Self {
        Self {
            token: token(),
            closed: closed.iter().copied().collect(),
            loss,
            outage: None,
            flows: usize::MAX,
            random: Cell::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            known_flows: RefCell::default(),
            sockets: Cell::new(0),
            begun: Cell::new(None),
            sent: Cell::new(0),
        }
    }

    /// Whether the line loses a datagram (xorshift, so that each seed is a line of its own).
    fn loses(&self) -> bool {
        let mut state = self.random.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.random.set(state);
        // 53 bits make a fraction.
        #[expect(clippy::cast_precision_loss, reason = "53 bits are what a fraction has")]
        let drawn = (state >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < self.loss
    }

    fn is_out(&self) -> bool {
        let begun = self.begun.get().unwrap_or_else(Instant::now);
        self.begun.set(Some(begun));
        self.outage.is_some_and(|(from, to)| (from..to).contains(&begun.elapsed()))
    }

    fn has_room(&self, flow: (u16, u16)) -> bool {
        let mut known = self.known_flows.borrow_mut();
        known.contains(&flow) || known.len() < self.flows && known.insert(flow)
    }

    fn answer(&self, bytes: &[u8], port: u16) -> Option<Vec<u8>> {
        let request = Request::read(bytes, &self.token)?;
        let content = match request.question {
            Question::Probe { .. } => Content::Arrived,
            Question::UdpTaken { .. } | Question::TcpTaken { .. } => {
                let range = PortRange::new(1, 65_535).expect("a range");
                Content::Description(Description { range, tcp: false, ends_in_s: 60, parts: 1, taken: Vec::new() })
            }
        };
        let answer = Answer { question: request.question, asked: request.port, arrived: port, time: request.time, content };
        Some(answer.sealed(&request.nonce, &self.token))
    }
}

struct World(Rc<Line>);

#[async_trait(?Send)]
impl Network for World {
    fn source(&self, _to: IpAddr) -> Option<IpAddr> {
        Some([198, 51, 100, 2].into())
    }

    fn bind_udp_with(&self, _towards: IpAddr, _handling: Handling) -> Result<Rc<dyn Datagrams>, Outcome> {
        self.0.sockets.set(self.0.sockets.get() + 1);
        Ok(Rc::new(Socket { line: Rc::clone(&self.0), port: self.0.sockets.get(), coming: RefCell::default() }))
    }

    fn path_mtu(&self, _to: IpAddr) -> Option<u16> {
        None
    }

    async fn connect_tcp_within(&self, _to: SocketAddr, _hops: Option<u8>) -> Result<Box<dyn Stream>, Outcome> {
        Err(Outcome::NoRoute)
    }

    async fn addresses(&self, _name: &str) -> Lookup<IpAddr> {
        Lookup::empty(NameAnswer::NotFound)
    }

    async fn services(&self, _name: &str) -> Lookup<(String, u16)> {
        Lookup::empty(NameAnswer::NotFound)
    }

    fn name_servers(&self) -> Vec<SocketAddr> {
        Vec::new()
    }

    fn time_of_day(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn randomize(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

struct Socket {
    line: Rc<Line>,
    port: u16,
    coming: RefCell<VecDeque<(Instant, Arrival)>>,
}

#[async_trait(?Send)]
impl Datagrams for Socket {
    fn local(&self) -> SocketAddr {
        SocketAddr::new([0; 4].into(), self.port)
    }

    fn send(&self, bytes: &[u8], to: SocketAddr) -> Result<(), Outcome> {
        let line = &self.line;
        line.sent.set(line.sent.get() + 1);
        let arrives = !line.is_out() && line.has_room((self.port, to.port())) && !line.loses();
        if arrives && !line.closed.contains(&to.port()) && !line.loses() {
            let answer = line.answer(bytes, to.port()).map(|bytes| Arrival::Datagram { from: to, bytes });
            self.coming.borrow_mut().extend(answer.map(|answer| (Instant::now() + 2 * ONE_WAY, answer)));
        }
        Ok(())
    }

    async fn receive(&self) -> Arrival {
        let due = self.coming.borrow().front().map(|(due, _)| *due);
        match due {
            Some(due) => tokio::time::sleep_until(due).await,
            None => std::future::pending().await,
        }
        let next = self.coming.borrow_mut().pop_front();
        next.map_or(Arrival::Closed, |(_, arrival)| arrival)
    }
}

fn token() -> Token {
    Token::new(&Secret::new("the-token-of-these-tests")).expect("long enough")
}

/// Sweeps all of `range` and says how long that took, in virtual time.
async fn sweep(line: Line, range: PortRange, more: impl FnOnce(&mut udp::Pace)) -> (Swept, Duration, Rc<Line>) {
    LocalSet::new().run_until(sweep_within(line, range, more)).await
}

async fn sweep_within(line: Line, range: PortRange, more: impl FnOnce(&mut udp::Pace)) -> (Swept, Duration, Rc<Line>) {
    let line = Rc::new(line);
    let network: Rc<dyn Network> = Rc::new(World(Rc::clone(&line)));
    let context = Context::brief(&network, Trust::system());
    let client = Client::new(&context, SERVER, token());
    let begun = Instant::now();
    let mut pace = udp::Pace {
        rate: None,
        round_trip: Some(2 * ONE_WAY),
        control: Some(SERVER.port()),
        until: Until::new(begun + Duration::from_secs(30)),
    };
    more(&mut pace);
    let swept = udp::sweep(&client, &range.iter().collect(), pace).await.expect("the world gives sockets");
    (swept, begun.elapsed(), line)
}

fn range(first: u16, last: u16) -> PortRange {
    PortRange::new(first, last).expect("a range")
}

#[tokio::test(start_paused = true)]
async fn a_clean_range_is_known_in_one_pass() {
    let (swept, took, line) = sweep(Line::new(1, &[], 0.0), range(49_152, 65_535), |_| {}).await;
    assert_eq!(swept.open.to_string(), "49152-65535");
    assert_eq!((swept.closed.count(), swept.ended_by), (0, None));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert!(line.sent.get() < 16_384 + 300, "{} datagrams", line.sent.get());
}

#[tokio::test(start_paused = true)]
async fn eleven_closed_ports_are_found_exactly_whatever_the_line_loses() {
    let closed = [49_152, 49_999, 50_000, 52_345, 55_555, 57_005, 60_000, 60_001, 62_222, 65_534, 65_535];
    for seed in 1..=6 {
        let (swept, took, _) = sweep(Line::new(seed, &closed, 0.05), range(49_152, 65_535), |_| {}).await;
        assert_eq!(swept.closed, closed.into_iter().collect(), "seed {seed}");
        assert!((0.09..0.11).contains(&(f64::from(swept.loss.lost()) / f64::from(swept.loss.sent))), "{:?}", swept.loss);
        assert!(took < Duration::from_secs(3), "seed {seed}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_round_trip_that_was_measured_too_long_delays_nothing() {
    let too_long = Some(Duration::from_millis(600));
    let (swept, took, _) = sweep(Line::new(9, &[], 0.05), range(49_152, 65_535), |pace| pace.round_trip = too_long).await;
    assert_eq!(swept.open.to_string(), "49152-65535");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn no_open_port_is_called_closed_in_a_hundred_runs() {
    for (loss, ports) in [(0.05, range(50_000, 50_999)), (0.15, range(50_000, 50_199)), (0.3, range(50_000, 50_049))] {
        let mut wrong = 0;
        for seed in 1..=100 {
            wrong += sweep(Line::new(seed, &[], loss), ports, |_| {}).await.0.closed.count();
        }
        assert!(wrong <= 1, "{wrong} ports of a hundred runs at {loss}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_range_that_is_closed_to_the_last_port_is_known_by_its_controls() {
    let closed: Vec<u16> = (50_000..=50_999).collect();
    let (swept, _, _) = sweep(Line::new(3, &closed, 0.05), range(50_000, 50_999), |_| {}).await;
    assert_eq!(swept.closed.to_string(), "50000-50999");
}

#[tokio::test(start_paused = true)]
async fn passes_during_an_outage_do_not_count() {
    let mut line = Line::new(4, &[50_007], 0.0);
    line.outage = Some((Duration::ZERO, Duration::from_millis(900)));
    let (swept, ..) = sweep(line, range(50_000, 50_049), |_| {}).await;
    assert_eq!(swept.closed.to_string(), "50007");
}

#[tokio::test(start_paused = true)]
async fn a_responder_that_ends_in_the_middle_closes_no_port() {
    for rate in [Some(500), None] {
        let mut line = Line::new(10, &[50_007], 0.0);
        line.outage = Some((Duration::from_millis(400), Duration::from_hours(1)));
        let (swept, took, _) = sweep(line, range(50_000, 65_535), |pace| pace.rate = rate).await;
        assert_eq!((swept.closed.count(), swept.ended_by), (0, Some(PortsEnd::Silent)), "{rate:?}");
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_nat_without_room_for_more_flows_closes_no_port() {
    let mut line = Line::new(5, &[], 0.0);
    line.flows = 600;
    let (swept, ..) = sweep(line, range(50_000, 50_999), |_| {}).await;
    assert_eq!((swept.closed.count(), swept.ended_by), (0, Some(PortsEnd::Silent)));
    assert!(swept.open.count() > 500);
}

#[tokio::test(start_paused = true)]
async fn what_the_time_did_not_suffice_for_is_unknown() {
    let until = Instant::now() + Duration::from_millis(200);
    let (swept, took, _) =
        sweep(Line::new(6, &[60_000], 0.0), range(49_152, 65_535), |pace| pace.until = Until::new(until)).await;
    assert_eq!((swept.closed.count(), swept.ended_by), (0, Some(PortsEnd::Deadline)));
    assert!(!swept.open.is_empty() && took < Duration::from_millis(300), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bound_on_the_rate_is_kept() {
    let (swept, took, _) = sweep(Line::new(7, &[], 0.0), range(50_000, 50_999), |pace| pace.rate = Some(500)).await;
    assert_eq!(swept.open.count(), 1000);
    assert!((Duration::from_millis(1900)..Duration::from_millis(2500)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn every_port_is_open_closed_or_unknown_and_never_two_of_them() {
    let (swept, ..) = sweep(Line::new(8, &[50_001, 50_002], 0.2), range(50_000, 50_099), |_| {}).await;
    let all: Vec<u16> = swept.open.iter().chain(swept.closed.iter()).chain(swept.moved.iter()).collect();
    assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len());
    assert_eq!(swept.closed.to_string(), "50001-50002");
}
