//! What would have mattered and was not tested, as keys of sentences.

mod list;
mod responder;

use std::collections::BTreeSet;
use std::net::IpAddr;

use self::list::{List, word};
use super::conclude::{Conclusion, UNTESTABLE};
use super::ports::{beyond, udp_ranges};
use super::reading::{Known, Manner, Reading, Readings, State, What};
use super::run::{Run, Service};
use super::say;
use super::verdict::attempts;
use crate::model::asked::Purpose;
use crate::model::call::Path;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{ControlKind, Fact, HandshakeEnd, PortsBy, PortsEnd};
use crate::model::finding::NotTested;
use crate::model::message::Message;
use crate::model::outcome::Outcome;
use crate::model::place::{Family, Place};
use crate::model::report::CutShort;
use crate::model::target::Host;

/// Lists what was not tested.
#[must_use]
pub fn list(run: &Run<'_>, readings: &Readings, conclusion: &Conclusion, cut_short: Option<CutShort>) -> Vec<NotTested> {
    let mut list = List::default();
    if let Some(cut_short) = cut_short {
        list.add(Message::new("untested-under-way").with("reason", word(cut_short)));
    }
    let left_out = if cut_short.is_none() { left_out(run) } else { Vec::new() };
    addresses(run, conclusion, &left_out, &mut list);
    for (endpoint, service) in run.promised() {
        if let Some(message) = at_service(readings, endpoint, service) {
            list.add(message);
        }
    }
    for seen in
        run.facts(|fact| if let Fact::Proxy(it) = fact { Some(it) } else { None }).filter(|seen| seen.fact.status.is_none())
    {
        let reason = if matches!(seen.fact.outcome, Outcome::Unusable { .. }) { "protocol" } else { "silent" };
        list.add(Message::new("untested-proxy").with("proxy", seen.fact.proxy.as_str()).with("reason", reason));
    }
    responder::list(run, cut_short, &mut list);
    if run.wants_relay() && (left_out.is_empty() || !run.services.is_empty()) {
        relay(run, readings, conclusion, cut_short, &mut list);
    }
    ports(run, cut_short, &mut list);
    if cut_short.is_none() {
        calls(run, &mut list);
    }
    list.all
}

/// Why a run ended before it was through.
pub fn out_of_time(cut_short: Option<CutShort>) -> &'static str {
    match cut_short {
        Some(CutShort::Interrupted) => "the run was interrupted",
        Some(CutShort::Deadline) | None => "the time limit was reached (--timeout)",
    }
}

/// The addresses of the services that were not even looked for a way to: those of the family that an option leaves out.
fn left_out(run: &Run<'_>) -> Vec<IpAddr> {
    let hosts: Vec<&str> = run
        .asked
        .services
        .iter()
        .filter_map(|service| if let Host::Name(name) = &service.host { Some(name.as_str()) } else { None })
        .collect();
    let named = run.names.iter().filter(|name| hosts.contains(&name.target)).flat_map(|name| name.fact.addresses.iter().copied());
    let literal = run.asked.services.iter().filter_map(|service| service.host.address());
    let probed: BTreeSet<IpAddr> = run.services.keys().map(|endpoint| endpoint.ip()).collect();
    named.chain(literal).filter(|ip| !run.routes.contains_key(ip) && !probed.contains(ip)).collect()
}

fn addresses(run: &Run<'_>, conclusion: &Conclusion, left_out: &[IpAddr], list: &mut List) {
    let address = |ip: &IpAddr| Message::new("untested-address").with("address", ip.to_string());
    for ip in left_out {
        list.add(address(ip).with("reason", if ip.is_ipv4() { "ipv4" } else { "ipv6" }));
    }
    let mut routeless: Vec<&IpAddr> =
        run.routes.iter().filter(|(_, route)| route.fact.source.is_none()).map(|(ip, _)| ip).collect();
    routeless.sort_unstable();
    for ip in routeless {
        list.add(address(ip).with("reason", "no-route"));
    }
    let without_ipv6 = conclusion.findings.iter().any(|finding| finding.id == "network-without-ipv6");
    let asked: BTreeSet<IpAddr> = run.promised().map(|(endpoint, _)| endpoint.ip()).filter(IpAddr::is_ipv6).collect();
    for ip in asked.iter().filter(|_| without_ipv6) {
        list.add(address(ip).with("reason", "family").with("family", Family::of(*ip).title()));
    }
}

fn at_service(readings: &Readings, endpoint: Endpoint, service: &Service<'_>) -> Option<Message> {
    let place = Place::service(endpoint);
    let about = |key: &str| Message::new(key).with("service", endpoint.to_string());
    if service.answers() {
        let is_untrusted =
            service.handshakes.iter().any(|seen| seen.fact.end == HandshakeEnd::Completed && !seen.fact.defects.is_empty());
        return is_untrusted.then(|| about("untested-allocation"));
    }
    let broken = [What::Send, What::Reach, What::Listens, What::Source, What::Tls, What::Speaks];
    let first = broken.into_iter().find_map(|what| match readings.know(what, &place) {
        Known::Broken(Reading { state: State::Broken(manner), .. }) => Some((what, *manner)),
        Known::Broken(_) | Known::Holds(_) | Known::NotAsked => None,
    });
    let reason = match first {
        None => "ended",
        Some((What::Send, _)) => "denied",
        Some((What::Reach, Manner::Silent)) => "silent",
        Some((What::Reach, _)) => "rejected",
        Some((What::Listens, _)) => "refused",
        Some((_, Manner::Http | Manner::SpeaksTls | Manner::Ssh | Manner::Other)) => "foreign",
        Some(_) => "mute",
    };
    Some(about("untested-service").with("reason", reason))
}

/// What a command for the first server needs to be typed.
fn with_first_server(run: &Run<'_>, message: Message) -> Message {
    let Some(first) = run.asked.services.first() else { return message };
    message.with("command", say::command(run)).with("listed", say::in_url(&first.host))
}

fn relay(run: &Run<'_>, readings: &Readings, conclusion: &Conclusion, cut_short: Option<CutShort>, list: &mut List) {
    let answered = run.services.values().any(Service::answers);
    if answered && !run.asked.credentials && run.relays.is_empty() {
        return list.add(with_first_server(run, Message::new("untested-login")));
    }
    let holds = |what: What| readings.all().iter().any(|reading| reading.what == what && reading.holds());
    let was_asked = |what: What| readings.all().iter().any(|reading| reading.what == what);
    let data_path = |reason: &str| Message::new("untested-data-path").with("reason", reason);
    let finds = |id: &str| conclusion.findings.iter().any(|finding| finding.id == id);
    if run.relays.is_empty() {
        list.add(Message::new("untested-relay"));
    } else if conclusion.inside.is_some() {
        list.add(data_path("vantage"));
    } else if !was_asked(What::In) {
        let is_other_family = run.relays.keys().all(|(server, relayed)| server.is_ipv4() != relayed.is_ipv4());
        list.add(data_path(match cut_short {
            Some(cut_short) => word(cut_short),
            None if is_other_family => "family",
            None => "udp",
        }));
    } else if finds("external-ip-missing") && !holds(What::InAlt) {
        list.add(Message::new("untested-relay-ports"));
    } else if finds(UNTESTABLE) || ![What::In, What::InAlt, What::InAgain, What::Out].into_iter().any(holds) {
        list.add(data_path("open"));
    }
    let is_silent = run.promised().any(|(endpoint, _)| readings.know(What::Reach, &Place::service(endpoint)).is_broken());
    let has_stun = run.controls.iter().any(|seen| seen.fact.control == ControlKind::Stun);
    match (is_silent, run.asked.controls) {
        (true, true) if !has_stun => list.add(Message::new("untested-blockers").with("reason", "none")),
        (true, false) => list.add(Message::new("untested-blockers").with("reason", "off")),
        _ => {}
    }
}

/// What is left of a range whose ports were to be tried.
fn ports(run: &Run<'_>, cut_short: Option<CutShort>, list: &mut List) {
    let ranges = udp_ranges(run);
    // What a responder leaves open has more reasons, and is said beside them.
    for range in ranges.iter().filter(|range| range.fact.by != PortsBy::Responder) {
        let rest = Message::new("untested-rest-of-ports").with("proto", "UDP").with("range", range.fact.probed.to_string());
        match range.fact.ended_by {
            Some(PortsEnd::Refused { code }) => list.add(rest.with("reason", "refused").with("code", code)),
            Some(PortsEnd::Silent) => list.add(rest.with("reason", "silent")),
            Some(PortsEnd::Repeats) => list.add(rest.with("reason", "repeats")),
            Some(PortsEnd::NoSockets) => list.add(rest.with("reason", "sockets")),
            Some(PortsEnd::Deadline) => list.add(rest.with("reason", cut_short.map_or("deadline", word))),
            None => {}
        }
    }
    for range in ranges.iter().filter(|range| range.fact.by != PortsBy::Responder) {
        let Some(span) = beyond(run, range) else { continue };
        let is_none = range.fact.open.is_empty() && range.fact.closed.is_empty();
        let key = if is_none { "untested-asked-ports" } else { "untested-other-ports" };
        list.add(Message::new(key).with("range", range.fact.probed.to_string()).with("other", span.to_string()));
    }
    if run.asked.purpose == Purpose::Ports && !run.relays.is_empty() && ranges.is_empty() {
        let permissions = run.relays.values().flatten().flat_map(|(_, relayed)| &relayed.permissions);
        let denied = permissions.into_iter().any(|seen| seen.fact.reply.code() == Some(403));
        let reason = match cut_short {
            Some(cut_short) => word(cut_short),
            None if denied => "denied",
            None => "no-way",
        };
        list.add(Message::new("untested-every-port").with("reason", reason));
    }
}

/// The ways to call that were to be attempted: after signaling has failed once, the next attempt would fail alike.
fn calls(run: &Run<'_>, list: &mut List) {
    let tried: Vec<Path> =
        run.facts(|fact| if let Fact::Exchange(it) = fact { Some(it) } else { None }).map(|seen| seen.fact.path).collect();
    for path in run.asked.call.iter().flat_map(|call| &call.paths).filter(|path| !tried.contains(path)) {
        let reason = if tried.is_empty() { "none" } else { "failed" };
        list.add(Message::new("untested-call-path").with("path", path.name()).with("reason", reason));
    }
    // Where both ends run here, it is callcheck that ends what doesn't connect.
    for (path, exchange, peers) in attempts(run) {
        let is_ended = exchange.is_some_and(|exchange| exchange.ended.is_some() && !exchange.sees_both());
        let connected = !peers.is_empty() && peers.iter().all(|peer| peer.dtls.end == crate::model::call::DtlsEnd::Connected);
        if is_ended && !connected && !peers.iter().any(|peer| peer.by_deadline) {
            list.add(Message::new("untested-call-end").with("path", path.name()));
        }
    }
}
