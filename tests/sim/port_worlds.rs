//! `ports` in random worlds: whatever it says of a port is true, whoever shuts it, loses datagrams, holds ports or hands them out by chance;
//! and where nothing stands in its way, a sweep says it of every port.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use callcheck::lab::ports::Draws;
use callcheck::model::secret::{Credentials, Secret};
use callcheck::model::target::Target;
use callcheck::run::plan::{Login, PortsPlan};
use libtest_mimic::Trial;

use super::firewall::{Action, Memory, Rule};
use super::internet::Link;
use super::play::{Asks, Played, play};
use super::seeds::{Judged, Worlds};
use super::soundness;
use super::steps::healthy;
use super::world::{CALLER, NatKind, TURN, World};
use super::worlds::Dice;

const WORLDS: u64 = 80;
const CHUNK: u64 = 10;

/// The first port of every server here.
const FIRST: u16 = 50_000;

/// The causes that say that ports let nothing in.
const CLOSED: [&str; 4] =
    ["relay-ports-closed", "relay-ports-partly-closed", "relay-range-mismatch", "relay-ports-stateful-only"];

/// The worlds.
pub fn trials() -> Vec<Trial> {
    Worlds { name: "port world", count: WORLDS, chunk: CHUNK, mended: &[], open: &[], play: judge }.trials()
}

/// A world with its closed ports.
struct Case {
    world: World,
    asks: Asks,
    range: RangeInclusive<u16>,
    closed: BTreeSet<u16>,
    loss: f64,
    all: bool,
    words: String,
}

impl Case {
    /// Of so many ports that a server gives the fewest that a sweep has to see; `None` where something stands in its way.
    fn fewest(&self, given: u32) -> Option<u32> {
        let config = &self.world.hosts[0].config;
        let free = self.all && config.user_quota.is_none() && self.loss < 0.02 && self.world.caller.link.outage.is_none();
        free.then_some(match config.draws {
            Draws::InTurn => given,
            Draws::ByChance => given - given / 50,
        })
    }
}

fn draw(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let mut world = World { seed, ..healthy(seed) };
    let count = u16::try_from(dice.number(100..=900)).expect("it fits");
    let range = FIRST..=FIRST + count - 1;
    let config = &mut world.hosts[0].config;
    config.ports = range.clone();
    config.draws = dice.pick(&[Draws::InTurn, Draws::InTurn, Draws::InTurn, Draws::ByChance]);
    config.held_ports = dice.pick(&[0, 0, 7]);
    config.user_quota = dice.pick(&[None, None, None, Some(20)]);
    config.memory = Duration::from_secs(dice.pick(&[0, 1, 1, 4]));
    let closed = closed(&range, &mut dice);
    let shut = |port: &u16| Rule::any(Action::Drop).inward().udp().port(*port);
    world.hosts[0].filter.extend(closed.iter().map(shut));
    world.hosts[0].filter_memory = dice.pick(&[Memory::Stateless, Memory::Stateful]);
    let kinds = [NatKind::FullCone, NatKind::AddressRestricted, NatKind::PortRestricted, NatKind::Symmetric];
    let nat = dice.chance(0.7).then(|| dice.pick(&kinds));
    world.caller.nats.extend(nat.map(|kind| kind.behaviour(CALLER)));
    let loss = dice.pick(&[0.0, 0.0, 0.01, 0.05]);
    let delay = Duration::from_millis(dice.number(0..=40).into());
    world.caller.link = Link { delay, jitter: delay / 10, loss_outward: loss, loss_inward: loss, outage: None };
    let all = dice.chance(0.7);
    let outage = dice.chance(0.3).then(|| {
        let from = Duration::from_millis(dice.number(200..=4000).into());
        (from, from + Duration::from_millis(dice.pick(&[300, 700, 1500, 5000, 600_000])))
    });
    world.caller.link.outage = outage;
    world.hosts[0].config.nonce_lifetime = Duration::from_millis(dice.pick(&[600_000, 600_000, 1000, 400]));
    let target: Target = format!("turn:{TURN}:3478?transport=udp").parse().expect("a target");
    let login = Login::Given(Credentials { username: Secret::new("alice"), password: Secret::new("north") });
    let plan = PortsPlan { beside: Vec::new(), samples: 64, all, rate: None, range: None, responder: None };
    let asks = Asks { timeout: Duration::from_mins(5), ports: Some(plan), ..Asks::turn(&target, Some(login)) };
    let config = &world.hosts[0].config;
    let words = format!(
        "seed {seed}: {range:?} {:?}, {} held, quota {:?}, memory {:?}, nonces of {:?}, {} closed, {:?}, {nat:?}, {delay:?}, loss {loss}, all {all}, out {outage:?}",
        config.draws,
        config.held_ports,
        config.user_quota,
        config.memory,
        config.nonce_lifetime,
        closed.len(),
        world.hosts[0].filter_memory
    );
    Case { world, asks, range, closed, loss, all, words }
}

/// Closed ports: none, an end, a block, some single ones, most, or all.
fn closed(range: &RangeInclusive<u16>, dice: &mut Dice) -> BTreeSet<u16> {
    let (first, last) = (u32::from(*range.start()), u32::from(*range.end()));
    let middle = dice.number(first + 10..=last - 10);
    let is_closed: Box<dyn Fn(u32) -> bool> = match dice.number(0..=7) {
        0 | 1 => Box::new(|_| false),
        2 => Box::new(move |port| port > middle),
        3 => Box::new(move |port| port < middle),
        4 => Box::new(move |port| (middle..middle + 40).contains(&port)),
        5 => {
            let single: BTreeSet<u32> = (0..dice.number(1..=11)).map(|_| dice.number(first..=last)).collect();
            Box::new(move |port| single.contains(&port))
        }
        6 => Box::new(|port| !port.is_multiple_of(8)),
        _ => Box::new(|_| true),
    };
    range.clone().filter(|port| is_closed(u32::from(*port))).collect()
}

fn judge(seed: u64) -> Judged {
    let case = draw(seed);
    let played = play(&case.world, &case.asks);
    let complaints = complaints(&case, &played);
    Judged { world: case.words, reports: vec![played.report], complaints }
}

fn complaints(case: &Case, played: &Played) -> Vec<String> {
    let report = &played.report;
    let mut complaints = soundness::complaints(report);
    if played.allocations_left > 0 {
        complaints.push(format!("{} allocations left", played.allocations_left));
    }
    let own: Vec<IpAddr> = vec![TURN.into()];
    let elsewhere = report.contacted.iter().filter(|it| it.starts_with("203.")).find(|it| !it.starts_with(&own[0].to_string()));
    complaints.extend(elsewhere.map(|it| format!("{it} was sent something")));
    let named: Vec<&str> = report.findings.iter().map(|it| it.id.as_str()).filter(|id| CLOSED.contains(id)).collect();
    if case.closed.is_empty() && !named.is_empty() {
        complaints.push(format!("{named:?}, and every port is open"));
    }
    let Some(ports) = &report.relay_ports else {
        // Through a symmetric NAT nothing comes back from a closed range, which the NAT may do as well.
        let untestable = report.findings.iter().any(|it| it.id == "relay-untestable-from-here");
        let out = case.world.caller.link.outage.is_some();
        if !out && (!untestable || case.closed.len() < case.range.len() * 3 / 4) {
            complaints.push("nothing is said of the ports".to_owned());
        }
        return complaints;
    };
    let wrongly_open: Vec<u16> = ports.open.iter().filter(|port| case.closed.contains(port)).collect();
    let wrongly_closed: Vec<u16> = ports.closed.iter().filter(|port| !case.closed.contains(port)).collect();
    if !wrongly_open.is_empty() || !wrongly_closed.is_empty() {
        complaints.push(format!("open though closed {wrongly_open:?}, closed though open {wrongly_closed:?}"));
    }
    if ports.tried != ports.open.count() + ports.closed.count() {
        complaints.push(format!("{} tried, {} open, {} closed", ports.tried, ports.open.count(), ports.closed.count()));
    }
    if !ports.closed.is_empty() && named.is_empty() {
        complaints.push(format!("{} closed ports, and no cause", ports.closed.count()));
    }
    let given = u32::try_from(case.range.len() - case.world.hosts[0].config.held_ports).expect("it fits");
    if ports.tried > given {
        complaints.push(format!("{} tried of {given}", ports.tried));
    }
    let all_closed = case.closed.len() == case.range.len();
    if case.fewest(given).is_some_and(|fewest| !all_closed && (!ports.complete || ports.tried < fewest)) {
        complaints.push(format!("{} of {given} tried, complete {}", ports.tried, ports.complete));
    }
    let inside = |port: u16| case.range.contains(&port);
    if ports.complete && ports.server_range.is_none_or(|range| !inside(range.first()) || !inside(range.last())) {
        complaints.push(format!("the server uses {:?}", ports.server_range));
    }
    complaints
}
