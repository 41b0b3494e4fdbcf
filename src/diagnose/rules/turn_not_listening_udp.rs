//! `turn-not-listening-udp`: the server itself says that nothing listens on its UDP port, while TURN works over a stream.

use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{cite, list, places};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "turn-not-listening-udp",
        group: Group::Reach,
        level: Level::Fail,
        title: "nothing listens on the UDP port",
        meaning: "The host is up and the way to it is open, but no server listens on the UDP port.",
        impact: "Users get no relay over UDP, which is what nearly all calls use; only those with TURN over TCP or TLS in their list do.",
        proof: "The server's own address answers with ICMP \"port unreachable\", and TURN answers over TCP or TLS.",
        look_alikes: "turn-udp-closed: there a firewall drops or rejects, and the ICMP error, if any, comes from elsewhere or says \
                      \"prohibited\".",
        remedy: "Let the TURN server listen on UDP.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let refused: Vec<_> = evidence
        .promised()
        .filter(|endpoint| endpoint.is_udp() && endpoint.refused())
        .filter(|endpoint| others_alive(evidence, endpoint))
        .collect();
    if refused.is_empty() {
        let alive = evidence.promised().filter(|endpoint| endpoint.is_udp() && endpoint.alive());
        return Judgement::ruled_out_by(alive.flat_map(EndpointEvidence::cite_reachability).collect());
    }
    let lost = places(&refused);
    let found = Found::new(&RULE.cause, format!("Nothing listens on {}: the server itself says so.", list(&lost)))
        .level(evidence.level_of(&RULE.cause, &lost))
        .because(cite(&refused))
        .because(
            refused
                .iter()
                .flat_map(|endpoint| evidence.siblings(endpoint))
                .filter(|it| it.alive())
                .flat_map(EndpointEvidence::cite_reachability),
        );
    if evidence.is_coturn() {
        found
            .fix_by(
                Place::Server,
                "Let coturn listen on UDP: remove no-udp from turnserver.conf.",
                "sed -i 's/^no-udp$/#no-udp/' /etc/turnserver.conf && systemctl restart coturn",
            )
            .done()
    } else {
        found.fix_by(Place::Server, "Let the TURN server listen on UDP, and see what listens now.", "ss -lunp").done()
    }
}

/// Whether TURN works at the same address otherwise.
pub fn others_alive(evidence: &Evidence<'_>, endpoint: &EndpointEvidence<'_>) -> bool {
    evidence.siblings(endpoint).any(EndpointEvidence::alive)
}
