//! Worlds with one to three servers, of which each may be broken: whatever is said of one is true of that one.
//!
//! Around them everything varies that a run has no say in: controls that are dead or that nobody asks, routers that have spent their
//! ICMP errors, servers that share an address, a run on the server's own host or behind its address.

use callcheck::model::asked::Form;
use callcheck::model::finding::Confidence;
use callcheck::model::report::{Report, Verdict};
use libtest_mimic::Trial;

use super::case::{Case, Made, Truth};
use super::faults::{ALL, FURTHER, Fault, Harm};
use super::host::{Number, Placement, Replicas};
use super::play::{Played, play};
use super::properties::{false_accusations, late, wrong_verdict};
use super::seeds::{Judged, Worlds};
use super::soundness;
use super::world::{Controls, NatKind, Resolver, Vantage};
use super::worlds::{Dice, Drawn, healthy, healthy_listed};

const WORLDS: u64 = 600;
const CHUNK: u64 = 50;

/// Worlds that once broke a sentence, each in a way of its own: everything silent, a portal before two servers, an open relay beside a server
/// without room, room for one allocation, one that nobody listens on where ICMP errors are spent; then a stream that stalls at the one server
/// that could be asked, a quota of one beside another server's allocations, what a relay sends late over a lossy connection, a range that answers
/// behind a symmetric NAT, allocations over lossy connections that get no answer, two servers of one port of which one refuses, a caller who is
/// refused behind a server that is full for a moment, ports that only two replicas share, a NAT before a relay of which nothing comes out, a
/// server that is only listed by an IPv6 address nobody reaches; then a host that refuses and tells of it once a second, a connection that loss
/// holds up, channels of a relay that loses much, a full segment lost before the PROXY protocol, nonces that end under way, a login that one of
/// two addresses or of two full servers takes, few ports of a relay behind a balancer, the server's own host asked over TCP alone, an open relay
/// without channels, dead controls of a network without STUN; then servers with room for one allocation or a quota of one that samples
/// don't show, a clock that is ahead beside another server's wrong login, a lossy line to a server without a login, a TLS connection that loss
/// holds up, two servers of which few ports are seen, a closed range where no control answers.
const MENDED: [u64; 38] = [
    1938, 5405, 10_587, 1743, 4284, 291, 357, 3855, 5057, 6987, 1003, 1567, 6138, 1451, 2625, 884, 4427, 4429, 4585, 4700,
    12_183, 6979, 12_691, 14_091, 16_913, 19_479, 19_295, 11_246, 12_546, 17_780, 17_986, 11_197, 12_331, 8645, 18_741, 2072,
    8937, 9968,
];

/// A world that breaks one yet: a relay that reaches nobody, not even itself, in a network that lets few ports out. One cause explains both.
const OPEN: [u64; 1] = [258];

/// The worlds.
pub fn trials() -> Vec<Trial> {
    Worlds { name: "wide world", count: WORLDS, chunk: CHUNK, mended: &MENDED, open: &OPEN, play: judge }.trials()
}

/// Draws a world; faults are made of those that suit.
pub fn draw(seed: u64, suits: impl Fn(&Fault) -> bool) -> Case {
    let mut dice = Dice::new(seed ^ 0x71DE);
    let mut drawn = servers(seed, [1, 2, 2, 3, 2, 2, 1, 2][(seed % 8) as usize], &mut dice);
    surround(&mut drawn, &mut dice);
    let is_inside = seed % 16 == 6 || seed % 16 == 14;
    if is_inside {
        move_in(&mut drawn, &mut dice);
    }
    drawn.words.append(&mut dice.words);
    let choices: Vec<&Fault> = ALL.iter().chain(FURTHER).filter(|fault| suits(fault)).collect();
    let mut case = Case::healthy(drawn);
    // A fault of the first server may not show inside.
    let wanted = if is_inside { 0 } else { dice.pick(&[0, 1, 1, 1, 2, 2, 2, 3]) };
    for _ in 0..wanted {
        case.drawn.chosen = dice.number(0..=u32::try_from(case.drawn.world.hosts.len() - 1).expect("a few")) as usize;
        case.add_fault(&mut dice, &choices);
    }
    case
}

/// A healthy world with so many servers. A caller's own side is that of the first one's world.
fn servers(seed: u64, count: u8, dice: &mut Dice) -> Drawn {
    if count == 1 {
        return healthy(seed, dice);
    }
    let mut all = healthy_listed(Number(0), seed, dice);
    for number in 1..count {
        let another = healthy_listed(Number(number), seed + u64::from(number), dice);
        all.words.push(format!("AND {}", another.words.join(", ")));
        all.world.caller.v6 |= another.world.caller.v6;
        all.world.hosts.extend(another.world.hosts);
        all.world.zone.names.extend(another.world.zone.names);
        all.asks.services.extend(another.asks.services);
    }
    // A resolver that never answers is a fault where a name is asked for.
    if !all.world.zone.names.is_empty() && all.world.caller.resolver == Resolver::Silent {
        all.world.caller.resolver = Resolver::Public;
    }
    all.asks.form = Form::Urls;
    all
}

fn surround(drawn: &mut Drawn, dice: &mut Dice) {
    let world = &mut drawn.world;
    world.icmp_saved = dice.pick(&[6, 6, 1, 0]);
    world.caller.routers_mute = dice.chance(0.1);
    world.controls = dice.pick(&[Controls::Everything, Controls::Everything, world.controls, Controls::Dead, Controls::Absent]);
    if world.controls == Controls::Dead && world.caller.resolver == Resolver::Public {
        world.caller.resolver = Resolver::Router;
    }
    dice.note(format!("{:?} of the controls, {} ICMP errors left", world.controls, world.icmp_saved));
    for host in &mut world.hosts {
        let may_share = host.placement == Placement::Public && host.config.relays.len() == 1 && host.replicas == Replicas::One;
        if may_share && dice.chance(0.1) {
            host.config.relays[0].advertised = host.number.public().into();
            host.config.relays[0].bound = host.number.public().into();
            host.replicas = Replicas::OwnRelays;
            // What is changed of one of two servers need not show.
            drawn.claimed.extend(["relay addresses", "quota"].map(|part| (Some(usize::from(host.number.0)), part)));
            dice.note(format!("{} balances over two servers", host.number.public()));
        }
    }
}

/// Callcheck runs on the first server's host, or behind its address without a way back to it.
fn move_in(drawn: &mut Drawn, dice: &mut Dice) {
    let world = &mut drawn.world;
    let first = &world.hosts[0];
    world.caller.v6 = false;
    let is_private = first.placement == Placement::PrivateNetwork;
    // Over IPv6 nobody is behind another's address.
    let is_over_v6 = drawn.asks.services.iter().any(|it| it.service.host.address().is_some_and(|address| address.is_ipv6()));
    if dice.chance(0.5) || is_private || is_over_v6 {
        dice.note("ON THE SERVER");
        world.vantage = Vantage::OnServer;
        world.caller.nats.clear();
        world.caller.v6 = first.v6;
        world.caller.resolver = Resolver::Public;
        if world.controls == Controls::Dead {
            world.controls = Controls::Everything;
        }
    } else {
        dice.note("BEHIND THE SERVER'S ADDRESS");
        world.caller.nats = vec![NatKind::PortRestricted.behaviour(first.number.public())];
    }
}

fn is_inside(case: &Case) -> bool {
    let world = &case.drawn.world;
    let behind = world.caller.nats.last().is_some_and(|nat| nat.outer[0] == world.hosts[0].number.public());
    world.vantage == Vantage::OnServer || behind
}

fn judge(seed: u64) -> Judged {
    let case = draw(seed, |_| true);
    let played = play(&case.drawn.world, &case.drawn.asks);
    let complaints = complaints(&case, &played);
    Judged { world: case.drawn.to_string(), reports: vec![played.report], complaints }
}

/// Everything that does not hold, one line each.
fn complaints(case: &Case, played: &Played) -> Vec<String> {
    let report = &played.report;
    let mut complaints = soundness::complaints(report);
    complaints.extend(late(case, played));
    let truth = Truth::of(case, report);
    complaints.extend(wrong_certainties(report, &truth));
    if is_inside(case) {
        if report.verdict == Verdict::Ok {
            complaints.push("ok from inside".to_owned());
        }
        return complaints;
    }
    complaints.extend(false_accusations(report, &truth));
    complaints.extend(wrong_verdict(case, report, &truth));
    complaints.extend(untold(case, report, &truth));
    complaints
}

/// What is certain is true of its place, however mild it is.
pub fn wrong_certainties(report: &Report, truth: &Truth) -> Vec<String> {
    let certain = report.findings.iter().filter(|finding| finding.confidence == Confidence::Certain);
    let wrong = certain.filter(|finding| !truth.holds(&finding.id, &finding.place) && !truth.is_consequence(&finding.id));
    wrong.map(|finding| format!("{} at {} is certain and not true", finding.id, finding.place)).collect()
}

/// The faults that nothing hides, and that the report neither names nor lets remain.
fn untold(case: &Case, report: &Report, truth: &Truth) -> Vec<String> {
    let logs_in = case.drawn.asks.services.iter().any(|planned| planned.login.is_some());
    if report.verdict == Verdict::Inconclusive && !logs_in {
        return Vec::new();
    }
    let shows = |made: &&Made| made.harm == Harm::Noticed && case.is_alone(made) && !case.is_asked_by_v6(made);
    let alone = case.faults.iter().filter(shows);
    let untold = alone.filter(|made| !truth.is_told(made, report));
    untold.map(|made| format!("{} is neither found nor does it remain", made.fault.name)).collect()
}
