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

/// The requests that follow when the first show loss.
const MORE: u32 = 40;

/// The distance of two requests.
const DISTANCE: Duration = Duration::from_millis(2);

/// Measures the loss on a session whose server answers Binding requests.
pub async fn measure(context: &Context, session: &Session) {
    let (mut requests, mut round_trips) = round(session, FIRST).await;
    if requests.arrived == 0 {
        // It never answered one: that is `no-stun` and not a loss.
        return;
    }
    if requests.lost() > 0 {
        let (further, further_round_trips) = round(session, MORE).await;
        requests = requests.plus(further);
        round_trips.extend(further_round_trips);
    }
    round_trips.sort_by(f64::total_cmp);
    let rtt_ms = round_trips.get(round_trips.len() / 2).copied();
    context.record.add("loss", session.endpoint(), Fact::Loss(LossFact { requests, rtt_ms }));
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
