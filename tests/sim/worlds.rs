//! Worlds drawn by seed: healthy ones of every kind that calls work in, and what callcheck is asked in them.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use callcheck::lab::configuration::{Config, RelayAddress};
use callcheck::model::asked::Form;
use callcheck::model::endpoint::Transport;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::model::target::{self, Target};
use callcheck::run::plan::{Login, Planned};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::certificate::Presented;
use super::firewall::{Action, Rule};
use super::host::{AfterRelease, Host, Number, Placement};
use super::internet::Link;
use super::nat::{Behaviour, Dependence, Hairpinning, Ports};
use super::play::Asks;
use super::resolver::{Published, Zone};
use super::server::{Listeners, Tls};
use super::world::{CALLER, CALLER_AT_CARRIER, CALLER_SECOND, Controls, Resolver, World};

/// The secret of servers with ephemeral credentials.
pub const SECRET: &str = "north-by-northwest-1959";

/// A one-way delay that makes round trips of a third of a second and more.
const SLOW: Duration = Duration::from_millis(150);

/// What loses more than this of its round trips is not healthy.
const MOST_LOSS: f64 = 0.03;

/// A world, what is asked in it, and how it came about in a few words.
#[derive(Clone)]
pub struct Drawn {
    pub seed: u64,
    pub world: World,
    pub asks: Asks,
    pub words: Vec<String>,
    /// The server that faults are made at.
    pub chosen: usize,
    /// The parts that a fault has changed already, of a server or of the caller's side; each is changed once.
    pub claimed: BTreeSet<(Option<usize>, &'static str)>,
}

impl Drawn {
    /// Takes a part of the chosen server for one fault.
    pub fn claim(&mut self, part: &'static str) -> Option<()> {
        self.claimed.insert((Some(self.chosen), part)).then_some(())
    }

    /// Takes a part of the caller's side.
    pub fn claim_of_caller(&mut self, part: &'static str) -> Option<()> {
        self.claimed.insert((None, part)).then_some(())
    }

    /// The chosen server.
    pub fn host(&self) -> &Host {
        &self.world.hosts[self.chosen]
    }

    /// The same, to be changed.
    pub fn host_mut(&mut self) -> &mut Host {
        &mut self.world.hosts[self.chosen]
    }

    /// What is asked of the chosen server.
    pub fn services(&self) -> impl Iterator<Item = &Planned> {
        self.asks.services.iter().filter(|planned| is_at(self.host(), planned))
    }

    /// Whether a transport of the chosen server is among what is asked for.
    pub fn asks_for(&self, transport: Transport) -> bool {
        self.services().any(|planned| planned.service.transport == transport)
    }

    /// Whether the caller's TCP connections and datagrams leave from different addresses.
    pub fn tcp_leaves_elsewhere(&self) -> bool {
        self.world.caller.nats.last().is_some_and(|outermost| outermost.outer[0] != outermost.outer[1])
    }
}

impl fmt::Display for Drawn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}: {}", self.seed, self.words.join(", "))
    }
}

/// Draws by chance and keeps a note of each draw.
pub struct Dice {
    random: StdRng,
    pub words: Vec<String>,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self { random: StdRng::seed_from_u64(seed), words: Vec::new() }
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices.choose(&mut self.random).expect("there is always a choice").clone()
    }

    pub fn share(&mut self, range: RangeInclusive<f64>) -> f64 {
        self.random.random_range(range)
    }

    pub fn number(&mut self, range: RangeInclusive<u32>) -> u32 {
        self.random.random_range(range)
    }

    pub fn note(&mut self, words: impl Into<String>) {
        self.words.push(words.into());
    }
}

/// Whether that is asked of a server, by its name or by one of its addresses.
pub fn is_at(host: &Host, planned: &Planned) -> bool {
    match &planned.service.host {
        target::Host::Name(name) => name == host.number.name(),
        target::Host::Address(address) => host.has(*address),
    }
}

/// A healthy world with one server.
pub fn healthy(seed: u64, dice: &mut Dice) -> Drawn {
    healthy_with(Number(0), seed, dice, Served::asks)
}

/// The same, whose server is asked for by URLs, as it is in a list of several.
pub fn healthy_listed(number: Number, seed: u64, dice: &mut Dice) -> Drawn {
    healthy_with(number, seed, dice, Served::listed)
}

fn healthy_with(
    number: Number,
    seed: u64,
    dice: &mut Dice,
    asks: impl Fn(Served, &str, Option<&Login>, &mut Dice) -> Asks,
) -> Drawn {
    let ports = Served::draw(dice);
    let placement =
        dice.pick(&[Placement::Public, Placement::Public, Placement::Public, Placement::OneToOneNat, Placement::PrivateNetwork]);
    dice.note(format!("{placement:?}"));
    let mut world = World::healthy(seed, config(seed, number, placement, dice), ports.listeners());
    world.hosts[0].number = number;
    world.hosts[0].placement = placement;
    if seed.is_multiple_of(4) {
        world.hosts[0].after_release = AfterRelease::Closes;
        dice.note("connections end with their allocation");
    }
    world.caller.nats = nats(dice);
    world.caller.link = link(dice);
    dual_stack(&mut world, dice);
    let named = dice.chance(0.4);
    let host = if named {
        number.name().to_owned()
    } else if world.caller.v6 && dice.chance(0.4) {
        format!("[{}]", number.v6())
    } else {
        number.reached_at(placement).to_string()
    };
    publish(&mut world, named);
    security_group(&mut world, ports, dice);
    resolver(&mut world, named, dice);
    if dice.chance(0.1) {
        world.controls = Controls::DnsAlone;
        dice.note("silent controls");
    }
    let login = login(&mut world.hosts[0].config, dice);
    let mut asks = asks(ports, &host, login.as_ref(), dice);
    if world.caller.link.delay >= SLOW {
        // Whoever is on such a line gives it time: within 10 s a second try after a quota doesn't fit.
        asks.timeout *= 3;
    }
    Drawn { seed, world, asks, words: std::mem::take(&mut dice.words), chosen: 0, claimed: BTreeSet::new() }
}

/// The ports that the server serves.
#[derive(Clone, Copy, Debug)]
struct Served {
    plain: u16,
    tls: Option<u16>,
}

impl Served {
    fn draw(dice: &mut Dice) -> Self {
        let served = dice.pick(&[
            Self { plain: 3478, tls: None },
            Self { plain: 3478, tls: Some(5349) },
            Self { plain: 3478, tls: Some(5349) },
            Self { plain: 3478, tls: Some(443) },
            Self { plain: 443, tls: None },
            Self { plain: 443, tls: Some(5349) },
        ]);
        dice.note(format!("{served:?}"));
        served
    }

    fn listeners(self) -> Listeners {
        let tls = self.tls.map(|port| (port, Tls::Turn(Presented::Valid)));
        Listeners { udp: Some(self.plain), tcp: Some(self.plain), tls }
    }

    /// A bare host where the ports are the usual ones, a list of URLs otherwise and now and then.
    fn asks(self, host: &str, login: Option<&Login>, dice: &mut Dice) -> Asks {
        let usual = self.plain == 3478 && self.tls.is_none_or(|port| port == 5349);
        if usual && dice.chance(0.6) {
            dice.note(format!("asked for {host}"));
            return Asks::turn(&target(host), login.cloned());
        }
        if dice.chance(0.1) {
            let host = format!("{host}:{}", self.plain);
            dice.note(format!("asked for {host}"));
            return Asks::turn(&target(&host), login.cloned());
        }
        self.listed(host, login, dice)
    }

    fn listed(self, host: &str, login: Option<&Login>, dice: &mut Dice) -> Asks {
        let mut urls = vec![format!("turn:{host}:{}", self.plain)];
        if dice.chance(0.6) {
            urls.push(format!("turn:{host}:{}?transport=tcp", self.plain));
        }
        urls.extend(self.tls.filter(|_| dice.chance(0.8)).map(|port| format!("turns:{host}:{port}?transport=tcp")));
        if dice.chance(0.15) {
            urls.remove(0);
        }
        if urls.is_empty() {
            urls.push(format!("turn:{host}:{}?transport=tcp", self.plain));
        }
        dice.note(format!("asked for {}", urls.join(" ")));
        let all: Vec<Asks> = urls.iter().map(|url| Asks::turn(&target(url), login.cloned())).collect();
        let services = all.iter().flat_map(|asks| asks.services.clone()).collect();
        Asks { services, form: Form::Urls, ..all[0].clone() }
    }
}

fn target(text: &str) -> Target {
    text.parse().expect("worlds name their servers well")
}

fn config(seed: u64, number: Number, placement: Placement, dice: &mut Dice) -> Config {
    let mut relay = RelayAddress { bound: number.own(placement).into(), advertised: number.reached_at(placement).into() };
    if placement == Placement::Public && dice.chance(0.2) {
        relay = RelayAddress::plain(number.second().into());
        dice.note("relays on another address");
    }
    let mut config = Config { seed, ..Config::new(vec![relay]) };
    config.ports =
        dice.pick(&[49_152..=65_535, 49_152..=65_535, 50_000..=50_999, 50_000..=50_039, 50_000..=50_009, 10_000..=20_000]);
    dice.note(format!("relay ports {:?}", config.ports));
    config.software = dice.pick(&[None, Some("Coturn-4.6.1 'Gorst'".to_owned())]);
    config.nonce_lifetime = Duration::from_secs(dice.pick(&[600, 600, 60, 1]));
    config.user_quota = dice.pick(&[None, None, None, Some(2), Some(12)]);
    if let Some(quota) = config.user_quota {
        dice.note(format!("user quota {quota}"));
    }
    config
}

fn nats(dice: &mut Dice) -> Vec<Behaviour> {
    match dice.number(0..=9) {
        0 | 1 => Vec::new(),
        2 => {
            let home = nat(CALLER_AT_CARRIER.into(), dice);
            let mut carrier = nat(CALLER.into(), dice);
            if dice.chance(0.3) {
                carrier.outer[1] = CALLER_SECOND.into();
                dice.note("TCP leaves from another address");
            }
            vec![home, carrier]
        }
        _ => vec![nat(CALLER.into(), dice)],
    }
}

fn nat(outer: IpAddr, dice: &mut Dice) -> Behaviour {
    use Dependence::{AddressAndPortDependent, AddressDependent, EndpointIndependent};
    let (mapping, filtering) = dice.pick(&[
        (EndpointIndependent, EndpointIndependent),
        (EndpointIndependent, AddressDependent),
        (EndpointIndependent, AddressAndPortDependent),
        (EndpointIndependent, AddressAndPortDependent),
        (AddressDependent, AddressAndPortDependent),
        (AddressAndPortDependent, AddressDependent),
        (AddressAndPortDependent, AddressAndPortDependent),
        (AddressAndPortDependent, AddressAndPortDependent),
    ]);
    let ports = dice.pick(&[Ports::Preserved, Ports::Random]);
    let hairpinning = dice.pick(&[Hairpinning::Unsupported, Hairpinning::Unsupported, Hairpinning::Supported]);
    let lifetime = Duration::from_secs(dice.pick(&[10, 30, 120, 300]));
    dice.note(format!("NAT {mapping:?} mapping, {filtering:?} filtering, {ports:?} ports"));
    Behaviour { mapping, filtering, ports, hairpinning, outer: [outer; 2], lifetime }
}

fn link(dice: &mut Dice) -> Link {
    let delay = Duration::from_millis(dice.pick(&[0, 0, 5, 10, 20, 40, 75, 150, 300]));
    // More than the distance of two packets: they overtake each other.
    let jitter = delay.mul_f64(dice.pick(&[0.0, 0.0, 0.1, 0.2, 0.4]));
    let loss = if dice.chance(0.4) { dice.share(0.0..=MOST_LOSS) } else { 0.0 };
    let outward = loss * dice.share(0.0..=1.0);
    dice.note(format!("one-way delay {delay:?} and up to {jitter:?}, loss {:.2} % of round trips", loss * 100.0));
    Link { delay, jitter, loss_outward: outward, loss_inward: loss - outward, ..Link::default() }
}

fn dual_stack(world: &mut World, dice: &mut Dice) {
    if world.hosts[0].placement != Placement::Public || !dice.chance(0.25) {
        return;
    }
    world.hosts[0].v6 = true;
    let v6 = world.hosts[0].number.v6();
    world.hosts[0].config.relays.push(RelayAddress::plain(v6.into()));
    world.caller.v6 = dice.chance(0.7);
    dice.note(if world.caller.v6 { "dual stack" } else { "AAAA, and no IPv6 at the caller" });
}

/// A provider's firewall that lets in what the server serves and nothing else, without a word.
fn security_group(world: &mut World, served: Served, dice: &mut Dice) {
    if !dice.chance(0.3) {
        return;
    }
    let pass = || Rule::any(Action::Accept).inward();
    let mut rules = vec![pass().port(served.plain), pass().udp().ports(world.hosts[0].config.ports.clone())];
    rules.extend(served.tls.map(|port| pass().tcp().port(port)));
    rules.push(Rule::any(Action::Drop).inward());
    world.hosts[0].edge = rules;
    dice.note("security group");
}

fn publish(world: &mut World, named: bool) {
    let host = &world.hosts[0];
    let mut addresses = vec![IpAddr::from(host.reached_at())];
    if host.v6 {
        addresses.push(host.number.v6().into());
    }
    if named {
        let name = host.number.name().to_owned();
        world.zone = Zone { names: vec![Published { name, addresses, services: Vec::new() }] };
    }
}

fn resolver(world: &mut World, named: bool, dice: &mut Dice) {
    let silent_at_worst = if named { Resolver::Public } else { Resolver::Silent };
    world.caller.resolver = dice.pick(&[Resolver::Public, Resolver::Router, silent_at_worst]);
    dice.note(format!("{:?} resolver", world.caller.resolver));
}

fn login(config: &mut Config, dice: &mut Dice) -> Option<Login> {
    let shared = dice.chance(0.4);
    config.users = vec![Credentials { username: Secret::new("alice"), password: Secret::new("wonderland-1865") }];
    config.secret = None;
    if dice.chance(0.08) {
        dice.note("no credentials");
        return None;
    }
    if !shared {
        return config.users.first().cloned().map(Login::Given);
    }
    config.users.clear();
    config.secret = Some(Secret::new(SECRET));
    dice.note("shared secret");
    Some(Login::SharedSecret { secret: Secret::new(SECRET), id: dice.pick(&[None, Some(Secret::new("alice"))]) })
}
