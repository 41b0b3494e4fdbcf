//! An Allocate with credentials, with what the RFC wants done about a stale nonce, a busy 5-tuple and a reached quota.

use std::net::SocketAddr;
use std::time::Duration;

use super::context::Context;
use crate::model::duration::milliseconds;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{AllocationFact, Fact, SHORTEST_NONCE_LIFE_MS};
use crate::model::outcome::{Defect, Outcome, Reply};
use crate::net::ledger::Held;
use crate::net::session::{Exchange, Session};
use crate::proto::authentication::LongTerm;
use crate::proto::request::Request;
use crate::proto::response::Response;

/// How often a fresh nonce is taken before it is a loop.
const NONCES: u32 = 3;

/// How many requests are made at most: on a lossy line a nonce may go stale while its request is repeated, which is no loop.
const REQUESTS: u32 = 8;

/// A live allocation.
pub struct Allocation {
    /// The session that it belongs to.
    pub session: Session,
    /// What its requests are signed with.
    pub signed: Option<LongTerm>,
    /// The relayed address.
    pub relayed: SocketAddr,
    /// The client's address as the server sees it.
    pub mapped: Option<SocketAddr>,
    /// How long it lives without a Refresh, where the server says so.
    pub lifetime: Option<Duration>,
    /// Its entry in the ledger.
    pub held: Held,
}

/// Whether an allocation is a main one or one of those that sample the relay's ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is proved in full.
    Main,
    /// Its port is tried from outside, and what is wrong with it.
    Sample,
    /// Only whether its port lets something in is tried.
    FurtherSample,
    /// Only whether it is granted counts, while this run holds one other at most.
    Calm,
}

/// Asks for an allocation.
///
/// # Errors
///
/// The reply that says why there is none.
pub async fn allocate(context: &Context, session: &Session, signed: Option<LongTerm>, role: Role) -> Result<Allocation, Reply> {
    let others_alive = context.ledger.alive();
    let held = context.ledger.hold(session, signed.as_ref());
    let (exchange, signed, stale_nonces) = ask(context, session, signed, held).await;
    let local = session.local();
    let fact = allocation_fact(&exchange, role, others_alive, stale_nonces, signed.is_none());
    let mut fact = AllocationFact { local, ..fact };
    let allocation = if let Some(relayed) = fact.relayed {
        fact.shared = context.ledger.grant(held, relayed);
        let lifetime = fact.lifetime_s.map(|seconds| Duration::from_secs(seconds.into()));
        Ok(Allocation { session: session.clone(), signed, relayed, mapped: fact.mapped, lifetime, held })
    } else {
        // Where the answer never came the allocation may exist all the same: the release at the end asks for it.
        match fact.reply.code() {
            // The 5-tuple has an allocation already, or one send of the request was granted before the nonce of the next went stale:
            // what was granted in an answer that got lost is this run's to give back.
            Some(437 | 438) => _ = context.ledger.release(held).await,
            Some(_) => context.ledger.strike(held),
            None => {}
        }
        Err(fact.reply.clone())
    };
    context.record.add("allocate", session.endpoint(), Fact::Allocation(fact));
    allocation
}

/// What an open relay has allocated by answering a request without credentials.
#[must_use]
pub fn open(context: &Context, session: &Session, response: &Response) -> Option<Allocation> {
    let relayed = response.relayed?;
    let held = context.ledger.hold(session, None);
    _ = context.ledger.grant(held, relayed);
    let (mapped, lifetime) = (response.reflexive(), response.lifetime);
    Some(Allocation { session: session.clone(), signed: None, relayed, mapped, lifetime, held })
}

/// Where the last Allocate at an endpoint was sent to.
#[must_use]
pub fn alternate(context: &Context, endpoint: Endpoint) -> Option<SocketAddr> {
    let target = endpoint.to_string();
    context.record.observations().iter().rev().find_map(|seen| {
        let Fact::Allocation(allocation) = &seen.fact else { return None };
        if seen.target == target { allocation.alternate } else { None }
    })
}

async fn ask(
    context: &Context,
    session: &Session,
    mut signed: Option<LongTerm>,
    held: Held,
) -> (Exchange, Option<LongTerm>, u32) {
    let request = Request::allocate();
    let (mut stale_nonces, mut requests) = (0, 0);
    loop {
        let exchange = session.ask_unhurried(&request, signed.as_ref()).await;
        let stale = exchange.reply.code() == Some(438);
        requests += 1;
        stale_nonces += u32::from(stale && is_prompt(&exchange, session));
        let renewed = match (&mut signed, &exchange.response) {
            (Some(signed), Some(response)) if stale && stale_nonces < NONCES && requests < REQUESTS => {
                signed.renew(response).then_some(signed)
            }
            (Some(_) | None, _) => None,
        };
        let Some(renewed) = renewed else { return (exchange, signed, stale_nonces) };
        context.ledger.renew(held, renewed);
    }
}

/// Whether an answer came without a repetition, on a stream too, and within the life of a nonce: else it may have gone stale on the way.
fn is_prompt(exchange: &Exchange, session: &Session) -> bool {
    let life = Duration::from_millis(SHORTEST_NONCE_LIFE_MS);
    let usual = session.round_trip().map_or(life, |round_trip| life.min(round_trip * 2 + Duration::from_millis(100)));
    exchange.reply.sends == 1 && exchange.reply.rtt_ms.is_none_or(|took| took <= milliseconds(usual))
}

fn allocation_fact(
    exchange: &Exchange,
    role: Role,
    others_alive: u32,
    stale_nonces: u32,
    unauthenticated: bool,
) -> AllocationFact {
    let response = exchange.response.as_ref();
    let mut reply = exchange.reply.clone();
    // coturn 4.6.1 without a free port has answered a repeated request with a success and 0.0.0.0:0, which is no address.
    let relayed = response.filter(|_| reply.succeeded()).and_then(|response| response.relayed);
    let relayed = relayed.filter(|relayed| relayed.port() != 0);
    if reply.succeeded() && relayed.is_none() {
        reply.outcome = Outcome::Unusable { defect: Defect::Incomplete };
    }
    AllocationFact {
        reply,
        relayed,
        mapped: response.and_then(Response::reflexive),
        local: None,
        lifetime_s: response
            .and_then(|response| response.lifetime)
            .map(|lifetime| u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX)),
        stale_nonces,
        unauthenticated,
        sample: role != Role::Main,
        calm: role == Role::Calm,
        others_alive,
        shared: false,
        alternate: response.and_then(|response| response.alternate),
    }
}

/// Waits until this run holds no other allocation, within a limit: coturn gives a freed one back to the quota a second later.
pub async fn until_alone(context: &Context, limit: Duration) {
    let alone = async {
        while context.ledger.alive() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(limit, alone).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1200)).await;
    }
}
