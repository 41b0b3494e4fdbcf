//! A TCP connection and how the attempt ended.

use std::cell::Cell;
use std::time::Duration;

use futures::future::select_all;
use tokio::time::{Instant, sleep};

use super::context::Context;
use crate::model::duration::milliseconds;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{ConnectFact, Fact};
use crate::model::outcome::{Outcome, Reply, Unreachable};
use crate::net::network::Stream;

/// How long a TCP connection may take. The second SYN goes out after one second (RFC 6298 §2), so this covers one lost.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// A TCP connection with its fact.
pub async fn connect(context: &Context, endpoint: Endpoint) -> Option<Box<dyn Stream>> {
    let (reply, stream) = try_connect(context, endpoint).await;
    context.record.add("connect", endpoint, Fact::Connect(ConnectFact { reply }));
    stream
}

/// When further connections are begun, in milliseconds: a lost SYN is repeated by the system only after a second.
const FURTHER_CONNECTIONS_MS: [u64; 4] = [0, 300, 700, 1200];

/// A TCP connection and how the attempt ended; the first of some staggered ones that ends counts.
pub async fn try_connect(context: &Context, endpoint: Endpoint) -> (Reply, Option<Box<dyn Stream>>) {
    let started = Instant::now();
    let begun = Cell::new(0);
    let attempts = FURTHER_CONNECTIONS_MS.map(|after| {
        let begun = &begun;
        Box::pin(async move {
            sleep(Duration::from_millis(after)).await;
            begun.set(begun.get() + 1);
            context.network.connect_tcp(endpoint.address).await
        })
    });
    let ended = tokio::time::timeout(CONNECT_LIMIT, select_all(attempts)).await;
    let (outcome, stream) = match ended {
        Err(_elapsed) => (Outcome::Silent, None),
        // With a route here, it is a router further on that has none.
        Ok((Err(Outcome::NoRoute), ..)) if context.network.source(endpoint.ip()).is_some() => {
            (Outcome::Unreachable { reason: Unreachable::Network, from: None }, None)
        }
        Ok((Err(outcome), ..)) => (outcome, None),
        Ok((Ok(stream), ..)) => (Outcome::Success, Some(stream)),
    };
    let rtt_ms = stream.is_some().then(|| milliseconds(started.elapsed()));
    (Reply { outcome, sends: begun.get(), rtt_ms, strays: Vec::new() }, stream)
}
