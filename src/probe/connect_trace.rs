//! Who refuses connections (CT): connections whose packets may pass so many routers only.
//!
//! A firewall that resets a connection signs as the server does. How many routers its reset takes tells the two apart, beside how many it
//! takes to reach the server on a port that is open.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures::future::{join_all, select_all};
use tokio::time::{sleep, timeout};

use super::context::Context;
use super::trace;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{COMPARED_CONNECT_TRACE, CONNECT_TRACE, ConnectTraceFact, ControlFact, ControlKind, Fact};
use crate::model::outcome::{Outcome, Unreachable};

/// The furthest router that is asked: what a network lets out is decided within its first ones.
const FURTHEST: u8 = 8;

/// When a connection is tried again, in milliseconds: the system repeats a lost packet only after a second.
const TRIES_MS: [u64; 3] = [0, 150, 350];

/// When it is given up.
const GIVE_UP: Duration = Duration::from_millis(600);

/// How many ports are traced in one run.
const MOST: usize = 3;

/// An endpoint that refuses connections, and how many routers its refusal takes.
pub struct Refused {
    endpoint: Endpoint,
    distance: u8,
}

/// Traces connections to the endpoints that have refused one.
pub async fn trace_refused(context: &Context, servers: &[Endpoint]) -> Vec<Refused> {
    let mut refusing: Vec<Endpoint> = Vec::new();
    for endpoint in servers.iter().filter(|it| !it.ip().is_loopback() && refuses(context, **it)) {
        if refusing.len() < MOST && !refusing.iter().any(|known| known.address == endpoint.address) {
            refusing.push(*endpoint);
        }
    }
    let mut known: Vec<Refused> = Vec::new();
    for endpoint in refusing {
        // Routers tell of few packets, and the traces over UDP need their words: what is refused as near as another port of the same
        // address is asked for at that distance alone.
        let nearest = known.iter().find(|it| it.endpoint.ip() == endpoint.ip()).map(|it| it.distance);
        let as_near = if let Some(distance) = nearest { Some(trace(context, endpoint, distance..=distance).await) } else { None };
        let fact = match as_near.filter(|fact| fact.refused.is_some()) {
            Some(fact) => fact,
            None => trace(context, endpoint, 1..=FURTHEST).await,
        };
        context.record.add(CONNECT_TRACE, endpoint, Fact::ConnectTrace(fact));
        known.extend(fact.refused.map(|distance| Refused { endpoint, distance }));
    }
    known
}

/// Asks whether the servers themselves are as near as their refusals: over UDP where that answers, and on a TCP port that is open. And
/// whether the same port of a control is refused as near, though the control is further away.
pub async fn compare(context: &Context, servers: &[Endpoint], refused: Vec<Refused>) {
    let mut asked: Vec<(Endpoint, u8)> = Vec::new();
    for Refused { endpoint, distance } in refused {
        let over_udp = servers.iter().find(|it| it.transport == Transport::Udp && it.ip() == endpoint.ip()).copied();
        // A server that is silent over UDP is traced as such.
        let over_udp = over_udp.or(Some(Endpoint::new(Transport::Udp, endpoint.address)));
        let over_udp = over_udp.filter(|it| !servers.contains(it) || trace::says_something(context, *it));
        for other in over_udp.into_iter().chain(open_port(context, endpoint)).chain(ports_elsewhere(context, endpoint)) {
            if !asked.contains(&(other, distance)) {
                asked.push((other, distance));
            }
        }
    }
    join_all(asked.into_iter().map(|(endpoint, distance)| async move {
        if endpoint.transport == Transport::Udp {
            trace::compare_within(context, endpoint, distance).await;
        } else {
            let fact = trace(context, endpoint, distance..=distance).await;
            context.record.add(COMPARED_CONNECT_TRACE, endpoint, Fact::ConnectTrace(fact));
        }
    }))
    .await;
}

/// Whether a connection to an endpoint has met a reset, whoever sent it.
fn refuses(context: &Context, endpoint: Endpoint) -> bool {
    let target = endpoint.to_string();
    context.record.observations().iter().any(|seen| {
        let Fact::Connect(connect) = &seen.fact else { return false };
        let is_reset = matches!(connect.reply.outcome, Outcome::Unreachable { reason: Unreachable::Port, .. });
        is_reset && endpoint.transport.is_stream() && seen.target == target && seen.is_of_server()
    })
}

/// A TCP port of the same address that takes connections.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn open_port(context: &Context, failed: Endpoint) -> Option<Endpoint> {
    context.record.observations().iter().find_map(|seen| {
        let endpoint = seen.endpoint().filter(|it| it.transport.is_stream() && it.ip() == failed.ip())?;
        let takes = match &seen.fact {
            Fact::Connect(connect) => connect.reply.succeeded(),
            Fact::Control(control) => control.reply.succeeded(),
            _ => false,
        };
        takes.then_some(endpoint)
    })
}

/// The same port of a control of the same family, and one of it that takes connections.
fn ports_elsewhere(context: &Context, failed: Endpoint) -> Vec<Endpoint> {
    let observations = context.record.observations();
    let open = observations.iter().find_map(|seen| {
        let Fact::Control(ControlFact { control: ControlKind::Tcp, reply, .. }) = &seen.fact else { return None };
        let endpoint = seen.endpoint().filter(|_| reply.succeeded())?;
        let is_other = endpoint.ip() != failed.ip() && endpoint.address.port() != failed.address.port();
        (is_other && endpoint.ip().is_ipv4() == failed.ip().is_ipv4()).then_some(endpoint)
    });
    let same_port = |open: Endpoint| Endpoint::new(failed.transport, SocketAddr::new(open.ip(), failed.address.port()));
    open.into_iter().flat_map(|open| [open, same_port(open)]).collect()
}

async fn trace(context: &Context, target: Endpoint, distances: RangeInclusive<u8>) -> ConnectTraceFact {
    context.record.contact(target);
    let furthest = *distances.end();
    let asked = distances.map(|distance| async move { (distance, ask(context, target, distance).await) });
    let words = join_all(asked).await;
    let nearest = |is_it: fn(&Result<(), Outcome>) -> bool| {
        words.iter().find(|(_, word)| word.as_ref().is_some_and(is_it)).map(|(distance, _)| *distance)
    };
    ConnectTraceFact {
        furthest,
        refused: nearest(|word| matches!(word, Err(Outcome::Unreachable { reason: Unreachable::Port, .. }))),
        taken: nearest(Result::is_ok),
    }
}

/// What is said of a connection whose packets may pass so many routers, if anything is: by a router that passes none on, for instance.
async fn ask(context: &Context, target: Endpoint, distance: u8) -> Option<Result<(), Outcome>> {
    let tries = TRIES_MS.map(|after| {
        Box::pin(async move {
            sleep(Duration::from_millis(after)).await;
            context.network.connect_tcp_within(target.address, Some(distance)).await.map(drop)
        })
    });
    let (word, ..) = timeout(GIVE_UP, select_all(tries)).await.ok()?;
    Some(word)
}
