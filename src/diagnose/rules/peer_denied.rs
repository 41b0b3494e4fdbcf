//! `peer-denied`: the server refuses the caller's own address as a peer.

use std::net::IpAddr;

use super::refusals;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::relay::RelayEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::fact::{PeerKind, PermissionFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "peer-denied",
        group: Group::Allocation,
        level: Level::Fail,
        title: "the server denies callers of this network as peers",
        meaning: "To carry data a relay needs a permission for the other side's address. The server's policy refuses the address under which \
                  callers of this network are known outside.",
        impact: "Nobody can reach a caller of this network through the relay, so relayed calls with such callers fail.",
        proof: "CreatePermission is refused by 403 for every address under which this host is known outside.",
        look_alikes: "own-address-denied: there only the server's own address is refused. A server that is tried from its own network or host sees \
                      a private or loopback address, which a sensible rule denies, and callers from outside are not concerned.",
        remedy: "Take the caller's network out of the server's list of denied peers.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let promised = |relay: &&RelayEvidence<'_>| refusals::served(evidence).any(|endpoint| endpoint.endpoint == relay.endpoint);
    let asked: Vec<_> = evidence.relays().iter().filter(|relay| !relay.sample).filter(promised).collect();
    let denied: Vec<_> = asked.iter().filter_map(|relay| denials(relay).map(|denials| (relay.endpoint, denials))).collect();
    let refusing: Vec<_> = denied.iter().flat_map(|(_, denials)| denials.iter().copied()).collect();
    let Some(first) = refusing.first() else {
        let granted = asked.iter().flat_map(|relay| of_callers(relay)).filter(|seen| seen.fact.reply.succeeded());
        return Judgement::ruled_out_by(granted.map(Seen::cite).collect());
    };
    let mut lost: Vec<_> = denied.iter().map(|(endpoint, _)| *endpoint).collect();
    lost.dedup();
    let code = first.fact.reply.code().unwrap_or_default();
    let mut callers: Vec<IpAddr> = refusing.iter().map(|seen| seen.fact.peer).collect();
    callers.sort_unstable();
    callers.dedup();
    let summary = format!(
        "The server on {} refuses {}, the address of this caller, as a peer ({code}).",
        list(&lost),
        refusals::listed(&callers.iter().map(IpAddr::to_string).collect::<Vec<_>>()),
    );
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .confidence(if code == 403 { Confidence::Certain } else { Confidence::Likely })
        .because(refusing.iter().map(Seen::cite));
    allow(evidence, found, callers[0]).done()
}

fn of_callers<'e, 'a>(relay: &'e RelayEvidence<'a>) -> impl Iterator<Item = &'e Seen<'a, PermissionFact>> {
    relay.permissions.iter().filter(|seen| seen.fact.whose == PeerKind::Reflexive)
}

/// The refusals of all the caller's addresses; nothing where one was granted. 441 is about the user and not about the peer.
fn denials<'a>(relay: &RelayEvidence<'a>) -> Option<Vec<Seen<'a, PermissionFact>>> {
    if of_callers(relay).any(|seen| seen.fact.reply.succeeded()) {
        return None;
    }
    let refused =
        |seen: &&Seen<'a, PermissionFact>| seen.fact.reply.code().is_some_and(|code| !matches!(code, 401 | 437 | 438 | 441));
    let denials: Vec<_> = of_callers(relay).filter(refused).copied().collect();
    if denials.is_empty() { None } else { Some(denials) }
}

fn allow(evidence: &Evidence<'_>, found: Found, caller: IpAddr) -> Found {
    let found = match Reach::of(caller) {
        Reach::Loopback => {
            let text = "On the server's own host its refusal of loopback peers is right: run callcheck from another host. coturn's \
                        allow-loopback-peers is for tests only.";
            return found.fix(Place::Client, text);
        }
        Reach::Private | Reach::CarrierGrade | Reach::LinkLocal | Reach::Unusable => {
            let text = "If callers are never inside this private network, the refusal is right: run callcheck from outside.";
            found.fix(Place::Client, text)
        }
        Reach::Global => found,
    };
    if evidence.is_coturn() {
        let text = "Narrow denied-peer-ip in turnserver.conf, or allow the address, which counts before it; then restart coturn.";
        found.fix_by(Place::Server, text, format!("allowed-peer-ip={caller}"))
    } else {
        found.fix(Place::Server, format!("Allow {caller} as a peer in the TURN server's settings."))
    }
}
