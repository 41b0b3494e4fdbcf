//! Whether a connection carries some tens of kilobytes: middleboxes exist that let it open and drop all of it, without a reset, once so much
//! went over it.
//!
//! The kilobytes are those of answers to small requests, which come back whatever is open behind the relay, and within a round trip or two.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until};

use super::allocate::Allocation;
use super::context::Context;
use super::size;
use crate::model::fact::{ENOUGH_VOLUME, Fact, Tally, VolumeFact};
use crate::model::outcome::Reply;
use crate::net::session::Session;
use crate::proto::request::Request;

/// The requests that are sent in one round. coturn answers each with about 100 bytes: together that is as much as fits into the window of a
/// connection that has carried a few packets (RFC 6928), so that a round takes one round trip.
const REQUESTS: u32 = 200;

/// The requests that leave together, and the distance to the next ones: coturn reads some four kilobytes at once.
const CHUNK: u32 = 50;
const CHUNK_DISTANCE: Duration = Duration::from_millis(1);

/// How long nothing comes, beside some round trips, before the connection counts as silent: a lost segment is sent again after 200 ms on Linux.
const LULL: Duration = Duration::from_millis(700);

/// How often within that time one more request goes out.
const NUDGES: u32 = 4;

/// How long the stream through the relay takes to send.
const AFTER_STREAM: Duration = Duration::from_millis(12);

/// So often requests are sent at once, where answers are small.
const ROUNDS: u32 = 3;

/// Measures the connection of an allocation.
pub async fn measure(context: &Context, allocation: &Allocation) {
    let session = &allocation.session;
    if !session.endpoint().transport.is_stream() {
        return;
    }
    // What is measured of the short stream goes first.
    sleep(AFTER_STREAM).await;
    let mut requests = Tally::default();
    let mut stalled = false;
    for _ in 0..ROUNDS {
        let round = ask_many(session).await;
        requests = requests.plus(round);
        // A server that answers no Binding, or not so many of them, still grants a permission. The allocation may be given back by now,
        // which some servers answer by closing the connection (p1_stun 1.2.7, which eturnal has): that is no silence.
        stalled = round.lost() > 0 && ask_anything(allocation).await.silent();
        if round.lost() > 0 || session.received() >= ENOUGH_VOLUME {
            break;
        }
    }
    let fact = VolumeFact { requests, received_bytes: session.received(), stalled };
    context.record.add("volume", session.endpoint(), Fact::Volume(fact));
    if stalled && requests.arrived == 0 {
        size::sweep(context, session.endpoint().ip()).await;
    }
}

/// Sends many requests, and waits until all are answered or none has been for a while.
async fn ask_many(session: &Session) -> Tally {
    let mut asked = FuturesUnordered::new();
    let mut tally = Tally::default();
    let lull = LULL + session.round_trip().unwrap_or_default() * 3;
    let mut nudges = 0;
    let mut next_chunk = Instant::now();
    let mut quiet_since = Instant::now();
    loop {
        if tally.sent < REQUESTS && next_chunk <= Instant::now() {
            asked.extend((0..CHUNK).map(|_| answers(session)));
            tally.sent += CHUNK;
            next_chunk = Instant::now() + CHUNK_DISTANCE;
            quiet_since = Instant::now();
        }
        let wake = if tally.sent < REQUESTS { next_chunk } else { quiet_since + lull / NUDGES * (nudges + 1) };
        tokio::select! {
            Some(answered) = asked.next() => {
                tally.arrived += u32::from(answered);
                quiet_since = Instant::now();
                if asked.is_empty() && tally.sent >= REQUESTS {
                    return tally;
                }
            }
            () = sleep_until(wake) => {
                if tally.sent < REQUESTS {
                    continue;
                }
                nudges += 1;
                if nudges >= NUDGES {
                    return tally;
                }
                // coturn leaves what it has decrypted of TLS lying until more comes.
                asked.push(answers(session));
                tally.sent += 1;
            }
        }
    }
}

async fn answers(session: &Session) -> bool {
    session.ask(&Request::binding()).await.reply.answered()
}

/// Whether the connection answers at all: what it was asked for last is no matter.
pub async fn still_answers(allocation: &Allocation) -> bool {
    ask_anything(allocation).await.answered()
}

async fn ask_anything(allocation: &Allocation) -> Reply {
    let request = Request::create_permission(allocation.relayed.ip());
    allocation.session.ask_unhurried(&request, allocation.signed.as_ref()).await.reply
}
