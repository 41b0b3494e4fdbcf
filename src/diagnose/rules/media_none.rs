//! `media-none`: connected, and no media arrives on either side.

use crate::diagnose::call::Attempt;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "media-none",
        group: Group::Call,
        level: Level::Fail,
        title: "connected, and no media arrives",
        meaning: "ICE and DTLS are connected, and no RTP packet arrives on either side.",
        impact: "The call shows as connected and stays silent and black.",
        proof: "Both sides are connected and count no RTP packet of the other.",
        look_alikes: "media-one-way: there one side hears the other; from one side alone the two look the same.",
        remedy: "Look at the direction of the media in both descriptions (a=sendrecv), at the codecs, and at muted or refused devices.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let attempts = Attempt::all(evidence);
    let connected: Vec<_> = attempts.iter().filter(|attempt| attempt.connected()).collect();
    let Some(attempt) = connected.iter().find(|attempt| attempt.peers.iter().all(|peer| !peer.fact.hears())) else {
        let hearing = connected.iter().flat_map(|attempt| attempt.cite());
        return Judgement::ruled_out_by(hearing.collect());
    };
    let advice = "Look at a=sendrecv and the codecs in both descriptions, and whether the tracks were added before the offer.";
    let found = Found::new(&RULE.cause, "The call is connected, and no media arrives.").fix(Place::Application, advice);
    if attempt.peers.len() > 1 {
        return found.because(attempt.cite()).done();
    }
    found
        .confidence(Confidence::Likely)
        .because(attempt.cite())
        .unless("media-one-way", "look at the other side: does it receive packets?")
        .done()
}
