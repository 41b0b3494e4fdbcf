//! `network-blocks-udp`: this network lets no UDP out, while TCP works.

use crate::diagnose::controls::Answer;
use crate::diagnose::endpoint::Reachability;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::trace;
use crate::model::cause::{Cause, Group};
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "network-blocks-udp",
        group: Group::Reach,
        level: Level::Degrade,
        title: "this network blocks UDP",
        meaning: "The network that callcheck runs in, or its operator, lets no UDP out; TCP passes.",
        impact: "Users in this network can call only where the application offers TURN over TCP or TLS.",
        proof: "UDP to the TURN server and to every unrelated host stays without an answer, while TCP connections succeed.",
        look_alikes: "turn-udp-closed: there unrelated hosts answer over UDP. network-blocks-stun: there DNS over UDP passes.",
        remedy: "Offer turns: on port 443 to such users, or have the network let UDP to the server out.",
    },
    folds: &["relay-untestable-from-here", "turn-down"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let controls = evidence.controls();
    if controls.stun() == Answer::Passes || controls.dns() == Answer::Passes {
        return Judgement::ruled_out_by(controls.cite(&[ControlKind::Stun, ControlKind::Dns]));
    }
    let of_high_ports = evidence.endpoints().iter().find_map(|endpoint| controls.high_ports_open(endpoint.endpoint.ip()));
    let traced = evidence.endpoints().iter().find_map(|endpoint| evidence.traces().arrives(endpoint.endpoint.ip()));
    let by_servers_errors = of_high_ports.map(|seen| seen.cite()).into_iter().chain(traced.map(|seen| seen.cite()));
    let arrived: Vec<String> = evidence.arrived_datagrams().into_iter().chain(by_servers_errors).collect();
    if !arrived.is_empty() {
        return Judgement::RuledOut(arrived);
    }
    let udp: Vec<_> = evidence.endpoints().iter().filter(|endpoint| endpoint.is_datagram()).collect();
    let udp_works = udp.iter().any(|endpoint| !silent(endpoint.reachability()));
    let streams: Vec<_> = evidence.endpoints().iter().filter(|endpoint| !endpoint.is_datagram()).collect();
    let streams_work = streams.iter().any(|endpoint| endpoint.connect.is_some_and(|connect| connect.fact.reply.succeeded()));
    // Where only UDP was asked for, a connection to an unrelated host shows that this network works otherwise.
    let tcp_works = streams_work || streams.is_empty() && controls.tcp() == Answer::Passes;
    let Answer::Silent(stun) = controls.stun() else { return Judgement::Unknown };
    if udp.is_empty() || udp_works || !tcp_works {
        return Judgement::Unknown;
    }
    let confidence = match (stun, controls.dns()) {
        (2.., Answer::Silent(_)) if controls.silent_stun_is_alive() && controls.silent_dns_is_alive() => Confidence::Certain,
        (_, Answer::Silent(_) | Answer::NotAsked | Answer::Passes) => Confidence::Likely,
    };
    let lost: Vec<_> = udp.iter().map(|endpoint| endpoint.endpoint).collect();
    let ends = trace::ends(evidence.traces(), &lost);
    let summary = format!("This network blocks UDP: no host answers over UDP, while TCP works{}.", trace::named(&ends));
    let found = Found::new(&RULE.cause, summary)
        .level(evidence.level_of(&RULE.cause, &lost))
        .confidence(confidence)
        .because(udp.iter().flat_map(|endpoint| endpoint.cite_reachability()))
        .because(controls.cite(&[ControlKind::Stun, ControlKind::Dns]))
        .because(
            evidence.endpoints().iter().filter(|endpoint| endpoint.alive()).flat_map(|endpoint| endpoint.cite_reachability()),
        )
        .because(ends.into_iter().flat_map(|end| end.evidence));
    let found = if confidence == Confidence::Certain {
        found
    } else {
        let found = found.unless(
            "network-blocks-stun",
            "ask a name server outside over UDP (dig @9.9.9.9 example.org): if it answers, only STUN is filtered",
        );
        found
            .unless("turn-udp-closed", "ask other controls (--control): if one answers over UDP, the server's port is closed")
            .unless("reply-from-other-address", "ask other controls (--control) likewise")
    };
    found
        .fix(Place::Network, "Have the network let UDP out to the TURN server, port 3478 at the least.")
        .fix_by(
            Place::Application,
            "Or offer TURN over TLS on port 443, which passes nearly everywhere.",
            "turns:<host>:443?transport=tcp",
        )
        .done()
}

/// Whether nothing that the server itself says came back.
pub fn silent(reachability: Reachability) -> bool {
    matches!(reachability, Reachability::Silent | Reachability::Rejected)
}
