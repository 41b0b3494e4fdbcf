//! The loss of the way to each server with its interval, for the report.

use super::evidence::Evidence;
use super::interval::clopper_pearson;
use crate::model::report::Loss;

/// What is known of the loss, one entry an endpoint.
#[must_use]
pub fn losses(evidence: &Evidence<'_>) -> Vec<Loss> {
    let measured = evidence.promised().filter_map(|endpoint| Some((endpoint, endpoint.loss()?)));
    let loss = measured.map(|(endpoint, requests)| {
        let (lower, upper) = clopper_pearson(requests.lost(), requests.sent);
        let rtt_ms = endpoint.losses.iter().find_map(|loss| loss.fact.rtt_ms);
        Loss {
            target: endpoint.endpoint.to_string(),
            requests,
            limited: endpoint.limited(),
            lower_percent: percent(lower),
            upper_percent: percent(upper),
            rtt_ms,
        }
    });
    loss.collect()
}

fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}
