//! Where TCP connections are reset on the way to a server.
//!
//! A reset comes in the server's name, whoever sends it. What tells is the distance: one that comes from nearer than the server is comes from
//! a router.

use std::net::IpAddr;

use super::evidence::Seen;
use super::trace::{Place, Traces, is_one_network};
use crate::model::address::Reach;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{COMPARED_CONNECT_TRACE, CONNECT_TRACE, ConnectTraceFact, Fact, Observation};

/// How many routers a network's edge is away at the most where nothing else shows which are its own.
const EDGE: u8 = 2;

/// The router that resets connections.
///
/// A router's firewall acts on what it would pass on, so that what expires there is not reset; other firewalls act on whatever comes. So it
/// is the last router where something expires, or the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionEnd {
    /// The last router where something expires, if there is one and its address is known.
    router: Option<IpAddr>,
    /// Whose it is, as far as that can be told.
    pub place: Place,
    /// The observations.
    pub evidence: Vec<String>,
}

impl ConnectionEnd {
    /// Who resets connections to an endpoint; nothing where that is the server itself, or where it can't be told.
    #[must_use]
    pub fn of(traces: &Traces<'_>, observations: &[Observation], endpoint: Endpoint) -> Option<Self> {
        let own = of_probe(observations, CONNECT_TRACE).find(|seen| seen.endpoint() == Some(endpoint))?;
        let distance = own.fact.refused?;
        let compared: Vec<_> = of_probe(observations, COMPARED_CONNECT_TRACE).filter(|seen| seen.endpoint().is_some()).collect();
        let way = Way { traces, server: endpoint.ip(), port: endpoint.address.port(), distance, compared };
        if way.reaches_server() || !(way.goes_further() || way.is_alike_elsewhere()) {
            return None;
        }
        let others = way.compared.iter().map(Seen::cite).chain(traces.towards(way.server).map(Seen::cite));
        Some(Self {
            router: way.last_router(),
            place: way.place(),
            evidence: std::iter::once(own.cite()).chain(others).collect(),
        })
    }

    /// Where they are reset, for a sentence.
    #[must_use]
    pub fn told(&self) -> String {
        match self.router {
            Some(router) => format!("reset at the router {router} or right behind it"),
            None => "reset nearer than the server".to_owned(),
        }
    }

    /// The router where they are reset, or behind which.
    #[must_use]
    pub fn router(&self) -> Option<IpAddr> {
        self.router
    }
}

/// The way to a server as far as connections to it get.
struct Way<'t, 'a> {
    traces: &'t Traces<'a>,
    server: IpAddr,
    port: u16,
    /// The smallest number of routers, the server counted as one, with which a connection is reset.
    distance: u8,
    /// Connections to open ports of the server, and to the same port of another host.
    compared: Vec<Seen<'a, ConnectTraceFact>>,
}

impl Way<'_, '_> {
    /// The routers of the way with their distances, by what is sent over UDP.
    fn routers(&self) -> impl Iterator<Item = (u8, IpAddr)> {
        let hops = self.traces.towards(self.server).flat_map(|seen| &seen.fact.hops);
        hops.filter(|hop| hop.address != self.server).map(|hop| (hop.distance, hop.address))
    }

    fn router_at(&self, distance: u8) -> Option<IpAddr> {
        self.routers().find(|(at, _)| *at == distance).map(|(_, router)| router)
    }

    fn last_router(&self) -> Option<IpAddr> {
        self.router_at(self.distance.saturating_sub(1))
    }

    /// The distance at which the server answers over UDP.
    fn nearest(&self) -> Option<u8> {
        self.traces.towards(self.server).filter_map(|seen| seen.fact.reached).min()
    }

    fn at_server(&self) -> impl Iterator<Item = &ConnectTraceFact> {
        self.compared.iter().filter(|seen| seen.endpoint().is_some_and(|it| it.ip() == self.server)).map(|seen| seen.fact)
    }

    /// Whether the server may be what answers there, as it does over UDP or on an open port.
    fn reaches_server(&self) -> bool {
        self.nearest().is_some_and(|nearest| nearest <= self.distance)
            || self.at_server().any(|open| open.taken.is_some_and(|taken| taken <= self.distance))
    }

    /// Whether the server is further away.
    fn goes_further(&self) -> bool {
        self.nearest().is_some()
            || self.routers().any(|(at, _)| at >= self.distance)
            || self.at_server().any(|open| open.is_beyond(self.distance))
            || self
                .last_router()
                .is_some_and(|router| self.traces.passes_on(router, self.distance.saturating_sub(1), self.server))
    }

    /// Whether connections to the same port of another host, which is further away, are reset as near.
    fn is_alike_elsewhere(&self) -> bool {
        let others = || self.compared.iter().filter_map(|seen| Some((seen.endpoint()?, seen.fact)));
        let is_further =
            |ip| others().any(|(it, fact)| it.ip() == ip && it.address.port() != self.port && fact.is_beyond(self.distance));
        others().any(|(it, fact)| {
            let is_same_port = it.ip() != self.server && it.address.port() == self.port;
            is_same_port && fact.refused.is_some_and(|refused| refused <= self.distance) && is_further(it.ip())
        })
    }

    fn place(&self) -> Place {
        if self.is_alike_elsewhere() {
            return Place::Here;
        }
        if self.last_router().is_some_and(|router| is_one_network(router, self.server)) {
            return Place::There;
        }
        let is_before_server = self.nearest().is_some_and(|nearest| self.distance.saturating_add(1) >= nearest);
        let mut nearer = self.routers().filter(|(at, _)| *at <= self.distance);
        let is_inside = Reach::of(self.server).is_global() && nearer.all(|(_, router)| !Reach::of(router).is_global());
        let passes_on = |router| self.traces.passes_on(router, self.distance.saturating_sub(1), self.server);
        let is_near = self.distance <= EDGE + 1 || self.last_router().is_some_and(passes_on);
        if is_inside && is_near && !is_before_server { Place::Here } else { Place::Open }
    }
}

fn of_probe<'a>(observations: &'a [Observation], probe: &'static str) -> impl Iterator<Item = Seen<'a, ConnectTraceFact>> {
    observations.iter().filter(move |seen| seen.probe == probe).filter_map(|seen| {
        let Fact::ConnectTrace(fact) = &seen.fact else { return None };
        Some(Seen { id: &seen.id, target: &seen.target, fact })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fact::{Cargo, Hop, TraceFact};

    const PORT: &str = "tcp 203.0.113.10:3478";
    const OPEN_PORT: &str = "tls 203.0.113.10:443";
    const ELSEWHERE: &str = "tcp 192.0.2.53:3478";
    const INSIDE: [&str; 2] = ["192.168.1.1", "10.0.0.1"];

    fn seen(probe: &str, target: &str, fact: Fact) -> Observation {
        Observation { id: format!("{probe} {target}"), probe: probe.to_owned(), target: target.to_owned(), at_ms: 0, fact }
    }

    fn connections(probe: &str, target: &str, refused: Option<u8>, taken: Option<u8>) -> Observation {
        seen(probe, target, Fact::ConnectTrace(ConnectTraceFact { furthest: refused.or(taken).unwrap_or(2), refused, taken }))
    }

    /// A trace over UDP by its routers, and the distance of the target where it was reached.
    fn datagrams(probe: &str, target: &str, routers: &[&str], reached: Option<u8>) -> Observation {
        let hop = |(distance, router): (u8, &&str)| Some(Hop { distance, address: router.parse().ok()?, rtt_ms: 1.0 });
        let hops = (1..).zip(routers).filter_map(hop).collect();
        seen(probe, target, Fact::Trace(TraceFact { carried: Cargo::Stun, hops, furthest: 24, reached, rejected: None }))
    }

    fn to_server(routers: &[&str], reached: Option<u8>) -> Observation {
        datagrams("control-trace", "udp 203.0.113.10:3478", routers, reached)
    }

    /// Who resets connections that are refused at that distance, beside other observations.
    fn end(distance: u8, others: &[Observation]) -> Option<(Place, Option<String>)> {
        let mut observations = vec![connections(CONNECT_TRACE, PORT, Some(distance), None)];
        observations.extend_from_slice(others);
        let end = ConnectionEnd::of(&Traces::new(&observations), &observations, PORT.parse().ok()?)?;
        Some((end.place, end.router().map(|router| router.to_string())))
    }

    fn at(place: Place, router: &str) -> (Place, Option<String>) {
        (place, Some(router.to_owned()))
    }

    #[test]
    fn a_reset_from_as_far_as_the_server_is_its_own() {
        assert_eq!(end(9, &[to_server(&INSIDE, Some(9))]), None);
        assert_eq!(end(9, &[connections(COMPARED_CONNECT_TRACE, OPEN_PORT, None, Some(9))]), None);
    }

    #[test]
    fn with_nothing_to_compare_nobody_is_accused() {
        assert_eq!(end(2, &[]), None);
        assert_eq!(end(2, &[to_server(&["192.168.1.1"], None)]), None);
    }

    #[test]
    fn a_reset_from_nearer_is_of_a_router_of_this_network() {
        assert_eq!(end(2, &[to_server(&INSIDE, Some(9))]), Some(at(Place::Here, "192.168.1.1")));
        assert_eq!(end(2, &[to_server(&INSIDE, None)]), Some(at(Place::Here, "192.168.1.1")));
        assert_eq!(end(2, &[connections(COMPARED_CONNECT_TRACE, OPEN_PORT, None, None)]), Some((Place::Here, None)));
    }

    #[test]
    fn the_last_routers_before_the_server_may_be_anybodys() {
        assert_eq!(end(2, &[to_server(&INSIDE, Some(3))]), Some(at(Place::Open, "192.168.1.1")));
        let way = ["192.168.1.1", "198.51.100.1", "198.51.100.9", "203.0.113.1"];
        assert_eq!(end(4, &[to_server(&way, Some(9))]), Some(at(Place::Open, "198.51.100.9")));
        assert_eq!(end(5, &[to_server(&way, Some(9))]), Some(at(Place::There, "203.0.113.1")));
    }

    #[test]
    fn a_port_that_is_reset_elsewhere_as_near_is_so_by_this_network() {
        let at_port = |distance| connections(COMPARED_CONNECT_TRACE, ELSEWHERE, Some(distance), None);
        let at_web = |taken| connections(COMPARED_CONNECT_TRACE, "tls 192.0.2.53:443", None, taken);
        assert_eq!(end(2, &[at_port(2), at_web(None)]), Some((Place::Here, None)));
        assert_eq!(end(2, &[at_port(2), at_web(Some(2))]), None);
        assert_eq!(end(2, &[at_port(3), at_web(None)]), None);
        assert_eq!(end(2, &[at_port(2)]), None);
    }

    #[test]
    fn a_router_that_passes_on_to_others_stands_between() {
        let silent = datagrams("trace", "udp 203.0.113.10:3478", &["192.168.1.1"], None);
        let control = datagrams("control-trace", "udp 192.0.2.53:3478", &["192.168.1.1", "198.51.100.1"], Some(3));
        assert_eq!(end(2, &[silent, control]), Some(at(Place::Here, "192.168.1.1")));
    }
}
