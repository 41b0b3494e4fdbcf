//! The endpoints of one address together: what is dead, what is alive, what that says of the host.

use std::net::IpAddr;

use super::endpoint::{EndpointEvidence, Reachability};
use super::evidence::Evidence;
use crate::model::endpoint::{Endpoint, Transport};

/// The promised endpoints of one address.
pub struct Server<'e, 'a> {
    /// The address.
    pub ip: IpAddr,
    /// Its endpoints.
    pub endpoints: Vec<&'e EndpointEvidence<'a>>,
}

impl<'e, 'a> Server<'e, 'a> {
    /// The servers of a run, by address.
    #[must_use]
    pub fn all(evidence: &'e Evidence<'a>) -> Vec<Self> {
        let mut servers: Vec<Self> = Vec::new();
        for endpoint in evidence.promised() {
            let ip = endpoint.endpoint.ip();
            let index = servers.iter().position(|server| server.ip == ip).unwrap_or_else(|| {
                servers.push(Self { ip, endpoints: Vec::new() });
                servers.len() - 1
            });
            servers[index].endpoints.push(endpoint);
        }
        servers
    }

    /// Whether anything there speaks STUN.
    #[must_use]
    pub fn alive(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.alive())
    }

    /// Whether a stream transport there speaks STUN, or takes connections at least: the host is up and TCP reaches it.
    #[must_use]
    pub fn takes_streams(&self) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.connect.is_some_and(|connect| connect.fact.reply.succeeded()))
    }

    /// The endpoints of a transport that came to some end.
    pub fn of(&self, transport: Transport) -> impl Iterator<Item = &&'e EndpointEvidence<'a>> {
        self.endpoints.iter().filter(move |endpoint| endpoint.endpoint.transport == transport)
    }

    /// Whether every endpoint came to one of these ends.
    #[must_use]
    pub fn all_are(&self, ends: &[Reachability]) -> bool {
        !self.endpoints.is_empty() && self.endpoints.iter().all(|endpoint| ends.contains(&endpoint.reachability()))
    }

    /// The observations on how far the first packets came.
    #[must_use]
    pub fn cite(&self) -> Vec<String> {
        self.endpoints.iter().flat_map(|endpoint| endpoint.cite_reachability()).collect()
    }
}

/// Endpoints in a sentence: `udp 203.0.113.10:3478 and tcp 203.0.113.10:3478`.
#[must_use]
pub fn list(endpoints: &[Endpoint]) -> String {
    let names: Vec<String> =
        endpoints.iter().map(|endpoint| format!("{} {}", endpoint.transport.title(), endpoint.address)).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The endpoints of some evidence.
#[must_use]
pub fn places(endpoints: &[&EndpointEvidence<'_>]) -> Vec<Endpoint> {
    endpoints.iter().map(|endpoint| endpoint.endpoint).collect()
}

/// The observations on how far the first packets came to some endpoints.
#[must_use]
pub fn cite(endpoints: &[&EndpointEvidence<'_>]) -> Vec<String> {
    endpoints.iter().flat_map(|endpoint| endpoint.cite_reachability()).collect()
}
