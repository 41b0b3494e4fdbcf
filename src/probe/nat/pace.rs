//! How often a datagram is sent, and how long it is waited for, before silence counts.

use std::net::SocketAddr;
use std::time::Duration;

use super::subject::Subject;
use crate::net::session::Exchange;
use crate::probe::context::Context;
use crate::proto::request::Request;
use crate::proto::schedule::Schedule;

/// How many tests of one run may take a lost datagram for a filtered one: it bounds the tries of each.
pub const TESTS: u32 = 8;

/// The distance of two tries: bounded, so that all of them together take no longer than a second and a half.
const SHORTEST_DISTANCE: Duration = Duration::from_millis(80);
const LONGEST_SERIES: Duration = Duration::from_millis(1500);

/// The least time that the last try gets.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);

/// Sends a request until it is answered from where it should, or silence counts.
pub async fn until_sure(context: &Context, subject: &Subject, request: &Request, to: SocketAddr, from: SocketAddr) -> Exchange {
    let mut sends = 0;
    loop {
        let tries = context.tries(TESTS);
        let pace = pace(subject.round_trip, tries);
        let schedule = Schedule::paced(tries.saturating_sub(sends).max(1), pace.distance, pace.wait);
        let mut exchange = subject.socket.ask(request, to, from, schedule).await;
        sends += exchange.reply.sends;
        exchange.reply.sends = sends;
        // What is known of the way's loss grows meanwhile, and with it the number of tries.
        if !exchange.reply.silent() || sends >= context.tries(TESTS) {
            return exchange;
        }
    }
}

/// When a datagram is tried again, and how long the last one is waited for.
pub struct Pace {
    pub distance: Duration,
    pub wait: Duration,
}

/// The pace towards a server, of so many tries.
pub fn pace(round_trip: Duration, tries: u32) -> Pace {
    let distance = SHORTEST_DISTANCE.max(round_trip / 2).min(LONGEST_SERIES / tries.max(1));
    Pace { distance, wait: SHORTEST_WAIT.max(round_trip * 2) }
}
