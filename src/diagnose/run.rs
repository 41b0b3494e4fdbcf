//! The observations of a run by what they are about, each found at once: services, relayed addresses, controls, names.
//!
//! An observation is cited by its number, since the ids of a report that somebody sends need not be unique.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use crate::model::asked::{Asked, Form, Purpose};
use crate::model::endpoint::Endpoint;
use crate::model::fact::{
    AGAIN, AllocationFact, BindingFact, ChallengeFact, ChannelFact, ConnectFact, ControlFact, Fact, HandshakeFact, InboundFact,
    InboundWay, InsteadFact, LossFact, NameFact, Observation, OutboundFact, PermissionFact, PortsFact, RedirectFact, RouteFact,
    STILL_THERE, SelfPairFact, SizeFact, StreamFact, THROUGH_PROXY, VolumeFact,
};
use crate::model::host::Host;

/// A fact with the number of its observation.
#[derive(Debug)]
pub struct Seen<'a, F> {
    /// The number.
    pub at: usize,
    /// The endpoint that it is about.
    pub endpoint: Option<Endpoint>,
    /// The target as the observation has it.
    pub target: &'a str,
    /// The fact.
    pub fact: &'a F,
}

impl<F> Clone for Seen<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for Seen<'_, F> {}

/// What was seen at one port of a server.
#[derive(Debug, Default)]
pub struct Service<'a> {
    /// TCP connections, or the first message of DTLS.
    pub connects: Vec<Seen<'a, ConnectFact>>,
    /// Handshakes of TLS or DTLS.
    pub handshakes: Vec<Seen<'a, HandshakeFact>>,
    /// What it speaks in place of what belongs there.
    pub instead: Vec<Seen<'a, InsteadFact>>,
    /// Bindings.
    pub bindings: Vec<Seen<'a, BindingFact>>,
    /// Allocates without credentials.
    pub challenges: Vec<Seen<'a, ChallengeFact>>,
    /// Allocates with credentials; those that sample the relay's ports are not among them.
    pub allocations: Vec<Seen<'a, AllocationFact>>,
    /// Those that sample.
    pub samples: Vec<Seen<'a, AllocationFact>>,
    /// Channels.
    pub channels: Vec<Seen<'a, ChannelFact>>,
    /// Streams through the relay.
    pub streams: Vec<Seen<'a, StreamFact>>,
    /// Kilobytes over the connection.
    pub volumes: Vec<Seen<'a, VolumeFact>>,
    /// Paced requests.
    pub losses: Vec<Seen<'a, LossFact>>,
    /// Where the server sends its clients.
    pub redirects: Vec<Seen<'a, RedirectFact>>,
}

impl<'a> Service<'a> {
    /// The allocation that was granted.
    #[must_use]
    pub fn granted(&self) -> Option<Seen<'a, AllocationFact>> {
        self.allocations.iter().find(|seen| seen.fact.relayed.is_some()).copied()
    }
}

/// What was seen of one relayed address and port.
#[derive(Debug, Default)]
pub struct Relayed<'a> {
    /// The services over which it was got.
    pub through: BTreeSet<Endpoint>,
    /// The observation of the allocation.
    pub allocation: Option<usize>,
    /// Whether all that was seen of it belongs to a sample.
    pub is_sample: bool,
    /// Permissions.
    pub permissions: Vec<Seen<'a, PermissionFact>>,
    /// Datagrams from outside.
    pub inbound: Vec<Seen<'a, InboundFact>>,
    /// Datagrams to the outside.
    pub outbound: Vec<Seen<'a, OutboundFact>>,
    /// Datagrams to itself.
    pub to_itself: Vec<Seen<'a, SelfPairFact>>,
}

/// Ports of a relay: the address at which the server was asked, and the address from which it relays.
pub type RelayAt = (IpAddr, IpAddr);

/// A run, arranged.
pub struct Run<'a> {
    /// What was asked.
    pub asked: &'a Asked,
    /// Everything that was seen.
    pub observations: &'a [Observation],
    /// The services.
    pub services: BTreeMap<Endpoint, Service<'a>>,
    /// The same inside the tunnel of a proxy.
    pub tunnels: BTreeMap<Endpoint, Service<'a>>,
    /// The relayed addresses by the server, each with its ports.
    pub relays: BTreeMap<RelayAt, BTreeMap<u16, Relayed<'a>>>,
    /// What other hosts answered, and other ports of the servers.
    pub controls: Vec<Seen<'a, ControlFact>>,
    /// TLS handshakes with other hosts.
    pub control_handshakes: Vec<Seen<'a, HandshakeFact>>,
    /// What the resolver said.
    pub names: Vec<Seen<'a, NameFact>>,
    /// The ways to addresses.
    pub routes: HashMap<IpAddr, Seen<'a, RouteFact>>,
    /// The address outside of the socket that stands for a peer.
    pub outside: Vec<Seen<'a, BindingFact>>,
    /// A second request on a flow whose first one was answered.
    pub again: Vec<Seen<'a, BindingFact>>,
    /// The observations of those that had answered, asked again at the end.
    pub still_there: Vec<usize>,
    /// Ranges of ports that were gone through.
    pub ranges: Vec<Seen<'a, PortsFact>>,
    /// Packets of many sizes.
    pub sizes: Vec<Seen<'a, SizeFact>>,
    promised: BTreeSet<Endpoint>,
    /// The endpoints at each address.
    at_address: HashMap<IpAddr, Vec<Endpoint>>,
    /// Where servers send their clients to, beside themselves.
    redirected_to: HashSet<SocketAddr>,
    /// The first address of the name that leads to an address.
    first_of_name: HashMap<IpAddr, IpAddr>,
    /// What the list calls an address, and how many addresses that has.
    called: HashMap<IpAddr, (&'a Host, usize)>,
    /// The addresses of each name; none where services stand in their place.
    addresses_of: HashMap<&'a str, Option<HashSet<IpAddr>>>,
}

impl<'a> Run<'a> {
    /// Arranges the observations.
    #[must_use]
    pub fn new(asked: &'a Asked, observations: &'a [Observation]) -> Self {
        let mut run = Self {
            asked,
            observations,
            services: BTreeMap::new(),
            tunnels: BTreeMap::new(),
            relays: BTreeMap::new(),
            controls: Vec::new(),
            control_handshakes: Vec::new(),
            names: Vec::new(),
            routes: HashMap::new(),
            outside: Vec::new(),
            again: Vec::new(),
            still_there: Vec::new(),
            ranges: Vec::new(),
            sizes: Vec::new(),
            promised: BTreeSet::new(),
            at_address: HashMap::new(),
            redirected_to: HashSet::new(),
            first_of_name: HashMap::new(),
            called: HashMap::new(),
            addresses_of: HashMap::new(),
        };
        let mut has_sent = BTreeSet::new();
        for (at, observation) in observations.iter().enumerate() {
            run.take(at, observation, &mut has_sent);
        }
        run.index();
        run.promised = run.services.keys().copied().filter(|endpoint| run.promises(*endpoint)).collect();
        run
    }

    fn index(&mut self) {
        for (endpoint, service) in &self.services {
            self.at_address.entry(endpoint.ip()).or_default().push(*endpoint);
            let hops = service.redirects.iter().flat_map(|seen| &seen.fact.hops);
            self.redirected_to.extend(hops.filter(|hop| **hop != endpoint.address));
        }
        for name in &self.names {
            let known = self.addresses_of.entry(name.target).or_insert_with(|| Some(HashSet::new()));
            if !name.fact.services.is_empty() {
                *known = None;
            } else if let Some(known) = known {
                known.extend(&name.fact.addresses);
            }
            let Some(first) = name.fact.addresses.iter().min() else { continue };
            for address in &name.fact.addresses {
                self.first_of_name.entry(*address).or_insert(*first);
            }
        }
        let mut facts_of: HashMap<&str, Vec<&NameFact>> = HashMap::new();
        for name in &self.names {
            facts_of.entry(name.target).or_default().push(name.fact);
        }
        for host in self.asked.services.iter().map(|service| &service.host) {
            match host {
                Host::Address(address) => _ = self.called.entry(*address).or_insert((host, 1)),
                Host::Name(name) => {
                    for fact in facts_of.remove(name.as_str()).unwrap_or_default() {
                        let count = fact.addresses.len();
                        fact.addresses.iter().for_each(|address| _ = self.called.entry(*address).or_insert((host, count)));
                    }
                }
            }
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other facts are read by those that need them")]
    fn take(&mut self, at: usize, observation: &'a Observation, has_sent: &mut BTreeSet<SocketAddr>) {
        let endpoint = observation.endpoint();
        if observation.probe == STILL_THERE {
            return self.still_there.push(at);
        }
        let target = observation.target.as_str();
        match &observation.fact {
            Fact::Control(fact) => return self.controls.push(Seen { at, endpoint, target, fact }),
            Fact::Name(fact) => return self.names.push(Seen { at, endpoint, target, fact }),
            Fact::Ports(fact) => return self.ranges.push(Seen { at, endpoint, target, fact }),
            Fact::Size(fact) => return self.sizes.push(Seen { at, endpoint, target, fact }),
            Fact::Route(fact) => {
                if let Ok(ip) = target.parse() {
                    self.routes.insert(ip, Seen { at, endpoint, target, fact });
                }
                return;
            }
            Fact::Handshake(fact) if observation.probe == "control-tls" => {
                return self.control_handshakes.push(Seen { at, endpoint, target, fact });
            }
            Fact::Binding(fact) if observation.probe == AGAIN => return self.again.push(Seen { at, endpoint, target, fact }),
            Fact::Binding(fact) if observation.probe == "binding-outside" => {
                return self.outside.push(Seen { at, endpoint, target, fact });
            }
            _ => {}
        }
        let Some(place) = endpoint else { return };
        if observation.probe.ends_with(THROUGH_PROXY) {
            self.tunnels.entry(place).or_default().take(at, place, observation);
        } else if observation.is_of_server() {
            self.services.entry(place).or_default().take(at, place, observation);
            self.take_relayed(at, place, observation, has_sent);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the other facts tell nothing of a relay")]
    fn take_relayed(&mut self, at: usize, place: Endpoint, observation: &'a Observation, has_sent: &mut BTreeSet<SocketAddr>) {
        let (endpoint, target) = (Some(place), observation.target.as_str());
        let (relayed, is_sample) = match &observation.fact {
            Fact::Allocation(fact) => (fact.relayed, fact.sample),
            Fact::Permission(fact) => (Some(fact.relayed), false),
            // What has sent out is let in by a firewall with a memory, whoever is given that port next.
            Fact::Inbound(fact) if fact.arrived && fact.way == InboundWay::Unsolicited && has_sent.contains(&fact.relayed) => {
                return;
            }
            Fact::Inbound(fact) => (Some(fact.relayed), fact.sample),
            Fact::Outbound(fact) => {
                has_sent.insert(fact.relayed);
                (Some(fact.relayed), false)
            }
            Fact::SelfPair(fact) => (Some(fact.relayed), false),
            _ => return,
        };
        let Some(relayed) = relayed else { return };
        let ports = self.relays.entry((place.ip(), relayed.ip())).or_default();
        let port = ports.entry(relayed.port()).or_insert_with(|| Relayed { is_sample: true, ..Relayed::default() });
        port.is_sample &= is_sample;
        port.through.insert(place);
        match &observation.fact {
            Fact::Allocation(_) => _ = port.allocation.get_or_insert(at),
            Fact::Permission(fact) => port.permissions.push(Seen { at, endpoint, target, fact }),
            Fact::Inbound(fact) => port.inbound.push(Seen { at, endpoint, target, fact }),
            Fact::Outbound(fact) => port.outbound.push(Seen { at, endpoint, target, fact }),
            Fact::SelfPair(fact) => port.to_itself.push(Seen { at, endpoint, target, fact }),
            _ => {}
        }
    }

    /// Facts of one kind, in their order.
    pub fn facts<F: 'a>(&self, select: fn(&'a Fact) -> Option<&'a F>) -> impl Iterator<Item = Seen<'a, F>> {
        self.observations.iter().enumerate().filter_map(move |(at, seen)| {
            select(&seen.fact).map(|fact| Seen { at, endpoint: seen.endpoint(), target: &seen.target, fact })
        })
    }

    /// The numbers of some observations.
    #[must_use]
    pub fn numbers(&self, ids: &[String]) -> Vec<usize> {
        let numbers = self.observations.iter().enumerate().filter(|(_, seen)| ids.contains(&seen.id));
        numbers.map(|(at, _)| at).collect()
    }

    /// Whether the run is about a relay.
    #[must_use]
    pub fn wants_relay(&self) -> bool {
        match self.asked.purpose {
            Purpose::Stun => false,
            Purpose::Turn | Purpose::ExternalIp | Purpose::Ports | Purpose::Call => {
                self.asked.services.iter().any(|service| service.relay)
            }
        }
    }

    /// The services that users are promised, as far as that is known; a fault of another is no fault.
    pub fn promised(&self) -> impl Iterator<Item = (Endpoint, &Service<'a>)> {
        self.promised.iter().map(|endpoint| (*endpoint, &self.services[endpoint]))
    }

    /// The address that a service relays on; an open relay grants it without an Allocate that has a login.
    #[must_use]
    pub fn relayed_through(&self, endpoint: Endpoint) -> Option<IpAddr> {
        let granted = self.services.get(&endpoint).and_then(Service::granted).and_then(|seen| seen.fact.relayed);
        let of_server = || {
            let from_first = self.relays.range((endpoint.ip(), IpAddr::from([0; 4]))..);
            from_first.take_while(|((server, _), _)| *server == endpoint.ip())
        };
        let is_through =
            |ports: &BTreeMap<u16, Relayed<'_>>| ports.values().any(|port| !port.is_sample && port.through.contains(&endpoint));
        granted
            .map(|relayed| relayed.ip())
            .or_else(|| of_server().find(|(_, ports)| is_through(ports)).map(|((_, relayed), _)| *relayed))
    }

    /// The services at an address.
    pub fn services_at(&self, address: IpAddr) -> impl Iterator<Item = (Endpoint, &Service<'a>)> {
        let endpoints = self.at_address.get(&address).into_iter().flatten();
        endpoints.map(|endpoint| (*endpoint, &self.services[endpoint]))
    }

    /// Whether another server sends its clients to an address, so that it serves them.
    #[must_use]
    pub fn is_redirected_to(&self, address: SocketAddr) -> bool {
        self.redirected_to.contains(&address)
    }

    /// Whether a service is said to be a TURN server's.
    #[must_use]
    pub fn is_of_relay(&self, endpoint: Endpoint) -> bool {
        self.asked.services.iter().any(|service| {
            service.relay
                && service.transport == endpoint.transport
                && (service.port_or_default() == endpoint.address.port() || service.port.is_none())
                && self.leads_to(&service.host, endpoint.ip())
        })
    }

    /// One of the addresses that a server's name leads to, the same for all of them.
    #[must_use]
    pub fn server_of(&self, address: IpAddr) -> IpAddr {
        self.first_of_name.get(&address).copied().unwrap_or(address)
    }

    /// Whether users are promised a service.
    #[must_use]
    pub fn is_promised(&self, endpoint: Endpoint) -> bool {
        self.promised.contains(&endpoint)
    }

    /// On a host with an explicit port nobody says which transports it serves: those that answer count, and where the port serves plain TURN
    /// both UDP and TCP are expected, as every server offers them together. A server that another one redirects to is not promised.
    fn promises(&self, endpoint: Endpoint) -> bool {
        if self.is_redirected_to(endpoint.address) {
            return false;
        }
        match self.asked.form {
            Form::Host | Form::Urls => self.lists(endpoint),
            Form::HostAndPort => {
                let at_port = |secure: bool| {
                    let transports = if secure { [TLS, DTLS] } else { [UDP, TCP] };
                    transports
                        .into_iter()
                        .filter_map(|transport| self.services.get(&Endpoint { transport, ..endpoint }))
                        .any(Service::answers)
                };
                let secure = endpoint.transport.is_secure();
                self.services[&endpoint].answers() || !secure && (at_port(false) || !at_port(true))
            }
        }
    }

    fn lists(&self, endpoint: Endpoint) -> bool {
        let port = endpoint.address.port();
        let suffix = format!(":{port}");
        self.asked.services.iter().any(|service| {
            service.transport == endpoint.transport
                && (service.port_or_default() == port
                    || service.port.is_none()
                        && self.names.iter().any(|name| name.fact.services.iter().any(|service| service.ends_with(&suffix))))
                && self.leads_to(&service.host, endpoint.ip())
        })
    }

    /// Whether an address was asked for as such, or is known to be a name's.
    fn is_anothers(&self, address: IpAddr) -> bool {
        self.asked.services.iter().any(|service| service.host == Host::Address(address))
            || self.addresses_of.values().flatten().any(|addresses| addresses.contains(&address))
    }

    /// Whether a host that was asked for is at an address, as far as that is known: an SRV record names hosts with names of their own.
    #[must_use]
    pub fn leads_to(&self, host: &Host, address: IpAddr) -> bool {
        match host {
            Host::Address(own) => *own == address,
            Host::Name(name) => match self.addresses_of.get(name.as_str()) {
                Some(Some(addresses)) => addresses.contains(&address),
                Some(None) | None => !self.is_anothers(address),
            },
        }
    }

    /// What the list calls an address, and how many addresses that has.
    #[must_use]
    pub fn called(&self, address: IpAddr) -> Option<(&'a Host, usize)> {
        self.called.get(&address).copied()
    }

    /// The addresses of all servers.
    pub fn servers(&self) -> impl Iterator<Item = IpAddr> {
        self.at_address.keys().copied()
    }

    /// The servers that a host leads to, as far as that is known.
    #[must_use]
    pub fn servers_of(&self, host: &Host) -> Vec<IpAddr> {
        let known: Vec<IpAddr> = match host {
            Host::Address(own) => vec![*own],
            Host::Name(name) => match self.addresses_of.get(name.as_str()) {
                Some(Some(addresses)) => addresses.iter().copied().collect(),
                // Service records name hosts with names of their own.
                Some(None) => return self.servers().filter(|ip| !self.is_anothers(*ip)).collect(),
                None => Vec::new(),
            },
        };
        known.into_iter().filter(|ip| self.at_address.contains_key(ip)).collect()
    }

    /// The address that a server saw of this host over UDP, by those that have nothing to do with it.
    #[must_use]
    pub fn source_towards(&self, server: IpAddr) -> Option<IpAddr> {
        self.routes.get(&server).and_then(|route| route.fact.source)
    }

    /// Whether this network's NAT shows one socket to each destination under another port: `None` where two servers did not tell. Who is seen
    /// under the address and port that it has is behind no NAT.
    #[must_use]
    pub fn maps_by_destination(&self, of: IpAddr) -> Option<bool> {
        let is_own = |seen: &&Seen<'_, BindingFact>| seen.fact.mapped.is_some() && seen.fact.mapped == seen.fact.local;
        if self.outside.iter().filter(is_own).any(|seen| seen.fact.mapped.is_some_and(|mapped| mapped.is_ipv4() == of.is_ipv4()))
        {
            return Some(false);
        }
        let mut mapped =
            self.outside.iter().filter_map(|seen| seen.fact.mapped).filter(|mapped| mapped.is_ipv4() == of.is_ipv4());
        let first = mapped.next()?;
        let mut rest = mapped.peekable();
        rest.peek()?;
        Some(rest.any(|other| other != first))
    }
}

use crate::model::endpoint::Transport::{Dtls as DTLS, Tcp as TCP, Tls as TLS, Udp as UDP};

impl<'a> Service<'a> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other facts are about no service")]
    fn take(&mut self, at: usize, place: Endpoint, observation: &'a Observation) {
        let (endpoint, target) = (Some(place), observation.target.as_str());
        match &observation.fact {
            Fact::Connect(fact) => self.connects.push(Seen { at, endpoint, target, fact }),
            Fact::Handshake(fact) => self.handshakes.push(Seen { at, endpoint, target, fact }),
            Fact::Instead(fact) => self.instead.push(Seen { at, endpoint, target, fact }),
            Fact::Binding(fact) => self.bindings.push(Seen { at, endpoint, target, fact }),
            Fact::Challenge(fact) => self.challenges.push(Seen { at, endpoint, target, fact }),
            Fact::Allocation(fact) if fact.sample => self.samples.push(Seen { at, endpoint, target, fact }),
            Fact::Allocation(fact) => self.allocations.push(Seen { at, endpoint, target, fact }),
            Fact::Channel(fact) => self.channels.push(Seen { at, endpoint, target, fact }),
            Fact::Stream(fact) => self.streams.push(Seen { at, endpoint, target, fact }),
            Fact::Volume(fact) => self.volumes.push(Seen { at, endpoint, target, fact }),
            Fact::Loss(fact) => self.losses.push(Seen { at, endpoint, target, fact }),
            Fact::Redirect(fact) => self.redirects.push(Seen { at, endpoint, target, fact }),
            _ => {}
        }
    }

    /// Whether anything there speaks STUN.
    #[must_use]
    pub fn answers(&self) -> bool {
        let bindings = self.bindings.iter().map(|seen| &seen.fact.reply);
        let challenges = self.challenges.iter().map(|seen| &seen.fact.reply);
        bindings.chain(challenges).any(|reply| reply.answered())
    }

    /// SOFTWARE, where the server tells it.
    #[must_use]
    pub fn software(&self) -> Option<&'a str> {
        let challenges = self.challenges.iter().filter_map(|seen| seen.fact.software.as_deref());
        challenges.chain(self.bindings.iter().filter_map(|seen| seen.fact.software.as_deref())).next()
    }
}
