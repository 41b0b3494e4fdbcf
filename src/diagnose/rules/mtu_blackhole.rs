//! `mtu-blackhole`: small packets pass and large ones never do.

use super::stream_cut::{self, stalls_by_size};
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{list, places};
use crate::model::cause::{Cause, Group};
use crate::model::fact::SizeFact;
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
        proof: "Small requests are answered, and packets of 1,200 bytes are lost from the first on; requests of many sizes then show the \
                largest that passes. It is certain where the edge is seen.",
        look_alikes: "stream-cut: there some large packets pass before it stalls.",
        remedy: "Let ICMP \"fragmentation needed\" and fragments through, or lower the MTU of the tunnel's interface.",
    },
    folds: &["relay-lossy"],
    judge,
};

/// What a large packet of the stream has with the headers of TURN, UDP and IP, in bytes.
const LARGE_PACKET: u16 = 1200 + 36 + 28;

/// The headers of IPv4 and TCP without options, in bytes.
const TCP_HEADERS: u16 = 40;

/// How many large packets must be lost to the last one.
const ENOUGH: u32 = 4;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let lost: Vec<_> =
        evidence.promised().filter(|endpoint| stalls_by_size(evidence, endpoint) || only_small_pass(endpoint)).collect();
    if lost.is_empty() {
        return Judgement::Unknown;
    }
    let seen = lost.iter().find_map(|endpoint| evidence.sizes(endpoint.endpoint.ip()).find(|seen| explains(endpoint, seen.fact)));
    let size = seen.map(|seen| *seen.fact);
    let summary = format!(
        "Small packets pass on {}, and {} never arrive{}.",
        list(&places(&lost)),
        if size.is_some() { "large ones" } else { "packets of 1,200 bytes" },
        size.map_or_else(String::new, largest)
    );
    let found = Found::new(&RULE.cause, summary)
        .because(lost.iter().flat_map(|endpoint| stream_cut::cite(endpoint)))
        .because(seen.map(|seen| seen.cite()));
    match size {
        None => found
            .confidence(Confidence::Likely)
            .unless(
                "stream-cut",
                "send larger pings (ping -M do -s 1372 HOST): if they pass, connections are cut for another reason",
            )
            .fix_by(
                Place::Network,
                "Let ICMP \"fragmentation needed\" through, or lower the MTU of the tunnel.",
                "ip link set dev <tunnel> mtu 1280",
            )
            .done(),
        Some(size) => mend(found, size).done(),
    }
}

/// The edge that the sweep of sizes has found, as the end of a sentence.
fn largest(size: SizeFact) -> String {
    if drops_fragments(size) {
        format!(
            ": a link on the way carries {} bytes, which this host knows, and the fragments of larger ones are dropped",
            size.passed
        )
    } else {
        format!(": the largest that passes has {} bytes, and no router says so", size.passed)
    }
}

fn mend(found: Found, size: SizeFact) -> Found {
    let mtu = size.passed;
    let (text, sized) =
        ("Or lower the MTU to what passes, on the tunnel or on this host.", format!("ip link set dev <interface> mtu {mtu}"));
    let first = if drops_fragments(size) {
        "Let fragments of UDP through the firewalls on the way."
    } else {
        "Let ICMP \"fragmentation needed\" through the firewalls on the way."
    };
    let clamp =
        format!("nft add rule inet filter forward tcp flags syn tcp option maxseg size set {}", mtu.saturating_sub(TCP_HEADERS));
    found.fix(Place::Network, first).fix_by(Place::Network, text, sized).fix_by(
        Place::Network,
        "For TCP alone, have the router lower the segments' size.",
        clamp,
    )
}

/// Whether an edge explains what was lost: the segments of TCP are as large as Ethernet allows, the datagrams are what was sent.
fn explains(endpoint: &EndpointEvidence<'_>, size: &SizeFact) -> bool {
    !endpoint.is_datagram() || size.passed < LARGE_PACKET
}

/// Whether the system knows of the limit, so that larger packets left it in pieces.
fn drops_fragments(size: SizeFact) -> bool {
    size.known.zip(size.lost).is_some_and(|(known, lost)| known < lost)
}

/// Over UDP: no large packet passes, and small ones do.
fn only_small_pass(endpoint: &EndpointEvidence<'_>) -> bool {
    endpoint.is_datagram()
        && endpoint.stream.is_some_and(|stream| {
            let (large, all) = (stream.fact.large, stream.fact.outbound);
            large.sent >= ENOUGH && large.arrived == 0 && all.arrived > (all.sent - large.sent) / 2
        })
}
