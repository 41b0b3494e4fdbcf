//! `turn-disabled`: the server answers STUN and does not relay.

use super::packet_loss;
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{list, places};
use crate::model::cause::{Cause, Group};
use crate::model::endpoint::Endpoint;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "turn-disabled",
        group: Group::Stun,
        level: Level::Fail,
        title: "the server does STUN only",
        meaning: "The server answers a STUN Binding and stays silent to an Allocate, as coturn does with stun-only.",
        impact: "Browsers learn their public address from it and never get a relay: calls fail wherever a direct path is impossible.",
        proof: "A Binding is answered, an Allocate on the same socket is not.",
        look_alikes: "packet-loss: an Allocate that is lost five times in a row is one in thousands. wrong-host: a plain STUN server of \
                      somebody else looks the same.",
        remedy: "Remove stun-only, or give the address of a TURN server.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let silent: Vec<_> = evidence.promised().filter(|endpoint| is_silent(endpoint)).collect();
    let answered: Vec<_> = evidence
        .promised()
        .filter_map(|endpoint| endpoint.challenge)
        .filter(|challenge| challenge.fact.reply.answered())
        .collect();
    // TURN over a stream at the same address: then it relays, and what is lost over UDP is another rule's.
    let relays_there =
        |place: Endpoint| answered.iter().any(|it| it.endpoint().is_some_and(|endpoint| endpoint.ip() == place.ip()));
    // Over a lossy line an answer may come too late on a stream as well.
    let may_be_lost = silent.iter().all(|endpoint| endpoint.is_datagram()) || packet_loss::shows(evidence);
    if silent.first().is_none_or(|first| may_be_lost && relays_there(first.endpoint)) {
        return Judgement::ruled_out_by(answered.iter().map(|challenge| challenge.cite()).collect());
    }
    let lost = places(&silent);
    // A single request on a stream that answers elsewhere may have been held up by lost packets.
    let elsewhere = silent.iter().any(|endpoint| relays_there(endpoint.endpoint)) && !packet_loss::is_measured(evidence);
    let found = Found::new(&RULE.cause, format!("The server answers STUN and not TURN on {}: it does not relay.", list(&lost)))
        .level(evidence.level_by_rest(&lost))
        .because(silent.iter().filter_map(|endpoint| endpoint.challenge).map(|challenge| challenge.cite()))
        .because(silent.iter().filter_map(|endpoint| endpoint.binding).map(|binding| binding.cite()));
    let found = if elsewhere || packet_loss::shows(evidence) {
        let decide = "run callcheck again: on a line that loses packets the Allocate is answered some other time";
        found.confidence(Confidence::Likely).unless("packet-loss", decide)
    } else {
        found
    };
    if evidence.is_coturn() {
        found
            .fix_by(
                Place::Server,
                "Remove stun-only from turnserver.conf.",
                "sed -i 's/^stun-only$/#stun-only/' /etc/turnserver.conf && systemctl restart coturn",
            )
            .done()
    } else {
        found
            .fix(Place::Server, "Switch the relay on in the server's configuration, or give the address of a TURN server.")
            .done()
    }
}

fn is_silent(endpoint: &EndpointEvidence<'_>) -> bool {
    let binding = endpoint.binding.is_some_and(|binding| binding.fact.reply.answered());
    binding && endpoint.challenge.is_some_and(|challenge| challenge.fact.reply.silent())
}
