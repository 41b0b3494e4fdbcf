//! `packet-loss`: the way to the server loses packets.

use super::stream_cut::{self, stalled_after};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::interval::{clopper_pearson, surely_over};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::fact::Tally;
use crate::model::finding::{Confidence, Level, Place};

/// The loss beyond which calls suffer: that of the round trip, as a share.
pub const BEARABLE: f64 = 0.03;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "packet-loss",
        group: Group::Stun,
        level: Level::Degrade,
        title: "the way to the server loses packets",
        meaning: "Packets are lost between this host and the server: Wi-Fi, a full line, an overloaded host.",
        impact: "Calls connect slowly and sound and picture break up.",
        proof: "The round-trip loss is over 3 % so surely that a line of just 3 % would show it once in 10,000 looks; from at least 20 paced \
                requests, and up to 360 where the first show loss. Not where fast requests are lost so much more often than slow ones \
                that something limits their number. Over TCP and TLS alone: so many answers come a retransmission late, and \
                the stream stalls.",
        look_alikes: "relay-lossy: there the way to the server is clean and only what is relayed is lost.",
        remedy: "Look for the lossy link: cable in place of Wi-Fi, another network, the host's load.",
    },
    folds: &["relay-lossy", "stream-cut", "mtu-blackhole"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let measured: Vec<_> = evidence.promised().filter_map(|endpoint| Some((endpoint, endpoint.loss()?))).collect();
    // Where something limits requests, those that are lost say nothing of the line.
    let unlimited = measured.iter().filter(|(endpoint, _)| endpoint.limited().is_none());
    let worst = unlimited.max_by(|(_, one), (_, other)| share(*one).total_cmp(&share(*other)));
    let Some((endpoint, requests)) = worst.filter(|(_, requests)| is_loss(*requests)) else {
        if let Some(found) = behind_streams(evidence) {
            return found;
        }
        let clean = measured.iter().filter(|(_, requests)| requests.lost() == 0);
        return Judgement::ruled_out_by(clean.flat_map(|(endpoint, _)| endpoint.losses.iter().map(|loss| loss.cite())).collect());
    };
    let (lower, upper) = clopper_pearson(requests.lost(), requests.sent);
    let summary = format!(
        "The way to the server loses packets: {} of {} requests stayed unanswered (95 % interval {:.0} to {:.0} %).",
        requests.lost(),
        requests.sent,
        lower * 100.0,
        upper * 100.0
    );
    fixed(Found::new(&RULE.cause, summary).because(endpoint.losses.iter().map(|loss| loss.cite())))
}

/// Whether anything shows that the way to the promised endpoints loses packets.
pub fn shows(evidence: &Evidence<'_>) -> bool {
    evidence.promised().any(|endpoint| endpoint.loss().is_some_and(is_loss) || holds_up(evidence))
}

/// Whether the loss of the way to any endpoint is known: over TCP and TLS alone it isn't.
pub fn is_measured(evidence: &Evidence<'_>) -> bool {
    evidence.endpoints().iter().any(|endpoint| endpoint.loss().is_some())
}

/// Whether so many answers over TCP and TLS come a retransmission late that the way loses packets.
pub fn holds_up(evidence: &Evidence<'_>) -> bool {
    is_loss(evidence.held_up().0)
}

/// A connection that stalls while its answers come late again and again waits for what was lost; one that is cut answered in time.
fn behind_streams(evidence: &Evidence<'_>) -> Option<Judgement> {
    let endpoint = evidence.promised().find(|endpoint| stalled_after(endpoint).is_some())?;
    let (answers, late) = evidence.held_up();
    if !is_loss(answers) {
        return None;
    }
    let summary = format!(
        "The way to the server loses packets: {} of {} answers over TCP came a retransmission late, and a stream over {} stalls.",
        answers.lost(),
        answers.sent,
        list(&[endpoint.endpoint]),
    );
    let found = Found::new(&RULE.cause, summary).confidence(Confidence::Likely).because(late);
    let found = found.because(stream_cut::cite(endpoint)).unless(
        "stream-cut",
        "run callcheck again: a line that loses packets stalls elsewhere each time, a filter after the same number of bytes",
    );
    Some(fixed(found))
}

fn fixed(found: Found) -> Judgement {
    found
        .fix_by(
            Place::Network,
            "Find the lossy link; a cable in place of Wi-Fi, or another network, tells.",
            "mtr --udp --report <host>",
        )
        .done()
}

fn is_loss(requests: Tally) -> bool {
    requests.sent >= 20 && surely_over(requests.lost(), requests.sent) > BEARABLE
}

fn share(requests: Tally) -> f64 {
    f64::from(requests.lost()) / f64::from(requests.sent.max(1))
}
