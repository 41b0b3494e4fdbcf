//! `mapped-address-private`: a public server sees this client under a private address that is not the client's own.

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
    let rewritten: Vec<_> = evidence.promised().filter(is_rewritten).collect();
    let Some((first, mapped)) = rewritten.first().and_then(|first| Some((first, first.binding?.fact.mapped?))) else {
        let global = evidence.promised().filter_map(|endpoint| endpoint.binding);
        let global = global.filter(|binding| binding.fact.mapped.is_some_and(|mapped| Reach::of(mapped.ip()).is_global()));
        return Judgement::ruled_out_by(global.map(|binding| binding.cite()).collect());
    };
    let summary = format!(
        "The server at {} sees this client as {}, a {} address: its own side rewrites the source of packets.",
        first.endpoint.ip(),
        mapped.ip(),
        Reach::of(mapped.ip()).title()
    );
    Found::new(&RULE.cause, summary)
        .confidence(Confidence::Likely)
        .because(rewritten.iter().filter_map(|endpoint| endpoint.binding).map(|binding| binding.cite()))
        .fix_by(Place::Server, "In a container, run the server on the host's own network.", "docker run --network=host …")
        .fix(Place::Server, "Behind a load balancer, let it keep the client's source address.")
        .done()
}

fn is_rewritten(endpoint: &&EndpointEvidence<'_>) -> bool {
    let Some(binding) = endpoint.binding else { return false };
    let Some(mapped) = binding.fact.mapped else { return false };
    let own = binding.fact.local.map(|local| local.ip());
    endpoint.is_udp() && Reach::of(endpoint.endpoint.ip()).is_global() && !Reach::of(mapped.ip()).is_global()
        // Under carrier-grade NAT a server inside the operator's network sees such an address rightly.
        && Reach::of(mapped.ip()) != Reach::CarrierGrade
        && own != Some(mapped.ip())
}
