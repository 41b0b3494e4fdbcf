//! The second allocation in calm: where a server refused allocations for its quota or its ports, and the samples, which come in numbers that no
//! call has, leave open whether it gives two at one time.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::ports::reach_quietly;
use crate::model::fact::Fact;
use crate::model::target::Host;
use crate::probe::allocate::{Allocation, Role, allocate, until_alone};
use crate::probe::context::Context;
use crate::probe::greet::challenge;
use crate::probe::ice_server::IceServer;
use crate::probe::relay::release;
use crate::proto::authentication::LongTerm;

/// How long this run's other allocations are waited for.
const PATIENCE: Duration = Duration::from_secs(3);

/// What this run has seen of the allocations at an address.
#[derive(Default)]
struct Seen {
    alive: u32,
    most: u32,
    refused: bool,
}

/// Asks each server that is in doubt for one allocation, and while that is held for another. One after the other: two names may be one server.
pub async fn ask_in_doubt(context: &Context, servers: &[IceServer]) {
    let seen = seen_by_address(context);
    let is_in_doubt = |ip: IpAddr| seen.get(&ip).is_some_and(|seen| seen.refused && seen.most == 1);
    let granting = servers.iter().filter(|server| is_in_doubt(server.endpoint.ip()) && grants(context, server));
    let mut asked: Vec<&Host> = Vec::new();
    for server in granting {
        if !asked.contains(&&server.host) {
            asked.push(&server.host);
            ask_twice(context, server).await;
        }
    }
}

async fn ask_twice(context: &Context, server: &IceServer) {
    until_alone(context, PATIENCE).await;
    let Some(first) = allocate_in_calm(context, server).await else { return };
    let second = allocate_in_calm(context, server).await;
    for allocation in [Some(first), second].into_iter().flatten() {
        release(context, &allocation).await;
    }
}

async fn allocate_in_calm(context: &Context, server: &IceServer) -> Option<Allocation> {
    let session = reach_quietly(context, server).await?;
    let greeting = challenge(context, &session).await;
    let signed = LongTerm::new(server.login.as_deref()?, &greeting.response?)?;
    allocate(context, &session, Some(signed), Role::Calm).await.ok()
}

/// Whether the server has granted anything here.
fn grants(context: &Context, server: &IceServer) -> bool {
    context.record.observations().iter().any(|seen| {
        seen.endpoint() == Some(server.endpoint) && matches!(&seen.fact, Fact::Allocation(it) if it.relayed.is_some())
    })
}

fn seen_by_address(context: &Context) -> BTreeMap<IpAddr, Seen> {
    let mut addresses: BTreeMap<IpAddr, Seen> = BTreeMap::new();
    for observation in context.record.observations() {
        let Some(endpoint) = observation.endpoint() else { continue };
        let seen = addresses.entry(endpoint.ip()).or_default();
        if let Fact::Allocation(fact) = &observation.fact {
            seen.refused |= matches!(fact.reply.code(), Some(486 | 508));
            seen.alive += u32::from(fact.relayed.is_some());
            seen.most = seen.most.max(seen.alive);
        } else if let Fact::Release(_) = &observation.fact {
            seen.alive = seen.alive.saturating_sub(1);
        }
    }
    addresses
}
