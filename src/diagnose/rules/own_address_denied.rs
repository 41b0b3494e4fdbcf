//! `own-address-denied`: the server refuses its own relayed addresses as peers.

use super::refusals;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::fact::PeerKind;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "own-address-denied",
        group: Group::Allocation,
        level: Level::Fail,
        title: "the server denies its own address as a peer",
        meaning: "When both sides of a call are relayed by this server, each is the other's peer at the server's own address. A rule against \
                  internal peers covers that address, too.",
        impact: "Calls with both sides relayed fail: always with the policy relay, and otherwise unless another pair of addresses connects.",
        proof: "CreatePermission is refused by 403 for the relayed address, and granted for the caller's own.",
        look_alikes: "peer-denied: there the caller's own address is refused as well. external-ip-missing: a private relayed address is denied by \
                      a sensible rule, and the address is what is wrong.",
        remedy: "Allow the server's relay address as a peer, beside the rule that denies its network.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let denied: Vec<&RelayEvidence<'_>> = main(evidence).filter(|relay| is_denied(relay)).collect();
    let Some(first) = denied.first() else {
        let granted = main(evidence).flat_map(|relay| relay.permissions.iter());
        let granted = granted.filter(|seen| seen.fact.whose == PeerKind::Relayed && seen.fact.reply.succeeded());
        return Judgement::ruled_out_by(granted.map(Seen::cite).collect());
    };
    let mut lost: Vec<_> = denied.iter().map(|relay| relay.endpoint).collect();
    lost.dedup();
    let own = first.relayed.ip();
    let summary = format!("The server on {} refuses its own relay address {own} as a peer (403).", list(&lost));
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(denied.iter().flat_map(|relay| relay.permissions.iter()).map(Seen::cite));
    let caller_unknown = denied.iter().all(|relay| !relay.permissions.iter().any(|seen| seen.fact.whose == PeerKind::Reflexive));
    let found = if caller_unknown {
        let decide = "run callcheck from a network that lets UDP out: then a permission for an ordinary caller is tried as well";
        found.confidence(Confidence::Likely).unless("peer-denied", decide)
    } else {
        found
    };
    if evidence.is_coturn() {
        let text = "Allow the address in turnserver.conf, which counts before denied-peer-ip, and restart coturn.";
        found.fix_by(Place::Server, text, format!("allowed-peer-ip={own}")).done()
    } else {
        found
            .fix(
                Place::Server,
                format!("Allow {own} as a peer in the TURN server's settings, before the rule that denies its network."),
            )
            .done()
    }
}

fn main<'e, 'a>(evidence: &'e Evidence<'a>) -> impl Iterator<Item = &'e RelayEvidence<'a>> {
    let promised = |relay: &&RelayEvidence<'a>| refusals::served(evidence).any(|endpoint| endpoint.endpoint == relay.endpoint);
    evidence.relays().iter().filter(|relay| !relay.sample).filter(promised)
}

/// Where the caller is refused as well, or the address is a wrong one, other causes speak.
fn is_denied(relay: &RelayEvidence<'_>) -> bool {
    let of = |whose: PeerKind| relay.permissions.iter().filter(move |seen| seen.fact.whose == whose);
    let wrong_reach = !Reach::of(relay.relayed.ip()).is_global() && Reach::of(relay.endpoint.ip()).is_global();
    let caller_refused = of(PeerKind::Reflexive).count() > 0 && !of(PeerKind::Reflexive).any(|seen| seen.fact.reply.succeeded());
    of(PeerKind::Relayed).any(|seen| seen.fact.reply.code() == Some(403)) && !wrong_reach && !caller_refused
}
