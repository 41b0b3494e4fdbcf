//! `media-lossy`: the media arrives with gaps.

use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::interval::surely_over;
use crate::diagnose::rule::{Found, Judgement, Rule, Symptom};
use crate::model::cause::{Cause, Group};
use crate::model::fact::PeerFact;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "media-lossy",
        group: Group::Call,
        level: Level::Degrade,
        title: "the media is lossy or uneven",
        meaning: "RTP packets of the test stream get lost, or arrive unevenly.",
        impact: "Sound breaks up and video freezes; above a tenth a conversation is hardly possible.",
        proof: "The lower end of the 95 % interval of the loss is over 3 %, or the interarrival jitter (RFC 3550) is over 30 ms.",
        look_alikes: "relay-lossy and packet-loss: where the path to the TURN server is lossy by itself, that is named instead.",
        remedy: "Look at the path between the two: a busy line, Wi-Fi, a shaper; try the relay in place of the direct path.",
    },
    folds: &[],
    judge,
};

/// What it is a symptom of.
pub const SYMPTOM: Symptom =
    Symptom { id: RULE.cause.id, failures_in: &[], causes: &["packet-loss", "relay-lossy", "relay-ports-partly-closed"] };

/// The share of packets that may be lost.
const LOSS: f64 = 0.03;

/// The jitter that a jitter buffer of usual size takes, in milliseconds.
const JITTER_MS: f64 = 30.0;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let hearing: Vec<_> = evidence.peers().filter(|peer| peer.fact.hears()).collect();
    // How evenly another program sends is its own matter; the test stream of both ends is even.
    let is_even = |path| evidence.exchanges().any(|seen| seen.fact.path == path && seen.fact.sees_both());
    let Some((peer, what)) = hearing.iter().find_map(|peer| Some((peer, trouble(peer, is_even(peer.fact.path))?))) else {
        return Judgement::ruled_out_by(hearing.iter().map(|peer| peer.cite()).collect());
    };
    Found::new(&RULE.cause, format!("The media arrives badly at the {}: {what}.", peer.fact.role.name()))
        .confidence(Confidence::Likely)
        .because([peer.cite()])
        .fix(Place::Network, "Look for a busy line, bad Wi-Fi or a traffic shaper between the two sides.")
        .done()
}

fn trouble(peer: &Seen<'_, PeerFact>, even: bool) -> Option<String> {
    let lost: u32 = peer.fact.flows().map(|flow| flow.lost).sum();
    let expected: u32 = peer.fact.flows().map(|flow| flow.lost + flow.packets_received).sum();
    if expected > 0 && surely_over(lost, expected) > LOSS {
        return Some(format!("{lost} of {expected} packets are lost"));
    }
    let jitter = peer.fact.flows().map(|flow| flow.jitter_ms).fold(0.0, f64::max);
    (even && jitter > JITTER_MS).then(|| format!("jitter is {jitter:.0} ms"))
}
