//! Opens a session to an endpoint: a socket, a TCP connection, a handshake of TLS or DTLS, each with its fact.

use std::cell::Cell;
use std::time::Duration;

use futures::future::select_all;
use tokio::time::{Instant, sleep, timeout_at};

use super::connect::{connect, try_connect};
use super::context::Context;
use super::instead;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{BindingFact, ConnectFact, Fact, HandshakeEnd};
use crate::model::outcome::{Protocol, Reply};
use crate::model::target::Host;
use crate::net::network::Stream;
use crate::net::session::Session;
use crate::net::tls::handshake;
use crate::net::{dtls, old_tls};

/// How long a TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(2);

/// A session, and whether credentials may be sent over it.
pub struct Reached {
    /// The session.
    pub session: Session,
    /// Whether the other side is who it should be; always so without a certificate, where nobody is promised.
    pub trusted: bool,
}

/// Opens a session; the facts say why where there is none.
pub async fn reach(context: &Context, endpoint: Endpoint, host: &Host) -> Option<Reached> {
    context.record.contact(endpoint);
    match endpoint.transport {
        Transport::Udp => match Session::over_udp(&context.network, endpoint) {
            Ok(session) => Some(Reached { session, trusted: true }),
            Err(outcome) => {
                context.record.add("binding", endpoint, Fact::Binding(BindingFact::of(Reply::unsent(outcome))));
                None
            }
        },
        Transport::Tcp => {
            let stream = connect(context, endpoint).await?;
            Some(Reached { session: Session::over_stream(&context.network, endpoint, stream), trusted: true })
        }
        Transport::Tls => {
            let stream = connect(context, endpoint).await?;
            secure(context, endpoint, host, stream).await
        }
        Transport::Dtls => associate(context, endpoint, host).await,
    }
}

/// A session over DTLS. What came of its first message is told as a connection is: whether anything is there at all.
async fn associate(context: &Context, endpoint: Endpoint, host: &Host) -> Option<Reached> {
    let dtls::Attempt { first, fact, socket } = try_associate(context, endpoint, host).await;
    if let Some(reply) = first {
        let answered = reply.succeeded();
        context.record.add("connect", endpoint, Fact::Connect(ConnectFact { reply }));
        if !answered {
            return None;
        }
    }
    let trusted = fact.end == HandshakeEnd::Completed && fact.defects.is_empty();
    context.record.add("handshake", endpoint, Fact::Handshake(fact));
    Some(Reached { session: Session::over_datagrams(&context.network, endpoint, socket?), trusted })
}

/// When further handshakes are begun beside one that was answered and isn't through, in milliseconds: a server sends its chain in a dozen
/// datagrams, and on a lossy line it takes luck that none is missing. coturn repeats its flight after one second and after three.
const FURTHER_HANDSHAKES_MS: [u64; 5] = [0, 800, 1600, 2400, 3200];

/// How long all of them may take.
const ASSOCIATION_LIMIT: Duration = Duration::from_millis(6500);

/// A DTLS handshake; the first of some staggered ones that comes to anything counts.
async fn try_associate(context: &Context, endpoint: Endpoint, host: &Host) -> dtls::Attempt {
    let answered = Cell::new(false);
    let until = Instant::now() + ASSOCIATION_LIMIT;
    let mut attempts: Vec<_> = FURTHER_HANDSHAKES_MS
        .map(|after| {
            let answered = &answered;
            Box::pin(async move {
                sleep(Duration::from_millis(after)).await;
                // Where nothing is there, more of the same tells nothing.
                if after > 0 && !answered.get() {
                    std::future::pending::<()>().await;
                }
                let now = context.network.time_of_day();
                match context.network.bind_udp(endpoint.ip()) {
                    Ok(socket) => dtls::handshake(socket, endpoint.address, host, &context.trust, now, answered).await,
                    Err(outcome) => dtls::Attempt::unsent(host, &context.trust, outcome),
                }
            })
        })
        .into();
    let (mut attempt, _, rest) = select_all(attempts).await;
    attempts = rest;
    while attempt.fact.end == HandshakeEnd::Silent && answered.get() && !attempts.is_empty() {
        let Ok((next, _, rest)) = timeout_at(until, select_all(attempts)).await else { break };
        (attempt, attempts) = (next, rest);
    }
    attempt
}

async fn speaks_old_tls(context: &Context, endpoint: Endpoint) -> bool {
    let (_, Some(stream)) = try_connect(context, endpoint).await else { return false };
    let mut random = [0; 32];
    context.network.randomize(&mut random);
    old_tls::is_spoken(stream, random).await
}

/// A session over TLS with the fact of its handshake.
pub async fn secure(context: &Context, endpoint: Endpoint, host: &Host, stream: Box<dyn Stream>) -> Option<Reached> {
    let now = context.network.time_of_day();
    let (mut fact, mut stream) = handshake(stream, host, &context.trust, now, HANDSHAKE_LIMIT).await;
    if fact.end == HandshakeEnd::Silent && fact.certificate.is_some() {
        // A server that begins and then falls silent may be busy: coturn answers nobody while it searches its ports in vain.
        context.record.add("handshake", endpoint, Fact::Handshake(fact));
        (fact, stream) = handshake(connect(context, endpoint).await?, host, &context.trust, now, HANDSHAKE_LIMIT).await;
    }
    // Some servers that speak nothing newer than TLS 1.1 drop a newer hello without a word.
    let is_mute = matches!(fact.end, HandshakeEnd::Silent | HandshakeEnd::Closed);
    if is_mute && speaks_old_tls(context, endpoint).await {
        fact.end = HandshakeEnd::TooOld;
    }
    let trusted = fact.end == HandshakeEnd::Completed && fact.defects.is_empty();
    let speaks_otherwise = matches!(fact.end, HandshakeEnd::NotTls { speaks: Protocol::Other } | HandshakeEnd::Failed { .. });
    let is_unknown = fact.end != HandshakeEnd::TooOld && fact.certificate.is_none() && (is_mute || speaks_otherwise);
    context.record.add("handshake", endpoint, Fact::Handshake(fact));
    if is_unknown {
        instead::ask(context, endpoint, host).await;
    }
    Some(Reached { session: Session::over_stream(&context.network, endpoint, stream?), trusted })
}
