//! The call in the report for people: the states of both peers as they came, the pair that carries it, the media, what was tried.

use std::fmt::Write as _;

use super::pen::Pen;
use crate::model::call::{Call, Candidate, MediaFlow, Pair, PairEnd, Peer, StateKind};

/// The most pairs that are listed.
const MOST_PAIRS: usize = 12;

/// The section about the call.
pub fn section(call: &Call, pen: Pen) -> String {
    let mut text = String::new();
    if let Some(path) = call.path {
        _ = writeln!(text, "\n{}", pen.bold(&format!("Call, path {}", path.name())));
    }
    for (name, peer) in [("caller", &call.caller), ("callee", &call.callee)] {
        if let Some(peer) = peer {
            one_peer(&mut text, name, peer);
        }
    }
    if call.paths.len() > 1 {
        _ = writeln!(text, "\n{}", pen.bold("Paths"));
        for path in &call.paths {
            let at = path.connected_ms.map_or_else(|| "failed".to_owned(), |at| format!("connected in {at} ms"));
            let cause = path.finding.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
            _ = writeln!(text, "  {:<10} {at}{cause}", path.path.name());
        }
    }
    text
}

fn one_peer(text: &mut String, name: &str, peer: &Peer) {
    for (kind, title) in [(StateKind::IceConnection, "iceConnectionState"), (StateKind::Connection, "connectionState")] {
        _ = writeln!(text, "  {name:<7} {title:<19} {}", sequence(peer, kind));
    }
    if let Some(pair) = &peer.selected_pair {
        let rtt = pair.rtt_ms.map_or_else(String::new, |rtt| format!(", round trip {rtt:.1} ms"));
        _ = writeln!(text, "          {} to {}{rtt}", candidate(&pair.local), candidate(&pair.remote));
    } else {
        pairs(text, peer);
    }
    let kinds = [("audio", &peer.media.audio), ("video", &peer.media.video)];
    let media: Vec<String> = kinds.iter().filter_map(|(kind, flow)| Some(flow_in_words(kind, flow.as_ref()?))).collect();
    if peer.connected_ms().is_some() && !media.is_empty() {
        _ = writeln!(text, "          receives {}", media.join("; "));
    }
}

/// `new → checking (31 ms) → connected (74 ms)`.
fn sequence(peer: &Peer, kind: StateKind) -> String {
    let mut text = "new".to_owned();
    let mut deadline = false;
    for change in peer.states.iter().filter(|change| change.kind == kind && change.state != "new") {
        _ = write!(text, " → {} ({} ms)", change.state, change.at_ms);
        deadline |= change.by_deadline;
    }
    if deadline {
        text.push_str(", ended by callcheck itself: ");
        text.push_str(if kind == StateKind::IceConnection { browsers(peer) } else { "browsers show failed" });
    }
    text
}

/// What browsers would show instead, and when; measured with Chromium 156 and Firefox ESR.
fn browsers(peer: &Peer) -> &'static str {
    if peer.pairs.iter().any(|pair| pair.sent > 0) {
        "Chrome shows disconnected after about 15 s, Firefox failed"
    } else {
        "browsers stay in new or checking for 15 to 40 s"
    }
}

fn pairs(text: &mut String, peer: &Peer) {
    for pair in peer.pairs.iter().take(MOST_PAIRS) {
        _ = writeln!(text, "          {} to {}: {}", candidate(&pair.local), candidate(&pair.remote), end(pair));
    }
    let more = peer.pairs.len().saturating_sub(MOST_PAIRS);
    if more > 0 {
        _ = writeln!(text, "          and {more} more pairs");
    }
    if peer.pairs.is_empty() {
        let (own, other) = (peer.candidates.len(), peer.remote_candidates.len());
        _ = writeln!(text, "          no pairs: {own} own candidates, {other} of the other side");
    }
}

fn end(pair: &Pair) -> String {
    match pair.end {
        PairEnd::NotChecked => "not checked".to_owned(),
        PairEnd::Unanswered => format!("{} checks, none answered, {} came in", pair.sent, pair.received),
        PairEnd::Unsendable => "its checks could not leave this host".to_owned(),
        PairEnd::Refused => format!("refused with {}", pair.code.map_or_else(|| "an error".to_owned(), |code| code.to_string())),
        PairEnd::Succeeded => "answered".to_owned(),
        PairEnd::Selected => "selected".to_owned(),
    }
}

fn candidate(candidate: &Candidate) -> String {
    let over = candidate.relay_protocol.map_or_else(String::new, |transport| format!(" over {}", transport.title()));
    format!("{} {}{over}", candidate.kind.name(), candidate.address)
}

fn flow_in_words(kind: &str, flow: &MediaFlow) -> String {
    let first = flow.first_packet_ms.map_or_else(String::new, |at| format!(", first at {at} ms"));
    format!("{kind} {} packets, {} lost, jitter {:.1} ms{first}", flow.packets_received, flow.lost, flow.jitter_ms)
}
