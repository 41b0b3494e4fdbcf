//! What was seen of one relayed address: the ways in and out, and the permissions for them.

use std::net::SocketAddr;

use super::evidence::Seen;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{Fact, InboundFact, InboundWay, Observation, OutboundFact, PermissionFact, SelfPairFact};

/// What was seen of one relayed address.
pub struct RelayEvidence<'a> {
    /// The endpoint through which it was got.
    pub endpoint: Endpoint,
    /// The relayed address.
    pub relayed: SocketAddr,
    /// Whether it is one of those that sample the relay's ports.
    pub sample: bool,
    /// The observation of the allocation.
    pub allocation: &'a str,
    /// The permissions asked for.
    pub permissions: Vec<Seen<'a, PermissionFact>>,
    /// In from outside, unsolicited.
    pub unsolicited: Option<Seen<'a, InboundFact>>,
    /// In from outside, to the server's address.
    pub alternative: Option<Seen<'a, InboundFact>>,
    /// In from outside, after the relay had sent out.
    pub solicited: Option<Seen<'a, InboundFact>>,
    /// In from outside, with the bytes of a STUN message.
    pub stun_like: Option<Seen<'a, InboundFact>>,
    /// Out to the outside.
    pub outbound: Vec<Seen<'a, OutboundFact>>,
    /// To itself.
    pub self_pair: Option<Seen<'a, SelfPairFact>>,
}

impl<'a> RelayEvidence<'a> {
    /// Every relayed address that was got, in the order of the allocations.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
    pub fn all(observations: &'a [Observation]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        // What has sent out is let in by a stateful firewall, whoever is given that port next.
        let mut have_sent: Vec<SocketAddr> = Vec::new();
        // Through a proxy nothing but the allocation is tried.
        for seen in observations.iter().filter(|seen| seen.is_of_server()) {
            let Some(endpoint) = seen.endpoint() else { continue };
            let (relayed, sample) = match &seen.fact {
                Fact::Allocation(fact) => (fact.relayed, fact.sample),
                // An open relay grants an allocation without credentials; its path shows in what follows.
                Fact::Permission(fact) => (Some(fact.relayed), false),
                Fact::Inbound(fact)
                    if fact.arrived && fact.way == InboundWay::Unsolicited && have_sent.contains(&fact.relayed) =>
                {
                    continue;
                }
                Fact::Inbound(fact) => (Some(fact.relayed), fact.sample),
                Fact::Outbound(fact) => {
                    have_sent.push(fact.relayed);
                    (Some(fact.relayed), false)
                }
                Fact::SelfPair(fact) => (Some(fact.relayed), false),
                _ => continue,
            };
            let Some(relayed) = relayed else { continue };
            let known = all.iter().position(|relay| relay.endpoint == endpoint && relay.relayed == relayed);
            let index = known.unwrap_or_else(|| {
                all.push(Self::new(endpoint, relayed, sample, &seen.id));
                all.len() - 1
            });
            all[index].take(seen);
        }
        all
    }

    fn new(endpoint: Endpoint, relayed: SocketAddr, sample: bool, allocation: &'a str) -> Self {
        Self {
            endpoint,
            relayed,
            sample,
            allocation,
            permissions: Vec::new(),
            unsolicited: None,
            alternative: None,
            solicited: None,
            stun_like: None,
            outbound: Vec::new(),
            self_pair: None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
    fn take(&mut self, seen: &'a Observation) {
        fn of<'a, F>(seen: &'a Observation, fact: &'a F) -> Seen<'a, F> {
            Seen { id: &seen.id, target: &seen.target, fact }
        }
        match &seen.fact {
            Fact::Permission(fact) => self.permissions.push(of(seen, fact)),
            Fact::Inbound(fact) => {
                let way = match fact.way {
                    InboundWay::Unsolicited => &mut self.unsolicited,
                    InboundWay::Alternative => &mut self.alternative,
                    InboundWay::Solicited => &mut self.solicited,
                    InboundWay::StunLike => &mut self.stun_like,
                };
                *way = Some(of(seen, fact));
            }
            Fact::Outbound(fact) => self.outbound.push(of(seen, fact)),
            Fact::SelfPair(fact) => self.self_pair = Some(of(seen, fact)),
            _ => {}
        }
    }

    /// Whether an unsolicited datagram came in; `None` where that was not tried.
    #[must_use]
    pub fn lets_in(&self) -> Option<bool> {
        self.unsolicited.map(|inbound| inbound.fact.arrived)
    }

    /// Whether a datagram to the server's address and the relayed port came in.
    #[must_use]
    pub fn lets_in_alternative(&self) -> Option<bool> {
        self.alternative.map(|inbound| inbound.fact.arrived)
    }

    /// Whether a datagram came in after the relay had sent out.
    #[must_use]
    pub fn lets_in_solicited(&self) -> Option<bool> {
        self.solicited.map(|inbound| inbound.fact.arrived)
    }

    /// Whether a datagram went out; `None` where that was not tried.
    #[must_use]
    pub fn lets_out(&self) -> Option<bool> {
        if self.outbound.is_empty() { None } else { Some(self.outbound.iter().any(|outbound| outbound.fact.arrived)) }
    }

    /// The observations on the ways in and out.
    #[must_use]
    pub fn cite(&self) -> Vec<String> {
        let inbound = [self.unsolicited, self.alternative, self.solicited];
        let outbound = self.outbound.iter().map(Seen::cite);
        inbound.into_iter().flatten().map(|seen| seen.cite()).chain(outbound).collect()
    }
}
