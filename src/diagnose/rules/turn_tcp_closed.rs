//! `turn-tcp-closed`: the server's TCP port is refused or silent, while UDP works.

use super::turn_not_listening_udp::others_alive;
use crate::diagnose::controls::Answer;
use crate::diagnose::endpoint::{EndpointEvidence, Reachability};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{cite, list, places};
use crate::diagnose::trace;
use crate::model::cause::{Cause, Group};
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::finding::{Confidence, Level, Place};
use crate::model::outcome::{Outcome, Reply};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "turn-tcp-closed",
        group: Group::Reach,
        level: Level::Degrade,
        title: "the server's TCP port is closed",
        meaning: "TURN answers over UDP and not over TCP: nothing listens there, or a firewall drops it.",
        impact: "Users whose network blocks UDP get no relay; the others do.",
        proof: "TCP to the port is refused or silent, and TURN answers otherwise.",
        look_alikes: "Refused means that nothing listens; silent means that a firewall drops.",
        remedy: "Let the server listen on TCP, and open the port in its firewalls.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    judge_port(evidence, &RULE.cause, &[Transport::Tcp], RULE.cause.level)
}

/// The judgement of a port for all transports but plain UDP; the level is that of a bare host.
pub fn judge_port(evidence: &Evidence<'_>, cause: &Cause, transports: &[Transport], level: Level) -> Judgement {
    let of_transport = |endpoint: &&EndpointEvidence<'_>| transports.contains(&endpoint.endpoint.transport);
    let closed: Vec<_> = evidence
        .promised()
        .filter(of_transport)
        .filter(|endpoint| {
            matches!(endpoint.reachability(), Reachability::Silent | Reachability::Refused | Reachability::Rejected)
                || endpoint.endpoint.transport == Transport::Tcp && hangs_up(endpoint)
        })
        .filter(|endpoint| others_alive(evidence, endpoint))
        // What this network ends says nothing of the server's port.
        .filter(|endpoint| endpoint.ended_here().is_none())
        .filter(|endpoint| way_is_open(evidence, endpoint) != Some(false))
        .collect();
    if closed.is_empty() {
        let alive = evidence.promised().filter(of_transport).filter(|endpoint| endpoint.alive());
        return Judgement::ruled_out_by(alive.flat_map(EndpointEvidence::cite_reachability).collect());
    }
    let lost = places(&closed);
    let refused = closed.iter().all(|endpoint| endpoint.refused());
    let taken = closed.iter().any(|endpoint| hangs_up(endpoint));
    let rejected = closed.iter().all(|endpoint| endpoint.reachability() == Reachability::Rejected);
    let how = match (refused, taken, rejected) {
        (true, ..) => "Nothing listens on",
        (false, true, _) => "Something takes connections and hangs up on",
        (false, false, true) => "A firewall rejects",
        (false, false, false) => "A firewall drops",
    };
    let cause = Cause { level, ..*cause };
    let found = Found::new(&cause, format!("{how} {}, while TURN answers over another transport.", list(&lost)))
        .level(evidence.level_of(&cause, &lost))
        .confidence(if refused { Confidence::Certain } else { Confidence::Likely })
        .because(cite(&closed))
        .because(closed.iter().filter_map(|endpoint| endpoint.end.as_ref()).flat_map(|end| end.evidence.clone()))
        .because(
            closed
                .iter()
                .flat_map(|endpoint| evidence.siblings(endpoint))
                .filter(|it| it.alive())
                .flat_map(EndpointEvidence::cite_reachability),
        );
    let found = if closed.iter().any(|endpoint| endpoint.end.as_ref().is_some_and(|end| end.place == trace::Place::Open)) {
        found
            .unless("network-allow-list", "run callcheck from another network: if the port is open there, this network closes it")
    } else {
        found
    };
    let found = if closed.iter().all(|endpoint| way_is_open(evidence, endpoint).is_some()) {
        found
    } else {
        found.confidence(Confidence::Possible).unless(
            "network-blocks-udp",
            "allow controls, or try another network: if no host answers over UDP here, this network blocks it",
        )
    };
    if taken {
        let text = "See what takes these connections: a load balancer needs a TURN server that listens on TCP behind it.";
        return found.fix(Place::Server, text).done();
    }
    lost.iter().fold(found, |found, place| mend(evidence, found, *place, refused)).done()
}

/// Whether this network lets the transport's packets to a server: of UDP, which carries DTLS, something else has to tell.
fn way_is_open(evidence: &Evidence<'_>, endpoint: &EndpointEvidence<'_>) -> Option<bool> {
    let udp_arrives = evidence.siblings(endpoint).any(|other| other.is_datagram() && other.alive());
    if !endpoint.is_datagram() || endpoint.refused() || udp_arrives || !evidence.arrived_datagrams().is_empty() {
        return Some(true);
    }
    match evidence.controls().over(endpoint.endpoint.ip()).stun() {
        Answer::Passes => Some(true),
        Answer::Silent(_) => Some(false),
        Answer::NotAsked => None,
    }
}

/// A load balancer without anything behind it, for instance. A TURN server answers at least one of the two requests.
fn hangs_up(endpoint: &EndpointEvidence<'_>) -> bool {
    let closed = |reply: &Reply| reply.outcome == Outcome::Closed;
    endpoint.connect.is_some_and(|connect| connect.fact.reply.succeeded())
        && endpoint.binding.is_some_and(|binding| closed(&binding.fact.reply))
        && endpoint.challenge.is_some_and(|challenge| closed(&challenge.fact.reply))
}

fn mend(evidence: &Evidence<'_>, found: Found, place: Endpoint, refused: bool) -> Found {
    let Endpoint { transport, address } = place;
    let port = address.port();
    let (protocol, sockets) = if transport.is_stream() { ("tcp", "-lntp") } else { ("udp", "-lunp") };
    let firewall = format!("Open {} {port} in the host's firewall and the provider's.", protocol.to_uppercase());
    match (refused, evidence.is_coturn(), transport) {
        (false, ..) => found.fix_by(Place::Firewall, firewall, format!("ufw allow {port}/{protocol}")),
        (true, true, Transport::Tls) => {
            let text = "Give coturn a certificate: without one, or where it can't read it, it does not listen on the TLS port.";
            let lines = "cert=/etc/coturn/fullchain.pem\npkey=/etc/coturn/privkey.pem\ntls-listening-port=5349";
            found.fix_by(Place::Server, text, lines)
        }
        (true, true, Transport::Dtls) => {
            let text = "Give coturn a certificate and remove no-dtls: without one it does not listen for DTLS on the TLS port.";
            let lines = "cert=/etc/coturn/fullchain.pem\npkey=/etc/coturn/privkey.pem\ntls-listening-port=5349";
            found.fix_by(Place::Server, text, lines)
        }
        (true, true, Transport::Tcp | Transport::Udp) => {
            let command = "sed -i 's/^no-tcp$/#no-tcp/' /etc/turnserver.conf && systemctl restart coturn";
            let found = found.fix_by(Place::Server, "Let coturn listen on TCP: remove no-tcp from turnserver.conf.", command);
            found.fix(
                Place::Firewall,
                "If it listens there, a firewall of the server's resets connections in its name: open the port.",
            )
        }
        (true, false, _) => found.fix_by(
            Place::Server,
            format!("Let the TURN server listen on {}.", transport.title()),
            format!("ss {sockets} 'sport = :{port}'"),
        ),
    }
}
