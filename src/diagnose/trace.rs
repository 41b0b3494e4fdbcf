//! Where datagrams end: a trace to a silent endpoint, read beside traces that go further.
//!
//! Many routers never tell of what they drop, so that a trace that ends proves nothing by itself. It does beside one that takes the same way
//! and goes on: to another port of the same address, or, as far as the caller's own network goes, to a control.

use std::net::IpAddr;

use super::endpoint::EndpointEvidence;
use super::evidence::Seen;
use crate::model::address::Reach;
use crate::model::endpoint::{Endpoint, Transport};
use crate::model::fact::{Cargo, Fact, Hop, OWN_SIDE_TRACE, Observation, RELAY_TRACE, TraceFact};

/// The traces of a run.
pub struct Traces<'a> {
    own: Vec<Seen<'a, TraceFact>>,
    compared: Vec<Seen<'a, TraceFact>>,
    /// As far as the own side of the way goes.
    own_side: Vec<Seen<'a, TraceFact>>,
    /// To ports of the relay.
    relayed: Vec<Seen<'a, TraceFact>>,
}

/// Where the datagrams to a silent endpoint end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The last router that tells of them: it passes them on, or drops them itself.
    pub router: IpAddr,
    /// Whose it is, as far as that can be told.
    pub place: Place,
    /// The observations.
    pub evidence: Vec<String>,
}

/// How datagrams that are no STUN fare on the way to a server, beside those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noise {
    /// Whether they go further; else they end at the same place.
    pub goes_further: bool,
    /// The observations.
    pub evidence: Vec<String>,
}

/// Whose router is the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The caller's network, or its operator's: others of its datagrams go on from there.
    Here,
    /// The server's network: it is the last before the server, or stands beside it.
    There,
    /// It can't be told.
    Open,
}

impl<'a> Traces<'a> {
    /// Collects the traces.
    #[must_use]
    pub fn new(observations: &'a [Observation]) -> Self {
        let of_probe = |probe: &'static str| {
            let traces = observations.iter().filter(move |seen| seen.probe == probe).filter_map(|seen| {
                let Fact::Trace(fact) = &seen.fact else { return None };
                Some(Seen { id: &seen.id, target: &seen.target, fact })
            });
            traces.collect()
        };
        Self {
            own: of_probe("trace"),
            compared: of_probe("control-trace"),
            own_side: of_probe(OWN_SIDE_TRACE),
            relayed: of_probe(RELAY_TRACE),
        }
    }

    /// All traces to an address.
    pub fn towards(&self, server: IpAddr) -> impl Iterator<Item = &Seen<'a, TraceFact>> {
        let all = self.own.iter().chain(&self.compared).chain(&self.own_side).chain(&self.relayed);
        all.filter(move |seen| ip(seen) == Some(server))
    }

    /// Whether a router at some distance passes on what is sent to other hosts.
    #[must_use]
    pub fn passes_on(&self, router: IpAddr, distance: u8, server: IpAddr) -> bool {
        self.compared.iter().filter(|seen| ip(seen) != Some(server)).any(|seen| {
            let is_passed = seen.fact.hops.iter().any(|hop| hop.address == router && hop.distance == distance);
            is_passed && seen.fact.hops.iter().any(|hop| hop.distance > distance)
        })
    }

    /// The trace that shows that datagrams to another port of a server arrive there.
    #[must_use]
    pub fn arrives(&self, server: IpAddr) -> Option<Seen<'a, TraceFact>> {
        self.beside(server).find(|seen| seen.fact.reached.is_some()).copied()
    }

    /// How datagrams that are no STUN fare on the way to a server of which STUN gets no answer; nothing where no router tells of them.
    #[must_use]
    pub fn noise(&self, server: IpAddr) -> Option<Noise> {
        let own = self.own.iter().find(|seen| ip(seen) == Some(server) && seen.fact.reached.is_none())?;
        let other = self.beside(server).find(|seen| seen.fact.carried == Cargo::Noise)?;
        if last(other.fact).is_none() && other.fact.reached.is_none() {
            return None;
        }
        let distance = last(own.fact).map_or(0, |hop| hop.distance);
        Some(Noise { goes_further: goes_beyond(other.fact, distance), evidence: vec![own.cite(), other.cite()] })
    }

    /// A router of the caller's operator that has one of the addresses that such share among their users (RFC 6598): those beyond the first
    /// public router may be the server's side's own.
    #[must_use]
    pub fn carrier_router(&self) -> Option<(IpAddr, Seen<'a, TraceFact>)> {
        self.own_side.iter().find_map(|seen| {
            let mut hops = seen.fact.hops.clone();
            hops.sort_by_key(|hop| hop.distance);
            let own_side = hops.into_iter().map(|hop| hop.address).take_while(|address| !Reach::of(*address).is_global());
            let shared = own_side.into_iter().find(|address| Reach::of(*address) == Reach::CarrierGrade)?;
            Some((shared, *seen))
        })
    }

    /// Where datagrams to a closed port of the relay end in this network, while those to an open one at the same address go on.
    #[must_use]
    pub fn relay_end(&self, is_closed: impl Fn(u16) -> bool) -> Option<End> {
        let port = |seen: &Seen<'a, TraceFact>| seen.endpoint().map(|endpoint| endpoint.address.port());
        let (closed, open): (Vec<_>, Vec<_>) = self.relayed.iter().partition(|seen| port(seen).is_some_and(&is_closed));
        closed.into_iter().find_map(|own| {
            let (server, last) = (ip(own)?, last(own.fact)?);
            // A router behind it, since the last one before the server may be the server's. Where the server was reached doesn't tell how
            // far it is: hosts limit their errors, so that any of many datagrams is the first that is answered.
            let is_further = |seen: &&&Seen<'a, TraceFact>| {
                ip(seen) == Some(server) && seen.fact.hops.iter().any(|hop| hop.distance > last.distance && hop.address != server)
            };
            let further = open.iter().find(is_further)?;
            let is_private = !Reach::of(last.address).is_global() && Reach::of(server).is_global();
            (is_private || last.distance == 1).then(|| End {
                router: last.address,
                place: Place::Here,
                evidence: vec![own.cite(), further.cite()],
            })
        })
    }

    /// Where the datagrams to a silent address end; none where no router tells, or where they arrive.
    #[must_use]
    pub fn end(&self, server: IpAddr) -> Option<End> {
        let own = self.own.iter().find(|seen| ip(seen) == Some(server))?;
        if own.fact.reached.is_some() || own.fact.rejected.is_some() {
            return None;
        }
        let last = last(own.fact)?;
        let further: Vec<_> = self.comparable(server).filter(|seen| goes_beyond(seen.fact, last.distance)).collect();
        let evidence = std::iter::once(own).chain(further.iter().copied()).map(Seen::cite).collect();
        Some(End { router: last.address, place: self.place(server, last, &further), evidence })
    }

    fn place(&self, server: IpAddr, last: Hop, further: &[&Seen<'a, TraceFact>]) -> Place {
        // Behind the first router the way to another host may be another one; that to another port of the same host isn't.
        let beside = further.iter().any(|seen| ip(seen) == Some(server));
        let distance = self.distance(server);
        let inside = !Reach::of(last.address).is_global() && Reach::of(server).is_global();
        let before_server = distance.is_some_and(|distance| last.distance + 1 >= distance);
        let is_neighbour = is_one_network(last.address, server);
        match (inside, before_server || is_neighbour) {
            (true, false) if !further.is_empty() => Place::Here,
            (false, false) if last.distance == 1 && beside && distance.is_some() => Place::Here,
            // With one router between both it is anybody's.
            (false, true) if last.distance > 1 || is_neighbour => Place::There,
            (true | false, true | false) => Place::Open,
        }
    }

    /// The distance at which the server was seen.
    fn distance(&self, server: IpAddr) -> Option<u8> {
        let traces = self.beside(server).chain(self.own.iter().filter(|seen| ip(seen) == Some(server)));
        let signed = |fact: &'a TraceFact| fact.hops.iter().filter(move |hop| hop.address == server).map(|hop| hop.distance);
        traces.flat_map(|seen| signed(seen.fact).chain(seen.fact.reached)).min()
    }

    /// The traces to other ports of an address.
    fn beside(&self, server: IpAddr) -> impl Iterator<Item = &Seen<'a, TraceFact>> {
        self.compared.iter().filter(move |seen| ip(seen) == Some(server))
    }

    fn comparable(&self, server: IpAddr) -> impl Iterator<Item = &Seen<'a, TraceFact>> {
        self.compared.iter().filter(move |seen| ip(seen).is_some_and(|ip| ip.is_ipv4() == server.is_ipv4()))
    }
}

/// What is said of the last router, as the end of a sentence; nothing where none told.
#[must_use]
pub fn named(ends: &[End]) -> String {
    let mut routers: Vec<String> = ends.iter().map(|end| end.router.to_string()).collect();
    routers.dedup();
    match routers.as_slice() {
        [] => String::new(),
        [router] => format!("; the datagrams were last seen at the router {router}"),
        [..] => format!("; the datagrams were last seen at the routers {}", routers.join(" and ")),
    }
}

/// The silent addresses of some endpoints over UDP, with where the datagrams end.
#[must_use]
pub fn ends(traces: &Traces<'_>, endpoints: &[Endpoint]) -> Vec<End> {
    let mut addresses: Vec<IpAddr> =
        endpoints.iter().filter(|endpoint| endpoint.transport == Transport::Udp).map(|endpoint| endpoint.ip()).collect();
    addresses.dedup();
    addresses.into_iter().filter_map(|address| traces.end(address)).collect()
}

/// Whether the datagrams to an endpoint end in this network: a router of it rejects them, or is the last that tells of them.
#[must_use]
pub fn ends_here(traces: &Traces<'_>, endpoint: &EndpointEvidence<'_>) -> bool {
    endpoint.is_rejected_here() || traces.end(endpoint.endpoint.ip()).is_some_and(|end| end.place == Place::Here)
}

/// Whether the datagrams to all of some endpoints over UDP end in this network.
#[must_use]
pub fn all_end_here(traces: &Traces<'_>, endpoints: &[&EndpointEvidence<'_>]) -> bool {
    let mut over_udp = endpoints.iter().filter(|endpoint| endpoint.is_udp()).peekable();
    over_udp.peek().is_some() && over_udp.all(|endpoint| ends_here(traces, endpoint))
}

fn ip(seen: &Seen<'_, TraceFact>) -> Option<IpAddr> {
    seen.endpoint().map(|endpoint| endpoint.ip())
}

fn last(fact: &TraceFact) -> Option<Hop> {
    fact.hops.iter().max_by_key(|hop| hop.distance).copied()
}

fn goes_beyond(fact: &TraceFact, distance: u8) -> bool {
    last(fact).is_some_and(|hop| hop.distance > distance) || fact.reached.is_some_and(|reached| reached > distance)
}

/// Whether two addresses are so close that one organisation has both: a /24 and a /48 are the least that is routed on its own.
#[must_use]
pub fn is_one_network(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets()[..3] == other.octets()[..3],
        (IpAddr::V6(one), IpAddr::V6(other)) => one.octets()[..6] == other.octets()[..6],
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "udp 203.0.113.10:3478";
    const BESIDE: &str = "udp 203.0.113.10:33500";
    const CONTROL: &str = "udp 192.0.2.53:3478";

    /// A trace by its routers, of which `-` tells nothing, and the distance of the target where it was reached.
    fn seen(probe: &str, target: &str, routers: &[&str], reached: Option<u8>) -> Observation {
        let hop = |(distance, router): (u8, &&str)| Some(Hop { distance, address: router.parse().ok()?, rtt_ms: 1.0 });
        let hops = (1..).zip(routers).filter_map(hop).collect();
        let fact = Fact::Trace(TraceFact { carried: Cargo::Stun, hops, furthest: 24, reached, rejected: None });
        let id = format!("{probe} {target}");
        Observation { id, probe: probe.to_owned(), target: target.to_owned(), at_ms: 0, fact }
    }

    fn place(routers: &[&str], others: &[Observation]) -> Option<(String, Place)> {
        let mut observations = vec![seen("trace", SERVER, routers, None)];
        observations.extend_from_slice(others);
        let end = Traces::new(&observations).end([203, 0, 113, 10].into())?;
        Some((end.router.to_string(), end.place))
    }

    fn beside(routers: &[&str], reached: Option<u8>) -> Observation {
        seen("control-trace", BESIDE, routers, reached)
    }

    #[test]
    fn a_private_router_from_which_others_go_on_is_of_this_network() {
        let control = seen("control-trace", CONTROL, &["192.168.1.1", "198.51.100.1"], Some(3));
        let found = place(&["192.168.1.1"], &[control]);
        assert_eq!(found, Some(("192.168.1.1".to_owned(), Place::Here)));
    }

    #[test]
    fn a_private_router_from_which_nothing_goes_on_may_be_anybodys() {
        let found = place(&["192.168.1.1"], &[beside(&["192.168.1.1"], None)]);
        assert_eq!(found, Some(("192.168.1.1".to_owned(), Place::Open)));
    }

    #[test]
    fn the_router_before_the_server_is_of_its_network() {
        let found = place(&["192.168.1.1", "198.51.100.1"], &[beside(&["192.168.1.1", "198.51.100.1"], Some(3))]);
        assert_eq!(found, Some(("198.51.100.1".to_owned(), Place::There)));
    }

    #[test]
    fn a_neighbour_of_the_server_is_of_its_network_however_far() {
        let found = place(&["192.168.1.1", "-", "203.0.113.1"], &[]);
        assert_eq!(found, Some(("203.0.113.1".to_owned(), Place::There)));
    }

    #[test]
    fn a_router_in_the_middle_may_be_anybodys() {
        let way = ["192.168.1.1", "198.51.100.1", "198.51.100.9", "203.0.113.1"];
        let found = place(&way[..2], &[beside(&way, Some(5))]);
        assert_eq!(found, Some(("198.51.100.1".to_owned(), Place::Open)));
    }

    #[test]
    fn a_public_first_router_is_of_this_network_only_beside_the_same_way() {
        let way = ["198.51.100.1", "198.51.100.9"];
        assert_eq!(place(&way[..1], &[beside(&way, Some(3))]).map(|(_, place)| place), Some(Place::Here));
        let control = seen("control-trace", CONTROL, &way, Some(3));
        assert_eq!(place(&way[..1], &[control]).map(|(_, place)| place), Some(Place::Open));
    }

    #[test]
    fn the_one_router_between_both_may_be_anybodys() {
        let found = place(&["198.51.100.1"], &[beside(&["198.51.100.1"], Some(2))]);
        assert_eq!(found, Some(("198.51.100.1".to_owned(), Place::Open)));
    }

    #[test]
    fn where_no_router_tells_nothing_is_known() {
        assert_eq!(place(&["-", "-"], &[beside(&["-", "-"], Some(3))]), None);
    }
}
