//! Connections to the gateway, over TLS where it is a secure one, and what every request on them bears.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{ConnectFact, Fact, HandshakeEnd};
use crate::net::network::Stream;
use crate::net::tls::handshake;
use crate::probe::connect::try_connect;
use crate::probe::context::Context;
use crate::signaling::gateway::Gateway;

/// How long an answer may take: a gateway that checks a login in its database has this much, and a call that waits longer fails.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(2);

/// A connection to one address with its facts; none where it may not be used.
pub async fn reach(context: &Context, gateway: &Gateway, address: SocketAddr) -> Option<(SocketAddr, Box<dyn Stream>)> {
    let endpoint = endpoint(gateway, address);
    // Rules on TURN servers read endpoints; this is none of theirs.
    let target = format!("gateway {address}");
    context.record.contact(endpoint);
    let (reply, stream) = try_connect(context, endpoint).await;
    context.record.add("signaling-connect", &target, Fact::Connect(ConnectFact { reply }));
    let stream = stream?;
    if !gateway.secure {
        return Some((address, stream));
    }
    let now = context.network.time_of_day();
    let (fact, stream) = handshake(stream, &gateway.host, &context.trust, now, HANDSHAKE_LIMIT).await;
    let trusted = fact.end == HandshakeEnd::Completed && fact.defects.is_empty();
    context.record.add("signaling-handshake", &target, Fact::Handshake(fact));
    stream.filter(|_| trusted).map(|stream| (address, stream))
}

/// A further connection, whose facts are known.
pub async fn connect(context: &Context, gateway: &Gateway, address: SocketAddr) -> Option<Box<dyn Stream>> {
    let (_, stream) = try_connect(context, endpoint(gateway, address)).await;
    let stream = stream?;
    if !gateway.secure {
        return Some(stream);
    }
    let now = context.network.time_of_day();
    let (fact, stream) = handshake(stream, &gateway.host, &context.trust, now, HANDSHAKE_LIMIT).await;
    stream.filter(|_| fact.end == HandshakeEnd::Completed && fact.defects.is_empty())
}

fn endpoint(gateway: &Gateway, address: SocketAddr) -> Endpoint {
    Endpoint::new(if gateway.secure { Transport::Tls } else { Transport::Tcp }, address)
}

/// The configured headers, and the origin.
pub fn headers(gateway: &Gateway) -> Vec<(&str, &str)> {
    let configured = gateway.headers().iter().map(|(name, value)| (name.as_str(), value.expose()));
    configured.chain(gateway.origin().map(|origin| ("Origin", origin))).collect()
}
