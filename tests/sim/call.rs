//! Calls in virtual time: two homes behind NATs of their own, a TURN server, and signaling without a fault.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::configuration::{Config, RelayAddress};
use callcheck::model::call::{CandidateKind, PairEnd, Path, Peer, Role, StateKind, TrickledCandidate};
use callcheck::model::endpoint::{Endpoint, Transport};
use callcheck::model::target::Host;
use callcheck::net::network::Network;
use callcheck::probe::call::{Event, PeerHandle};
use callcheck::probe::context::Context;
use callcheck::probe::ice_server::IceServer;
use libtest_mimic::{Failed, Trial};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::certificate::{Presented, Told, beginning, trust};
use super::icmp;
use super::internet::{Internet, Link, Middlebox, Site};
use super::nat::Nat;
use super::network::CallerNetwork;
use super::packet::SiteId;
use super::resolver::Zone;
use super::server::{Listeners, Tls, TurnServer};
use super::world::{NatKind, TURN, in_virtual_time};

/// The homes as the internet knows them, and the hosts in them.
const OUTSIDE: [Ipv4Addr; 2] = [Ipv4Addr::new(198, 51, 100, 2), Ipv4Addr::new(198, 51, 100, 66)];
const INSIDE: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 168, 1, 2), Ipv4Addr::new(192, 168, 7, 2)];

const SERVER: SiteId = SiteId(2);

/// One way between a home and the internet.
pub const DELAY: Duration = Duration::from_millis(10);

/// How soon the other end hears of a hang-up: some times the way.
const HANG_UP: Duration = Duration::from_millis(200);

/// Longer than any call here takes to connect.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longer than ICE takes to give up by itself.
const LONGEST: Duration = Duration::from_secs(40);

pub fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (name, path, transport) in [
        ("UDP", Path::RelayUdp, Transport::Udp),
        ("TCP", Path::RelayTcp, Transport::Tcp),
        ("TLS", Path::RelayTls, Transport::Tls),
    ] {
        trials.push(trial(format!("relay alone, over {name}, behind symmetric NATs"), move || {
            let call = Homes::behind(NatKind::Symmetric).call(path, Duration::from_secs(2));
            call.expect_pair(CandidateKind::Relay, Some(transport))?;
            call.expect(call.is_hang_up_heard, "the hang-up to leave before the allocation is given back")?;
            call.expect_media(70)
        }));
    }
    trials.push(trial("direct through NATs that filter by address and port", || {
        let call = Homes::behind(NatKind::PortRestricted).call(Path::Srflx, Duration::from_secs(2));
        call.expect_pair(CandidateKind::Srflx, None)?;
        call.expect_media(70)
    }));
    trials.push(trial("with all candidates the direct way is taken where it opens", || {
        let call = Homes::behind(NatKind::FullCone).call(Path::All, Duration::from_secs(2));
        call.expect_media(70)?;
        call.expect(call.selected(0).is_some_and(|kind| kind != CandidateKind::Prflx), "a pair of gathered candidates")
    }));
    trials.push(trial("no direct way between symmetric NATs", || {
        let call = Homes::behind(NatKind::Symmetric).call(Path::Srflx, Duration::ZERO);
        let caller = &call.reports[0];
        call.expect(caller.connected_ms().is_none(), "no connection")?;
        let unanswered = caller.pairs.iter().all(|pair| pair.end == PairEnd::Unanswered && pair.sent > 10);
        call.expect(!caller.pairs.is_empty() && unanswered, "checks without answers")?;
        call.expect(caller.last(StateKind::Connection) == Some("failed"), "failed by the deadline")
    }));
    trials.push(trial("a silent TURN server holds nothing up", || {
        let mut homes = Homes::behind(NatKind::FullCone);
        homes.server_is_alive = false;
        let call = homes.call(Path::Relay, Duration::ZERO);
        let gathered = call.reports[0].states.iter().find(|change| change.state == "complete");
        call.expect(gathered.is_some_and(|change| change.at_ms <= 3000), "gathering ends by its deadline")
    }));
    trials.push(trial("eleven minutes of call outlive allocation, permission and channel", || {
        let call = Homes::behind(NatKind::Symmetric).call(Path::RelayUdp, Duration::from_mins(11));
        call.expect(call.reports[0].last(StateKind::Connection) == Some("connected"), "connected to the end")?;
        let lost = call.reports[0].media.audio.as_ref().map(|flow| flow.lost);
        call.expect(lost == Some(0), "no packet lost")?;
        call.expect_media(32_900)
    }));
    trials
}

pub fn trial(name: impl Into<String>, test: impl FnOnce() -> Result<(), String> + Send + 'static) -> Trial {
    Trial::test(format!("call: {}", name.into()), move || test().map_err(Failed::from))
}

/// Two homes and a server.
pub struct Homes {
    nat: Option<NatKind>,
    server_is_alive: bool,
    /// How long the ends try to connect; without a limit until ICE itself gives up.
    pub patience: Option<Duration>,
    /// Whether the caller's candidates come before its offer.
    pub candidates_first: bool,
    /// What the other end gets besides what was gathered.
    pub candidates_besides: Vec<TrickledCandidate>,
}

/// What came of a call.
pub struct Ended {
    pub reports: [Peer; 2],
    /// The offer and the answer.
    pub descriptions: [String; 2],
    /// What each end told, in its order.
    pub events: [Vec<Event>; 2],
    pub is_hang_up_heard: bool,
    pub allocations: usize,
}

impl Homes {
    /// Both behind a NAT of this kind.
    pub fn behind(nat: NatKind) -> Self {
        Self {
            nat: Some(nat),
            server_is_alive: true,
            patience: Some(PATIENCE),
            candidates_first: false,
            candidates_besides: Vec::new(),
        }
    }

    /// Both on the internet itself.
    pub fn in_the_open() -> Self {
        Self { nat: None, ..Self::behind(NatKind::FullCone) }
    }

    pub fn call(&self, path: Path, duration: Duration) -> Ended {
        in_virtual_time(async { self.run(path, duration).await })
    }

    async fn run(&self, path: Path, duration: Duration) -> Ended {
        let [first, second] = [0, 1].map(|home| self.home(home));
        let mut server = Site::public(&[TURN.into()]);
        server.alive = self.server_is_alive;
        let internet = Internet::start(vec![first, second, server], 1, icmp::SAVED);
        let listeners = Listeners { udp: Some(3478), tcp: Some(3478), tls: Some((5349, Tls::Turn(Presented::Valid))) };
        let config = Config::new(vec![RelayAddress::plain(TURN.into())]);
        let servers = ice_servers(&config);
        let turn = TurnServer::open(&internet, SERVER, listeners, config);
        let ends = [(0, Role::Caller), (1, Role::Callee)].map(|(home, role)| {
            let zone = Rc::new(Zone::default());
            let network = CallerNetwork::new(&internet, SiteId(home), zone, Vec::new(), beginning(), home as u64);
            PeerHandle::start(&context(&(Rc::new(network) as Rc<dyn Network>)), role, path, &servers).expect("a peer")
        });
        let mut line = Line { ends, events: [Vec::new(), Vec::new()] };
        let offer = line.ends[0].offer().expect("an offer");
        if self.candidates_first {
            line.carry_until(Instant::now() + PATIENCE).await;
        }
        let answer = line.ends[1].accept_offer(&offer).expect("an answer");
        line.ends[0].accept_answer(&answer).expect("it fits");
        for candidate in &self.candidates_besides {
            line.ends.iter().for_each(|end| end.add_remote_candidate(candidate));
        }
        let is_over = if let Some(patience) = self.patience {
            let connected = line.carry_till(Instant::now() + patience, |end| end.connected_ms().is_some()).await;
            if !connected {
                line.ends.iter().for_each(PeerHandle::give_up);
            }
            connected
        } else {
            line.carry_till(Instant::now() + LONGEST, |end| end.last(StateKind::IceConnection) == Some("failed")).await
        };
        assert!(is_over || self.patience.is_some(), "ICE gives up by itself");
        line.carry_until(Instant::now() + duration).await;
        let Line { mut ends, events } = line;
        let reports = ends.each_ref().map(PeerHandle::report);
        let [caller, callee] = &mut ends;
        caller.close().await;
        let is_hang_up_heard = timeout_at(Instant::now() + HANG_UP, hears_hang_up(callee)).await.is_ok();
        callee.close().await;
        Ended { reports, descriptions: [offer, answer], events, is_hang_up_heard, allocations: turn.allocations() }
    }

    fn home(&self, home: usize) -> Site {
        let address = if self.nat.is_some() { INSIDE[home] } else { OUTSIDE[home] };
        let mut site = Site::public(&[address.into()]);
        site.routed = vec![OUTSIDE[home].into()];
        site.link = Link { delay: DELAY, ..Link::default() };
        let nat = self.nat.map(|nat| Middlebox::Nat(Nat::new(nat.behaviour(OUTSIDE[home]))));
        site.path.get_mut().extend(nat);
        site
    }
}

/// Each end is a host of its own.
fn context(network: &Rc<dyn Network>) -> Context {
    Context::brief(network, trust(Told::OurRoot))
}

fn ice_servers(config: &Config) -> Vec<IceServer> {
    let login = Rc::new(config.users[0].clone());
    let server = |(transport, port)| IceServer {
        endpoint: Endpoint::new(transport, SocketAddr::new(TURN.into(), port)),
        host: Host::Address(IpAddr::V4(TURN)),
        relay: true,
        login: Some(Rc::clone(&login)),
    };
    [(Transport::Udp, 3478), (Transport::Tcp, 3478), (Transport::Tls, 5349)].map(server).to_vec()
}

/// The two ends, and signaling without a fault between them.
struct Line {
    ends: [PeerHandle; 2],
    events: [Vec<Event>; 2],
}

impl Line {
    /// Carries candidates until both ends are in a state, or until then.
    async fn carry_till(&mut self, until: Instant, is_reached: impl Fn(&Peer) -> bool) -> bool {
        while !self.ends.iter().all(|end| is_reached(&end.report())) {
            if !self.carry(until).await {
                return false;
            }
        }
        true
    }

    async fn carry_until(&mut self, until: Instant) {
        while self.carry(until).await {}
        sleep_until(until).await;
    }

    /// Takes the next event, if one comes until then; a candidate goes to the other end.
    async fn carry(&mut self, until: Instant) -> bool {
        let [one, other] = &mut self.ends;
        let next = async {
            tokio::select! {
                biased;
                Some(event) = one.next_event() => (0, event),
                Some(event) = other.next_event() => (1, event),
            }
        };
        let Ok((end, event)) = timeout_at(until, next).await else { return false };
        if let Event::Candidate(candidate) = &event {
            self.ends[1 - end].add_remote_candidate(candidate);
        }
        self.events[end].push(event);
        true
    }
}

/// The states tell it seconds later.
async fn hears_hang_up(end: &mut PeerHandle) {
    while !matches!(end.next_event().await, Some(Event::ChannelClosed)) {}
}

impl Ended {
    pub fn expect(&self, holds: bool, what: &str) -> Result<(), String> {
        if holds { Ok(()) } else { Err(format!("expected {what}: {:#?}", self.reports)) }
    }

    pub fn selected(&self, end: usize) -> Option<CandidateKind> {
        self.reports[end].selected_pair.as_ref().map(|pair| pair.local.kind)
    }

    pub fn expect_pair(&self, kind: CandidateKind, transport: Option<Transport>) -> Result<(), String> {
        for report in &self.reports {
            let pair = report.selected_pair.as_ref().map(|pair| (pair.local.kind, pair.local.relay_protocol));
            self.expect(pair == Some((kind, transport)), "a selected pair of that kind")?;
        }
        Ok(())
    }

    /// Packets of both kinds at both ends, and nothing left at the server.
    pub fn expect_media(&self, audio: u32) -> Result<(), String> {
        for report in &self.reports {
            let received = |flow: Option<&callcheck::model::call::MediaFlow>| flow.map_or(0, |flow| flow.packets_received);
            self.expect(received(report.media.audio.as_ref()) >= audio, "audio")?;
            self.expect(received(report.media.video.as_ref()) >= audio / 2 - 1, "video")?;
            self.expect(report.media.data_channel_rtt_ms.is_some(), "round trips")?;
        }
        self.expect(self.allocations == 0, "no allocation left")
    }
}
