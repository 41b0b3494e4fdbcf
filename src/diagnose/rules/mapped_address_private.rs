//! `mapped-address-private`: a public server sees this client under a private address that is not the client's own.

use std::net::IpAddr;

use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "mapped-address-private",
        group: Group::Stun,
        level: Level::Fail,
        title: "the server sees clients under private addresses",
        meaning: "Something on the server's side rewrites the source of packets before they reach the TURN server: a load balancer, \
                  Docker's proxy, a Kubernetes service.",
        impact: "Browsers learn a private address as their public one, so direct calls fail, and permissions are for the wrong peers.",
        proof: "XOR-MAPPED-ADDRESS is private and not this host's own, although the server was reached at a public address.",
        look_alikes: "A client in the server's own network that goes through its router and back (hairpin).",
        remedy: "Run the TURN server with host networking, or let the balancer keep the source address.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let seen_as: Vec<_> =
        evidence.promised().flat_map(|endpoint| mapped(endpoint).map(move |(mapped, id)| (endpoint, mapped, id))).collect();
    let is_right_over_udp = |of: &EndpointEvidence<'_>| {
        let global = |(endpoint, mapped, _): &(&EndpointEvidence<'_>, IpAddr, String)| {
            endpoint.is_udp() && endpoint.endpoint.ip() == of.endpoint.ip() && Reach::of(*mapped).is_global()
        };
        seen_as.iter().any(global)
    };
    let rewritten: Vec<_> =
        seen_as.iter().filter(|(endpoint, mapped, _)| is_rewritten(evidence, endpoint.endpoint.ip(), *mapped)).collect();
    // A load balancer for TCP may hide callers: only over UDP does anybody use the address that the server sees.
    let rewritten: Vec<_> =
        rewritten.into_iter().filter(|(endpoint, ..)| endpoint.is_udp() || !is_right_over_udp(endpoint)).collect();
    let Some((first, mapped, _)) = rewritten.first() else {
        let global = seen_as.iter().filter(|(_, mapped, _)| Reach::of(*mapped).is_global());
        return Judgement::ruled_out_by(global.map(|(_, _, id)| id.clone()).collect());
    };
    let summary = format!(
        "The server at {} sees this client as {mapped}, a {} address: its own side rewrites the source of packets.",
        first.endpoint.ip(),
        Reach::of(*mapped).title()
    );
    Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .because(rewritten.iter().map(|(_, _, id)| id.clone()))
        .fix_by(Place::Server, "In a container, run the server on the host's own network.", "docker run --network=host …")
        .fix(Place::Server, "Behind a load balancer, let it keep the client's source address.")
        .done()
}

/// Under which addresses the server says that it sees this client.
fn mapped(endpoint: &EndpointEvidence<'_>) -> impl Iterator<Item = (IpAddr, String)> {
    let binding = endpoint.binding.and_then(|seen| Some((seen.fact.mapped?.ip(), seen.cite())));
    let allocation = endpoint.allocation().and_then(|seen| Some((seen.fact.mapped?.ip(), seen.cite())));
    binding.into_iter().chain(allocation)
}

fn is_rewritten(evidence: &Evidence<'_>, server: IpAddr, mapped: IpAddr) -> bool {
    // Under carrier-grade NAT a server inside the operator's network sees such an address rightly.
    let private = !Reach::of(mapped).is_global() && Reach::of(mapped) != Reach::CarrierGrade;
    let target = server.to_string();
    let own = evidence.routes().any(|route| route.target == target && route.fact.source == Some(mapped));
    private && Reach::of(server).is_global() && !own
}
