//! `ipv6-address-dead`: the name has an AAAA record at which nothing answers, while IPv4 and IPv6 both work otherwise.

use crate::diagnose::endpoint::Reachability;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::Server;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "ipv6-address-dead",
        group: Group::Names,
        level: Level::Degrade,
        title: "the server's IPv6 address does not answer",
        meaning: "DNS has an AAAA record for the server, but nothing answers at that address.",
        impact: "Users with IPv6 lose seconds on a dead address, and those with IPv6 alone get no relay.",
        proof: "Nothing answers at the IPv6 address, its IPv4 address answers, and an unrelated server answers over IPv6.",
        look_alikes: "A host without IPv6: then the address is not tested, which is no fault of the server.",
        remedy: "Let the server listen on IPv6 and open its firewall there, or remove the AAAA record.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let servers = Server::all(evidence);
    let dead = |server: &&Server<'_, '_>| {
        server.ip.is_ipv6() && server.all_are(&[Reachability::Silent, Reachability::Refused, Reachability::Rejected])
    };
    let Some(dead) = servers.iter().find(dead) else {
        let alive = servers.iter().filter(|server| server.ip.is_ipv6() && server.alive());
        return Judgement::ruled_out_by(alive.flat_map(Server::cite).collect());
    };
    let Some(v4) = servers.iter().find(|server| server.ip.is_ipv4() && server.alive()) else { return Judgement::Unknown };
    let refused = dead.all_are(&[Reachability::Refused]);
    let control = evidence.controls().passes_over(false);
    if control.is_none() && !refused {
        return Judgement::Unknown;
    }
    let confidence = if refused || control.is_some() { Confidence::Certain } else { Confidence::Likely };
    Found::new(&RULE.cause, format!("The server's IPv6 address {} does not answer, its IPv4 address {} does.", dead.ip, v4.ip))
        .confidence(confidence)
        .because(dead.cite())
        .because(v4.cite())
        .because(control.map(|seen| seen.cite()))
        .fix_by(Place::Server, "Listen on IPv6 too, and open the same ports there.", format!("listening-ip={}", dead.ip))
        .fix(Place::Dns, format!("Or remove the AAAA record with {}.", dead.ip))
        .done()
}

/// Whether an address is dead in the sense of this rule, so that others don't accuse it again.
pub fn explains(evidence: &Evidence<'_>, ip: std::net::IpAddr) -> bool {
    ip.is_ipv6() && matches!(judge(evidence), Judgement::Found(finding) if finding.summary.contains(&ip.to_string()))
}
