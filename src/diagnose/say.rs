//! What sentences are made from: keys with typed arguments, taken from the place and from the readings that are explained.

use std::net::IpAddr;

use super::candidates::Candidate;
use super::ports::needed;
use super::reading::{Manner, Reading, Readings, What};
use super::run::{Run, Service};
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::finding::{Confidence, Level};
use crate::model::message::Message;
use crate::model::place::Place;
use crate::model::target::Host;

/// The questions that somebody can go and ask.
pub const ASKABLE: [What; 15] = [
    What::Stun,
    What::Dns,
    What::Tcp,
    What::Honest,
    What::InAlt,
    What::InAgain,
    What::Out,
    What::Login,
    What::Clean,
    What::Ports,
    What::Steady,
    What::HighPort,
    What::HearsHighPorts,
    What::Alive,
    What::Grant,
];

/// The message of a finding: its key is the cause's id, from which summary, impact and fixes follow.
#[must_use]
pub fn finding(
    run: &Run<'_>,
    readings: &Readings,
    candidate: &Candidate,
    place: &Place,
    (id, level, confidence): (&str, Level, Confidence),
    tls_works: bool,
) -> Message {
    let explained: Vec<&Reading> = candidate.explains.iter().map(|index| &readings.all()[*index]).collect();
    let shown = candidate.rests_on.iter().map(|index| &readings.all()[*index]);
    let mut message = Message::new(id)
        .with("level", level.name())
        .with("confidence", confidence.name())
        .with("command", command(run))
        .with("manner", manner(candidate, &explained));
    for reading in explained.iter().copied().chain(shown) {
        for (name, value) in &reading.details {
            message.args.entry((*name).to_owned()).or_insert_with(|| value.clone());
        }
    }
    let services = services(&explained);
    message = about_services(message, &services);
    let port = candidate.port.map(|port| port.to_string());
    if let Some(port) = port {
        message = message.with("port", port.as_str()).with("ports-comma", port.as_str()).with("ports", vec![port]);
    }
    let server = place.server().or_else(|| services.first().map(|endpoint| endpoint.ip()));
    message = about_place(run, message, place, server);
    let (range, is_known) = needed(run, place.relay());
    message
        .with("tls-works", if tls_works { "yes" } else { "no" })
        .with("software", software(run, server))
        .with("range", range.to_string())
        .with("range-colon", range.with_colon())
        .with("range-known", if is_known { "yes" } else { "no" })
        .with("min-port", range.first().to_string())
        .with("max-port", range.last().to_string())
}

/// Whether a relay is offered over TLS, and granted there, or reached through a proxy.
#[must_use]
pub fn tls_works(run: &Run<'_>, readings: &Readings) -> bool {
    let is_proxied = readings.know(What::Proxy, &Place::Host).holds();
    let mut secure = run.promised().filter(|(endpoint, _)| endpoint.transport == Transport::Tls);
    secure.any(|(endpoint, _)| is_proxied || readings.know(What::Grant, &Place::service(endpoint)).holds())
}

fn manner(candidate: &Candidate, explained: &[&Reading]) -> String {
    if let Some(manner) = candidate.row.manner {
        return manner.to_owned();
    }
    let breaks = |reading: &&&Reading| candidate.row.breaks.iter().any(|pattern| pattern.what == reading.what);
    let first = explained.iter().find(breaks).or(explained.first());
    first.and_then(|reading| reading.manner()).map_or_else(|| "none".to_owned(), Manner::name)
}

fn services(explained: &[&Reading]) -> Vec<Endpoint> {
    let mut services: Vec<Endpoint> = explained.iter().filter_map(|reading| reading.place.endpoint()).collect();
    services.sort_unstable();
    services.dedup();
    services
}

/// The most services that a sentence names.
const NAMED: usize = 4;

fn about_services(message: Message, services: &[Endpoint]) -> Message {
    let Some(first) = services.first() else { return message };
    let mut ports: Vec<String> = services.iter().map(|endpoint| endpoint.address.port().to_string()).collect();
    ports.dedup();
    ports.sort_unstable();
    ports.dedup();
    let mut transports: Vec<Transport> = services.iter().map(|endpoint| endpoint.transport).collect();
    transports.sort_unstable();
    transports.dedup();
    message
        .with("service", first.title())
        .with("endpoint", first.address.to_string())
        .with("ports-comma", ports.join(","))
        .with("services", services.iter().take(NAMED).map(|endpoint| endpoint.title()).collect::<Vec<_>>())
        .with("service-count", u32::try_from(services.len()).unwrap_or(u32::MAX))
        .with("port", first.address.port().to_string())
        .with("ports", ports)
        .with("transport", first.transport.title())
        .with("transports", transports.into_iter().map(|transport| transport.title().to_owned()).collect::<Vec<_>>())
}

fn about_place(run: &Run<'_>, message: Message, place: &Place, server: Option<IpAddr>) -> Message {
    let message = match place {
        Place::Network { family: Some(family) } => message.with("family", family.title()),
        Place::Name { name } => message.with("name", name.as_str()),
        Place::Control { control } => message.with("control", control.to_string()),
        Place::Relay { relayed, .. } => message.with("relayed", relayed.to_string()),
        Place::Peer { role } => message.with("role", role.name()).with("other-role", role.other().name()),
        Place::Host
        | Place::Network { family: None }
        | Place::List
        | Place::Server { .. }
        | Place::Service { .. }
        | Place::Gateway
        | Place::Call => message,
    };
    match server {
        Some(server) => {
            message.with("server", server.to_string()).with("host", host(run, server)).with("listed", listed(run, server))
        }
        None => match run.asked.services.first() {
            Some(service) => message.with("host", service.host.to_string()).with("listed", in_url(&service.host)),
            None => message,
        },
    }
}

/// The server as the user named it; of several addresses the one in question has to be told.
fn host(run: &Run<'_>, server: IpAddr) -> String {
    match run.called(server) {
        Some((Host::Name(name), 1)) => name.clone(),
        Some((Host::Name(name), _)) => format!("{name} ({server})"),
        Some((Host::Address(_), _)) | None => server.to_string(),
    }
}

/// The server as a URL has it: its name where it was asked by one, else its address.
fn listed(run: &Run<'_>, server: IpAddr) -> String {
    run.called(server).map_or_else(|| in_url(&Host::Address(server)), |(host, _)| in_url(host))
}

pub fn in_url(host: &Host) -> String {
    match host {
        Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
        Host::Address(_) | Host::Name(_) => host.to_string(),
    }
}

fn software(run: &Run<'_>, server: Option<IpAddr>) -> &'static str {
    let is_coturn = |service: &Service<'_>| service.software().is_some_and(|it| it.to_ascii_lowercase().contains("coturn"));
    let is_coturn = match server {
        Some(server) => run.services_at(server).any(|(_, service)| is_coturn(service)),
        None => run.services.values().any(is_coturn),
    };
    if is_coturn { "coturn" } else { "other" }
}

pub fn command(run: &Run<'_>) -> &'static str {
    use crate::model::asked::Purpose;
    match run.asked.purpose {
        Purpose::Stun => "stun",
        Purpose::Turn => "turn",
        Purpose::ExternalIp => "external-ip",
        Purpose::Ports => "ports",
        Purpose::Call => "call",
    }
}

/// What to say of a reading that nothing explains.
#[must_use]
pub fn unexplained(reading: &Reading) -> Message {
    let manner = reading.manner().map_or_else(|| "none".to_owned(), Manner::name);
    let message = Message::new("unexplained").with("place", reading.place.to_string()).with("what", reading.what.name());
    reading.details.iter().fold(message.with("manner", manner), |message, (name, value)| message.with(name, value.clone()))
}
