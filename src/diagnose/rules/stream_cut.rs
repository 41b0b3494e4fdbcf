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

/// With so many bytes of answers, which leave together, full packets have come for sure.
const FULL_PACKETS: u64 = 4000;

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let stalls = |endpoint: &&EndpointEvidence<'_>| stalled_after(endpoint).is_some() && !stalls_by_size(evidence, endpoint);
    // What waits for lost packets comes late time and again; packet-loss says so.
    let cut: Vec<_> = evidence.promised().filter(|endpoint| stalls(endpoint) && !packet_loss::holds_up(evidence)).collect();
    let Some(first) = cut.first() else {
        let flowing = evidence.promised().filter(|endpoint| !endpoint.is_datagram() && stalled_after(endpoint).is_none());
        return Judgement::ruled_out_by(flowing.flat_map(cite).collect());
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
        format!("A connection to {} stalls after about {bytes} bytes: something on the way cuts it silently.", list(&lost)),
    )
    .level(Level::Degrade)
    .confidence(confidence)
    .because(cut.iter().flat_map(|endpoint| cite(endpoint)))
    .because(cut.iter().filter_map(|endpoint| endpoint.allocation()).map(|allocation| allocation.cite()));
    let found = if confidence == Confidence::Certain {
        found
    } else {
        let decide =
            "run callcheck again: a filter cuts after the same number of bytes, a line that loses packets stalls elsewhere";
        found.unless("packet-loss", decide)
    };
    // So few bytes need no full packet of answers, and one that is lost on the way back stalls a connection as well.
    let few = |endpoint: &&EndpointEvidence<'_>| {
        let volume = endpoint.volume.is_some_and(|volume| volume.fact.received_bytes < FULL_PACKETS);
        let stream = endpoint.stream.is_none_or(|stream| stream.fact.stalled_after_bytes.is_none());
        volume && stream
    };
    let found = if cut.iter().any(few) {
        let decide =
            "send larger pings from the server's side (ping -M do -s 1372): if they pass, connections are cut for another reason";
        found.confidence(Confidence::Likely).unless("mtu-blackhole", decide)
    } else {
        found
    };
    found
        .fix(Place::Network, "Compare with another network: a middlebox in this one, or before the server, drops the connection.")
        .fix_by(Place::Application, "Offer TURN over TLS on port 443 beside it.", "turns:<host>:443?transport=tcp")
        .done()
}

/// The bytes after which a connection over TCP or TLS stalled, as far as they are known to have come through.
pub fn stalled_after(endpoint: &EndpointEvidence<'_>) -> Option<u64> {
    let in_stream = endpoint.stream.and_then(|stream| stream.fact.stalled_after_bytes);
    let in_answers = endpoint.volume.filter(|volume| volume.fact.stalled).map(|volume| volume.fact.received_bytes);
    match (in_stream, in_answers) {
        (None, None) => None,
        (in_stream, in_answers) => Some(in_stream.unwrap_or(0) + in_answers.unwrap_or(0)),
    }
}

/// Whether a connection stalled with the first full packet, while large ones are not known to pass otherwise.
pub fn stalls_by_size(evidence: &Evidence<'_>, endpoint: &EndpointEvidence<'_>) -> bool {
    let in_stream = endpoint.stream.map(|stream| (stream.fact.stalled_after_bytes == Some(0), stream.fact.outbound.arrived));
    // Requests that leave together are one full packet.
    let in_answers = endpoint.volume.is_some_and(|volume| volume.fact.stalled && volume.fact.requests.arrived == 0);
    let at_once = match in_stream {
        Some((at_once, arrived)) => at_once || in_answers && arrived == 0,
        None => in_answers,
    };
    at_once && !evidence.all_sizes_pass(endpoint.endpoint.ip())
}

/// The observations that a connection stalls, or doesn't.
pub fn cite(endpoint: &EndpointEvidence<'_>) -> Vec<String> {
    endpoint.stream.map(|seen| seen.cite()).into_iter().chain(endpoint.volume.map(|seen| seen.cite())).collect()
}
