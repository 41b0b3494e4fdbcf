//! The loss of the way to the server: paced Binding requests, each sent once.

use std::time::Duration;

use tokio::time::sleep;

use super::context::Context;
use crate::model::fact::{Fact, LossFact, Tally};
use crate::net::session::Session;
use crate::proto::request::Request;
use crate::proto::schedule::Schedule;

/// The first requests, enough to show a loss worth measuring.
const FIRST: u32 = 20;

/// The requests that follow when the first show loss: one lost packet of twenty says nothing.
const MORE: u32 = 40;

/// The requests that then follow, round by round, as long as more is lost than a clean way would lose.
const CONFIRMING: [u32; 2] = [60, 180];

/// The share of lost packets from which more are sent, so that chance need not decide.
const SUSPICIOUS: f64 = 0.05;

/// The distance of two requests.
const DISTANCE: Duration = Duration::from_millis(1);

/// Measures the loss on a session whose server answers Binding requests.
pub async fn measure(context: &Context, session: &Session) {
    let mut measured = Measured::default();
    measured.add(context, session, FIRST).await;
    if measured.requests.arrived == 0 {
        // It never answered one: that is `no-stun` and not a loss.
        return;
    }
    if measured.requests.lost() > 0 {
        measured.add(context, session, MORE).await;
    }
    for count in CONFIRMING {
        if is_suspicious(measured.requests) {
            measured.add(context, session, count).await;
        }
    }
    measured.record(context, session);
}

/// Whether so much is lost that more packets should say whether it is chance.
#[must_use]
pub fn is_suspicious(packets: Tally) -> bool {
    f64::from(packets.lost()) > SUSPICIOUS * f64::from(packets.sent)
}

/// Measures the loss once more, because what goes through the relay is lossy and the two are to be compared.
pub async fn measure_again(context: &Context, session: &Session) {
    let mut measured = Measured::default();
    measured.add(context, session, CONFIRMING[1]).await;
    if measured.requests.arrived > 0 {
        measured.record(context, session);
    }
}

#[derive(Default)]
struct Measured {
    requests: Tally,
    round_trips: Vec<f64>,
}

impl Measured {
    async fn add(&mut self, context: &Context, session: &Session, count: u32) {
        let (requests, round_trips) = round(session, count).await;
        self.requests = self.requests.plus(requests);
        self.round_trips.extend(round_trips);
        if self.requests.arrived > 0 {
            context.count_losses((requests.sent, requests.arrived));
        }
    }

    fn record(mut self, context: &Context, session: &Session) {
        let jitter_ms = (!self.round_trips.is_empty()).then(|| smoothed_jitter(self.round_trips.iter().copied()));
        self.round_trips.sort_by(f64::total_cmp);
        let rtt_ms = self.round_trips.get(self.round_trips.len() / 2).copied();
        context.record.add("loss", session.endpoint(), Fact::Loss(LossFact { requests: self.requests, rtt_ms, jitter_ms }));
    }
}

/// Interarrival jitter (RFC 3550 §6.4.1) of transit times, in order of sending, all in milliseconds.
pub fn smoothed_jitter(transits: impl Iterator<Item = f64>) -> f64 {
    let mut jitter = 0.0_f64;
    let mut last: Option<f64> = None;
    for transit in transits {
        if let Some(last) = last {
            jitter += ((transit - last).abs() - jitter) / 16.0;
        }
        last = Some(transit);
    }
    (jitter * 1000.0).round() / 1000.0
}

async fn round(session: &Session, count: u32) -> (Tally, Vec<f64>) {
    let wait = session.round_trip().map_or(Duration::from_secs(1), |round_trip| (round_trip * 3).max(Duration::from_millis(400)));
    let request = Request::binding();
    let asked = (0..count).map(|number| {
        let request = &request;
        async move {
            sleep(DISTANCE * number).await;
            session.ask_by(request, Schedule::paced(1, DISTANCE, wait)).await.reply
        }
    });
    let replies = futures::future::join_all(asked).await;
    let round_trips: Vec<f64> = replies.iter().filter(|reply| reply.answered()).filter_map(|reply| reply.rtt_ms).collect();
    let arrived = u32::try_from(round_trips.len()).unwrap_or(u32::MAX);
    (Tally { sent: count, arrived }, round_trips)
}
