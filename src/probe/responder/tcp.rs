//! The sweep of TCP ports: some hundreds of connections at once, each of which has to prove that it has reached the responder.

use std::cell::Cell;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use tokio::time::timeout;

use super::exchange::{ask_over_stream, is_refusal};
use super::passes::{loss, passes};
use super::{Client, Swept, Until};
use crate::model::fact::{PortsEnd, Tally};
use crate::model::ports::PortSet;
use crate::net::descriptors;
use crate::proto::responder::Question;

/// The most connections at once, and the descriptors that are left to everything else.
const AT_ONCE: u64 = 256;
const BESIDE: u64 = 64;

/// The bounds of how long a connection may take; the system repeats a lost SYN only after a second (RFC 6298 §2), callcheck by a new one.
const LIMITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));

/// The passes over more silent ports than are tried at once, at most: of a filter's ports each takes its limit. Fewer ones are tried as often
/// as the loss demands: together they take no longer than one.
const MOST_PASSES: u32 = 4;

/// How a port ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Moved,
    Refused,
    Silent,
    /// Something takes the connection and doesn't prove to be the responder.
    Foreign,
}

/// Sweeps ports until a moment; `round_trip` is that of a connection.
pub async fn sweep(client: &Client, ports: &PortSet, round_trip: Duration, until: &Until) -> Swept {
    let limit = (round_trip * 4).clamp(LIMITS.0, LIMITS.1);
    let at_once = descriptors::allow(AT_ONCE + BESIDE).saturating_sub(BESIDE).clamp(1, AT_ONCE);
    let at_once = usize::try_from(at_once).unwrap_or(1);
    let mut ends: Vec<(u16, End)> = Vec::new();
    let mut missing: Vec<u16> = ports.iter().collect();
    let (mut sent, mut tries, mut cut_short) = (0, 0, false);
    while !missing.is_empty() {
        // A port that opened at its second try was silent at its first: what was lost is known as it is over UDP.
        let needed = passes(loss(tally(&ends, sent)), ports.count());
        let most = if missing.len() > at_once { MOST_PASSES } else { u32::MAX };
        if tries >= needed.min(most) {
            break;
        }
        let ended = pass(client, &missing, limit, until, at_once).await;
        cut_short = ended.len() < missing.len();
        tries += 1;
        let silent: Vec<u16> = ended.iter().filter(|(_, end)| *end == End::Silent).map(|(port, _)| *port).collect();
        sent += u32::try_from(ended.iter().filter(|(_, end)| *end == End::Open).count()).unwrap_or(u32::MAX) * tries;
        ends.extend(ended.into_iter().filter(|(_, end)| *end != End::Silent));
        missing = silent;
        if cut_short {
            break;
        }
    }
    let of = |wanted: End| ends.iter().filter(move |(_, end)| *end == wanted).map(|(port, _)| *port);
    let silent = missing.iter().copied().filter(|_| !cut_short);
    Swept {
        open: of(End::Open).collect(),
        closed: of(End::Refused).chain(silent).collect(),
        refused: of(End::Refused).collect(),
        moved: of(End::Moved).collect(),
        tries,
        loss: tally(&ends, sent),
        ended_by: cut_short.then_some(PortsEnd::Deadline),
    }
}

fn tally(ends: &[(u16, End)], sent: u32) -> Tally {
    let open = ends.iter().filter(|(_, end)| *end == End::Open).count();
    Tally { sent, arrived: u32::try_from(open).unwrap_or(u32::MAX) }
}

/// Tries each port once; those that came to an end before the time was up.
async fn pass(client: &Client, ports: &[u16], limit: Duration, until: &Until, at_once: usize) -> Vec<(u16, End)> {
    let ended = Cell::new(Vec::new());
    let tries = stream::iter(spread(ports)).map(|port| async move { (port, connect(client, port, limit).await) });
    let all = tries.buffer_unordered(at_once).for_each(|one| {
        let mut so_far = ended.take();
        so_far.push(one);
        ended.set(so_far);
        std::future::ready(())
    });
    tokio::select! {
        biased;
        () = until.passed() => {}
        () = all => {}
    }
    ended.take()
}

/// Ports from all over the range, one after another: what is done when the time is up tells something of every part of it.
fn spread(ports: &[u16]) -> Vec<u16> {
    let step = 64.min(ports.len().max(1));
    (0..step).flat_map(|first| ports.iter().copied().skip(first).step_by(step)).collect()
}

async fn connect(client: &Client, port: u16, limit: Duration) -> End {
    let mut end = try_once(client, port, limit).await;
    // A lossy line may hold an answer back for longer than anyone waits for it.
    if end == End::Foreign {
        end = try_once(client, port, limit).await;
    }
    end
}

async fn try_once(client: &Client, port: u16, limit: Duration) -> End {
    let mut stream = match timeout(limit, client.context.network.connect_tcp(client.at(port))).await {
        Err(_elapsed) => return End::Silent,
        Ok(Err(outcome)) if is_refusal(&outcome) => return End::Refused,
        Ok(Err(_)) => return End::Silent,
        Ok(Ok(stream)) => stream,
    };
    match ask_over_stream(client, &mut stream, port, Question::Probe { attempt: 0 }).await {
        Ok(answer) if answer.arrived == port => End::Open,
        Ok(_) => End::Moved,
        Err(_) => End::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_is_tried_once_and_the_first_ones_come_from_everywhere() {
        let ports: Vec<u16> = (50_000..51_000).collect();
        let mut order = spread(&ports);
        assert!(order[..16].iter().any(|port| *port > 50_900));
        order.sort_unstable();
        assert_eq!(order, ports);
        assert_eq!(spread(&[]), Vec::<u16>::new());
    }
}
