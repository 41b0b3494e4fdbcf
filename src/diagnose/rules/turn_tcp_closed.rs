//! `turn-tcp-closed`: the server's TCP port is refused or silent, while UDP works.

use super::turn_not_listening_udp::others_alive;
use crate::diagnose::endpoint::{EndpointEvidence, Reachability};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{cite, list, places};
use crate::model::cause::{Cause, Group};
use crate::model::endpoint::Transport;
use crate::model::finding::{Confidence, Level, Place};

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
    judge_stream(evidence, &RULE.cause, Transport::Tcp, RULE.cause.level)
}

/// The judgement of a stream transport's port; the level is that of a bare host.
pub fn judge_stream(evidence: &Evidence<'_>, cause: &Cause, transport: Transport, level: Level) -> Judgement {
    let of_transport = |endpoint: &&EndpointEvidence<'_>| endpoint.endpoint.transport == transport;
    let closed: Vec<_> = evidence
        .promised()
        .filter(of_transport)
        .filter(|endpoint| {
            matches!(endpoint.reachability(), Reachability::Silent | Reachability::Refused | Reachability::Rejected)
        })
        .filter(|endpoint| others_alive(evidence, endpoint))
        .collect();
    if closed.is_empty() {
        let alive = evidence.promised().filter(of_transport).filter(|endpoint| endpoint.alive());
        return Judgement::ruled_out_by(alive.flat_map(EndpointEvidence::cite_reachability).collect());
    }
    let lost = places(&closed);
    let refused = closed.iter().all(|endpoint| endpoint.reachability() == Reachability::Refused);
    let how = if refused { "Nothing listens on" } else { "A firewall drops" };
    let cause = Cause { level, ..*cause };
    let found = Found::new(&cause, format!("{how} {}, while TURN answers over another transport.", list(&lost)))
        .level(evidence.level_of(&cause, &lost))
        .confidence(if refused { Confidence::Certain } else { Confidence::Likely })
        .because(cite(&closed))
        .because(
            closed
                .iter()
                .flat_map(|endpoint| evidence.siblings(endpoint))
                .filter(|it| it.alive())
                .flat_map(EndpointEvidence::cite_reachability),
        );
    mend(evidence, found, transport, lost.first().map_or(0, |endpoint| endpoint.address.port()), refused).done()
}

fn mend(evidence: &Evidence<'_>, found: Found, transport: Transport, port: u16, refused: bool) -> Found {
    let firewall = format!("Open TCP {port} in the host's firewall and the provider's.");
    match (refused, evidence.is_coturn(), transport) {
        (false, ..) => found.fix_by(Place::Firewall, firewall, format!("ufw allow {port}/tcp")),
        (true, true, Transport::Tls) => {
            let text = "Give coturn a certificate: without one, or where it can't read it, it does not listen on the TLS port.";
            let lines = "cert=/etc/coturn/fullchain.pem\npkey=/etc/coturn/privkey.pem\ntls-listening-port=5349";
            found.fix_by(Place::Server, text, lines)
        }
        (true, true, Transport::Tcp | Transport::Udp) => {
            let command = "sed -i 's/^no-tcp$/#no-tcp/' /etc/turnserver.conf && systemctl restart coturn";
            found.fix_by(Place::Server, "Let coturn listen on TCP: remove no-tcp from turnserver.conf.", command)
        }
        (true, false, _) => found.fix_by(
            Place::Server,
            format!("Let the TURN server listen on {}.", transport.title()),
            format!("ss -lntp 'sport = :{port}'"),
        ),
    }
}
