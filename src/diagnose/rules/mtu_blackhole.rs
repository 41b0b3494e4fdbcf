//! `mtu-blackhole`: small packets pass and large ones never do.

use super::stream_cut::stalled_after;
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{list, places};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "mtu-blackhole",
        group: Group::Stun,
        level: Level::Degrade,
        title: "large packets never arrive",
        meaning: "A link on the way carries only smaller packets, and the message that would say so is filtered.",
        impact: "Calls connect, and the DTLS handshake or the video never gets through.",
        proof: "Small requests are answered, and packets of 1,200 bytes are lost from the first on.",
        look_alikes: "stream-cut: there some large packets pass before it stalls.",
        remedy: "Let ICMP \"fragmentation needed\" through, or lower the MTU of the tunnel's interface.",
    },
    folds: &["relay-lossy"],
    judge,
};

/// How many large packets must be lost to the last one.
const ENOUGH: u32 = 4;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let lost: Vec<_> =
        evidence.promised().filter(|endpoint| stalled_after(endpoint) == Some(0) || only_small_pass(endpoint)).collect();
    if lost.is_empty() {
        return Judgement::Unknown;
    }
    let summary = format!("Small packets pass on {}, and packets of 1,200 bytes never arrive.", list(&places(&lost)));
    Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .because(lost.iter().filter_map(|endpoint| endpoint.stream).map(|stream| stream.cite()))
        .unless("stream-cut", "send larger pings (ping -M do -s 1372 HOST): if they pass, connections are cut for another reason")
        .fix_by(
            Place::Network,
            "Let ICMP \"fragmentation needed\" through, or lower the MTU of the tunnel.",
            "ip link set dev <tunnel> mtu 1280",
        )
        .done()
}

/// Over UDP: no large packet passes, and small ones do.
fn only_small_pass(endpoint: &EndpointEvidence<'_>) -> bool {
    endpoint.is_datagram()
        && endpoint.stream.is_some_and(|stream| {
            let (large, all) = (stream.fact.large, stream.fact.outbound);
            large.sent >= ENOUGH && large.arrived == 0 && all.arrived > (all.sent - large.sent) / 2
        })
}
