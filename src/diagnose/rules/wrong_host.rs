//! `wrong-host`: something else than a TURN server answers on the port.

use super::network_blocks_udp;
use crate::diagnose::endpoint::{EndpointEvidence, Reachability};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{cite, list, places};
use crate::model::cause::{Cause, Group};
use crate::model::fact::HandshakeEnd;
use crate::model::finding::{Confidence, Level, Place};
use crate::model::outcome::Protocol;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "wrong-host",
        group: Group::Names,
        level: Level::Fail,
        title: "another service answers on the port",
        meaning: "The name or the port leads to something that is no TURN server: a web server, a CDN in front of the site, SSH.",
        impact: "Browsers get no answer that they understand: no relay candidates come from this server.",
        proof: "The port answers in another protocol.",
        look_alikes: "captive-portal: there every host seems to answer so. tls-not-turn: there TLS completes first.",
        remedy: "Point the name at the TURN server itself; a CDN or HTTP proxy can't carry TURN.",
    },
    folds: &["turn-down", "turn-udp-closed", "turn-not-listening-udp", "turn-tcp-closed", "turn-tls-closed"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let foreign: Vec<_> = evidence.promised().filter(|endpoint| speaks(endpoint).is_some()).collect();
    let alone = |endpoint: &&EndpointEvidence<'_>| !evidence.siblings(endpoint).any(EndpointEvidence::alive);
    let mute: Vec<_> = evidence.promised().filter(|endpoint| is_mute(endpoint)).filter(alone).collect();
    let Some(first) = foreign.first() else { return mute_alone(evidence, &mute) };
    let what = match speaks(first) {
        Some(Protocol::Http) => "HTTP",
        Some(Protocol::Tls) => "TLS",
        Some(Protocol::Ssh) => "SSH",
        Some(Protocol::Other) | None => "another protocol",
    };
    let lost = places(&foreign);
    let summary = format!("{what}, not TURN, is what answers on {}.", list(&lost));
    let found = Found::new(&RULE.cause, summary).level(evidence.level_by_rest(&lost)).because(cite(&foreign));
    // No other host has shown that this network lets its visitors through.
    let shown = evidence.control_handshakes().any(|seen| seen.fact.end == HandshakeEnd::Completed);
    let found = if !shown && speaks(first) == Some(Protocol::Http) {
        let decide = "open any page in a browser here: a portal that wants a login answers in place of every host";
        found.confidence(Confidence::Likely).unless("captive-portal", decide)
    } else {
        found
    };
    mend(found).done()
}

/// A connection that opens and then stays without a word: likely another service, since a TURN server answers.
fn mute_alone(evidence: &Evidence<'_>, mute: &[&EndpointEvidence<'_>]) -> Judgement {
    if mute.is_empty() {
        let alive = evidence.promised().filter(|endpoint| endpoint.alive());
        return Judgement::ruled_out_by(alive.flat_map(EndpointEvidence::cite_reachability).collect());
    }
    let lost = places(mute);
    // A network that blocks UDP may well swallow what it doesn't know over TCP: then that comes first.
    let is_filtered = matches!((network_blocks_udp::RULE.judge)(evidence), Judgement::Found(_));
    let summary = format!("Something takes connections on {} and gives no answer to STUN or TURN.", list(&lost));
    let found = Found::new(&RULE.cause, summary)
        .level(if is_filtered { Level::Warn } else { evidence.level_by_rest(&lost) })
        .confidence(Confidence::Possible)
        .because(cite(mute))
        .unless(
            "stream-cut",
            "try from another network: if TURN answers there, a middlebox here swallows what follows the connection",
        );
    mend(found).done()
}

fn speaks(endpoint: &EndpointEvidence<'_>) -> Option<Protocol> {
    match endpoint.reachability() {
        Reachability::Foreign(protocol) if !completed_tls(endpoint) => Some(protocol),
        Reachability::Foreign(_)
        | Reachability::Alive
        | Reachability::Silent
        | Reachability::Refused
        | Reachability::Rejected
        | Reachability::DeniedLocally
        | Reachability::NoRoute
        | Reachability::Mute
        | Reachability::Untested => None,
    }
}

fn completed_tls(endpoint: &EndpointEvidence<'_>) -> bool {
    endpoint.handshake.is_some_and(|handshake| handshake.fact.end == HandshakeEnd::Completed)
}

/// A plain TCP connection without an answer. TLS has rules of its own, and an answer with a defect is none of another service.
fn is_mute(endpoint: &EndpointEvidence<'_>) -> bool {
    endpoint.reachability() == Reachability::Mute && endpoint.handshake.is_none() && endpoint.connect.is_some()
}

fn mend(found: Found) -> Found {
    found
        .fix(Place::Dns, "Point the name at the TURN server's own address; a CDN or an HTTP proxy can't carry TURN.")
        .fix(Place::Application, "Check host and port in the list of ICE servers; TURN's usual ports are 3478, and 5349 for TLS.")
}
