//! `cgnat`: this network's UDP and TCP leave from different public addresses, or its addresses are an operator's shared ones.

use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::address::Reach;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "cgnat",
        group: Group::Stun,
        level: Level::Warn,
        title: "this network is behind carrier-grade NAT",
        meaning: "The operator shares public addresses among its users (carrier-grade NAT); connections may leave from different ones.",
        impact: "Direct calls are less likely to connect from this network, so more of them need the relay.",
        proof: "UDP and TCP reach the same server from different public addresses, or an address in 100.64.0.0/10 is this host's own or that \
                of a router before the first public one.",
        look_alikes: "A company with several uplinks, or a network that uses these addresses for itself, as some clouds do: they look the same \
                      and have the same effect.",
        remedy: "Nothing on the server: a relay that works is what such users need.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let bindings: Vec<_> =
        evidence.promised().filter_map(|endpoint| Some((endpoint, endpoint.binding?, endpoint.binding?.fact.mapped?))).collect();
    // A private address is what stands before the server, a load balancer for instance.
    let public: Vec<_> = bindings.iter().filter(|(.., mapped)| Reach::of(mapped.ip()).is_global()).collect();
    let differing = public.iter().find_map(|(endpoint, binding, mapped)| {
        let same_server = |other: &EndpointEvidence<'_>| {
            other.endpoint.ip() == endpoint.endpoint.ip() && other.is_datagram() != endpoint.is_datagram()
        };
        let (_, other, other_mapped) = public.iter().find(|(other, _, seen)| same_server(other) && seen.ip() != mapped.ip())?;
        Some((binding, mapped.ip(), other, other_mapped.ip()))
    });
    if let Some((binding, mapped, other, other_mapped)) = differing {
        let summary = format!("This network's connections leave from different public addresses, {mapped} and {other_mapped}.");
        return Found::new(&RULE.cause, summary)
            .because([binding.cite(), other.cite()])
            .fix(Place::Network, RULE.cause.remedy)
            .done();
    }
    let shared = bindings
        .iter()
        .find(|(_, binding, _)| binding.fact.local.is_some_and(|local| Reach::of(local.ip()) == Reach::CarrierGrade));
    match shared {
        Some((_, binding, _)) => {
            let summary = "This host's own address is one that its operator shares among users (100.64.0.0/10).";
            Found::new(&RULE.cause, summary).because([binding.cite()]).fix(Place::Network, RULE.cause.remedy).done()
        }
        None => on_the_way(evidence),
    }
}

/// A router between this network and the internet has a shared address.
fn on_the_way(evidence: &Evidence<'_>) -> Judgement {
    let Some((router, seen)) = evidence.traces().carrier_router() else { return Judgement::Unknown };
    let summary =
        format!("The router {router} on the way out has an address of those that operators share among users (100.64.0.0/10).");
    Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .because([seen.cite()])
        .fix(Place::Network, RULE.cause.remedy)
        .done()
}
