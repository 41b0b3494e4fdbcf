//! How the NAT of this network behaves, from what its tests saw; what was not seen is not tested, and never a no.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::untested::out_of_time;
use crate::model::address::Reach;
use crate::model::asked::Asked;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{
    Contact, Fact, FilteringFact, FilteringWay, HairpinFact, LifetimeFact, LifetimeWay, NatRelayFact, Observation,
};
use crate::model::finding::{Confidence, Finding};
use crate::model::nat::{Behaviour, Consequence, Dependence, Known, Lifetime, Nat, PortPreservation};
use crate::model::outcome::Outcome;
use crate::model::report::CutShort;

/// The findings that no UDP leaves this network.
const NO_UDP: [&str; 4] = ["network-blocks-udp", "network-blocks-stun", "network-blocks-port", "local-firewall"];

/// Why something is not tested that NATs alone have.
const NO_NAT: &str = "there is no NAT";

/// What the tests of the NAT saw over one family of addresses.
pub struct NatEvidence<'a> {
    samples: Vec<Sample<'a>>,
    filterings: Vec<Seen<'a, FilteringFact>>,
    hairpins: Vec<Seen<'a, HairpinFact>>,
    lifetimes: Vec<Seen<'a, LifetimeFact>>,
    relays: Vec<Seen<'a, NatRelayFact>>,
    /// Whether a server was asked over this family at all.
    asked: bool,
    wants_lifetime: bool,
}

/// One socket as one server sees it.
#[derive(Clone, Copy)]
struct Sample<'a> {
    id: &'a str,
    server: SocketAddr,
    local: SocketAddr,
    mapped: SocketAddr,
    other: Option<SocketAddr>,
}

/// A fact with the id of the observation that states it.
struct Seen<'a, F> {
    id: &'a str,
    target: &'a str,
    fact: &'a F,
}

impl<F> Clone for Seen<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Seen<'_, F> {}

impl<F> Seen<'_, F> {
    fn cite(&self) -> String {
        self.id.to_owned()
    }

    fn endpoint(&self) -> Option<Endpoint> {
        self.target.parse().ok()
    }
}

/// What a run says of the NAT; `few_ports` where no unrelated host answers at a high port.
#[must_use]
pub fn nat(
    asked: &Asked,
    observations: &[Observation],
    findings: &[Finding],
    few_ports: bool,
    cut_short: Option<CutShort>,
) -> Option<Nat> {
    let mut behaviours =
        [true, false].map(|v4| NatEvidence::new(asked, observations, v4).behaviour(findings, few_ports, cut_short)).into_iter();
    let nat = Nat { ipv4: behaviours.next().flatten(), ipv6: behaviours.next().flatten() };
    (nat != Nat::default()).then_some(nat)
}

impl<'a> NatEvidence<'a> {
    /// Collects what concerns one family.
    #[must_use]
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of it")]
    pub fn new(asked: &Asked, observations: &'a [Observation], v4: bool) -> Self {
        fn of<'a, F>(seen: &'a Observation, fact: &'a F) -> Seen<'a, F> {
            Seen { id: &seen.id, target: &seen.target, fact }
        }
        let mut evidence = Self {
            samples: Vec::new(),
            filterings: Vec::new(),
            hairpins: Vec::new(),
            lifetimes: Vec::new(),
            relays: Vec::new(),
            asked: false,
            wants_lifetime: asked.longest_idle_ms.is_some(),
        };
        for seen in observations {
            let Some(endpoint) = seen.endpoint().filter(|endpoint| endpoint.address.is_ipv4() == v4) else { continue };
            if endpoint.transport != Transport::Udp || seen.probe.starts_with("control") {
                continue;
            }
            match &seen.fact {
                Fact::Binding(fact) => {
                    evidence.asked = true;
                    if let (Some(local), Some(mapped)) = (fact.local, fact.mapped) {
                        let other = fact.other_address;
                        evidence.add(Sample { id: &seen.id, server: endpoint.address, local, mapped, other });
                    }
                }
                Fact::Mapping(fact) => {
                    if let (local, Some(mapped)) = (fact.local, fact.mapped) {
                        let other = fact.other_address;
                        evidence.add(Sample { id: &seen.id, server: endpoint.address, local, mapped, other });
                    }
                }
                Fact::Filtering(fact) => evidence.filterings.push(of(seen, fact)),
                Fact::Hairpin(fact) => evidence.hairpins.push(of(seen, fact)),
                Fact::Lifetime(fact) => evidence.lifetimes.push(of(seen, fact)),
                Fact::NatRelay(fact) => evidence.relays.push(of(seen, fact)),
                _ => {}
            }
        }
        evidence.keep_comparable();
        evidence
    }

    /// Takes an answer, unless the server's own side has rewritten the source: a private address that is not the own one.
    fn add(&mut self, sample: Sample<'a>) {
        let Sample { server, local, mapped, .. } = sample;
        let rewritten = Reach::of(server.ip()).is_global() && Reach::of(mapped.ip()) == Reach::Private && mapped != local;
        if !rewritten && mapped.is_ipv4() == server.is_ipv4() {
            self.samples.push(sample);
        }
    }

    /// A server within the own site sees what no other does: with servers outside, those alone are compared.
    fn keep_comparable(&mut self) {
        let is_outside = |sample: &Sample<'_>| Reach::of(sample.server.ip()).is_global();
        if self.samples.iter().any(is_outside) {
            self.samples.retain(is_outside);
        }
    }

    fn behaviour(&self, findings: &[Finding], few_ports: bool, cut_short: Option<CutShort>) -> Option<Behaviour> {
        if !self.asked {
            return None;
        }
        let (mapping, filtering) = (self.mapping(), self.filtering());
        Some(Behaviour {
            address: self.samples.first().map(|sample| sample.mapped),
            translated: in_time(self.translated(), cut_short),
            port_preservation: in_time(self.port_preservation(), cut_short),
            hairpinning: in_time(self.hairpinning(), cut_short),
            lifetime: self.lifetime().map(|lifetime| in_time(lifetime, cut_short)),
            consequence: match consequence(&mapping, &filtering, self.samples.is_empty(), findings) {
                // Peers are at high ports, whatever the NAT does.
                Known::Known { value, .. } if few_ports && value != Consequence::AlwaysRelay => Known::not_tested(
                    "no unrelated host answers at a high port, where peers are: this network may let out few ports only",
                ),
                consequence @ (Known::Known { .. } | Known::NotTested { .. }) => in_time(consequence, cut_short),
            },
            mapping: in_time(mapping, cut_short),
            filtering: in_time(filtering, cut_short),
        })
    }

    fn cite(&self) -> Vec<String> {
        self.samples.iter().map(|sample| sample.id.to_owned()).collect()
    }

    /// Whether servers see another address than the own one.
    #[must_use]
    pub fn translated(&self) -> Known<bool> {
        if self.samples.is_empty() {
            return Known::not_tested("no STUN server answered over UDP");
        }
        let translated: Vec<_> = self.samples.iter().filter(|sample| sample.mapped != sample.local).collect();
        match translated.first() {
            Some(sample) => known(true, vec![sample.id.to_owned()]),
            None => known(false, self.cite()),
        }
    }

    /// On what of the destination the address outside depends.
    #[must_use]
    pub fn mapping(&self) -> Known<Dependence> {
        match self.translated() {
            Known::NotTested { why } => return Known::NotTested { why },
            Known::Known { value: false, evidence } => return known(Dependence::EndpointIndependent, evidence),
            Known::Known { value: true, .. } => {}
        }
        let pairs = self.pairs();
        let ids = |kind: &dyn Fn(&Pair<'_>) -> bool| -> Vec<String> {
            let mut ids: Vec<String> =
                pairs.iter().filter(|pair| kind(pair)).flat_map(|pair| [pair.0.id.to_owned(), pair.1.id.to_owned()]).collect();
            ids.sort_by_key(|id| id[1..].parse::<u32>().unwrap_or(u32::MAX));
            ids.dedup();
            ids
        };
        let same_elsewhere = ids(&|pair| !pair.same_ip() && pair.same_mapped());
        let other_elsewhere = ids(&|pair| !pair.same_ip() && !pair.same_mapped());
        let other_at_port = ids(&|pair| pair.same_ip() && !pair.same_mapped());
        let same_at_port = ids(&|pair| pair.same_ip() && pair.same_mapped());
        match (same_elsewhere.is_empty(), other_elsewhere.is_empty(), other_at_port.is_empty(), same_at_port.is_empty()) {
            (false, true, true, _) => known(Dependence::EndpointIndependent, same_elsewhere),
            (false, ..) => Known::not_tested("servers contradict each other about the address outside"),
            (true, _, false, _) => known(Dependence::AddressAndPortDependent, other_at_port),
            (true, false, true, false) => known(Dependence::AddressDependent, [other_elsewhere, same_at_port].concat()),
            (true, false, true, true) => known(Dependence::AtLeastAddressDependent, other_elsewhere),
            (true, true, true, _) => {
                Known::not_tested("servers at two addresses are needed, and one told the own address: name a second one")
            }
        }
    }

    /// Any two answers to one socket from different places.
    fn pairs(&self) -> Vec<Pair<'a>> {
        let mut by_socket: BTreeMap<SocketAddr, Vec<Sample<'a>>> = BTreeMap::new();
        for sample in &self.samples {
            by_socket.entry(sample.local).or_default().push(*sample);
        }
        let mut pairs = Vec::new();
        for samples in by_socket.values() {
            for (index, one) in samples.iter().enumerate() {
                let others = samples[index + 1..].iter().filter(|other| other.server != one.server);
                pairs.extend(others.map(|other| Pair(*one, *other)));
            }
        }
        pairs
    }

    /// On what of its sender it depends whether a datagram comes in.
    #[must_use]
    pub fn filtering(&self) -> Known<Dependence> {
        let ways = [FilteringWay::ChangeRequest, FilteringWay::Relay];
        ways.into_iter().find_map(|way| self.filtering_by(way)).unwrap_or_else(|| Known::not_tested(self.why_unfiltered()))
    }

    fn filtering_by(&self, way: FilteringWay) -> Option<Known<Dependence>> {
        // Each test has its socket, and all tests by one server belong together.
        let servers: Vec<&str> = self.filterings.iter().filter(|seen| seen.fact.way == way).map(|seen| seen.target).collect();
        servers.into_iter().find_map(|server| {
            let by_server = |seen: &&Seen<'a, FilteringFact>| seen.fact.way == way && seen.target == server;
            self.filtering_of(&self.filterings.iter().filter(by_server).copied().collect::<Vec<_>>())
        })
    }

    fn filtering_of(&self, tests: &[Seen<'a, FilteringFact>]) -> Option<Known<Dependence>> {
        let came = |contact: Contact| {
            let test = tests.iter().find(|seen| seen.fact.contact == contact)?;
            match &test.fact.reply.outcome {
                Outcome::Success => Some(true),
                Outcome::Silent => Some(false),
                // It was answered in another way than asked for, so the filter was not tried.
                Outcome::Error { .. }
                | Outcome::Unreachable { .. }
                | Outcome::DeniedLocally
                | Outcome::NoRoute
                | Outcome::Closed
                | Outcome::NotStun { .. }
                | Outcome::FromElsewhere { .. }
                | Outcome::Unusable { .. } => None,
            }
        };
        let sender_is_real = came(Contact::AddressAndPort) == Some(true) || self.is_two_addressed(tests);
        let filtering = match (came(Contact::None), came(Contact::Address)) {
            (Some(true), _) => Dependence::EndpointIndependent,
            (Some(false), Some(true)) if sender_is_real => Dependence::AddressDependent,
            (Some(false), Some(false)) if sender_is_real => Dependence::AddressAndPortDependent,
            (Some(false), None) if sender_is_real => Dependence::AtLeastAddressDependent,
            (None, Some(true)) => Dependence::AtMostAddressDependent,
            // Where the stranger's datagram could not be tried, silence from a known address says it all.
            (None, Some(false)) if sender_is_real => Dependence::AddressAndPortDependent,
            (Some(_) | None, _) => return None,
        };
        Some(known(filtering, tests.iter().map(Seen::cite).collect()))
    }

    /// Whether a server has shown by direct answers that it is there at both addresses, where its answer from the other one can't come
    /// in: a NAT that maps by destination has no mapping for it. What answers there must itself name one of the two, which need not be
    /// the first: coturn 4.6.1 names another port of the second.
    fn is_two_addressed(&self, tests: &[Seen<'a, FilteringFact>]) -> bool {
        let depends = matches!(
            self.mapping().value(),
            Some(Dependence::AddressDependent | Dependence::AddressAndPortDependent | Dependence::AtLeastAddressDependent)
        );
        let tests: Vec<_> = tests.iter().filter(|seen| seen.fact.way == FilteringWay::ChangeRequest).collect();
        let named: Vec<IpAddr> =
            tests.iter().flat_map(|seen| [Some(seen.fact.from.ip()), seen.endpoint().map(|it| it.ip())]).flatten().collect();
        let answers = |seen: &&Seen<'a, FilteringFact>| {
            let mut there = self.samples.iter().filter(|sample| sample.server == seen.fact.from);
            there.any(|sample| sample.other.is_some_and(|other| named.contains(&other.ip())))
        };
        depends && !tests.is_empty() && tests.iter().all(answers)
    }

    fn why_unfiltered(&self) -> &'static str {
        if self.samples.is_empty() {
            return "no STUN server answered over UDP";
        }
        match self.relays.last() {
            Some(relay) if relay.fact.relayed.is_none() => "the TURN server granted no allocation to send from",
            Some(_) => "nothing that the relay sent came, even where the way was open",
            None if !self.filterings.is_empty() => "the server doesn't answer from its other address, although it names one",
            None => "it takes a server with OTHER-ADDRESS, or a TURN server with a login (--user)",
        }
    }

    /// Whether ports outside are the own ones.
    #[must_use]
    pub fn port_preservation(&self) -> Known<PortPreservation> {
        match self.translated() {
            Known::NotTested { why } => return Known::NotTested { why },
            Known::Known { value: false, .. } => return Known::not_tested(NO_NAT),
            Known::Known { value: true, .. } => {}
        }
        let kept = self.samples.iter().filter(|sample| sample.mapped.port() == sample.local.port()).count();
        let preservation = match kept {
            0 => PortPreservation::NotPreserved,
            _ if kept == self.samples.len() => PortPreservation::Preserved,
            _ => PortPreservation::Sometimes,
        };
        known(preservation, self.cite())
    }

    /// Whether two hosts behind the NAT reach each other's addresses outside.
    #[must_use]
    pub fn hairpinning(&self) -> Known<bool> {
        match self.translated() {
            Known::NotTested { why } => return Known::NotTested { why },
            Known::Known { value: false, .. } => return Known::not_tested(NO_NAT),
            Known::Known { value: true, .. } => {}
        }
        let Some(hairpin) = self.hairpins.last() else {
            return Known::not_tested("no second socket was told its address outside");
        };
        match (hairpin.fact.arrived, self.mapping().value()) {
            (true, _) => known(true, vec![hairpin.cite()]),
            (false, Some(Dependence::EndpointIndependent)) => known(false, vec![hairpin.cite()]),
            (false, Some(_)) => {
                Known::not_tested("the NAT gives each destination an address of its own, so that none is there to send to")
            }
            (false, None) => {
                Known::not_tested("nothing came, and whether the address outside holds for every sender is not known")
            }
        }
    }

    /// How long an idle mapping lives, where that was asked for.
    #[must_use]
    pub fn lifetime(&self) -> Option<Known<Lifetime>> {
        if !self.wants_lifetime {
            return None;
        }
        let Some(last) = self.lifetimes.last() else { return Some(Known::not_tested("no STUN server answered over UDP")) };
        let way = last.fact.way;
        let tests: Vec<_> = self.lifetimes.iter().filter(|seen| seen.fact.way == way && seen.fact.alive.is_some()).collect();
        let cite = || tests.iter().map(|seen| seen.cite()).collect();
        let at_least_ms =
            tests.iter().filter(|seen| seen.fact.alive == Some(true)).map(|seen| seen.fact.idle_ms).max().unwrap_or(0);
        let gone = tests.iter().filter(|seen| seen.fact.alive == Some(false)).map(|seen| seen.fact.idle_ms);
        let less_than_ms = gone.filter(|idle| *idle > at_least_ms).min();
        Some(match (way, less_than_ms) {
            (LifetimeWay::ResponsePort | LifetimeWay::Relay, _) if tests.len() > 1 => {
                known(Lifetime { at_least_ms, less_than_ms }, cite())
            }
            (LifetimeWay::SameSocket, Some(_)) => known(Lifetime { at_least_ms, less_than_ms }, cite()),
            (LifetimeWay::SameSocket, None) => Known::not_tested(
                "the port outside stayed the same, which it may do for a new mapping too; it takes a server with RESPONSE-PORT, or a TURN \
                 server with a login (--user)",
            ),
            (LifetimeWay::ResponsePort | LifetimeWay::Relay, _) => Known::not_tested("the run ended before"),
        })
    }
}

/// Two answers to one socket.
struct Pair<'a>(Sample<'a>, Sample<'a>);

impl Pair<'_> {
    fn same_ip(&self) -> bool {
        self.0.server.ip() == self.1.server.ip()
    }

    fn same_mapped(&self) -> bool {
        self.0.mapped == self.1.mapped
    }
}

/// What a run that was cut short has not come to had no time.
fn in_time<T: Copy>(known: Known<T>, cut_short: Option<CutShort>) -> Known<T> {
    match known {
        Known::NotTested { why } if cut_short.is_some() && why != NO_NAT => Known::not_tested(out_of_time(cut_short)),
        Known::NotTested { .. } | Known::Known { .. } => known,
    }
}

fn known<T>(value: T, evidence: Vec<String>) -> Known<T> {
    Known::Known { value, evidence }
}

fn consequence(
    mapping: &Known<Dependence>,
    filtering: &Known<Dependence>,
    is_silent: bool,
    findings: &[Finding],
) -> Known<Consequence> {
    let no_udp = |finding: &&Finding| NO_UDP.contains(&finding.id.as_str()) && finding.confidence != Confidence::Possible;
    if let Some(finding) = findings.iter().find(no_udp).filter(|_| is_silent) {
        return known(Consequence::AlwaysRelay, finding.evidence.clone());
    }
    let evidence = [mapping.evidence(), filtering.evidence()].concat();
    match (mapping.value(), filtering.value()) {
        (None, _) => Known::not_tested("how the NAT maps is not known"),
        (Some(Dependence::EndpointIndependent), Some(Dependence::AddressAndPortDependent)) => {
            known(Consequence::RelayAgainstSymmetric, evidence)
        }
        (Some(Dependence::EndpointIndependent), _) => known(Consequence::DirectLikely, evidence),
        (Some(_), _) => known(Consequence::RelayAgainstSymmetricAndPortRestricted, evidence),
    }
}
