//! The gateway of the signaling before anyone logs in: who is reached, what the Engine.IO handshakes say, whether sessions hold.
//!
//! Everything here is told by the answers themselves, since Socket.IO's clients only say that they could not connect.

mod connection;
mod upgrade;

use std::net::SocketAddr;

use futures::future::join_all;
use tokio::time::Instant;

pub use self::connection::ANSWER_LIMIT;
use self::connection::{connect, headers, reach};
use super::context::Context;
use crate::model::call::Role;
use crate::model::duration::milliseconds;
use crate::model::fact::{EngineEnd, EngineFact, EnginePollsFact, EngineTransport, Fact, NameFact, SocketEnd, SocketFact};
use crate::model::target::Host;
use crate::net::http::{Answer, InvalidRequest, NoAnswer, Request, exchange};
use crate::net::network::Stream;
use crate::signaling::call_event::CallEvent;
use crate::signaling::engine::{self, Opening};
use crate::signaling::gateway::Gateway;

/// How many further requests a session has: with two gateways behind one address, all of them reach the right one by chance in
/// one of sixteen runs, or never where they take turns.
const POLLS: usize = 4;

/// Examines a gateway; it says whether a session could be opened by the transport that users begin with.
pub async fn examine(context: &Context, gateway: &Gateway) -> bool {
    let addresses = match &gateway.host {
        Host::Address(address) => vec![*address],
        Host::Name(name) => {
            let found = context.network.addresses(name).await;
            let fact = NameFact { answer: found.answer, addresses: found.records.clone(), services: Vec::new() };
            context.record.add("signaling-name", name, Fact::Name(fact));
            found.records
        }
    };
    let attempts = addresses.into_iter().map(|address| reach(context, gateway, SocketAddr::new(address, gateway.port)));
    let reached = join_all(attempts).await;
    // Clients take the first address that works.
    let Some((address, stream)) = reached.into_iter().flatten().next() else { return false };
    let (by_polling, by_websocket) =
        tokio::join!(polling(context, gateway, address, stream), upgrade::websocket(context, gateway, address));
    if gateway.transports.include_polling() { by_polling } else { by_websocket }
}

/// Notes how a peer's connection to the namespace ended: its first event, or nothing within the time.
pub fn admitted(context: &Context, gateway: &Gateway, role: Role, first: Option<&CallEvent>) {
    let end = match first {
        Some(CallEvent::Refused { message, .. }) => SocketEnd::Refused { message: message.clone() },
        Some(CallEvent::Lost { why }) => SocketEnd::Lost { why: why.clone() },
        Some(CallEvent::ClosedByServer) => SocketEnd::ClosedByServer,
        Some(
            CallEvent::Connected
            | CallEvent::Reconnected
            | CallEvent::Offer { .. }
            | CallEvent::Answer { .. }
            | CallEvent::Candidate { .. }
            | CallEvent::Ended { .. }
            | CallEvent::Error { .. }
            | CallEvent::Malformed { .. }
            | CallEvent::Other { .. },
        ) => SocketEnd::Connected,
        None => SocketEnd::Silent,
    };
    let fact = SocketFact { role, namespace: gateway.namespace().to_owned(), auth: gateway.auth().is_some(), end };
    context.record.add("signaling-socket", gateway.place(), Fact::Socket(fact));
}

/// The handshake by polling, and where it opens a session, further requests of it.
async fn polling(context: &Context, gateway: &Gateway, address: SocketAddr, stream: Box<dyn Stream>) -> bool {
    let target = engine::target(gateway, EngineTransport::Polling, None);
    let Ok(request) = request(gateway, "GET", &target) else { return false };
    let started = Instant::now();
    let answered = exchange(stream, request, ANSWER_LIMIT).await;
    let rtt_ms = answered.is_ok().then(|| milliseconds(started.elapsed()));
    let opening = match &answered {
        Ok(answer) => engine::read_answer(answer.status, &answer.body, &gateway.scrubber()),
        Err(no_answer) => Opening::of(end_of(*no_answer)),
    };
    let fact = EngineFact {
        path: gateway.path().to_owned(),
        transport: EngineTransport::Polling,
        wanted: gateway.transports.include_polling(),
        end: opening.end,
        status: answered.as_ref().ok().map(|answer| answer.status),
        origin: gateway.origin().map(str::to_owned),
        allowed_origin: answered.as_ref().ok().and_then(|answer| answer.header("access-control-allow-origin")).map(str::to_owned),
        rtt_ms,
    };
    context.record.add("signaling-polling", gateway.place(), Fact::Engine(fact));
    let Some(sid) = opening.sid else { return false };
    if gateway.transports.include_polling() {
        further_polls(context, gateway, address, &sid).await;
    }
    if let Some(stream) = connect(context, gateway, address).await {
        // The gateway would forget the session by itself, after a minute.
        _ = post(gateway, stream, &sid, engine::CLOSE).await;
    }
    true
}

/// Requests of one session over connections of their own, one after another as the protocol demands.
async fn further_polls(context: &Context, gateway: &Gateway, address: SocketAddr, sid: &str) {
    let streams = join_all((0..POLLS).map(|_| connect(context, gateway, address))).await;
    let mut fact = EnginePollsFact { answered: 0, unknown: 0 };
    for stream in streams.into_iter().flatten() {
        let Some(answer) = post(gateway, stream, sid, engine::PONG).await else { continue };
        fact.answered += 1;
        fact.unknown += u32::from(engine::is_session_unknown(&answer.body));
    }
    context.record.add("signaling-polls", gateway.place(), Fact::EnginePolls(fact));
}

async fn post(gateway: &Gateway, stream: Box<dyn Stream>, sid: &str, body: &'static str) -> Option<Answer> {
    let target = engine::target(gateway, EngineTransport::Polling, Some(sid));
    let request = request(gateway, "POST", &target).ok()?.with_header("Content-Type", "text/plain;charset=UTF-8").ok()?;
    exchange(stream, request.with_body(body), ANSWER_LIMIT).await.ok()
}

fn request(gateway: &Gateway, method: &str, target: &str) -> Result<Request, InvalidRequest> {
    let mut request = Request::new(method, &gateway.authority(), target)?.with_header("Accept", "*/*")?;
    for (name, value) in headers(gateway) {
        request = request.with_header(name, value)?;
    }
    Ok(request)
}

fn end_of(no_answer: NoAnswer) -> EngineEnd {
    match no_answer {
        NoAnswer::Closed => EngineEnd::Closed,
        NoAnswer::Silent => EngineEnd::Silent,
        NoAnswer::NotHttp { speaks } => EngineEnd::NotHttp { speaks },
    }
}
