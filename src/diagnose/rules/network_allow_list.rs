//! `network-allow-list`: this network reaches some well-known hosts over TCP and nothing else.

use super::network_blocks_stun::or_over_tls;
use super::relay_ports_partly_closed;
use super::turn_not_listening_udp::others_alive;
use crate::diagnose::controls::Answer;
use crate::diagnose::endpoint::Reachability;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::ports::{self, TriedPorts};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{Server, list};
use crate::diagnose::trace;
use crate::model::cause::{Cause, Group};
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "network-allow-list",
        group: Group::Reach,
        level: Level::Degrade,
        title: "this network allows chosen hosts or ports only",
        meaning: "The network that callcheck runs in, or its operator, lets connections out to chosen hosts or ports, the web's for \
                  instance, and drops the rest.",
        impact: "Users in this network can't reach the TURN server on these ports at all.",
        proof: "Nothing of the server answers over UDP or TCP, no unrelated host answers over UDP, and port 443 of unrelated hosts does. Or \
                connections to some of its ports, or datagrams to some of its relay's, end at a router of this network, nearer than the \
                server.",
        look_alikes: "turn-down: a server that is down looks the same from a network that blocks UDP; a second network tells.",
        remedy: "Offer turns: on port 443, or have the network allow the server.",
    },
    folds: &["relay-range-mismatch", "relay-ports-partly-closed"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    if let Some(found) = drops_some_ports(evidence).or_else(|| ends_connections(evidence)) {
        return found;
    }
    let controls = evidence.controls();
    let servers = Server::all(evidence);
    let dead =
        !servers.is_empty() && servers.iter().all(|server| server.all_are(&[Reachability::Silent, Reachability::Rejected]));
    let (Answer::Silent(_), Answer::Passes) = (controls.stun(), controls.tcp()) else { return Judgement::Unknown };
    // With UDP alone on the list nothing tells an allow-list from a network that blocks UDP.
    let alive = evidence.endpoints().iter().any(super::super::endpoint::EndpointEvidence::alive);
    if !dead || alive || evidence.endpoints().iter().all(super::super::endpoint::EndpointEvidence::is_datagram) {
        return Judgement::Unknown;
    }
    let answering = servers.iter().find_map(|server| evidence.answering_port(server.ip));
    let summary = answering.and_then(|seen| seen.endpoint()).map_or_else(
        || {
            "This network lets out only chosen connections: the TURN server is silent on every transport, and so is UDP elsewhere."
                .to_owned()
        },
        |port| {
            let port = list(&[port]);
            format!("This network lets out only chosen ports: the server answers on {port} and is silent where TURN is, and so is UDP elsewhere.")
        },
    );
    let ends: Vec<_> = evidence.promised().filter_map(|endpoint| endpoint.end.as_ref()).collect();
    let summary = match ends.first() {
        Some(end) => format!(
            "This network lets out only chosen connections: nothing of the TURN server is reached, and UDP elsewhere isn't either; \
             connections to it are {}.",
            end.told()
        ),
        None => summary,
    };
    let found = Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .because(servers.iter().flat_map(Server::cite))
        .because(ends.into_iter().flat_map(|end| end.evidence.clone()))
        .because(answering.map(|seen| seen.cite()))
        .because(controls.cite(&[ControlKind::Stun, ControlKind::Dns, ControlKind::Tcp]))
        .unless("turn-down", "run callcheck from another network: if the server is silent there too, it is down")
        .unless(
            "network-blocks-stun",
            "run callcheck from another network: if TCP alone fails there, this one filters STUN, and the server's TCP is closed",
        )
        .unless(
            "network-blocks-udp",
            "run callcheck from another network: if TCP alone fails there, this one blocks UDP, and the server's TCP is closed",
        )
        .fix(Place::Network, "Have the network allow the TURN server's address.");
    or_over_tls(found).done()
}

/// Connections to some of the server's ports end in this network, and others of its ports are reached, or other hosts over UDP.
fn ends_connections(evidence: &Evidence<'_>) -> Option<Judgement> {
    let ended: Vec<_> = evidence.promised().filter_map(|endpoint| Some((endpoint, endpoint.ended_here()?))).collect();
    let (first, end) = ended.first()?;
    let over_udp: Vec<_> = evidence.siblings(first).filter(|endpoint| endpoint.is_udp()).collect();
    let reaches = others_alive(evidence, first) || evidence.controls().over(first.endpoint.ip()).stun() == Answer::Passes;
    if !reaches || trace::all_end_here(evidence.traces(), &over_udp) {
        return None;
    }
    let lost: Vec<_> = ended.iter().map(|(endpoint, _)| endpoint.endpoint).collect();
    let found =
        Found::new(&RULE.cause, format!("This network lets no connections out to {}: they are {}.", list(&lost), end.told()))
            .level(evidence.level_of(&RULE.cause, &lost))
            .confidence(Confidence::Likely)
            .impact("Users in this network can't reach the TURN server on these ports.")
            .because(ended.iter().flat_map(|(endpoint, _)| endpoint.cite_reachability()))
            .because(ended.iter().flat_map(|(_, end)| end.evidence.clone()))
            .unless(
                "turn-tcp-closed",
                "run callcheck from another network: if the ports are closed there too, it is the server's side",
            )
            .fix(Place::Network, format!("Have the network let connections out to {}.", list(&lost)));
    Some(or_over_tls(found).done())
}

/// Datagrams to some of the relay's ports end in this network, and those to others go on.
fn drops_some_ports(evidence: &Evidence<'_>) -> Option<Judgement> {
    let tried = TriedPorts::of(evidence);
    let end = evidence.traces().relay_end(|port| tried.closed.contains(port))?;
    let closed = relay_ports_partly_closed::list(&tried);
    let summary = format!(
        "This network lets UDP out to a part of the relay's ports only: what is sent to {closed} was last seen at the router {}.",
        end.router
    );
    let found = Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .impact("Calls of users in this network fail by chance: whenever the relay has a port that the network drops.")
        .because(end.evidence)
        .because(tried.evidence)
        .unless(
            "relay-ports-partly-closed",
            "run callcheck from another network: if these ports are closed there too, the server's firewall is it",
        )
        .fix(
            Place::Network,
            format!("Have the network let UDP out to the relay's whole range, {}.", ports::needed(evidence).range),
        );
    Some(found.done())
}
