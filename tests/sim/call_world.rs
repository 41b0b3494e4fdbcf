//! Worlds of calls drawn by seed, and one call in such a world: two networks, a TURN server, a gateway, and what is wrong with each.
//!
//! Each side runs callcheck on its own, or the caller runs both ends; the gateway is in memory, everything is in virtual time.

use std::fmt;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use callcheck::lab::configuration::{Config, RelayAddress};
use callcheck::lab::gateway::exchange::{CALLEE_TOKEN, CALLER_TOKEN, CHAT, Exchange, NO_ANSWER_AFTER};
use callcheck::lab::gateway::fault::GatewayFault;
use callcheck::lab::gateway::hub::Hub;
use callcheck::lab::gateway::memory::{self, MemoryLine};
use callcheck::model::asked::{Form, Purpose, Service};
use callcheck::model::call::{Path, Role};
use callcheck::model::endpoint::Transport;
use callcheck::model::report::Report;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::model::target::Host;
use callcheck::net::network::Network;
use callcheck::run::call::{Calling, Lines};
use callcheck::run::execute;
use callcheck::run::plan::{Families, Login, Plan, Planned};
use callcheck::signaling::call_event::ChatId;
use callcheck::signaling::gateway::Gateway;
use callcheck::signaling::line::{Emitted, Incoming, Line};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use super::call_alteration::Alteration;
use super::certificate::{Presented, Told, trust};
use super::firewall::{Action, Memory, Rule};
use super::internet::Link;
use super::play::controls;
use super::server::{Listeners, Tls};
use super::world::{CALLEE, CALLER, Caller, NatKind, Raised, TURN, TURN_V6, World, in_virtual_time};
use super::worlds::Dice;

/// How long an event is on its way to the gateway; what the gateway says comes in the order in which it was said.
const EVENT_DELAY: Duration = Duration::from_millis(20);

/// How long media flows, as by default.
const MEDIA: Duration = Duration::from_secs(2);

/// How long a callee waits to be called.
const WAIT: Duration = Duration::from_secs(15);

/// How long a caller waits to be answered.
const PATIENCE: Duration = Duration::from_secs(8);

/// The time that a server gets to free what was given back.
const RELEASE_TIME: Duration = Duration::from_secs(15);

/// The causes that are true where a fault is in.
pub type Causes = &'static [&'static str];

/// A user's network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Home {
    pub nat: Option<NatKind>,
    pub blocks_udp: bool,
    pub v6: bool,
    /// The share of packets lost, each way.
    pub loss: f64,
}

/// What is wrong with the TURN server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    RangeDropped,
    RangeClosedToStrangers,
    WrongExternalIp,
    UdpClosed,
    Down,
    WrongPassword,
}

impl Defect {
    const ALL: [Self; 6] = [
        Self::RangeDropped,
        Self::RangeClosedToStrangers,
        Self::WrongExternalIp,
        Self::UdpClosed,
        Self::Down,
        Self::WrongPassword,
    ];

    /// The causes that are true where it is in.
    pub fn causes(self) -> Causes {
        match self {
            Self::RangeDropped => &["relay-ports-closed"],
            Self::RangeClosedToStrangers => &["relay-ports-stateful-only"],
            Self::WrongExternalIp => &["external-ip-mismatch", "external-ip-suspect"],
            Self::UdpClosed => &["turn-udp-closed"],
            Self::Down => &["turn-down", "server-address-blocked"],
            Self::WrongPassword => &["credentials-rejected"],
        }
    }

    /// Both change the same part of the server.
    fn excludes(self, other: Self) -> bool {
        let range = [Self::RangeDropped, Self::RangeClosedToStrangers];
        self == other || range.contains(&self) && range.contains(&other)
    }
}

/// Which end a run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Caller,
    Callee,
    /// Both ends in the caller's network.
    Both,
}

/// A world with a call to make.
#[derive(Clone, Debug)]
pub struct CallWorld {
    pub seed: u64,
    pub homes: [Home; 2],
    pub together: bool,
    pub defects: Vec<Defect>,
    /// A fault of the gateway, and the causes that are then true.
    pub gateway: Option<(GatewayFault, Causes)>,
    /// The transports that the application lists its TURN server with.
    pub listed: Vec<Transport>,
    pub relay_forced: bool,
    pub alteration: Option<Alteration>,
    /// Whether the server has IPv6 too.
    pub v6: bool,
}

impl fmt::Display for CallWorld {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, homes: [caller, callee], together, defects, gateway, listed, relay_forced, alteration, v6 } = self;
        write!(formatter, "seed {seed}: ")?;
        match together {
            true => write!(formatter, "both ends behind {caller}")?,
            false => write!(formatter, "caller behind {caller}, callee behind {callee}")?,
        }
        write!(formatter, ", TURN over {listed:?} with {defects:?}, gateway with {:?}", gateway.map(|(fault, _)| fault))?;
        if let Some(alteration) = alteration {
            write!(formatter, ", {alteration:?}")?;
        }
        formatter.write_str(if *v6 { ", IPv6 at the server" } else { "" })?;
        if *relay_forced { write!(formatter, ", relay forced") } else { Ok(()) }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.nat {
            Some(nat) => write!(formatter, "a {nat:?} NAT")?,
            None => write!(formatter, "no NAT")?,
        }
        if self.blocks_udp {
            write!(formatter, " that blocks UDP")?;
        }
        if self.loss > 0.0 {
            write!(formatter, " and a line that loses {:.1} % each way", self.loss * 100.0)?;
        }
        if self.v6 { write!(formatter, " with IPv6") } else { Ok(()) }
    }
}

/// Draws a world. Three of eight are without a fault.
pub fn draw(seed: u64) -> CallWorld {
    let mut dice = Dice::new(seed);
    let (defects, gateway, blocks) =
        [(0, 0.0, 0.0), (1, 0.0, 0.0), (0, 1.0, 0.0), (0, 0.0, 0.0), (0, 0.0, 0.7), (1, 0.3, 0.3), (2, 0.2, 0.2), (0, 0.0, 0.0)]
            [(seed % 8) as usize];
    let udp_alone = vec![Transport::Udp];
    let both = vec![Transport::Udp, Transport::Tcp];
    let all = vec![Transport::Udp, Transport::Tcp, Transport::Tls];
    let homes = [home(blocks, &mut dice), home(blocks, &mut dice)];
    let mut world = CallWorld {
        seed,
        homes,
        together: dice.chance(0.25),
        defects: draw_defects(defects, &mut dice),
        gateway: dice.chance(gateway).then(|| dice.pick(GATEWAY_FAULTS)),
        listed: dice.pick(&[udp_alone, both.clone(), both, all]),
        relay_forced: dice.chance(0.4),
        alteration: None,
        v6: false,
    };
    surround(&mut world, &mut dice);
    world
}

/// IPv6, lossy lines, and a gateway that changes descriptions; half of the worlds are without all of them.
fn surround(world: &mut CallWorld, dice: &mut Dice) {
    if dice.chance(0.5) {
        return;
    }
    world.v6 = dice.chance(0.5);
    for home in &mut world.homes {
        home.v6 = world.v6 && dice.chance(0.7);
        home.loss = dice.pick(&[0.0, 0.0, 0.005, 0.01, 0.02, 0.05, 0.1]);
    }
    // What the gateway does otherwise would hide it.
    if world.gateway.is_none() && dice.chance(0.4) {
        world.alteration = Some(dice.pick(&Alteration::ALL));
    }
}

/// Each with its causes; what the handshakes with a gateway show is tested over sockets.
const GATEWAY_FAULTS: &[(GatewayFault, Causes)] = &[
    (GatewayFault::CallRefused, &["signaling-call-refused"]),
    (GatewayFault::CallRefusedByAnswer, &["signaling-call-refused"]),
    (GatewayFault::OfferNotForwarded, &["receiver-offline"]),
    (GatewayFault::AnswerNotForwarded, &["answer-not-forwarded"]),
    (GatewayFault::CallerCandidatesNotForwarded, &["candidates-not-forwarded"]),
    (GatewayFault::CalleeCandidatesNotForwarded, &["candidates-not-forwarded"]),
    (GatewayFault::NoAnswerAtOnce, &["no-answer-timeout"]),
    (GatewayFault::ReceiverOffline, &["signaling-call-refused", "receiver-offline"]),
    (GatewayFault::DropsConnection, &["signaling-drops"]),
    (GatewayFault::ClosesConnection, &["signaling-drops"]),
];

fn home(blocks_udp: f64, dice: &mut Dice) -> Home {
    let kinds = [NatKind::FullCone, NatKind::AddressRestricted, NatKind::PortRestricted, NatKind::Symmetric];
    let nat = if dice.chance(0.2) { None } else { Some(dice.pick(&kinds)) };
    Home { nat, blocks_udp: dice.chance(blocks_udp), v6: false, loss: 0.0 }
}

fn draw_defects(wanted: usize, dice: &mut Dice) -> Vec<Defect> {
    let mut defects: Vec<Defect> = Vec::new();
    while defects.len() < wanted {
        let defect = dice.pick(&Defect::ALL);
        if !defects.iter().any(|other| other.excludes(defect)) {
            defects.push(defect);
        }
    }
    defects
}

impl CallWorld {
    /// The runs that the call takes.
    pub fn views(&self) -> &'static [View] {
        if self.together { &[View::Both] } else { &[View::Caller, View::Callee] }
    }

    fn world(&self) -> World {
        let mut relay = RelayAddress::plain(TURN.into());
        if self.has(Defect::WrongExternalIp) {
            relay.advertised = [203, 0, 113, 99].into();
        }
        let config = Config { seed: self.seed, ..Config::new(vec![relay]) };
        let range = config.ports.clone();
        let listeners = Listeners { udp: Some(3478), tcp: Some(3478), tls: Some((5349, Tls::Turn(Presented::Valid))) };
        let mut world = World::healthy(self.seed, config, listeners);
        let drop = || Rule::any(Action::Drop).inward();
        if self.has(Defect::RangeDropped) || self.has(Defect::RangeClosedToStrangers) {
            world.hosts[0].filter.push(drop().udp().ports(range));
        }
        if self.has(Defect::RangeClosedToStrangers) {
            world.hosts[0].filter_memory = Memory::Stateful;
        }
        if self.has(Defect::UdpClosed) {
            world.hosts[0].filter.push(drop().udp().port(3478));
        }
        world.hosts[0].alive = !self.has(Defect::Down);
        if self.v6 {
            world.hosts[0].v6 = true;
            world.hosts[0].config.relays.push(RelayAddress::plain(TURN_V6.into()));
        }
        let [caller, callee] = self.homes;
        world.caller = caller.raise(CALLER);
        world.callee = (!self.together).then(|| callee.raise(CALLEE));
        world
    }

    pub fn has(&self, defect: Defect) -> bool {
        self.defects.contains(&defect)
    }

    fn plan(&self, world: &World, view: View, lines: &Rc<dyn Lines>, ready: &Rc<Notify>) -> Plan {
        let password = if self.has(Defect::WrongPassword) { "south" } else { "north" };
        let credentials = Credentials { username: Secret::new("alice"), password: Secret::new(password) };
        let login = Rc::new(Login::Given(credentials));
        let mut addresses: Vec<IpAddr> = vec![TURN.into()];
        addresses.extend(self.v6.then_some(IpAddr::V6(TURN_V6)));
        let service = |address: IpAddr, transport: Transport| Planned {
            service: Service { host: Host::Address(address), port: Some(port(transport)), transport, relay: true },
            login: Some(Rc::clone(&login)),
        };
        let listed = addresses.iter().flat_map(|address| self.listed.iter().map(|transport| service(*address, *transport)));
        let ready = Rc::clone(ready);
        let forced = self.relay_forced.then_some(Path::Relay);
        Plan {
            command: "call".to_owned(),
            purpose: Purpose::Call,
            form: Form::Urls,
            services: listed.collect(),
            controls: controls(world),
            trust: trust(Told::OurRoot),
            timeout: Duration::from_secs(25),
            families: Families::Both,
            long_stream: None,
            longest_idle: None,
            peers: Vec::new(),
            proxy: None,
            contacted: Vec::new(),
            list: Vec::new(),
            ports: None,
            progress: Rc::new(|_| {}),
            call: Some(Calling {
                ends: view.ends(),
                lines: Rc::clone(lines),
                chat_id: ChatId::new(CHAT),
                forced,
                paths: paths(forced, view),
                duration: MEDIA,
                wait: WAIT,
                patience: PATIENCE,
                onlooker: Rc::new(|_, _| {}),
                ready: Rc::new(move || ready.notify_one()),
            }),
        }
    }
}

impl Home {
    fn raise(self, outside: std::net::Ipv4Addr) -> Caller {
        let mut caller = Caller::public();
        caller.nats = self.nat.map(|nat| nat.behaviour(outside)).into_iter().collect();
        let delay = Duration::from_millis(10);
        caller.link = Link { delay, loss_outward: self.loss, loss_inward: self.loss, ..Link::default() };
        caller.v6 = self.v6;
        if self.blocks_udp {
            caller.gateway = vec![Rule::any(Action::Drop).udp()];
        }
        caller
    }
}

impl View {
    fn ends(self) -> Vec<(Role, Gateway)> {
        let account = |token: &str| {
            let gateway = Gateway::new("http://gateway.example.org").expect("a right URL");
            gateway.with_auth(serde_json::json!({ "token": token }))
        };
        let caller = || (Role::Caller, account(CALLER_TOKEN));
        let callee = || (Role::Callee, account(CALLEE_TOKEN));
        match self {
            Self::Caller => vec![caller()],
            Self::Callee => vec![callee()],
            Self::Both => vec![caller(), callee()],
        }
    }
}

fn port(transport: Transport) -> u16 {
    if transport.is_secure() { 5349 } else { 3478 }
}

/// As the command line has them.
fn paths(forced: Option<Path>, view: View) -> Vec<Path> {
    match (forced, view) {
        (Some(path), _) => vec![path],
        (None, View::Both) => vec![Path::All, Path::Relay],
        (None, View::Caller | View::Callee) => vec![Path::All],
    }
}

/// Lines to a gateway in memory, which may change descriptions.
struct InMemory {
    hub: Arc<Hub>,
    alteration: Option<Alteration>,
}

#[async_trait(?Send)]
impl Lines for InMemory {
    async fn open(&self, gateway: &Gateway) -> Box<dyn Line> {
        Box::new(Distant { line: memory::line(&self.hub, gateway.auth()), alteration: self.alteration })
    }

    fn has_front(&self) -> bool {
        false
    }
}

/// A line to a gateway that is some way off.
struct Distant {
    line: MemoryLine,
    alteration: Option<Alteration>,
}

#[async_trait(?Send)]
impl Line for Distant {
    async fn emit(&self, event: &str, mut payload: Value) -> Emitted {
        sleep(EVENT_DELAY).await;
        self.alteration.inspect(|alteration| alteration.apply(event, &mut payload));
        self.line.emit(event, payload).await
    }

    async fn next(&mut self) -> Incoming {
        self.line.next().await
    }

    fn dropped(&self) -> u32 {
        self.line.dropped()
    }

    async fn close(self: Box<Self>) {
        Box::new(self.line).close().await;
    }
}

/// What came of a call.
pub struct Called {
    /// One a view, in their order.
    pub reports: Vec<Report>,
    pub allocations_left: usize,
}

/// Makes the call of a world.
pub fn call(drawn: &CallWorld) -> Called {
    in_virtual_time(async {
        let world = drawn.world();
        let raised = world.raise();
        let faults: Vec<GatewayFault> = drawn.gateway.map(|(fault, _)| fault).into_iter().collect();
        let hub = Hub::new(Exchange::new(&faults, NO_ANSWER_AFTER));
        let driven = Arc::clone(&hub);
        spawn_local(async move { driven.run().await });
        let lines: Rc<dyn Lines> = Rc::new(InMemory { hub, alteration: drawn.alteration });
        let ready = Rc::new(Notify::new());
        let plan = |view| drawn.plan(&world, view, &lines, &ready);
        let reports = Box::pin(run(drawn, &raised, &ready, plan)).await;
        sleep(RELEASE_TIME).await;
        let allocations_left = raised.allocations();
        Called { reports, allocations_left }
    })
}

async fn run(drawn: &CallWorld, raised: &Raised, ready: &Notify, plan: impl Fn(View) -> Plan) -> Vec<Report> {
    let Some(callee) = raised.callee.as_ref().filter(|_| !drawn.together) else {
        return vec![execute_in(&raised.network, &plan(View::Both)).await];
    };
    let (caller_plan, callee_plan) = (plan(View::Caller), plan(View::Callee));
    let calling = async {
        // As soon as there is somebody to call.
        _ = timeout(WAIT, ready.notified()).await;
        execute_in(&raised.network, &caller_plan).await
    };
    let (caller, callee) = tokio::join!(calling, execute_in(callee, &callee_plan));
    vec![caller, callee]
}

async fn execute_in(network: &Rc<dyn Network>, plan: &Plan) -> Report {
    execute(Rc::clone(network), plan, std::future::pending(), None).await
}
