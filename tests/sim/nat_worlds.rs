//! `stun` in random worlds: whatever it says of a NAT is true, however the server helps, lies or is lost; and where all is there that it
//! takes, it says it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use callcheck::lab::discovery::Discovery;
use callcheck::model::asked::Purpose;
use callcheck::model::nat::{self, Consequence, Known, PortPreservation};
use callcheck::model::secret::{Credentials, Secret};
use callcheck::model::target::Target;
use callcheck::run::plan::Login;
use libtest_mimic::Trial;

use super::internet::Link;
use super::nat::{Behaviour, Dependence, Hairpinning, Ports};
use super::play::{Asks, Played, play};
use super::seeds::{Judged, Worlds};
use super::soundness;
use super::steps::healthy;
use super::world::{CALLER, CONTROLS, TURN, TURN_SECOND, World};
use super::worlds::Dice;

const WORLDS: u64 = 400;
const CHUNK: u64 = 50;

/// Worlds that once broke a sentence.
const MENDED: [u64; 0] = [];

/// The longest idle time, where the life of mappings is asked for.
const LONGEST_IDLE: Duration = Duration::from_secs(40);

/// The worlds.
pub fn trials() -> Vec<Trial> {
    Worlds { name: "NAT world", count: WORLDS, chunk: CHUNK, mended: &MENDED, open: &[], play: judge }.trials()
}

/// A world with its only NAT, if any.
struct Case {
    world: World,
    asks: Asks,
    nat: Option<Behaviour>,
    loss: f64,
    words: String,
}

impl Case {
    /// Whether a server, or the relay with a control, can tell the filter.
    fn tells_filter(&self) -> bool {
        let by_addresses =
            matches!(&self.world.hosts[0].config.discovery, Discovery::Offered { addresses, .. } if addresses.len() == 2);
        by_addresses || self.asks.services.iter().any(|planned| planned.login.is_some())
    }
}

fn draw(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let mut world = World { seed, ..healthy(seed) };
    let kinds = [Dependence::EndpointIndependent, Dependence::AddressDependent, Dependence::AddressAndPortDependent];
    let nat = dice.chance(0.9).then(|| Behaviour {
        mapping: dice.pick(&kinds),
        filtering: dice.pick(&kinds),
        ports: dice.pick(&[Ports::Preserved, Ports::Random]),
        hairpinning: dice.pick(&[Hairpinning::Supported, Hairpinning::Unsupported]),
        outer: [CALLER.into(); 2],
        lifetime: Duration::from_secs(dice.pick(&[3, 12, 30, 120])),
    });
    world.caller.nats.extend(nat.clone());
    let loss = dice.pick(&[0.0, 0.0, 0.05, 0.15]);
    let delay = Duration::from_millis(dice.number(0..=60).into());
    world.caller.link = Link { delay, jitter: delay / 10, loss_outward: loss, loss_inward: loss, ..Link::default() };
    world.hosts[0].config.discovery = discovery(&mut dice);
    let target: Target = format!("stun:{TURN}").parse().expect("a target");
    let credentials = Credentials { username: Secret::new("alice"), password: Secret::new("north") };
    let login = dice.chance(0.5).then_some(Login::Given(credentials));
    let mut asks = Asks { purpose: Purpose::Stun, timeout: Duration::from_secs(20), ..Asks::turn(&target, login.clone()) };
    let login = login.map(std::rc::Rc::new);
    asks.services.iter_mut().for_each(|planned| (planned.service.relay, planned.login) = (false, login.clone()));
    asks.longest_idle = dice.chance(0.3).then_some(LONGEST_IDLE);
    let words = format!(
        "seed {seed}: {nat:?}, loss {loss}, {:?}, login {}, idle {:?}",
        world.hosts[0].config.discovery,
        login.is_some(),
        asks.longest_idle
    );
    Case { world, asks, nat, loss, words }
}

fn discovery(dice: &mut Dice) -> Discovery {
    let ports = [3478, 3479];
    let liar = |address: IpAddr, port| Discovery::Feigned { other: SocketAddr::new(address, port) };
    dice.pick(&[
        Discovery::None,
        Discovery::Offered { addresses: vec![TURN.into(), TURN_SECOND.into()], ports },
        Discovery::Offered { addresses: vec![TURN.into(), TURN_SECOND.into()], ports },
        Discovery::Offered { addresses: vec![TURN.into()], ports },
        liar(TURN_SECOND.into(), 3479),
        liar(CONTROLS[1].into(), 19302),
        liar([192, 168, 1, 1].into(), 53),
        liar(CALLER.into(), 5000),
        liar([127, 0, 0, 1].into(), 3479),
    ])
}

fn judge(seed: u64) -> Judged {
    let case = draw(seed);
    let played = play(&case.world, &case.asks);
    let complaints = complaints(&case, &played);
    Judged { world: case.words, reports: vec![played.report], complaints }
}

fn complaints(case: &Case, played: &Played) -> Vec<String> {
    let mut complaints = soundness::complaints(&played.report);
    if played.allocations_left > 0 {
        complaints.push(format!("{} allocations left", played.allocations_left));
    }
    for forbidden in ["192.168.1.1:", "127.0.0.1:"] {
        if played.report.contacted.iter().any(|contacted| contacted.starts_with(forbidden)) {
            complaints.push(format!("{forbidden} was sent something because a server named it"));
        }
    }
    let Some(said) = played.report.nat.as_ref().and_then(|nat| nat.ipv4.as_ref()) else {
        complaints.push("nothing is said of the NAT".to_owned());
        return complaints;
    };
    let mut check = |holds: bool, what: &str| {
        if !holds {
            complaints.push(format!("{what} is wrong: {said:?}"));
        }
    };
    check(said.translated.value().is_none_or(|translated| translated == case.nat.is_some()), "translated");
    let Some(nat) = &case.nat else {
        check(said.consequence.value().is_none_or(|it| it == Consequence::DirectLikely), "the consequence");
        return complaints;
    };
    check(said.mapping.value().is_none_or(|it| agrees(it, nat.mapping)), "the mapping");
    check(said.filtering.value().is_none_or(|it| agrees(it, nat.filtering)), "the filtering");
    let hairpins = nat.hairpinning == Hairpinning::Supported;
    check(said.hairpinning.value().is_none_or(|it| it == hairpins), "hairpinning");
    let preserved = said.port_preservation.value();
    check(preserved != Some(PortPreservation::Preserved) || nat.ports == Ports::Preserved, "the preservation of ports");
    if let Some(Known::Known { value, .. }) = &said.lifetime {
        // An answer that is on its way when the NAT forgets is lost: a round trip on either side.
        let real = u64::try_from(nat.lifetime.as_millis()).expect("some seconds");
        check(value.at_least_ms <= real + 200 && value.less_than_ms.is_none_or(|less| less + 200 >= real), "the lifetime");
    }
    if case.loss == 0.0 {
        check(said.mapping.value().is_some(), "silence about the mapping");
        check(!case.tells_filter() || said.filtering.value().is_some(), "silence about the filtering");
    }
    complaints
}

/// Whether what is said is true, as far as it goes.
fn agrees(said: nat::Dependence, real: Dependence) -> bool {
    match said {
        nat::Dependence::EndpointIndependent => real == Dependence::EndpointIndependent,
        nat::Dependence::AddressDependent => real == Dependence::AddressDependent,
        nat::Dependence::AddressAndPortDependent => real == Dependence::AddressAndPortDependent,
        nat::Dependence::AtLeastAddressDependent => real != Dependence::EndpointIndependent,
        nat::Dependence::AtMostAddressDependent => real != Dependence::AddressAndPortDependent,
    }
}
