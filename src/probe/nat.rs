//! How the NAT of this network behaves (RFC 4787): mapping, filtering, hairpinning and the life of an idle mapping.
//!
//! Each test has sockets of its own, since what a socket has sent opens the NAT for it. Where a server has two addresses it is asked by
//! RFC 5780; else the relay sends to own sockets; where there is neither, filtering can't be known.

mod change_request;
mod hairpin;
mod lifetime;
mod pace;
mod relay;
mod socket;
mod subject;

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;

use self::relay::Relay;
use self::subject::Subject;
use super::context::Context;
use super::ice_server::IceServer;
use crate::model::endpoint::Transport;

/// How many servers are asked; one that is honest and has two addresses is enough.
const MOST_SERVERS: usize = 4;

/// How long the answer of a second server is waited for, once everything else is through.
const SECOND_OPINION: Duration = Duration::from_secs(1);

/// What of the NAT is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The longest time that a mapping is left idle, where its life is to be measured: the test takes that long.
    pub longest_idle: Option<Duration>,
    /// Whether other servers than those in question are asked for the own address meanwhile.
    pub has_controls: bool,
}

/// Tests the NAT towards the servers that are asked over UDP, one family of addresses beside the other.
pub async fn examine(context: &Context, servers: &[IceServer], scope: Scope) {
    let (v4, v6): (Vec<&IceServer>, Vec<&IceServer>) =
        servers.iter().filter(|server| server.endpoint.transport == Transport::Udp).partition(|it| it.endpoint.ip().is_ipv4());
    tokio::join!(examine_family(context, &v4, scope), examine_family(context, &v6, scope));
}

async fn examine_family(context: &Context, servers: &[&IceServer], scope: Scope) {
    let Some(towards) = servers.first().map(|server| server.endpoint.address) else { return };
    let opinions = async {
        if scope.has_controls {
            second_opinion(context, towards).await;
        }
    };
    tokio::join!(examine_servers(context, servers, scope), opinions);
}

async fn examine_servers(context: &Context, servers: &[&IceServer], scope: Scope) {
    let opened = join_all(servers.iter().take(MOST_SERVERS).map(|server| Subject::first(context, server.endpoint.address))).await;
    let subjects: Vec<Subject> = opened.into_iter().flatten().collect();
    let Some(first) = subjects.first().map(|subject| subject.asked.server) else { return };
    let offers: Vec<&IceServer> = servers.iter().copied().filter(|server| server.login.is_some()).collect();
    let others = || subjects.iter().filter_map(|subject| Some((subject.asked.server, change_request::usable(&subject.asked)?)));
    let has_two_addresses = others().any(|(server, other)| server.ip() != other.ip());
    let relay = if !has_two_addresses || scope.longest_idle.is_some() { relay::open_any(context, &offers).await } else { None };
    let life = async {
        if let Some(longest) = scope.longest_idle {
            lifetime::run(context, first, others().next().is_some(), relay.as_ref(), longest).await;
        }
    };
    tokio::join!(filtering(context, &subjects, &offers, relay.as_ref()), hairpinning(context, first), life);
    if let Some(relay) = relay {
        relay.close(context).await;
    }
}

/// By the first server that proves to have two addresses, else by the relay.
async fn filtering(context: &Context, subjects: &[Subject], offers: &[&IceServer], relay: Option<&Relay>) {
    let mut was_feigned = false;
    for subject in subjects {
        let Some(other) = change_request::usable(&subject.asked) else { continue };
        if change_request::run(context, subject, other).await {
            return;
        }
        was_feigned |= other.ip() != subject.asked.server.ip();
    }
    if let Some(relay) = relay {
        filtering_by(context, relay, subjects).await;
    } else if was_feigned && let Some(relay) = relay::open_any(context, offers).await {
        filtering_by(context, &relay, subjects).await;
        relay.close(context).await;
    }
}

/// The relay sends to a socket that another server has told its address, where there is one.
async fn filtering_by(context: &Context, relay: &Relay, subjects: &[Subject]) {
    let place = relay.address();
    if let Some(subject) = subjects.iter().find(|subject| subject.asked.server.ip() != place.ip()) {
        return relay::run(context, relay, subject).await;
    }
    let told = second_opinion(context, place).await;
    let elsewhere = told.into_iter().map(|(server, _)| server).find(|server| server.ip() != place.ip());
    let server = elsewhere.unwrap_or(relay.server());
    if let Some(subject) = Subject::open(context, server).await {
        relay::run(context, relay, &subject).await;
    }
}

async fn hairpinning(context: &Context, server: SocketAddr) {
    let (one, other) = tokio::join!(Subject::another(context, server), Subject::another(context, server));
    if let (Some(one), Some(other)) = (one, other) {
        hairpin::run(context, &one, &other).await;
    }
}

/// Waits until the socket outside knows its address from two servers: that tells the mapping where no server has two addresses.
async fn second_opinion(context: &Context, towards: SocketAddr) -> Vec<(SocketAddr, SocketAddr)> {
    match context.outside.towards(towards.ip()) {
        Some(peer) => peer.told_by_two_within(SECOND_OPINION).await,
        None => Vec::new(),
    }
}
