//! What other hosts say of this one: its clock, the place where it stands, and how its NAT behaves.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

use crate::diagnose::nat::NatEvidence;
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::Run;
use crate::model::address::Reach;
use crate::model::asked::Purpose;
use crate::model::duration::span;
use crate::model::fact::{BindingFact, ConnectFact, Fact, OWN_SIDE_TRACE};
use crate::model::nat::{Dependence, Known as Told};
use crate::model::outcome::{Defect, Outcome};
use crate::model::place::{Family, Place};

/// A clock that is so far off matters to credentials and certificates.
const OFF_S: i64 = 60;

/// Mappings that live as long as this survive the pauses of a call, in milliseconds.
const BEARABLE_IDLE_MS: u64 = 30_000;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    clock(run, readings);
    stand(run, readings);
    still_there(run, readings);
    mapped(run, readings);
    intact(run, readings);
    exit(run, readings);
    knows_exit(run, readings);
    if run.asked.purpose == Purpose::Stun {
        nat(run, readings);
    }
}

/// How many seconds this host's clock is behind those of others; of several the one in the middle counts, so that no single host with a wrong
/// clock decides, and of two the one that says less.
pub fn clock_behind(run: &Run<'_>) -> Option<i64> {
    let clocks = run.facts(|fact| if let Fact::Clock(it) = fact { Some(it) } else { None });
    let mut differences: Vec<i64> = clocks.map(|seen| seen.fact.theirs.saturating_sub(seen.fact.ours)).collect();
    differences.sort_unstable();
    match differences[..] {
        [] => None,
        [first, second] if first.saturating_abs() < second.saturating_abs() => Some(first),
        [_, second] => Some(second),
        _ => Some(differences[differences.len() / 2]),
    }
}

fn clock(run: &Run<'_>, readings: &mut Readings) {
    let Some(behind) = clock_behind(run) else { return };
    let evidence = run.facts(|fact| if let Fact::Clock(it) = fact { Some(it) } else { None }).map(|seen| seen.at).collect();
    let state = if behind.saturating_abs() > OFF_S { State::Broken(Manner::Off) } else { State::Holds };
    let reading = Reading::new(What::Clock, Place::Host, state, evidence);
    let way = if behind > 0 { "behind" } else { "ahead" };
    readings.add(reading.saying("skew", span(behind.unsigned_abs())).saying("clock", way));
}

/// Where we stand: others tell, the server doesn't.
fn stand(run: &Run<'_>, readings: &mut Readings) {
    let told = told(run);
    let servers: BTreeSet<IpAddr> = run.promised().map(|(endpoint, _)| endpoint.ip()).collect();
    // Who asks about a loopback address means this host.
    for server in servers.iter().filter(|server| Reach::of(**server) != Reach::Loopback) {
        let place = Place::Server { server: *server };
        let route = run.routes.get(server);
        if let Some(route) = route.filter(|route| route.fact.source == Some(*server)) {
            readings.add(Reading::new(What::Outside, place, State::Broken(Manner::Same), vec![route.at]));
            continue;
        }
        let behind = told.iter().filter(|(by, _, mapped)| by != server && mapped == server).map(|(_, at, _)| *at);
        let mut behind: Vec<usize> = behind.collect();
        if behind.is_empty() {
            behind.extend(seen_inside(run, *server, &told));
        }
        if !behind.is_empty() {
            readings.add(Reading::new(What::Outside, place, State::Broken(Manner::Behind), behind));
        } else if let Some(route) = route {
            readings.add(Reading::new(What::Outside, place, State::Holds, vec![route.at]));
        }
    }
}

/// Whether anybody answers at the end who answered before.
fn still_there(run: &Run<'_>, readings: &mut Readings) {
    if run.still_there.is_empty() {
        return;
    }
    let is_answer = |at: &usize| {
        let fact = &run.observations[*at].fact;
        matches!(fact, Fact::Binding(BindingFact { reply, .. }) | Fact::Connect(ConnectFact { reply }) if reply.answered())
    };
    let is_silent = !run.still_there.iter().any(is_answer);
    let state = if is_silent { State::Broken(Manner::Silent) } else { State::Holds };
    readings.add(Reading::new(What::StillThere, Place::Network { family: None }, state, run.still_there.clone()));
}

/// A server that sees this host under the private address that it has, although it was asked at a public one, stands in the same network; so
/// does one that sees it under its own address, unless others see another.
fn seen_inside(run: &Run<'_>, server: IpAddr, told: &[(IpAddr, usize, IpAddr)]) -> Option<usize> {
    let own = run.source_towards(server).filter(|own| !Reach::of(*own).is_global());
    let nobody_else = !told.iter().any(|(by, _, other)| *by != server && other.is_ipv4() == server.is_ipv4() && *other != server);
    let is_inside = |mapped: IpAddr| Reach::of(server).is_global() && (own == Some(mapped) || mapped == server && nobody_else);
    let services = run.services_at(server).filter(|(endpoint, _)| !endpoint.transport.is_stream());
    // A proxy for streams stands in for whoever asks; datagrams come as they are.
    let outside = run.outside.iter().filter(|seen| seen.endpoint.is_some_and(|endpoint| endpoint.ip() == server));
    let mut bindings = services.flat_map(|(_, service)| &service.bindings).chain(outside);
    bindings.find(|seen| seen.fact.mapped.is_some_and(|mapped| is_inside(mapped.ip()))).map(|seen| seen.at)
}

/// Under which addresses other hosts see this one: who says so, in which observation, and the address.
fn told(run: &Run<'_>) -> Vec<(IpAddr, usize, IpAddr)> {
    let outside = run.outside.iter().filter_map(|seen| Some((seen.endpoint?.ip(), seen.at, seen.fact.mapped?.ip())));
    let controls = run.controls.iter().filter_map(|seen| Some((seen.endpoint?.ip(), seen.at, seen.fact.mapped?.ip())));
    outside.chain(controls).collect()
}

/// Under which address the servers see this host over UDP; over a stream nobody uses that address.
fn mapped(run: &Run<'_>, readings: &mut Readings) {
    let told = told(run);
    let has_udp =
        |ip: IpAddr| run.services_at(ip).any(|(endpoint, service)| !endpoint.transport.is_stream() && service.answers());
    for (endpoint, service) in run.promised() {
        if endpoint.transport.is_stream() && has_udp(endpoint.ip()) {
            continue;
        }
        let bindings = service.bindings.iter().filter_map(|seen| Some((seen.at, seen.fact.mapped?)));
        let seen: Vec<_> = bindings.chain(service.granted().and_then(|seen| Some((seen.at, seen.fact.mapped?)))).collect();
        let Some((at, mapped)) = seen.first().copied() else { continue };
        let (server, mapped) = (endpoint.ip(), mapped.ip());
        // Under carrier-grade NAT a server inside the operator's network sees such an address rightly.
        let is_private = !Reach::of(mapped).is_global() && Reach::of(mapped) != Reach::CarrierGrade;
        let is_own = run.source_towards(server) == Some(mapped);
        let differs = |other: IpAddr| other.is_ipv4() == mapped.is_ipv4() && other != mapped;
        let others_differ = told.iter().any(|(by, _, other)| *by != server && differs(*other));
        let wrong = Reach::of(server).is_global() && !is_own && (is_private || mapped == server && others_differ);
        let state = match (wrong, endpoint.transport.is_stream()) {
            (false, _) => State::Holds,
            (true, false) => State::Broken(Manner::Private),
            // A balancer that hides where connections come from hurts nobody.
            (true, true) => continue,
        };
        readings.add(Reading::new(What::Mapped, Place::service(endpoint), state, vec![at]).saying("mapped", mapped.to_string()));
    }
}

/// Whether what STUN carries arrives as it was sent; one altered answer is enough, however many others come through.
fn intact(run: &Run<'_>, readings: &mut Readings) {
    let broken = Outcome::Unusable { defect: Defect::Fingerprint };
    for family in [Family::Ipv4, Family::Ipv6] {
        let services = run.promised().filter(|(endpoint, _)| Family::of(endpoint.ip()) == family);
        let bindings: Vec<_> = services.flat_map(|(_, service)| &service.bindings).collect();
        let altered = bindings
            .iter()
            .find(|seen| seen.fact.bad_fingerprint || seen.fact.mapped_plain.is_some() || seen.fact.reply.outcome == broken);
        let place = Place::Network { family: Some(family) };
        if let Some(seen) = altered {
            let told = |address: Option<SocketAddr>| address.map_or_else(|| "none".to_owned(), |address| address.to_string());
            let reading = Reading::new(What::Intact, place, State::Broken(Manner::Altered), vec![seen.at]);
            readings.add(reading.saying("mapped", told(seen.fact.mapped)).saying("other", told(seen.fact.mapped_plain)));
        } else if let Some(seen) = bindings.iter().find(|seen| seen.fact.reply.answered()) {
            readings.add(Reading::new(What::Intact, place, State::Holds, vec![seen.at]));
        }
    }
}

/// Whether this network leaves by one address of its own.
fn exit(run: &Run<'_>, readings: &mut Readings) {
    let mapped = |stream: bool| {
        let services = run.promised().filter(move |(endpoint, _)| endpoint.transport.is_stream() == stream);
        services.flat_map(|(endpoint, service)| {
            service.bindings.iter().filter_map(move |seen| Some((endpoint, seen.at, seen.fact.mapped?.ip(), seen.fact.local)))
        })
    };
    let mut over_streams: HashMap<IpAddr, Vec<(usize, IpAddr)>> = HashMap::new();
    for (endpoint, at, over_tcp, _) in mapped(true) {
        // A proxy in front of the server hides where connections come from.
        if over_tcp != endpoint.ip() {
            over_streams.entry(endpoint.ip()).or_default().push((at, over_tcp));
        }
    }
    for (endpoint, at, over_udp, local) in mapped(false) {
        let place = Place::Network { family: Some(Family::of(endpoint.ip())) };
        if local.is_some_and(|local| Reach::of(local.ip()) == Reach::CarrierGrade) {
            readings.add(Reading::new(What::OneExit, place, State::Broken(Manner::Shared), vec![at]));
            return;
        }
        let differs =
            |over_tcp: IpAddr| over_tcp != over_udp && Reach::of(over_tcp).is_global() && Reach::of(over_udp).is_global();
        let other = over_streams.get(&endpoint.ip()).into_iter().flatten().find(|(_, over_tcp)| differs(*over_tcp));
        if let Some(&(other, over_tcp)) = other {
            let reading = Reading::new(What::OneExit, place, State::Broken(Manner::Several), vec![at, other]);
            readings.add(reading.saying("mapped", over_udp.to_string()).saying("other", over_tcp.to_string()));
            return;
        }
    }
    carrier(run, readings);
}

/// Whether anybody has told the address that datagrams leave from.
fn knows_exit(run: &Run<'_>, readings: &mut Readings) {
    for family in [Family::Ipv4, Family::Ipv6] {
        let told = |mapped: Option<SocketAddr>| mapped.is_some_and(|mapped| Family::of(mapped.ip()) == family);
        let outside = run.outside.iter().filter(|seen| told(seen.fact.mapped)).map(|seen| seen.at);
        let services = run.services.iter().filter(|(endpoint, _)| !endpoint.transport.is_stream());
        let bindings =
            services.flat_map(|(_, service)| &service.bindings).filter(|seen| told(seen.fact.mapped)).map(|seen| seen.at);
        let evidence: Vec<usize> = outside.chain(bindings).collect();
        if !evidence.is_empty() {
            let place = Place::Network { family: Some(family) };
            readings.add(Reading::new(What::KnowsExit, place, State::Holds, evidence));
        }
    }
}

/// A router on the own side of the way has one of the addresses that carriers share among their users (RFC 6598).
fn carrier(run: &Run<'_>, readings: &mut Readings) {
    for (at, observation) in run.observations.iter().enumerate().filter(|(_, seen)| seen.probe == OWN_SIDE_TRACE) {
        let Fact::Trace(fact) = &observation.fact else { continue };
        let mut hops = fact.hops.clone();
        hops.sort_by_key(|hop| hop.distance);
        let own_side = hops.into_iter().map(|hop| hop.address).take_while(|address| !Reach::of(*address).is_global());
        if let Some(router) = own_side.into_iter().find(|address| Reach::of(*address) == Reach::CarrierGrade) {
            let place = Place::Network { family: Some(Family::of(router)) };
            let reading = Reading::new(What::OneExit, place, State::Broken(Manner::Arrived), vec![at]);
            return readings.add(reading.saying("router", router.to_string()));
        }
    }
}

/// What the tests of the NAT say.
fn nat(run: &Run<'_>, readings: &mut Readings) {
    for (family, v4) in [(Family::Ipv4, true), (Family::Ipv6, false)] {
        let seen = NatEvidence::new(run.asked, run.observations, v4);
        let place = Place::Network { family: Some(family) };
        if let Told::Known { value, evidence } = seen.mapping() {
            let state = if value == Dependence::EndpointIndependent { State::Holds } else { State::Broken(Manner::Different) };
            let by = match value {
                Dependence::EndpointIndependent | Dependence::AddressDependent => "address",
                Dependence::AddressAndPortDependent => "address-and-port",
                Dependence::AtLeastAddressDependent | Dependence::AtMostAddressDependent => "address-at-least",
            };
            readings.add(Reading::new(What::Mapping, place.clone(), state, run.numbers(&evidence)).saying("reason", by));
        }
        if let Told::Known { value, evidence } = seen.hairpinning() {
            let state = if value { State::Holds } else { State::Broken(Manner::Silent) };
            readings.add(Reading::new(What::Hairpin, place.clone(), state, run.numbers(&evidence)));
        }
        if let Some(Told::Known { value, evidence }) = seen.lifetime() {
            let state = match value.less_than_ms {
                Some(less_than_ms) if less_than_ms < BEARABLE_IDLE_MS => State::Broken(Manner::Expired),
                Some(_) | None if value.at_least_ms >= BEARABLE_IDLE_MS => State::Holds,
                Some(_) | None => continue,
            };
            let seconds = value.less_than_ms.map_or(0, |ms| ms / 1000);
            let reading = Reading::new(What::Lasts, place, state, run.numbers(&evidence));
            readings.add(reading.saying("seconds", u32::try_from(seconds).unwrap_or(u32::MAX)));
        }
    }
}
