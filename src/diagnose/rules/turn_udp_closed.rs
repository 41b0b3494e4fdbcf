//! `turn-udp-closed`: the server's UDP port stays silent or is rejected by a filter, while its streams and other UDP work.

use super::turn_not_listening_udp::others_alive;
use crate::diagnose::controls::Answer;
use crate::diagnose::endpoint::{EndpointEvidence, Reachability};
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
        id: "turn-udp-closed",
        group: Group::Reach,
        level: Level::Fail,
        title: "the server's UDP port is closed",
        meaning: "A firewall on the server or at its provider drops UDP to the TURN port; TCP passes.",
        impact: "Users get no relay over UDP, which is what nearly all calls use; only those with another transport in their list do.",
        proof: "UDP to the port stays without an answer or is rejected by a filter, TURN answers otherwise, and unrelated hosts \
                answer over UDP.",
        look_alikes: "network-blocks-udp and network-blocks-stun: there unrelated hosts don't answer either, or a trace shows that the \
                      datagrams end in this network.",
        remedy: "Open the UDP port in the host's firewall and in the provider's.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let closed: Vec<_> =
        evidence.promised().filter(|endpoint| is_closed(endpoint)).filter(|endpoint| others_alive(evidence, endpoint)).collect();
    if closed.is_empty() {
        let back = |endpoint: &&EndpointEvidence<'_>| matches!(endpoint.reachability(), Reachability::Alive | Reachability::Mute);
        let alive = evidence.promised().filter(|endpoint| endpoint.is_udp()).filter(back);
        return Judgement::ruled_out_by(alive.flat_map(EndpointEvidence::cite_reachability).collect());
    }
    let lost = places(&closed);
    // Then it isn't the server's firewall.
    if trace::all_end_here(evidence.traces(), &closed) {
        return Judgement::Unknown;
    }
    let ends = trace::ends(evidence.traces(), &lost);
    let same_family =
        |endpoint: &&EndpointEvidence<'_>| lost.iter().any(|it| it.ip().is_ipv4() == endpoint.endpoint.ip().is_ipv4());
    let udp_elsewhere = evidence.endpoints().iter().filter(same_family).any(|endpoint| endpoint.is_udp() && endpoint.alive());
    let rejected_by_server =
        closed.iter().all(|endpoint| endpoint.icmp().is_some_and(|(_, from)| from == Some(endpoint.endpoint.ip())));
    let controls = &evidence.controls().over(lost[0].ip());
    let udp_arrives = closed.iter().find_map(|endpoint| controls.high_ports_open(endpoint.endpoint.ip()));
    let udp_passes = udp_arrives.is_some() || controls.dns() == Answer::Passes;
    let same_port_passes = closed.iter().all(|endpoint| controls.passes_on_port(endpoint.endpoint.address.port()));
    let of_server = rejected_by_server || !ends.is_empty() && ends.iter().all(|end| end.place == trace::Place::There);
    let confidence = match controls.stun() {
        _ if rejected_by_server => Confidence::Certain,
        // The same port answers elsewhere: this network doesn't block it.
        Answer::Passes if same_port_passes => Confidence::Certain,
        Answer::Passes => Confidence::Likely,
        Answer::Silent(_) | Answer::NotAsked if udp_elsewhere => Confidence::Likely,
        // STUN passes here as datagrams to the relay show: then it is the controls that are dead.
        Answer::Silent(_) if !evidence.stun_passes().is_empty() => Confidence::Likely,
        // Other datagrams reach the server: what keeps STUN back may be this network, and not UDP as such.
        Answer::Silent(_) if udp_arrives.is_some() => Confidence::Possible,
        // Hosts that take no TCP connection either are perhaps no more.
        Answer::Silent(_) if udp_passes && matches!(controls.tcp(), Answer::Silent(_)) => Confidence::Possible,
        // The datagrams get as far as the server's network, and hosts that take no TCP connection are perhaps no more.
        Answer::Silent(_) if of_server && matches!(controls.tcp(), Answer::Silent(_)) => Confidence::Likely,
        Answer::Silent(_) => return Judgement::Unknown,
        Answer::NotAsked => Confidence::Possible,
    };
    // A NAT drops answers that come from another address than was asked, and then they look like silence.
    let rejected = closed.iter().any(|endpoint| endpoint.icmp().is_some());
    let hides_strays = !rejected && closed.iter().any(|endpoint| evidence.is_translated(endpoint.endpoint.ip()));
    let confidence = if hides_strays && confidence == Confidence::Certain { Confidence::Likely } else { confidence };
    let how = if closed.iter().any(|endpoint| endpoint.icmp().is_some()) { "rejects" } else { "drops" };
    let by_stream = closed.iter().flat_map(|it| evidence.siblings(it)).any(|other| other.alive() && !other.is_datagram());
    let other = if by_stream { "TCP" } else { "DTLS" };
    let summary = format!(
        "A firewall at the server {how} {}: TURN answers over {other} there, and not over UDP{}.",
        list(&lost),
        trace::named(&ends)
    );
    let other_address = |endpoint: &EndpointEvidence<'_>| {
        endpoint.is_udp() && endpoint.alive() && lost.iter().all(|it| it.ip() != endpoint.endpoint.ip())
    };
    let level = if evidence.promised().any(other_address) { Level::Degrade } else { evidence.level_of(&RULE.cause, &lost) };
    let found = Found::new(&RULE.cause, summary)
        .level(level)
        .confidence(confidence)
        .because(cite(&closed))
        .because(
            closed
                .iter()
                .flat_map(|endpoint| evidence.siblings(endpoint))
                .filter(|it| it.alive())
                .flat_map(EndpointEvidence::cite_reachability),
        )
        .because(controls.cite(&[ControlKind::Stun, ControlKind::Dns]))
        .because(evidence.stun_passes())
        .because(udp_arrives.map(|seen| seen.cite()))
        .because(ends.into_iter().flat_map(|end| end.evidence));
    let nothing_passes = matches!(controls.stun(), Answer::Silent(_)) && evidence.stun_passes().is_empty() && !udp_elsewhere;
    let found = if !udp_passes && (confidence == Confidence::Possible || confidence == Confidence::Likely && nothing_passes) {
        let decide = "allow controls, or try another network: if no host answers over UDP here, this network blocks it";
        found.unless("network-blocks-udp", decide)
    } else {
        found
    };
    let found = if confidence == Confidence::Possible {
        let decide = "allow other controls, or try another network: if only STUN is silent here, this network filters it";
        found.unless("network-blocks-stun", decide)
    } else {
        found
    };
    let found = if hides_strays {
        found.unless("reply-from-other-address", "ask from a host without NAT, or look at the server's addresses (ip addr): answers from another one are dropped by this network's NAT unseen")
    } else {
        found
    };
    let found = if controls.stun() == Answer::Passes && confidence == Confidence::Likely && !of_server && !same_port_passes {
        let decide =
            "ask a control on the same port (--control HOST:PORT), or try another network: this one may filter that port";
        found.unless("network-blocks-stun", decide)
    } else {
        found
    };
    let port = lost.first().map_or(3478, |endpoint| endpoint.address.port());
    found
        .fix_by(Place::Firewall, "Open the UDP port in the host's firewall.", format!("ufw allow {port}/udp"))
        .fix(
            Place::Firewall,
            format!("Where the host is in a cloud, open UDP {port} in the provider's firewall or security group too."),
        )
        .done()
}

/// Silence that was asked often enough, or a filter's rejection; the host's own "nothing listens" is another cause.
fn is_closed(endpoint: &EndpointEvidence<'_>) -> bool {
    endpoint.is_udp() && matches!(endpoint.reachability(), Reachability::Silent | Reachability::Rejected)
}
