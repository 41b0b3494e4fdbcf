//! `ipv6-only-network`: this network has IPv6 alone and translates names, and the server is given by a literal IPv4 address.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::NameAnswer;
use crate::model::finding::{Level, Place};
use crate::model::target::Host;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ipv6-only-network",
        group: Group::Names,
        level: Level::Degrade,
        title: "a literal IPv4 address in a network of IPv6 alone",
        meaning: "This network has no IPv4; it reaches IPv4 servers by translating their names (NAT64 with DNS64). A literal IPv4 \
                  address has no name to translate.",
        impact: "Users in mobile networks of this kind can't reach the server; others can.",
        proof: "There is no route for IPv4, and ipv4only.arpa has an AAAA record here (RFC 7050).",
        look_alikes: "A host without any network: there the name does not resolve either.",
        remedy: "Give the server by its name, or give it an IPv6 address.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let literal =
        evidence.asked().services.iter().any(|service| matches!(service.host, Host::Address(address) if address.is_ipv4()));
    let unrouted: Vec<_> = evidence.routes().filter(|route| route.fact.source.is_none() && !route.target.contains(':')).collect();
    let translated = evidence.names().find(|name| {
        name.target == "ipv4only.arpa"
            && name.fact.answer == NameAnswer::Found
            && name.fact.addresses.iter().any(std::net::IpAddr::is_ipv6)
    });
    let (true, Some(translated), Some(first)) = (literal, translated, unrouted.first()) else { return Judgement::Unknown };
    Found::new(
        &RULE.cause,
        format!("This network has IPv6 alone, and {} is a literal IPv4 address, which it can't translate.", first.target),
    )
    .because(unrouted.iter().map(|route| route.cite()))
    .because([translated.cite()])
    .fix(Place::Application, "Give the server by its name in the list of ICE servers.")
    .fix(Place::Dns, "Or give the server an IPv6 address and publish it as an AAAA record.")
    .done()
}
