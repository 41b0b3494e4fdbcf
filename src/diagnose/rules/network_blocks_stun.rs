//! `network-blocks-stun`: UDP passes in this network, and STUN does not.

use super::network_blocks_udp::{self, silent};
use super::turn_not_listening_udp::others_alive;
use crate::diagnose::controls::Answer;
use crate::diagnose::endpoint::Reachability;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{cite, list, places};
use crate::diagnose::trace;
use crate::model::cause::{Cause, Group};
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "network-blocks-stun",
        group: Group::Reach,
        level: Level::Degrade,
        title: "this network filters STUN",
        meaning: "The network that callcheck runs in lets UDP out, DNS at least, and drops STUN: by its ports or by its content.",
        impact: "Users in this network get neither a public address nor a relay over UDP: they can call only by TURN over TCP or TLS.",
        proof: "DNS over UDP is answered, and STUN at the TURN server and at several unrelated servers is not. Or a trace: datagrams to \
                the TURN port end in this network, while others go on from there.",
        look_alikes: "turn-udp-closed: there unrelated STUN servers answer, and the datagrams leave this network. network-blocks-udp: there \
                      DNS over UDP fails too.",
        remedy: "Offer turns: on port 443 to such users, or have the network let STUN and TURN out.",
    },
    folds: &["turn-down"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let controls = evidence.controls();
    if controls.stun() == Answer::Passes {
        if let Some(found) = filter_of_a_port(evidence) {
            return found;
        }
        return Judgement::ruled_out_by(controls.cite(&[ControlKind::Stun]));
    }
    let traced = evidence.endpoints().iter().find_map(|endpoint| evidence.traces().arrives(endpoint.endpoint.ip()));
    let arrived: Vec<String> = evidence.arrived_datagrams().into_iter().chain(traced.map(|seen| seen.cite())).collect();
    let Answer::Silent(_) = controls.stun() else { return Judgement::Unknown };
    if controls.dns() != Answer::Passes && arrived.is_empty() {
        return Judgement::Unknown;
    }
    let asked_over_udp = evidence.endpoints().iter().any(|endpoint| endpoint.is_udp());
    let udp_works = evidence.endpoints().iter().any(|endpoint| endpoint.is_udp() && !silent(endpoint.reachability()));
    let stream_works = evidence.endpoints().iter().any(|endpoint| !endpoint.is_datagram() && endpoint.alive());
    let tcp_works = stream_works || controls.tcp() == Answer::Passes;
    // Then it is not STUN alone that is held back.
    let udp_is_blocked = matches!((network_blocks_udp::RULE.judge)(evidence), Judgement::Found(_));
    if !asked_over_udp || udp_works || !tcp_works || udp_is_blocked || lets_out_few_ports(evidence) {
        return Judgement::Unknown;
    }
    // Datagrams to the relay arrive, and those with the bytes of STUN don't: nothing else does that.
    let filtered: Vec<_> = evidence.relays().iter().filter_map(|relay| relay.stun_like).collect();
    let sure = !filtered.is_empty() && filtered.iter().all(|seen| !seen.fact.arrived);
    if filtered.iter().any(|seen| seen.fact.arrived) {
        return Judgement::RuledOut(filtered.iter().map(|seen| seen.cite()).collect());
    }
    // Hosts that take no TCP connection either are perhaps no more, and their silence says nothing of this network.
    if !sure && matches!(controls.tcp(), Answer::Silent(_)) {
        return Judgement::Unknown;
    }
    let confidence = if sure { Confidence::Certain } else { Confidence::Likely };
    let udp: Vec<_> = evidence
        .promised()
        .filter(|endpoint| endpoint.is_datagram() && !endpoint.alive())
        .map(|endpoint| endpoint.endpoint)
        .collect();
    // Where no list promises UDP, nobody misses it.
    if udp.is_empty() {
        return Judgement::Unknown;
    }
    let ends = trace::ends(evidence.traces(), &udp);
    let noise = udp.iter().find_map(|endpoint| evidence.traces().noise(endpoint.ip()));
    let summary = format!(
        "This network filters STUN: other UDP passes, and STUN is answered neither by the TURN server nor by unrelated ones{}.",
        trace::named(&ends)
    );
    let found = Found::new(&RULE.cause, summary)
        .level(evidence.level_of(&RULE.cause, &udp))
        .confidence(confidence)
        .because(
            evidence.endpoints().iter().filter(|endpoint| endpoint.is_udp()).flat_map(|endpoint| endpoint.cite_reachability()),
        )
        .because(controls.cite(&[ControlKind::Stun, ControlKind::Dns]))
        .because(arrived)
        .because(filtered.iter().map(|seen| seen.cite()))
        .because(ends.iter().flat_map(|end| end.evidence.clone()))
        .because(noise.iter().flat_map(|noise| noise.evidence.clone()));
    let found = if stream_works {
        found
    } else {
        found.unless("turn-down", "ask from another network whether the TURN server answers there")
    };
    // Where they get as far as the server's network, it is answers that are kept out here, and perhaps all but DNS's.
    let kept_in = noise.is_some() && ends.iter().all(|end| end.place != trace::Place::There);
    let found = if sure || kept_in {
        found
    } else {
        let decide = "run callcheck from another network: DNS alone passes in networks that block all other UDP, too";
        found.unless("network-blocks-udp", decide)
    };
    let found = if sure {
        found
    } else {
        found
            .unless("turn-udp-closed", "ask other controls (--control): if one answers STUN, the server's port is closed")
            .unless("reply-from-other-address", "ask other controls (--control) likewise")
    };
    let text = "Have the network let STUN and TURN out: UDP port 3478, and the relay range 49152-65535.";
    or_over_tls(found.fix(Place::Network, text)).done()
}

/// The way out where a network holds back what TURN needs.
pub fn or_over_tls(found: Found) -> Found {
    let text = "Or offer TURN over TLS on port 443, which passes nearly everywhere.";
    found.fix_by(Place::Application, text, "turns:<host>:443?transport=tcp")
}

/// Whether the server is up by another of its ports, and silent over TCP where TURN is, or connections to it are reset on the way: more than
/// STUN is held back then, which network-allow-list says.
fn lets_out_few_ports(evidence: &Evidence<'_>) -> bool {
    let mut streams = evidence.promised().filter(|endpoint| !endpoint.is_datagram()).peekable();
    streams.peek().is_some()
        && streams.all(|endpoint| {
            let is_silent = endpoint.reachability() == Reachability::Silent;
            endpoint.end.is_some() || is_silent && evidence.answering_port(endpoint.endpoint.ip()).is_some()
        })
}

/// A filter that knows the port and not the protocol: STUN passes to other ports, and what goes to the server's ends in this network,
/// although the server answers over TCP.
fn filter_of_a_port(evidence: &Evidence<'_>) -> Option<Judgement> {
    let silent: Vec<_> = evidence
        .promised()
        .filter(|endpoint| endpoint.is_udp() && silent(endpoint.reachability()))
        .filter(|endpoint| others_alive(evidence, endpoint))
        .collect();
    let lost = places(&silent);
    if !trace::all_end_here(evidence.traces(), &silent) {
        return None;
    }
    let ends = trace::ends(evidence.traces(), &lost);
    let rejecting = silent.iter().find_map(|endpoint| endpoint.rejected_here());
    let end = rejecting.map_or_else(|| trace::named(&ends), |router| format!("; the router {router} rejects it"));
    let summary = format!("This network filters what goes to {}, and lets other datagrams out{end}.", list(&lost));
    let decide = "run callcheck from another network: if the port is silent there too, the server's firewall drops it";
    let ports: Vec<String> = lost.iter().map(|endpoint| endpoint.address.port().to_string()).collect();
    let found = Found::new(&RULE.cause, summary)
        .level(evidence.level_of(&RULE.cause, &lost))
        .confidence(Confidence::Likely)
        .because(cite(&silent))
        .because(ends.into_iter().flat_map(|end| end.evidence))
        .because(evidence.controls().cite(&[ControlKind::Stun]))
        .unless("turn-udp-closed", decide)
        .fix(Place::Network, format!("Have the network let UDP to port {} out.", ports.join(" and ")));
    Some(or_over_tls(found).done())
}
