//! Packet filters: a list of rules of which the first that fits decides, with or without a memory of flows.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use callcheck::model::outcome::Unreachable;
use callcheck::proto::incoming::Family;
use rand::Rng as _;
use rand::rngs::StdRng;

use super::packet::{Flow, Packet, Passage, Protocol, SiteId};

/// Whether a filter lets answers pass without asking its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    Stateless,
    Stateful,
}

/// The way of a packet, seen from the host behind the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Inward,
    Outward,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    Accept,
    Drop,
    /// Drops with an ICMP error, or with a reset for TCP and [`Unreachable::Port`].
    Reject(Unreachable),
    /// Drops this share of the packets, known flows too.
    Lose(f64),
    /// Sends on to a neighbour in place of the destination.
    Redirect(SiteId, SocketAddr),
}

/// What a rule looks for in the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    #[default]
    Any,
    /// The magic cookie of RFC 8489 §5.
    Stun,
    /// Payloads longer than this.
    LongerThan(usize),
    /// What comes after so many bytes of a stream.
    BeyondBytes(u64),
}

/// One rule. What is `None` fits anything.
#[derive(Clone, Debug)]
pub struct Rule {
    pub direction: Option<Direction>,
    pub protocol: Option<Protocol>,
    pub family: Option<Family>,
    /// The address of the other side, seen from the host behind the filter.
    pub remote: Option<IpAddr>,
    /// Destination ports.
    pub ports: RangeInclusive<u16>,
    /// Source ports.
    pub source_ports: RangeInclusive<u16>,
    /// A power of two that divides the destination port.
    pub divisor: u16,
    pub content: Content,
    pub action: Action,
}

impl Rule {
    /// A rule that fits everything.
    pub fn any(action: Action) -> Self {
        Self {
            direction: None,
            protocol: None,
            family: None,
            remote: None,
            ports: 0..=u16::MAX,
            source_ports: 0..=u16::MAX,
            divisor: 1,
            content: Content::Any,
            action,
        }
    }

    pub fn inward(mut self) -> Self {
        self.direction = Some(Direction::Inward);
        self
    }

    pub fn outward(mut self) -> Self {
        self.direction = Some(Direction::Outward);
        self
    }

    pub fn udp(mut self) -> Self {
        self.protocol = Some(Protocol::Udp);
        self
    }

    pub fn tcp(mut self) -> Self {
        self.protocol = Some(Protocol::Tcp);
        self
    }

    pub fn v6(mut self) -> Self {
        self.family = Some(Family::V6);
        self
    }

    pub fn remote(mut self, remote: IpAddr) -> Self {
        self.remote = Some(remote);
        self
    }

    pub fn ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.ports = ports;
        self
    }

    pub fn port(self, port: u16) -> Self {
        self.ports(port..=port)
    }

    pub fn source_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.source_ports = ports;
        self
    }

    pub fn divisible_by(mut self, divisor: u16) -> Self {
        self.divisor = divisor;
        self
    }

    pub fn content(mut self, content: Content) -> Self {
        self.content = content;
        self
    }

    fn fits(&self, flow: &Flow, direction: Direction) -> bool {
        let remote = match direction {
            Direction::Inward => flow.near.ip(),
            Direction::Outward => flow.far.ip(),
        };
        self.direction.is_none_or(|wanted| wanted == direction)
            && self.protocol.is_none_or(|wanted| wanted == flow.protocol)
            && self.family.is_none_or(|wanted| wanted == Family::of(remote))
            && self.remote.is_none_or(|wanted| wanted == remote)
            && self.ports.contains(&flow.far.port())
            && self.source_ports.contains(&flow.near.port())
            && flow.far.port().is_multiple_of(self.divisor)
    }
}

/// A filter with its memory.
#[derive(Debug)]
pub struct Firewall {
    pub memory: Memory,
    pub rules: Vec<Rule>,
    /// Who signs its ICMP errors; `None` where it speaks for the host behind it.
    pub address: Option<IpAddr>,
    flows: HashSet<Flow>,
}

impl Firewall {
    pub fn new(memory: Memory, rules: Vec<Rule>) -> Self {
        Self { memory, rules, address: None, flows: HashSet::new() }
    }

    pub fn signed(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    pub fn outward(&mut self, packet: &mut Packet, random: &mut StdRng) -> Passage {
        self.judge(packet, Direction::Outward, random)
    }

    pub fn inward(&mut self, packet: &mut Packet, random: &mut StdRng) -> Passage {
        self.judge(packet, Direction::Inward, random)
    }

    fn judge(&mut self, packet: &mut Packet, direction: Direction, random: &mut StdRng) -> Passage {
        let seen = packet.flow();
        let known = self.memory == Memory::Stateful && self.flows.contains(&seen);
        for Rule { content, action, .. } in self.rules.iter().filter(|rule| rule.fits(&seen, direction)) {
            if !looks_like(packet, *content) {
                doom(packet, *content);
                continue;
            }
            match *action {
                Action::Lose(share) if random.random_bool(share) => return Passage::Dropped,
                Action::Lose(_) => {}
                _ if known && *content == Content::Any => break,
                Action::Accept => break,
                Action::Drop => return Passage::Dropped,
                Action::Reject(reason) => return Passage::Rejected(reason, self.address),
                Action::Redirect(site, to) => return Passage::Redirected(site, to),
            }
        }
        self.flows.insert(seen);
        self.flows.insert(seen.reversed());
        Passage::Passed
    }
}

/// Whether a packet has the content that a rule looks for. A SYN has none.
fn looks_like(packet: &Packet, content: Content) -> bool {
    match (content, packet.protocol) {
        (Content::Any, _) => true,
        (Content::Stun, Protocol::Udp) => packet.is_stun(),
        (Content::LongerThan(length), Protocol::Udp) => packet.payload.len() > length,
        (Content::BeyondBytes(_), Protocol::Udp) | (_, Protocol::Tcp) => false,
    }
}

/// Rules about what a stream carries let its SYN pass.
fn doom(packet: &mut Packet, content: Content) {
    if packet.protocol == Protocol::Udp {
        return;
    }
    match content {
        Content::Any => {}
        Content::Stun => packet.fate.drops_stun = true,
        Content::LongerThan(length) => packet.fate.longest_segment = Some(length),
        Content::BeyondBytes(bytes) => packet.fate.stalls_after = Some(bytes),
    }
}
