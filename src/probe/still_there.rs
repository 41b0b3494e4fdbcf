//! Whether those that have answered answer still, at the end of a run in which something fell silent: what comes after the last sign of life
//! proves nothing.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::timeout;

use super::connect::try_connect;
use super::context::{Context, is_answer};
use super::greet::binding_fact;
use crate::model::address::Reach;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{BindingFact, ConnectFact, Fact, HandshakeEnd, Observation, STILL_THERE};
use crate::model::outcome::{Outcome, Reply};
use crate::net::session::Session;
use crate::proto::request::Request;
use crate::proto::schedule::Schedule;

/// How many of those that have answered are asked again.
const MOST: usize = 6;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The least time that makes silence of no answer, beside twice the longest round trip.
const SHORTEST: Duration = Duration::from_millis(500);

/// Asks again, where something that had begun came to nothing.
pub async fn ask(context: &Context) {
    let observations = context.record.observations();
    if observations.iter().any(|seen| is_cut_off(&seen.fact) || is_silent_beside_an_answer(&observations, seen)) {
        ask_within(context, PATIENCE).await;
    }
}

/// Asks again within what is left of the time of a run that was cut short: what it waited for then does not stand in its record.
pub async fn ask_within(context: &Context, limit: Duration) {
    let observations = context.record.observations();
    if observations.iter().any(|seen| seen.probe == STILL_THERE && has_answered(&seen.fact)) {
        return;
    }
    let mut known: Vec<Endpoint> = Vec::new();
    let mut longest_ms: f64 = 0.0;
    for seen in &observations {
        let Some(endpoint) = seen.endpoint().filter(|endpoint| !endpoint.ip().is_loopback()) else { continue };
        // A resolver inside this network tells nothing of the way out.
        if matches!(seen.fact, Fact::Control(_)) && !Reach::of(endpoint.ip()).is_global() {
            continue;
        }
        let Some(reply) = reply(&seen.fact).filter(|_| has_answered(&seen.fact)) else { continue };
        longest_ms = longest_ms.max(reply.rtt_ms.unwrap_or_default());
        // A host over UDP and over TCP, each once.
        let is_known = known.iter().any(|other| other.ip() == endpoint.ip() && other.transport == endpoint.transport);
        if !is_known && known.len() < MOST && endpoint.transport != Transport::Dtls {
            known.push(endpoint);
        }
    }
    if limit < SHORTEST + Duration::from_secs_f64(longest_ms / 500.0) {
        return;
    }
    let mut told: FuturesUnordered<_> = known.into_iter().map(|endpoint| ask_one(context, endpoint, limit)).collect();
    while let Some((endpoint, fact)) = told.next().await {
        let is_there = has_answered(&fact);
        context.record.add(STILL_THERE, endpoint, fact);
        // One sign of life is enough.
        if is_there {
            break;
        }
    }
}

/// What had begun, an allocation most of all, and came to nothing.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn is_cut_off(fact: &Fact) -> bool {
    match fact {
        Fact::Allocation(it) => it.reply.silent(),
        Fact::Permission(it) => it.reply.silent(),
        Fact::Channel(it) => it.reply.silent(),
        Fact::Inbound(it) => !it.arrived,
        Fact::Outbound(it) => !it.arrived,
        Fact::SelfPair(it) => !it.arrived,
        Fact::Loss(it) => it.requests.lost() > 0,
        Fact::Stream(it) => it.inbound.lost() + it.outbound.lost() > 0 || it.stalled_after_bytes.is_some(),
        Fact::Volume(it) => it.stalled,
        Fact::Size(it) => it.lost.is_some(),
        Fact::Handshake(it) => it.end == HandshakeEnd::Silent,
        Fact::Release(it) => it.reply.silent(),
        _ => false,
    }
}

/// Whether one question to an endpoint is left unanswered where another was not.
#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts are no first questions")]
fn is_silent_beside_an_answer(observations: &[Observation], silent: &Observation) -> bool {
    let is_silent = match &silent.fact {
        Fact::Binding(it) => it.reply.silent(),
        Fact::Challenge(it) => it.reply.silent(),
        _ => false,
    };
    is_silent && observations.iter().any(|seen| seen.target == silent.target && is_answer(&seen.fact))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn has_answered(fact: &Fact) -> bool {
    match fact {
        Fact::Connect(it) => it.reply.succeeded(),
        Fact::Control(it) => it.reply.succeeded(),
        fact => is_answer(fact),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts are no answers that count here")]
fn reply(fact: &Fact) -> Option<&Reply> {
    match fact {
        Fact::Connect(it) => Some(&it.reply),
        Fact::Control(it) => Some(&it.reply),
        Fact::Binding(it) => Some(&it.reply),
        Fact::Challenge(it) => Some(&it.reply),
        _ => None,
    }
}

async fn ask_one(context: &Context, endpoint: Endpoint, limit: Duration) -> (Endpoint, Fact) {
    let silent = |sends| Reply { sends, ..Reply::unsent(Outcome::Silent) };
    if endpoint.transport.is_stream() {
        let connected = timeout(limit, try_connect(context, endpoint)).await;
        let reply = connected.map_or_else(|_| silent(1), |(reply, _)| reply);
        return (endpoint, Fact::Connect(ConnectFact { reply }));
    }
    let fact = match Session::over_udp(&context.network, endpoint) {
        Ok(session) => match timeout(limit, session.ask(&Request::binding())).await {
            Ok(exchange) => binding_fact(&session, exchange),
            Err(_) => BindingFact::of(silent(Schedule::first_contact().sends_within(limit))),
        },
        Err(outcome) => BindingFact::of(Reply::unsent(outcome)),
    };
    (endpoint, Fact::Binding(fact))
}
