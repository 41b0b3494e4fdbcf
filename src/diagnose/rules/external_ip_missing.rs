//! `external-ip-missing`: the server hands out private relayed addresses although it was reached at a public one.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "external-ip-missing",
        group: Group::Relay,
        level: Level::Fail,
        title: "the server advertises a private address",
        meaning: "The server sits behind a 1:1 NAT, as most cloud hosts do, and does not know its public address: the relayed addresses \
                  that it hands out are private, and nobody outside can send to them.",
        impact: "Calls that need the relay fail: the other side sends to an address that doesn't exist on the internet.",
        proof: "The relayed address is private or of carrier-grade NAT, although the server was reached at a public address.",
        look_alikes: "A client in the server's own private network, where the address is right: there the server was reached at a private \
                      address too. Two users of the same server still connect, since it passes their packets inside itself.",
        remedy: "Set external-ip to the public address, followed by the private one.",
    },
    folds: &["own-address-denied", "relay-untestable-from-here"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let private: Vec<_> = evidence.relays().iter().filter(|relay| is_private(relay)).collect();
    let Some(first) = private.first() else {
        let global = evidence.relays().iter().filter(|relay| Reach::of(relay.relayed.ip()).is_global());
        return Judgement::ruled_out_by(global.map(|relay| relay.allocation.to_owned()).collect());
    };
    let (public, inside) = (first.endpoint.ip(), first.relayed.ip());
    let summary = format!(
        "The TURN server does not know its public address: it was reached at {public} and hands out {inside}, a {} address.",
        Reach::of(inside).title()
    );
    let found = Found::new(&RULE.cause, summary)
        .because(private.iter().map(|relay| relay.allocation.to_owned()))
        .because(private.iter().flat_map(|relay| relay.cite()));
    // Nothing is sent to an address that means the sender itself or nobody: no peer could do better.
    let tried = private.iter().any(|relay| relay.unsolicited.is_some());
    let nobodys = matches!(Reach::of(inside), Reach::Loopback | Reach::LinkLocal | Reach::Unusable);
    let found = found.confidence(if tried || nobodys { Confidence::Certain } else { Confidence::Likely });
    if evidence.is_coturn() || evidence.endpoints().iter().all(|endpoint| endpoint.software().is_none()) {
        let text = "Tell coturn both addresses in turnserver.conf, and restart it.";
        found.fix_by(Place::Server, text, format!("external-ip={public}/{inside}")).done()
    } else {
        found.fix(Place::Server, format!("Tell the server in its configuration that its public address is {public}.")).done()
    }
}

/// A datagram that came in all the same proves the address right for whoever is where this client is.
fn is_private(relay: &RelayEvidence<'_>) -> bool {
    let reach = Reach::of(relay.relayed.ip());
    let unreachable_outside =
        matches!(reach, Reach::Private | Reach::CarrierGrade | Reach::LinkLocal | Reach::Loopback | Reach::Unusable);
    unreachable_outside && Reach::of(relay.endpoint.ip()).is_global() && relay.lets_in() != Some(true)
}
