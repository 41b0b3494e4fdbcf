//! Where TCP connections are reset on the way to a server.
//!
//! A reset comes in the server's name, whoever sends it. What tells is the distance: one that comes from nearer than the server is comes from
//! a router.

use std::net::IpAddr;

use std::collections::HashMap;

use crate::diagnose::run::{Run, Seen};
use crate::model::address::Reach;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{COMPARED_CONNECT_TRACE, CONNECT_TRACE, ConnectTraceFact, Fact, TraceFact};

/// How many routers a network's edge is away at the most where nothing else shows which are its own.
const EDGE: u8 = 2;

/// The router that resets connections, in the server's name.
///
/// A router's firewall acts on what it would pass on, so that what expires there is not reset; other firewalls act on whatever comes. So it
/// is the last router where something expires, or the next one.
#[derive(Clone, Debug)]
pub struct Reset {
    /// The last router where something expires, if there is one and its address is known.
    pub router: Option<IpAddr>,
    /// Whether it is one of this network.
    pub here: bool,
    /// The observations.
    pub evidence: Vec<usize>,
}

/// What traces tell of connections that are refused.
pub struct Resets<'r, 'a> {
    run: &'r Run<'a>,
    own: HashMap<Endpoint, Seen<'a, ConnectTraceFact>>,
    compared: Vec<Seen<'a, ConnectTraceFact>>,
    /// Traces over UDP by where they go.
    datagrams: HashMap<IpAddr, Vec<Seen<'a, TraceFact>>>,
}

impl<'r, 'a> Resets<'r, 'a> {
    /// Collects the traces.
    #[must_use]
    pub fn new(run: &'r Run<'a>) -> Self {
        let mut all = Self { run, own: HashMap::new(), compared: Vec::new(), datagrams: HashMap::new() };
        for seen in run.facts(|fact| if let Fact::ConnectTrace(it) = fact { Some(it) } else { None }) {
            let Some(endpoint) = seen.endpoint else { continue };
            match all.run.observations[seen.at].probe.as_str() {
                CONNECT_TRACE => _ = all.own.insert(endpoint, seen),
                COMPARED_CONNECT_TRACE => all.compared.push(seen),
                _ => {}
            }
        }
        for seen in run.facts(|fact| if let Fact::Trace(it) = fact { Some(it) } else { None }) {
            let Some(endpoint) = seen.endpoint else { continue };
            all.datagrams.entry(endpoint.ip()).or_default().push(seen);
        }
        all
    }

    /// Who resets connections to an endpoint; nothing where that is the server itself, or where it can't be told.
    #[must_use]
    pub fn nearer_than_the_server(&self, endpoint: Endpoint) -> Option<Reset> {
        let own = self.own.get(&endpoint)?;
        let distance = own.fact.refused?;
        let way = Way { resets: self, server: endpoint.ip(), port: endpoint.address.port(), distance };
        if way.reaches_server() || !(way.goes_further() || way.is_alike_elsewhere()) {
            return None;
        }
        let others = self.compared.iter().map(|seen| seen.at).chain(way.datagrams().map(|seen| seen.at));
        Some(Reset { router: way.last_router(), here: way.is_here(), evidence: std::iter::once(own.at).chain(others).collect() })
    }

    /// The trace in which a host said of a port over UDP that nothing listens there: hosts say so seldom, and it may not have been asked again.
    #[must_use]
    pub fn refusal(&self, endpoint: Endpoint) -> Option<usize> {
        let traces = self.datagrams.get(&endpoint.ip()).into_iter().flatten();
        traces.filter(|seen| seen.endpoint == Some(endpoint) && seen.fact.refusals > 0).map(|seen| seen.at).next()
    }

    /// Whether a router at some distance passes on what is sent to other hosts.
    fn passes_on(&self, router: IpAddr, distance: u8, server: IpAddr) -> bool {
        self.datagrams.iter().filter(|(ip, _)| **ip != server).flat_map(|(_, traces)| traces).any(|seen| {
            let is_passed = seen.fact.hops.iter().any(|hop| hop.address == router && hop.distance == distance);
            is_passed && seen.fact.hops.iter().any(|hop| hop.distance > distance)
        })
    }
}

/// The way to a server as far as connections to it get.
struct Way<'t, 'r, 'a> {
    resets: &'t Resets<'r, 'a>,
    server: IpAddr,
    port: u16,
    /// The smallest number of routers, the server counted as one, with which a connection is reset.
    distance: u8,
}

impl<'t, 'a> Way<'t, '_, 'a> {
    fn datagrams(&self) -> impl Iterator<Item = &'t Seen<'a, TraceFact>> {
        self.resets.datagrams.get(&self.server).into_iter().flatten()
    }

    /// The routers of the way with their distances, by what is sent over UDP.
    fn routers(&self) -> impl Iterator<Item = (u8, IpAddr)> {
        let hops = self.datagrams().flat_map(|seen| &seen.fact.hops);
        hops.filter(|hop| hop.address != self.server).map(|hop| (hop.distance, hop.address))
    }

    fn router_at(&self, distance: u8) -> Option<IpAddr> {
        self.routers().find(|(at, _)| *at == distance).map(|(_, router)| router)
    }

    fn last_router(&self) -> Option<IpAddr> {
        self.router_at(self.distance.saturating_sub(1))
    }

    /// The distance at which the server answers over UDP; it may be nearer.
    fn nearest(&self) -> Option<u8> {
        self.datagrams().filter_map(|seen| seen.fact.reached).min()
    }

    fn at_server(&self) -> impl Iterator<Item = &ConnectTraceFact> {
        self.resets.compared.iter().filter(|seen| seen.endpoint.is_some_and(|it| it.ip() == self.server)).map(|seen| seen.fact)
    }

    /// Whether the server may be what answers there, as it does over UDP or on an open port.
    fn reaches_server(&self) -> bool {
        self.nearest().is_some_and(|nearest| nearest <= self.distance)
            || self.at_server().any(|open| open.taken.is_some_and(|taken| taken <= self.distance))
    }

    /// Whether the server is further away.
    fn goes_further(&self) -> bool {
        self.datagrams().any(|seen| seen.fact.distance().is_some())
            || self.routers().any(|(at, _)| at >= self.distance)
            || self.at_server().any(|open| open.is_beyond(self.distance))
            || self
                .last_router()
                .is_some_and(|router| self.resets.passes_on(router, self.distance.saturating_sub(1), self.server))
    }

    /// Whether connections to the same port of another host, which is further away, are reset as near.
    fn is_alike_elsewhere(&self) -> bool {
        let others = || self.resets.compared.iter().filter_map(|seen| Some((seen.endpoint?, seen.fact)));
        let is_further =
            |ip| others().any(|(it, fact)| it.ip() == ip && it.address.port() != self.port && fact.is_beyond(self.distance));
        others().any(|(it, fact)| {
            let is_same_port = it.ip() != self.server && it.address.port() == self.port;
            is_same_port && fact.refused.is_some_and(|refused| refused <= self.distance) && is_further(it.ip())
        })
    }

    fn is_here(&self) -> bool {
        if self.is_alike_elsewhere() {
            return true;
        }
        if self.last_router().is_some_and(|router| is_one_network(router, self.server)) {
            return false;
        }
        let is_before_server = self.nearest().is_some_and(|nearest| self.distance.saturating_add(1) >= nearest);
        let mut nearer = self.routers().filter(|(at, _)| *at <= self.distance);
        let is_inside = Reach::of(self.server).is_global() && nearer.all(|(_, router)| !Reach::of(router).is_global());
        let passes_on = |router| self.resets.passes_on(router, self.distance.saturating_sub(1), self.server);
        let is_near = self.distance <= EDGE + 1 || self.last_router().is_some_and(passes_on);
        is_inside && is_near && !is_before_server
    }
}

/// Whether two addresses are so close that one organisation has both: a /24 and a /48 are the least that is routed on its own.
fn is_one_network(one: IpAddr, other: IpAddr) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => one.octets()[..3] == other.octets()[..3],
        (IpAddr::V6(one), IpAddr::V6(other)) => one.octets()[..6] == other.octets()[..6],
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}
