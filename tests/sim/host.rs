//! The server's side of a world: a TURN server's host, where it stands, and what is before it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use callcheck::lab::configuration::Config;

use super::firewall::{Firewall, Memory, Rule};
use super::internet::{Middlebox, Router, Site};
use super::nat::{Hairpinning, Nat, OneToOne};
use super::server::Listeners;
use super::world::NatKind;

/// How many hosts a world can have.
pub const MOST: u8 = 3;

/// Their names, where they have some.
const NAMES: [&str; MOST as usize] = ["turn.example.org", "turn-b.example.org", "turn-c.example.org"];

/// Which of the servers of a world it is; each has addresses and a name of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub u8);

impl Number {
    /// All that a world can have.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..MOST).map(Self)
    }

    pub fn name(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }

    /// The address that the world knows.
    pub const fn public(self) -> Ipv4Addr {
        Ipv4Addr::new(203, 0, 113, self.last())
    }

    /// Another one of a host with public addresses.
    pub const fn second(self) -> Ipv4Addr {
        Ipv4Addr::new(203, 0, 113, self.last() + 1)
    }

    pub const fn v6(self) -> Ipv6Addr {
        Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 0x10 * (self.0 as u16 + 1))
    }

    /// Its own address behind a 1:1 NAT or in a private network.
    pub const fn private(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, self.last())
    }

    const fn last(self) -> u8 {
        10 * (self.0 + 1)
    }

    /// The IPv4 address that callers reach it at.
    pub fn reached_at(self, placement: Placement) -> Ipv4Addr {
        match placement {
            Placement::Public | Placement::OneToOneNat => self.public(),
            Placement::PrivateNetwork => self.private(),
        }
    }

    /// Its own IPv4 address.
    pub fn own(self, placement: Placement) -> Ipv4Addr {
        match placement {
            Placement::Public => self.public(),
            Placement::OneToOneNat | Placement::PrivateNetwork => self.private(),
        }
    }
}

/// What a NAT before a server hides callers behind.
const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// The router before all of them.
const ROUTER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

/// Where the TURN server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// With public addresses of its own.
    Public,
    /// With a private address, of which a cloud's 1:1 NAT makes the public one.
    OneToOneNat,
    /// With a private address at which it is reached.
    PrivateNetwork,
}

/// What becomes of a connection whose allocation is given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterRelease {
    #[default]
    Stays,
    /// As with `p1_stun` 1.2.7, which eturnal has.
    Closes,
}

/// How many servers share the host's address, and whose the relays are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replicas {
    #[default]
    One,
    /// Each relays from an address of its own.
    OwnRelays,
    /// All relay from the shared address, and flows to a relay's port are spread as all others.
    SharedRelays,
    /// Both are on this host, each with relays of its own, and the second one knows other passwords.
    OtherPasswords,
}

/// A host with a TURN server.
#[derive(Clone, Debug)]
pub struct Host {
    pub number: Number,
    pub placement: Placement,
    pub v6: bool,
    pub alive: bool,
    /// None where nothing listens.
    pub listeners: Option<Listeners>,
    pub config: Config,
    pub replicas: Replicas,
    /// How many allocations somebody else holds with the credentials of the first user.
    pub held: usize,
    /// A web server on this TCP port.
    pub web: Option<u16>,
    /// The host's own filter.
    pub filter: Vec<Rule>,
    pub filter_memory: Memory,
    /// What its provider's NAT lets through, in both directions; it remembers flows.
    pub edge: Vec<Rule>,
    /// What a router before it does, without a memory.
    pub router: Vec<Rule>,
    /// The 1:1 NAT moves ports from this one on by that distance.
    pub shifted: Option<(u16, u16)>,
    /// Whether the 1:1 NAT lets the host reach its own public address.
    pub hairpinning: Hairpinning,
    pub hides_callers: bool,
    /// UDP from this port leaves with the second address.
    pub replies_elsewhere: Option<u16>,
    pub after_release: AfterRelease,
}

impl Host {
    /// A healthy server with public addresses.
    pub fn healthy(number: Number, config: Config, listeners: Listeners) -> Self {
        Self {
            number,
            placement: Placement::Public,
            v6: false,
            alive: true,
            listeners: Some(listeners),
            config,
            replicas: Replicas::One,
            held: 0,
            web: None,
            filter: Vec::new(),
            filter_memory: Memory::Stateless,
            edge: Vec::new(),
            router: Vec::new(),
            shifted: None,
            hairpinning: Hairpinning::Supported,
            hides_callers: false,
            replies_elsewhere: None,
            after_release: AfterRelease::Stays,
        }
    }

    pub fn reached_at(&self) -> Ipv4Addr {
        self.number.reached_at(self.placement)
    }

    /// Whether an address is one of this host's, inside or outside.
    pub fn has(&self, address: IpAddr) -> bool {
        let v4 = [self.number.public(), self.number.second(), self.number.private()];
        v4.map(IpAddr::V4).contains(&address) || address == self.number.v6()
    }

    /// The host with what is before it; routers keep silent where they are mute.
    pub fn site(&self, mute: bool) -> Site {
        let (public, private) = (self.number.public().into(), self.number.private().into());
        let own = match self.placement {
            Placement::Public => vec![public, self.number.second().into()],
            Placement::OneToOneNat | Placement::PrivateNetwork => vec![private],
        };
        let mut site = Site::public(&own);
        site.routed = match self.placement {
            Placement::Public => own,
            Placement::OneToOneNat => vec![public],
            Placement::PrivateNetwork => vec![private],
        };
        if self.v6 {
            site.addresses.push(self.number.v6().into());
            site.routed.push(self.number.v6().into());
        }
        site.alive = self.alive;
        *site.path.get_mut() = self.path(mute);
        site
    }

    /// From the host outwards. A dead host filters nothing.
    fn path(&self, mute: bool) -> Vec<Middlebox> {
        let (public, private) = (IpAddr::V4(self.number.public()), IpAddr::V4(self.number.private()));
        let mut path = Vec::new();
        if self.alive && !self.filter.is_empty() {
            path.push(Middlebox::Firewall(Firewall::new(self.filter_memory, self.filter.clone())));
        }
        if self.hides_callers {
            path.push(Middlebox::HidesCallers(Nat::new(NatKind::FullCone.behaviour(GATEWAY))));
        }
        if self.placement == Placement::OneToOneNat {
            let nat = OneToOne { public, private, shifted: self.shifted, hairpinning: self.hairpinning };
            path.push(Middlebox::OneToOne(nat));
        }
        if !self.edge.is_empty() {
            path.push(Middlebox::Firewall(Firewall::new(Memory::Stateful, self.edge.clone())));
        }
        if self.placement == Placement::OneToOneNat {
            path.push(Middlebox::Router(Router { addresses: (public, self.number.v6().into()), mute }));
        }
        if !self.router.is_empty() {
            let router = Firewall::new(Memory::Stateless, self.router.clone()).signed(ROUTER.into());
            path.push(Middlebox::Firewall(router));
        }
        if let Some(port) = self.replies_elsewhere {
            path.push(Middlebox::RewritesSource { port, to: self.number.second().into() });
        }
        path
    }
}
