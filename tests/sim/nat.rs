//! Network address translators by the vocabulary of RFC 4787: how they map, and what they let in.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use tokio::time::Instant;

use super::packet::{Packet, Passage, Protocol};

/// On what of the other side something depends (RFC 4787 §4.1 for mapping, §5 for filtering).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dependence {
    EndpointIndependent,
    AddressDependent,
    AddressAndPortDependent,
}

/// Whether a mapping keeps the inner port where it is free (RFC 4787 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    Preserved,
    Random,
}

/// Whether inner hosts reach each other's outer addresses (RFC 4787 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hairpinning {
    Supported,
    Unsupported,
}

/// How a NAT behaves.
#[derive(Clone, Debug)]
pub struct Behaviour {
    pub mapping: Dependence,
    pub filtering: Dependence,
    pub ports: Ports,
    pub hairpinning: Hairpinning,
    /// The outer addresses of UDP and of TCP: carrier-grade NATs may use different ones.
    pub outer: [IpAddr; 2],
    /// How long an idle mapping lives.
    pub lifetime: Duration,
}

/// A NAT with its mappings. IPv6 passes untouched.
#[derive(Debug)]
pub struct Nat {
    pub behaviour: Behaviour,
    mappings: HashMap<Inner, Mapping>,
    by_outer: HashMap<(Protocol, SocketAddr), Inner>,
}

/// What has a mapping of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Inner {
    protocol: Protocol,
    address: SocketAddr,
    far: Option<(IpAddr, Option<u16>)>,
}

#[derive(Debug)]
struct Mapping {
    outer: SocketAddr,
    contacted: HashSet<SocketAddr>,
    used: Instant,
}

impl Nat {
    pub fn new(behaviour: Behaviour) -> Self {
        Self { behaviour, mappings: HashMap::new(), by_outer: HashMap::new() }
    }

    /// Takes a packet from inside: its source becomes the outer address.
    pub fn outward(&mut self, packet: &mut Packet, now: Instant, random: &mut StdRng) -> Passage {
        if !packet.source.is_ipv4() {
            return Passage::Passed;
        }
        let to_itself = self.behaviour.outer.contains(&packet.destination.ip());
        if to_itself && self.behaviour.hairpinning == Hairpinning::Unsupported {
            return Passage::Dropped;
        }
        self.expire(now);
        let inner = self.inner_of(packet);
        if !self.mappings.contains_key(&inner) {
            let outer = self.free_outer(packet, random);
            self.by_outer.insert((packet.protocol, outer), inner);
            self.mappings.insert(inner, Mapping { outer, contacted: HashSet::new(), used: now });
        }
        let mapping = self.mappings.get_mut(&inner).expect("it was made if it was missing");
        mapping.contacted.insert(packet.destination);
        mapping.used = now;
        packet.source = mapping.outer;
        Passage::Passed
    }

    /// Takes a packet from outside: its destination becomes the inner address, where the filter lets it in.
    pub fn inward(&mut self, packet: &mut Packet, now: Instant) -> Passage {
        if !packet.destination.is_ipv4() {
            return Passage::Passed;
        }
        self.expire(now);
        let Some(inner) = self.by_outer.get(&(packet.protocol, packet.destination)) else { return Passage::Dropped };
        let mapping = &self.mappings[inner];
        let source = packet.source;
        let admitted = match self.behaviour.filtering {
            Dependence::EndpointIndependent => true,
            Dependence::AddressDependent => mapping.contacted.iter().any(|contacted| contacted.ip() == source.ip()),
            Dependence::AddressAndPortDependent => mapping.contacted.contains(&source),
        };
        if !admitted {
            return Passage::Dropped;
        }
        packet.destination = inner.address;
        Passage::Passed
    }

    /// Whether it has given out an outer address.
    pub fn has_given(&self, protocol: Protocol, outer: SocketAddr) -> bool {
        self.by_outer.contains_key(&(protocol, outer))
    }

    fn inner_of(&self, packet: &Packet) -> Inner {
        let far = match self.behaviour.mapping {
            Dependence::EndpointIndependent => None,
            Dependence::AddressDependent => Some((packet.destination.ip(), None)),
            Dependence::AddressAndPortDependent => Some((packet.destination.ip(), Some(packet.destination.port()))),
        };
        Inner { protocol: packet.protocol, address: packet.source, far }
    }

    fn free_outer(&self, packet: &Packet, random: &mut StdRng) -> SocketAddr {
        let ip = match packet.protocol {
            Protocol::Udp => self.behaviour.outer[0],
            Protocol::Tcp => self.behaviour.outer[1],
        };
        let is_free = |port: u16| !self.by_outer.contains_key(&(packet.protocol, SocketAddr::new(ip, port)));
        let mut port = packet.source.port();
        if self.behaviour.ports == Ports::Random {
            port = random.random_range(1024..=65535);
        }
        while !is_free(port) {
            port = random.random_range(1024..=65535);
        }
        SocketAddr::new(ip, port)
    }

    fn expire(&mut self, now: Instant) {
        let lifetime = self.behaviour.lifetime;
        let by_outer = &mut self.by_outer;
        self.mappings.retain(|inner, mapping| {
            // RFC 5382 §5 lets established TCP connections live for hours.
            let lives = inner.protocol == Protocol::Tcp || now.duration_since(mapping.used) < lifetime;
            if !lives {
                by_outer.remove(&(inner.protocol, mapping.outer));
            }
            lives
        });
    }
}

/// A public address that stands for a private one, as clouds have it: what needs `external-ip`.
#[derive(Clone, Debug)]
pub struct OneToOne {
    pub public: IpAddr,
    pub private: IpAddr,
    /// How much is added to the outer port to get the inner one, from this port on.
    pub shifted: Option<(u16, u16)>,
    pub hairpinning: Hairpinning,
}

impl OneToOne {
    pub fn outward(&self, packet: &mut Packet) -> Passage {
        if packet.destination.ip() == self.public && self.hairpinning == Hairpinning::Unsupported {
            return Passage::Dropped;
        }
        if packet.source.ip() == self.private {
            let port = packet.source.port();
            let outer = match self.shifted {
                Some((from, by)) if port >= from => port.wrapping_sub(by).max(from),
                Some(_) | None => port,
            };
            packet.source = SocketAddr::new(self.public, outer);
        }
        Passage::Passed
    }

    pub fn inward(&self, packet: &mut Packet) -> Passage {
        if packet.destination.ip() == self.public {
            let port = packet.destination.port();
            let inner = match self.shifted {
                Some((from, by)) if port >= from => port.checked_add(by).unwrap_or(from),
                Some(_) | None => port,
            };
            packet.destination = SocketAddr::new(self.private, inner);
        }
        Passage::Passed
    }
}
