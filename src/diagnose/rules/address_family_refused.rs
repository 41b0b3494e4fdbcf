//! `address-family-refused`: the server relays no addresses of the family that is asked for.

use super::refusals;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::endpoint::Endpoint;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "address-family-refused",
        group: Group::Allocation,
        level: Level::Degrade,
        title: "the server relays no address of this family",
        meaning: "A client asks for a relayed address of one family, IPv4 unless it says otherwise, and the server has none of it to give.",
        impact: "Clients get no relayed address of that family, so peers that have no other can't be reached through the relay.",
        proof: "An Allocate is refused by 440 (address family not supported) or 443 (peer address family mismatch).",
        look_alikes: "relay-ports-exhausted: there the server has addresses of the family and no free port on them.",
        remedy: "Give the server a relay address of each family that users have.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let refused = refusals::by_code(evidence, &[440, 443]);
    let Some(first) = refused.first() else { return refusals::excluded_by_grant(evidence) };
    let lost = refusals::endpoints(&refused);
    let summary = format!(
        "The server on {} has no relayed address of the family that is asked for, which is IPv4 by default ({}).",
        list(&lost),
        first.code,
    );
    let found = Found::new(&RULE.cause, summary).level(level(evidence, &lost)).because(refusals::cite(&refused));
    if evidence.is_coturn() {
        let text = "Name a relay address of each family in turnserver.conf, one line each, and restart coturn.";
        found.fix_by(Place::Server, text, "relay-ip=IPV4-ADDRESS\nrelay-ip=IPV6-ADDRESS").done()
    } else {
        found.fix(Place::Server, "Give the TURN server a relay address of IPv4, and one of IPv6 where users have it.").done()
    }
}

/// Where no other family's allocation was granted either, nobody gets a relay.
fn level(evidence: &Evidence<'_>, lost: &[Endpoint]) -> Level {
    if refusals::granted(evidence).is_empty() { Level::Fail } else { refusals::level(evidence, &RULE.cause, lost) }
}
