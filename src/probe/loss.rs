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

/// The requests that are sent as slowly as a call's voice, where the fast ones are lossy, and their distance: what limits requests, a server
/// or a narrow line, answers these.
const SLOW: u32 = 60;
const SLOW_DISTANCE: Duration = Duration::from_millis(20);

/// Measures the loss on a session. A server that never answers a Binding is `no-stun`, and no loss.
pub async fn measure(context: &Context, session: &Session) {
    let mut measured = Measured::default();
    measured.add(context, session, FIRST).await;
    if measured.requests.lost() > 0 && measured.requests.arrived > 0 {
        measured.add(context, session, MORE).await;
    }
    if measured.requests.arrived == 0 && !has_answered_binding(context, session) {
        return;
    }
    if is_suspicious(measured.requests) {
        measured.slow = Some(round(session, SLOW, SLOW_DISTANCE).await.0);
    }
    for count in CONFIRMING {
        if is_suspicious(measured.requests) {
            measured.add(context, session, count).await;
        }
    }
    if measured.requests.arrived + measured.slow.map_or(0, |slow| slow.arrived) > 0 {
        measured.record(context, session);
    }
}

fn has_answered_binding(context: &Context, session: &Session) -> bool {
    let target = session.endpoint().to_string();
    let is_answer = |fact: &Fact| matches!(fact, Fact::Binding(binding) if binding.reply.succeeded());
    context.record.observations().iter().any(|seen| seen.target == target && is_answer(&seen.fact))
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
    slow: Option<Tally>,
    round_trips: Vec<f64>,
}

impl Measured {
    async fn add(&mut self, context: &Context, session: &Session, count: u32) {
        let (requests, round_trips) = round(session, count, DISTANCE).await;
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
        let fact = LossFact { requests: self.requests, slow: self.slow, rtt_ms, jitter_ms };
        context.record.add("loss", session.endpoint(), Fact::Loss(fact));
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

async fn round(session: &Session, count: u32, distance: Duration) -> (Tally, Vec<f64>) {
    let wait = session.round_trip().map_or(Duration::from_secs(1), |round_trip| (round_trip * 3).max(Duration::from_millis(400)));
    let request = Request::binding();
    let asked = (0..count).map(|number| {
        let request = &request;
        async move {
            sleep(distance * number).await;
            session.ask_by(request, Schedule::paced(1, distance, wait)).await.reply
        }
    });
    let replies = futures::future::join_all(asked).await;
    let round_trips: Vec<f64> = replies.iter().filter(|reply| reply.answered()).filter_map(|reply| reply.rtt_ms).collect();
    let arrived = u32::try_from(round_trips.len()).unwrap_or(u32::MAX);
    (Tally { sent: count, arrived }, round_trips)
}
