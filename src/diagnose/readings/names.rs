//! Names: whether they lead to addresses, and to such as others can reach.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};

use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Seen};
use crate::model::address::Reach;
use crate::model::asked::Form;
use crate::model::fact::{ControlFact, ControlKind, NameAnswer};
use crate::model::place::Place;
use crate::model::target::Host;

/// The name that tells a network of IPv6 alone which prefix stands for IPv4 (RFC 7050).
const NAT64_NAME: &str = "ipv4only.arpa";

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    let records = records(run);
    for seen in &run.names {
        if seen.target == NAT64_NAME {
            translation(run, readings, seen.at, seen.fact.addresses.iter().any(IpAddr::is_ipv6));
            continue;
        }
        let state = match seen.fact.answer {
            NameAnswer::Found => State::Holds,
            // Services are an answer as well.
            NameAnswer::NoAddress if !seen.fact.services.is_empty() => State::Holds,
            NameAnswer::NotFound | NameAnswer::NoAddress if records.contains_key(seen.target) => State::Broken(Manner::Dead),
            NameAnswer::NotFound => State::Broken(Manner::NotFound),
            NameAnswer::NoAddress => State::Broken(Manner::NoAddress),
            NameAnswer::Unavailable => State::Broken(Manner::Unavailable),
        };
        let place = Place::Name { name: seen.target.to_owned() };
        let record = records.get(seen.target).copied().unwrap_or("none");
        let reading = Reading::new(What::Resolves, place, state, vec![seen.at]);
        readings.add(reading.saying("name", seen.target).saying("record", record));
    }
    resolver(run, readings);
    public(run, readings);
    routes(run, readings);
}

/// Whether this host can send to the servers at all. That some have no IPv6, and some nothing else, is no fault of their routes.
fn routes(run: &Run<'_>, readings: &mut Readings) {
    let is_routed = run.routes.iter().any(|(server, seen)| server.is_ipv4() && seen.fact.source.is_some());
    let answers = |seen: &Seen<'_, ControlFact>| seen.fact.reply.answered() && seen.endpoint.is_some_and(|it| it.ip().is_ipv4());
    if !is_routed && !run.controls.iter().any(answers) {
        return;
    }
    for (server, seen) in run.routes.iter().filter(|(server, _)| server.is_ipv4()) {
        let state = if seen.fact.source.is_some() { State::Holds } else { State::Broken(Manner::Missing) };
        readings.add(Reading::new(What::Routed, Place::Server { server: *server }, state, vec![seen.at]));
    }
}

/// The names that service records alone lead to, each with such a record.
fn records<'a>(run: &Run<'a>) -> HashMap<&'a str, &'a str> {
    let mut records: HashMap<&str, &str> = HashMap::new();
    for seen in &run.names {
        let targets = seen.fact.services.iter().filter_map(|service| Some(service.rsplit_once(':')?.0));
        records.extend(targets.map(|target| (target, seen.target)));
    }
    if !records.is_empty() {
        for service in &run.asked.services {
            if let Host::Name(name) = &service.host {
                records.remove(name.as_str());
            }
        }
    }
    records
}

/// Whether any resolver answers anything: an answer about a name, even that it doesn't exist, or one to a control's question.
fn resolver(run: &Run<'_>, readings: &mut Readings) {
    let told: Vec<usize> =
        run.names.iter().filter(|seen| seen.fact.answer != NameAnswer::Unavailable).map(|seen| seen.at).collect();
    let asked: Vec<_> = run.controls.iter().filter(|seen| seen.fact.control == ControlKind::Dns).collect();
    let answering: Vec<usize> = asked.iter().filter(|seen| seen.fact.reply.answered()).map(|seen| seen.at).collect();
    // Nobody has asked for the name by which a translating network is known.
    let is_wanted = |target: &str| target != NAT64_NAME;
    let silent: Vec<usize> = run
        .names
        .iter()
        .filter(|seen| seen.fact.answer == NameAnswer::Unavailable && is_wanted(seen.target))
        .map(|seen| seen.at)
        .collect();
    if !told.is_empty() || !answering.is_empty() {
        let evidence = told.into_iter().chain(answering).collect();
        readings.add(Reading::new(What::Resolver, Place::Host, State::Holds, evidence));
    } else if !silent.is_empty() {
        readings.add(Reading::new(What::Resolver, Place::Host, State::Broken(Manner::Unavailable), silent));
    }
}

/// A network without IPv4 whose resolver makes addresses of IPv6 out of names.
fn translation(run: &Run<'_>, readings: &mut Readings, at: usize, translates: bool) {
    let literal = run.asked.services.iter().filter_map(|service| service.host.address()).find(IpAddr::is_ipv4);
    if let Some(literal) = literal.filter(|_| translates) {
        let reading = Reading::new(What::Translates, Place::List, State::Broken(Manner::Unused), vec![at]);
        readings.add(Reading { what: What::PublicName, ..reading }.saying("server", literal.to_string()));
    }
}

/// Names and lists are for others as well: what leads to this very host, or into a private network from a server of the internet, leads them
/// astray. An address that was typed is meant.
fn public(run: &Run<'_>, readings: &mut Readings) {
    let is_list = run.asked.form == Form::Urls;
    for service in &run.asked.services {
        let (name, addresses): (String, Vec<(IpAddr, Vec<usize>)>) = match &service.host {
            Host::Name(name) => {
                let answers = run.names.iter().filter(|seen| seen.target == name);
                (name.clone(), answers.flat_map(|seen| seen.fact.addresses.iter().map(|ip| (*ip, vec![seen.at]))).collect())
            }
            Host::Address(_) if !is_list => continue,
            Host::Address(ip) => {
                let seen = run.services.iter().filter(|(endpoint, _)| endpoint.ip() == *ip);
                let cited = seen.flat_map(|(_, service)| {
                    let connects = service.connects.iter().map(|seen| seen.at);
                    connects.chain(service.challenges.iter().map(|seen| seen.at)).take(1)
                });
                (ip.to_string(), vec![(*ip, cited.collect())])
            }
        };
        let reaches: BTreeSet<bool> = addresses.iter().map(|(ip, _)| Reach::of(*ip).is_global()).collect();
        for (ip, evidence) in addresses {
            let state = match Reach::of(ip) {
                Reach::Global => State::Holds,
                // Where a server answers, or the gateway is here too, all is tried on one host.
                Reach::Loopback if answers(run, ip) || is_gateway_here(run) => State::Holds,
                Reach::Loopback => State::Broken(Manner::Loopback),
                // A company's own server, for its own users: that all of its addresses are private is meant.
                Reach::Private | Reach::CarrierGrade | Reach::LinkLocal if reaches.len() > 1 => State::Broken(Manner::Private),
                Reach::Private | Reach::CarrierGrade | Reach::LinkLocal => {
                    let what = match &service.host {
                        Host::Name(_) => What::NameNear,
                        Host::Address(_) => What::Near,
                    };
                    if !is_near(run, ip) {
                        let reading = Reading::new(what, Place::Server { server: ip }, State::Broken(Manner::Private), evidence);
                        readings.add(reading.saying("name", name.as_str()));
                    }
                    continue;
                }
                Reach::Unusable => State::Broken(Manner::Private),
            };
            if !evidence.is_empty() {
                let reading = Reading::new(What::PublicName, Place::Server { server: ip }, state, evidence);
                readings.add(reading.saying("name", name.as_str()));
            }
        }
    }
}

/// Whether a private address may be of the network that this host is in, as far as a guess tells: both begin alike.
fn is_near(run: &Run<'_>, ip: IpAddr) -> bool {
    match (ip, run.source_towards(ip)) {
        (IpAddr::V4(ip), Some(IpAddr::V4(own))) => ip.octets()[..2] == own.octets()[..2],
        (IpAddr::V4(_) | IpAddr::V6(_), _) => false,
    }
}

fn answers(run: &Run<'_>, ip: IpAddr) -> bool {
    run.services_at(ip).any(|(_, service)| service.answers())
}

fn is_gateway_here(run: &Run<'_>) -> bool {
    run.observations.iter().filter(|seen| seen.probe == "signaling-connect").any(|seen| {
        let address = seen.target.strip_prefix("gateway ").unwrap_or(&seen.target).parse::<SocketAddr>();
        address.is_ok_and(|address| address.ip().is_loopback())
    })
}
