//! `stream-cut`: a connection opens and works, and after some kilobytes nothing moves any more.

use super::packet_loss;
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{list, places};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "stream-cut",
        group: Group::Reach,
        level: Level::Degrade,
        title: "connections are cut after some kilobytes",
        meaning: "Something on the way lets a TCP connection open and begin, and then silently drops the rest: a filter that takes it for \
                  an unwanted protocol, or a limit.",
        impact: "Calls over TURN by TCP or TLS connect and freeze within a second.",
        proof: "Allocation over TCP or TLS passes, and the stream through it stalls after some kilobytes without a reset.",
        look_alikes: "mtu-blackhole: there the very first large packet is lost, and small ones go on. packet-loss: a connection that waits for lost \
                      packets stalls too, after another number of bytes each time, and its other answers come late.",
        remedy: "Find the middlebox; TURN over UDP, or over TLS on port 443, may pass it.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let stalls = |endpoint: &&EndpointEvidence<'_>| stalled_after(endpoint).is_some_and(|bytes| bytes > 0);
    // What waits for lost packets comes late time and again; packet-loss says so.
    let cut: Vec<_> = evidence.promised().filter(|endpoint| stalls(endpoint) && !packet_loss::holds_up(evidence)).collect();
    let Some(first) = cut.first() else {
        let flowing = evidence.promised().filter(|endpoint| !endpoint.is_datagram()).filter_map(|endpoint| endpoint.stream);
        return Judgement::ruled_out_by(
            flowing.filter(|stream| stream.fact.stalled_after_bytes.is_none()).map(|it| it.cite()).collect(),
        );
    };
    let bytes = stalled_after(first).unwrap_or_default();
    let lost = places(&cut);
    let clean = |endpoint: &EndpointEvidence<'_>| {
        endpoint.is_datagram() && endpoint.stream.is_some_and(|stream| stream.fact.inbound.plus(stream.fact.outbound).lost() == 0)
    };
    // The datagrams behind the relay could be lost too; a clean stream over UDP shows that they aren't.
    let confidence = if evidence.endpoints().iter().any(clean) { Confidence::Certain } else { Confidence::Likely };
    let found = Found::new(
        &RULE.cause,
        format!("A connection to {} stalls after {bytes} bytes: something on the way cuts it silently.", list(&lost)),
    )
    .level(Level::Degrade)
    .confidence(confidence)
    .because(cut.iter().filter_map(|endpoint| endpoint.stream).map(|stream| stream.cite()))
    .because(cut.iter().filter_map(|endpoint| endpoint.allocation()).map(|allocation| allocation.cite()));
    let found = if confidence == Confidence::Certain {
        found
    } else {
        let decide =
            "run callcheck again: a filter cuts after the same number of bytes, a line that loses packets stalls elsewhere";
        found.unless("packet-loss", decide)
    };
    found
        .fix(Place::Network, "Compare with another network: a middlebox in this one, or before the server, drops the connection.")
        .fix_by(Place::Application, "Offer TURN over TLS on port 443 beside it.", "turns:<host>:443?transport=tcp")
        .done()
}

/// The bytes after which a stream over TCP or TLS stalled.
pub fn stalled_after(endpoint: &EndpointEvidence<'_>) -> Option<u64> {
    endpoint.stream.and_then(|stream| stream.fact.stalled_after_bytes)
}
