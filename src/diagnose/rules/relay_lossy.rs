//! `relay-lossy`: what goes through the relay is lost or delayed, while the way to the server is clean.

use super::packet_loss::BEARABLE;
use super::stream_cut::stalled_after;
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::interval::{clopper_pearson, surely_over, surely_under};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{StreamFact, Tally};
use crate::model::finding::{Confidence, Level, Place};

/// The jitter beyond which calls suffer, in milliseconds: the depth of a usual jitter buffer's first step.
const BEARABLE_JITTER_MS: f64 = 30.0;

/// The throughput under which a video call suffers, in kilobits a second.
const NEEDED_KBPS: f64 = 1000.0;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-lossy",
        group: Group::Relay,
        level: Level::Degrade,
        title: "the relay loses or delays packets",
        meaning: "Packets through the relay are lost or arrive unevenly, although the way to the server is clean: an overloaded host, a rate \
                  limit, a lossy link behind it.",
        impact: "Relayed calls connect, and sound and picture break up.",
        proof: "The relayed stream's loss is surely over 3 % (one look in 10,000 errs), and surely over that of the way to the server; or its \
                jitter is 30 ms over twice that way's own; or a longer stream carries under 1 Mbit/s.",
        look_alikes: "packet-loss: there requests to the server are lost as well.",
        remedy: "Look at the server's load, its provider's limits on UDP, and coturn's max-bps.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let flowing = |endpoint: &&EndpointEvidence<'_>| endpoint.stream.is_some() && stalled_after(endpoint).is_none();
    let mut measured: Vec<_> = evidence.promised().filter(flowing).collect();
    // Over UDP the way to the server is measured apart, so what it says comes first.
    measured.sort_by_key(|endpoint| !endpoint.is_datagram());
    let Some((endpoint, how)) = measured.iter().find_map(|endpoint| Some((endpoint, complaint(endpoint)?))) else {
        return Judgement::ruled_out_by(
            measured.iter().filter_map(|endpoint| endpoint.stream).map(|stream| stream.cite()).collect(),
        );
    };
    let own_way_clean = endpoint.loss().is_some_and(|requests| is_cleaner(requests, endpoint));
    let found = Found::new(&RULE.cause, format!("What goes through the relay at {} suffers: {how}.", endpoint.endpoint.address))
        .confidence(if own_way_clean { Confidence::Certain } else { Confidence::Likely })
        .because(endpoint.stream.map(|stream| stream.cite()))
        .because(endpoint.losses.iter().map(|loss| loss.cite()));
    let found = if own_way_clean {
        found
    } else {
        found.unless(
            "packet-loss",
            "the way to the server could not be told from the relay well enough: run callcheck again, or from another network",
        )
    };
    let found = found.fix_by(
        Place::Server,
        "Look at the host's load and at drops on its interface.",
        "top -b -n1 | head -15; ip -s link",
    );
    if evidence.is_coturn() {
        found
            .fix_by(
                Place::Server,
                "See whether coturn limits the bandwidth.",
                "grep -E '^(max-bps|bps-capacity)' /etc/turnserver.conf",
            )
            .done()
    } else {
        found.done()
    }
}

/// Whether the way to the server surely loses less than the stream through the relay, where loss is the complaint.
fn is_cleaner(requests: Tally, endpoint: &EndpointEvidence<'_>) -> bool {
    let Some(stream) = endpoint.stream else { return true };
    let both = stream.fact.inbound.plus(stream.fact.outbound);
    let cleaner = surely_under(requests.lost(), requests.sent) < surely_over(both.lost(), both.sent);
    cleaner || loss_complaint(stream.fact, endpoint).is_none()
}

fn complaint(endpoint: &EndpointEvidence<'_>) -> Option<String> {
    let stream = endpoint.stream?.fact;
    loss_complaint(stream, endpoint).or_else(|| {
        // Over TCP a packet that is repeated holds up those behind it: that unevenness is not the relay's.
        // Where the way to the server can't be measured nothing tells its own unevenness from the relay's.
        if endpoint.is_datagram()
            && !endpoint.losses.is_empty()
            && stream.jitter_ms > BEARABLE_JITTER_MS + 2.0 * own_jitter_ms(endpoint)
        {
            Some(format!("packets arrive unevenly, with a jitter of {:.0} ms", stream.jitter_ms))
        } else if stream.long && stream.throughput_kbps < NEEDED_KBPS {
            Some(format!("it carries only {:.0} kbit/s", stream.throughput_kbps))
        } else {
            None
        }
    })
}

/// How unevenly answers of the server itself come: a stream through the relay takes that way too.
fn own_jitter_ms(endpoint: &EndpointEvidence<'_>) -> f64 {
    endpoint.losses.iter().filter_map(|loss| loss.fact.jitter_ms).fold(0.0, f64::max)
}

fn loss_complaint(stream: &StreamFact, endpoint: &EndpointEvidence<'_>) -> Option<String> {
    let both = stream.inbound.plus(stream.outbound);
    let (lower, upper) = clopper_pearson(both.lost(), both.sent);
    // The way to the server must be cleaner: both share it, and then the loss isn't the relay's.
    let share = f64::from(both.lost()) / f64::from(both.sent.max(1));
    let own_way_lossy = endpoint.loss().is_some_and(|requests| surely_under(requests.lost(), requests.sent) > share);
    // Over a stream nothing tells the loss of the way from that of the relay but its size.
    let bearable = if endpoint.is_datagram() { BEARABLE } else { BEARABLE * 2.0 };
    (surely_over(both.lost(), both.sent) > bearable && !own_way_lossy).then(|| {
        let (lost, sent) = (both.lost(), both.sent);
        format!(
            "{lost} of {sent} packets are lost (95 % interval {:.0} to {:.0} %), while requests to the server pass",
            lower * 100.0,
            upper * 100.0
        )
    })
}
