//! The largest packet that passes to a server: Binding requests of many sizes at once, each in one piece, then finer ones around the edge.
//!
//! A datagram that is no larger than what the system knows of the way leaves with "don't fragment" (ip(7), `IP_PMTUDISC_WANT`), so that a link
//! that is too narrow drops it whole.

use std::net::IpAddr;
use std::time::Duration;

use futures::future::join_all;

use super::context::Context;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{BindingFact, Fact, SizeFact};
use crate::net::session::Session;
use crate::proto::request::Request;
use crate::proto::schedule::Schedule;

/// What every host takes over IPv4 (RFC 791 §3.1), in bytes.
const SMALLEST: u16 = 576;

/// What Ethernet carries, in bytes.
const LARGEST: u16 = 1500;

/// How many sizes are tried in one round; the second one is exact to a few bytes, the third to four, of which STUN is made.
const AT_ONCE: u16 = 16;

/// The granularity of STUN's messages in bytes (RFC 8489 §5).
const GRAIN: u16 = 4;

/// How often a size is tried, at which distance, and how long the last try is waited for at the least.
const TRIES: u32 = 4;
const DISTANCE: Duration = Duration::from_millis(80);
const SHORTEST_WAIT: Duration = Duration::from_millis(300);

/// The headers of IPv4 and IPv6 without options, and of UDP, in bytes.
const HEADERS: [u16; 2] = [20 + 8, 40 + 8];

/// Sweeps the sizes towards a server that answers Binding over UDP; once a server. Where it doesn't, nothing is known.
pub async fn sweep(context: &Context, server: IpAddr) {
    let Some((endpoint, round_trip)) = answering(context, server).filter(|(endpoint, _)| !is_swept(context, *endpoint)) else {
        return;
    };
    let (mut passed, mut lost) = (None, LARGEST + GRAIN);
    let mut lowest = SMALLEST;
    while lowest < lost {
        let step = ((lost - lowest) / AT_ONCE).max(1).next_multiple_of(GRAIN);
        let sizes: Vec<u16> = (lowest..lost).step_by(step.into()).collect();
        let answered = join_all(sizes.iter().map(|size| passes(context, endpoint, round_trip, *size))).await;
        // What passes shows that smaller ones can; one that doesn't may have been lost by chance.
        let Some(largest) = answered.iter().rposition(|passes| *passes) else {
            lost = lowest;
            break;
        };
        lost = sizes.get(largest + 1).copied().unwrap_or(lost);
        passed = Some(sizes[largest]);
        lowest = sizes[largest] + GRAIN;
    }
    let Some(passed) = passed else { return };
    let fact = SizeFact { passed, lost: (lost <= LARGEST).then_some(lost), known: context.network.path_mtu(server) };
    context.record.add("size", endpoint, Fact::Size(fact));
}

/// The UDP endpoint of a server that answers Binding, and how soon.
fn answering(context: &Context, server: IpAddr) -> Option<(Endpoint, Duration)> {
    let observations = context.record.observations();
    let mut bindings = observations.iter().filter_map(|seen| {
        let Fact::Binding(BindingFact { reply, .. }) = &seen.fact else { return None };
        Some((seen.endpoint()?, reply.rtt_ms.filter(|_| reply.answered())?))
    });
    let (endpoint, rtt_ms) = bindings.find(|(endpoint, _)| endpoint.transport == Transport::Udp && endpoint.ip() == server)?;
    Some((endpoint, Duration::from_secs_f64(rtt_ms / 1000.0)))
}

fn is_swept(context: &Context, endpoint: Endpoint) -> bool {
    let target = endpoint.to_string();
    context.record.observations().iter().any(|seen| seen.target == target && matches!(seen.fact, Fact::Size(_)))
}

/// Whether a packet of so many bytes gets an answer, itself or one of its repetitions.
async fn passes(context: &Context, endpoint: Endpoint, round_trip: Duration, size: u16) -> bool {
    let Ok(session) = Session::over_udp(&context.network, endpoint) else { return false };
    let [v4, v6] = HEADERS;
    let headers = if endpoint.ip().is_ipv4() { v4 } else { v6 };
    let wait = (round_trip * 2).max(SHORTEST_WAIT);
    let schedule = Schedule::paced(TRIES, DISTANCE, wait);
    session.ask_by(&Request::binding_of(usize::from(size - headers)), schedule).await.reply.answered()
}
