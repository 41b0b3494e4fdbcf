//! `media-one-way`: connected, and media arrives on one side only.

use crate::diagnose::call::Attempt;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "media-one-way",
        group: Group::Call,
        level: Level::Fail,
        title: "media arrives on one side only",
        meaning: "ICE and DTLS are connected, and RTP arrives in one direction, or one kind of media doesn't arrive at all.",
        impact: "One side hears or sees the other and isn't heard or seen itself.",
        proof: "One side counts packets and the other none.",
        look_alikes: "media-none: there neither side counts any.",
        remedy: "Look at the direction of the media in the answer, and at a firewall that passes small packets only.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let attempts = Attempt::all(evidence);
    for attempt in attempts.iter().filter(|attempt| attempt.connected()) {
        let heard = attempt.peers.iter().any(|peer| peer.fact.hears());
        let deaf = attempt.peers.iter().find(|peer| peer.fact.flows().any(|flow| flow.packets_received == 0));
        let Some(deaf) = deaf.filter(|_| heard) else { continue };
        let kinds = [("audio", &deaf.fact.media.audio), ("video", &deaf.fact.media.video)];
        let missing: Vec<&str> = kinds
            .iter()
            .filter(|(_, flow)| flow.as_ref().is_some_and(|flow| flow.packets_received == 0))
            .map(|(kind, _)| *kind)
            .collect();
        let summary =
            format!("The {} gets no {}, although the call is connected.", deaf.fact.role.name(), missing.join(" and no "));
        let found = Found::new(&RULE.cause, summary)
            .because(attempt.cite())
            .fix(Place::Application, "Look at the direction (a=sendrecv) and the codecs of that media in both descriptions.");
        // What another program doesn't send is its own matter: a call without a camera, or one whose camera starts late.
        return if attempt.peers.len() > 1 {
            found.done()
        } else {
            found.level(Level::Warn).confidence(Confidence::Possible).done()
        };
    }
    let whole = attempts.iter().filter(|attempt| attempt.carries()).flat_map(Attempt::cite);
    Judgement::ruled_out_by(whole.collect())
}
