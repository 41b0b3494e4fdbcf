//! Whether those that have answered answer still, at the end of a run in which something fell silent: what comes after the last sign of life
//! proves nothing.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::connect::try_connect;
use super::context::{Context, is_answer};
use super::greet::binding_fact;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{BindingFact, ConnectFact, Fact, STILL_THERE};
use crate::model::outcome::Reply;
use crate::net::session::Session;
use crate::proto::request::Request;

/// How many of those that have answered are asked again.
const MOST: usize = 6;

/// Asks again, where something that had begun came to nothing.
pub async fn ask(context: &Context) {
    if !context.record.observations().iter().any(|seen| is_cut_off(&seen.fact)) {
        return;
    }
    let mut known: Vec<Endpoint> = Vec::new();
    for seen in context.record.observations() {
        let Some(endpoint) = seen.endpoint().filter(|endpoint| !endpoint.ip().is_loopback()) else { continue };
        // A host over UDP and over TCP, each once.
        let is_known = known.iter().any(|other| other.ip() == endpoint.ip() && other.transport == endpoint.transport);
        if has_answered(&seen.fact) && !is_known && known.len() < MOST && endpoint.transport != Transport::Dtls {
            known.push(endpoint);
        }
    }
    let mut told: FuturesUnordered<_> = known.into_iter().map(|endpoint| ask_one(context, endpoint)).collect();
    while let Some((endpoint, fact)) = told.next().await {
        let is_there = has_answered(&fact);
        context.record.add(STILL_THERE, endpoint, fact);
        // One sign of life is enough.
        if is_there {
            break;
        }
    }
}

/// What follows an allocation, and did not arrive.
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
        _ => false,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
fn has_answered(fact: &Fact) -> bool {
    match fact {
        Fact::Connect(it) => it.reply.succeeded(),
        Fact::Control(it) => it.reply.succeeded(),
        fact => is_answer(fact),
    }
}

async fn ask_one(context: &Context, endpoint: Endpoint) -> (Endpoint, Fact) {
    if endpoint.transport.is_stream() {
        let (reply, _) = try_connect(context, endpoint).await;
        return (endpoint, Fact::Connect(ConnectFact { reply }));
    }
    let fact = match Session::over_udp(&context.network, endpoint) {
        Ok(session) => {
            let exchange = session.ask(&Request::binding()).await;
            binding_fact(&session, exchange)
        }
        Err(outcome) => BindingFact::of(Reply::unsent(outcome)),
    };
    (endpoint, Fact::Binding(fact))
}
