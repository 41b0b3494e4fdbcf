//! `nat-symmetric`: the NAT gives one socket another address for each destination.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::nat::NatEvidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::asked::Purpose;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};
use crate::model::nat::{Dependence, Known};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "nat-symmetric",
        group: Group::Stun,
        level: Level::Degrade,
        title: "this network's NAT gives each destination another address",
        meaning: "The NAT maps by destination (\"symmetric\"; RFC 4787 calls it address- or address- and port-dependent mapping), so the \
                  address that STUN finds is not the one that a peer sees.",
        impact: "Direct calls connect only with peers whose NAT lets in any port of a known address; with all others it takes a relay.",
        proof: "Servers at two addresses, or two ports of one, see one and the same socket under different addresses. Only `stun` \
                reports it: with a relay that works it is no fault.",
        look_alikes: "A server that stands in this network itself, or whose own side rewrites sources: those are not compared.",
        remedy: "A TURN server that works is what such users need; a home router may have a setting for endpoint-independent mapping \
                 (\"full cone\", \"EIM-NAT\").",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    if evidence.asked().purpose != Purpose::Stun {
        return Judgement::Unknown;
    }
    let mappings = evidence.nats().map(NatEvidence::mapping);
    let mut ruled_out = Vec::new();
    for mapping in mappings {
        match mapping {
            Known::Known { value: Dependence::EndpointIndependent, evidence } => ruled_out.extend(evidence),
            Known::Known { value, evidence } => return found(value, evidence),
            Known::NotTested { .. } => {}
        }
    }
    Judgement::ruled_out_by(ruled_out)
}

fn found(mapping: Dependence, evidence: Vec<String>) -> Judgement {
    let by = match mapping {
        Dependence::EndpointIndependent | Dependence::AddressDependent => "address",
        Dependence::AddressAndPortDependent => "address and port",
        Dependence::AtLeastAddressDependent | Dependence::AtMostAddressDependent => "address at least",
    };
    Found::new(&RULE.cause, format!("The NAT of this network is symmetric: it maps one socket by the destination's {by}."))
        .because(evidence)
        .fix(Place::Application, "See to it that the application has a TURN server that works: callcheck turn tells.")
        .fix(Place::Network, "Where the router is your own, look for endpoint-independent mapping (\"full cone\", \"EIM-NAT\").")
        .done()
}
