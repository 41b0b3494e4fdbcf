//! Names: A and AAAA, and SRV records where a URI leaves the port open (RFC 5928).

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures::future::select_ok;
use tokio::time::{sleep, timeout};

use super::context::Context;
use crate::model::asked::Service;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Fact, NameAnswer, NameFact, RouteFact};
use crate::model::target::Host;
use crate::net::network::Lookup;

/// The name by which a network with IPv6 and NAT64 alone is known (RFC 7050).
pub const NAT64_NAME: &str = "ipv4only.arpa";

/// The endpoints that a service stands for, each address on its own. Where service records lead nowhere the name's own addresses count, which
/// browsers ask for anyway.
pub async fn endpoints(context: &Context, service: &Service) -> Vec<Endpoint> {
    let at = |addresses: &[IpAddr], port: u16| -> Vec<Endpoint> {
        addresses.iter().map(|address| Endpoint::new(service.transport, SocketAddr::new(*address, port))).collect()
    };
    let port = service.port_or_default();
    let (places, own) = match (&service.host, service.port) {
        (Host::Name(name), None) => {
            // Most names have no SRV records: what then counts is asked at the same time, so that a dead resolver is known as soon.
            let (mut named, mut own) = (pin!(by_service_records(context, name, service)), pin!(addresses(context, name)));
            let (named, own) = tokio::select! {
                biased;
                named = &mut named => (named, own.await),
                own = &mut own => {
                    let patience = if own.is_empty() { NAME_LIMIT } else { RECORDS_LATER };
                    (timeout(patience, named).await.unwrap_or_default(), own)
                }
            };
            (named.unwrap_or_default(), own)
        }
        (Host::Name(_) | Host::Address(_), _) => (vec![(service.host.clone(), port)], Vec::new()),
    };
    let mut endpoints = Vec::new();
    for (host, port) in places {
        let addresses = match &host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => addresses(context, name).await,
        };
        endpoints.extend(at(&addresses, port));
    }
    if endpoints.is_empty() { at(&own, port) } else { endpoints }
}

/// How much longer SRV records may take than addresses: where a hosts file has the name, no resolver need be there.
const RECORDS_LATER: Duration = Duration::from_millis(500);

/// When a name is asked for, in milliseconds: on a lossy line a question, or its answer, is soon lost.
const QUESTIONS_MS: [u64; 3] = [0, 300, 700];

/// How long a name may take altogether.
const NAME_LIMIT: Duration = Duration::from_secs(2);

/// What the first of some staggered questions to end with an answer says.
async fn look_up(context: &Context, name: &str) -> Lookup<IpAddr> {
    let questions = QUESTIONS_MS.map(|after| {
        Box::pin(async move {
            sleep(Duration::from_millis(after)).await;
            let found = context.network.addresses(name).await;
            if found.answer == NameAnswer::Unavailable { Err(found) } else { Ok(found) }
        })
    });
    match timeout(NAME_LIMIT, select_ok(questions)).await {
        Ok(Ok((found, _))) => found,
        Ok(Err(unavailable)) => unavailable,
        Err(_elapsed) => Lookup::empty(NameAnswer::Unavailable),
    }
}

/// The addresses of a name, with the fact, which is recorded once a name.
pub async fn addresses(context: &Context, name: &str) -> Vec<IpAddr> {
    for server in context.network.name_servers() {
        context.record.contact(Endpoint::new(Transport::Udp, server));
    }
    let found = look_up(context, name).await;
    let known = context.record.observations().iter().any(|seen| seen.target == name && matches!(seen.fact, Fact::Name(_)));
    if !known {
        let fact = NameFact { answer: found.answer, addresses: found.records.clone(), services: Vec::new() };
        context.record.add("name", name, Fact::Name(fact));
    }
    found.records
}

async fn by_service_records(context: &Context, name: &str, service: &Service) -> Option<Vec<(Host, u16)>> {
    let kind = if service.relay { "turn" } else { "stun" };
    let question = match service.transport {
        Transport::Udp => format!("_{kind}._udp.{name}"),
        Transport::Tcp => format!("_{kind}._tcp.{name}"),
        Transport::Tls => format!("_{kind}s._tcp.{name}"),
        Transport::Dtls => format!("_{kind}s._udp.{name}"),
    };
    let found = context.network.services(&question).await;
    if found.answer != NameAnswer::Found || found.records.is_empty() {
        return None;
    }
    let services = found.records.iter().map(|(target, port)| format!("{target}:{port}")).collect();
    let fact = NameFact { answer: found.answer, addresses: Vec::new(), services };
    context.record.add("service-records", question, Fact::Name(fact));
    Some(found.records.into_iter().map(|(target, port)| (host_of(target), port)).collect())
}

fn host_of(target: String) -> Host {
    target.parse().map_or(Host::Name(target), Host::Address)
}

/// Whether this host can send to an endpoint at all; the fact is recorded once an address.
#[must_use]
pub fn routed(context: &Context, endpoint: Endpoint) -> bool {
    let source = context.network.source(endpoint.ip());
    let target = endpoint.ip().to_string();
    let known = context.record.observations().iter().any(|seen| seen.target == target && matches!(seen.fact, Fact::Route(_)));
    if !known {
        context.record.add("route", target, Fact::Route(RouteFact { source }));
    }
    source.is_some()
}
