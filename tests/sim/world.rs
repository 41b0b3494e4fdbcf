//! A simulated world as a plain value, and how it is raised: a caller, TURN servers, two control hosts and a router at home.
//!
//! ```text
//! caller ── (filter ── NAT ── carrier's NAT) ── internet ── (router ── edge ── 1:1 NAT ── filter) ── server
//! 192.168.1.2                  198.51.100.2       ││                                      203.0.113.10
//!   └── router, 192.168.1.1                       │└─ controls, 192.0.2.53 and .54
//! callee ── (filter ── NAT) ──────────────────────┘
//! 192.168.7.2         198.51.100.66
//! ```

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use callcheck::lab::configuration::Config;
use callcheck::net::network::Network;
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use super::certificate::{Presented, beginning};
use super::control::Control;
use super::firewall::{Action, Firewall, Memory, Rule};
use super::host::{Host, Number};
use super::icmp;
use super::internet::{Internet, Link, Middlebox, Router, Site};
use super::nat::{Behaviour, Dependence, Hairpinning, Nat, Ports};
use super::network::CallerNetwork;
use super::others::Others;
use super::packet::SiteId;
use super::resolver::{NameServer, Zone};
use super::server::{Listeners, TurnServer};
use super::web::WebServer;

/// The first TURN server as the world knows it, and its other addresses.
pub const TURN: Ipv4Addr = Number(0).public();
pub const TURN_SECOND: Ipv4Addr = Number(0).second();
pub const TURN_V6: Ipv6Addr = Number(0).v6();
pub const TURN_PRIVATE: Ipv4Addr = Number(0).private();

/// The control hosts; the first one is a name server too.
pub const CONTROLS: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 53), Ipv4Addr::new(192, 0, 2, 54)];
pub const CONTROLS_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0x53), Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0x54)];

/// The caller as the world knows it, and inside its networks.
pub const CALLER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 2);
pub const CALLER_SECOND: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 3);
pub const CALLER_AT_HOME: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 2);
pub const CALLER_AT_CARRIER: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 2);
pub const CALLER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2);

/// The callee as the world knows it, and inside its network.
pub const CALLEE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 66);
const CALLEE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 4, 0, 0, 0, 0, 2);
pub const CALLEE_AT_HOME: Ipv4Addr = Ipv4Addr::new(192, 168, 7, 2);

/// The router of the caller's home: a name server for its hosts, and the portal or what looks into TLS where there is one.
pub const HOME_ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);
pub const PORTAL_PORT: u16 = 8080;
pub const INTERCEPTOR_PORT: u16 = 8443;

/// The routers from a caller behind NATs to the server's network: its own, its carrier's, and the one between all.
const ROUTERS: [(Ipv4Addr, Ipv6Addr); 3] = [
    (HOME_ROUTER, Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1)),
    (Ipv4Addr::new(100, 64, 0, 1), Ipv6Addr::new(0x2001, 0xdb8, 3, 0, 0, 0, 0, 1)),
    (Ipv4Addr::new(198, 51, 100, 1), Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1)),
];

pub const AT_CALLER: SiteId = SiteId(0);
pub const AT_ROUTER: SiteId = SiteId(1);
const AT_CONTROLS: [SiteId; 2] = [SiteId(2), SiteId(3)];

/// The NATs of the field's vocabulary, which RFC 4787 takes apart into mapping and filtering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatKind {
    FullCone,
    AddressRestricted,
    PortRestricted,
    Symmetric,
}

impl NatKind {
    /// A NAT of this kind with that outer address.
    pub fn behaviour(self, outer: Ipv4Addr) -> Behaviour {
        let (mapping, filtering, ports) = match self {
            Self::FullCone => (Dependence::EndpointIndependent, Dependence::EndpointIndependent, Ports::Preserved),
            Self::AddressRestricted => (Dependence::EndpointIndependent, Dependence::AddressDependent, Ports::Preserved),
            Self::PortRestricted => (Dependence::EndpointIndependent, Dependence::AddressAndPortDependent, Ports::Preserved),
            Self::Symmetric => (Dependence::AddressAndPortDependent, Dependence::AddressAndPortDependent, Ports::Random),
        };
        let lifetime = Duration::from_mins(2);
        Behaviour { mapping, filtering, ports, hairpinning: Hairpinning::Unsupported, outer: [outer.into(); 2], lifetime }
    }
}

/// The caller's side.
#[derive(Clone, Debug)]
pub struct Caller {
    /// From the caller outwards.
    pub nats: Vec<Behaviour>,
    pub v4: bool,
    pub v6: bool,
    pub link: Link,
    /// What its network's filter does, before any NAT.
    pub gateway: Vec<Rule>,
    pub gateway_memory: Memory,
    /// What its own host refuses.
    pub local: Vec<Rule>,
    pub resolver: Resolver,
    /// Routers drop what has passed too many of them without a word.
    pub routers_mute: bool,
    /// How far its clock is ahead, in seconds.
    pub clock_ahead_s: i64,
}

impl Caller {
    /// A caller with a public address and nothing in its way.
    pub fn public() -> Self {
        Self {
            nats: Vec::new(),
            v4: true,
            v6: false,
            link: Link::default(),
            gateway: Vec::new(),
            gateway_memory: Memory::Stateless,
            local: Vec::new(),
            resolver: Resolver::Public,
            routers_mute: false,
            clock_ahead_s: 0,
        }
    }

    fn router(&self, v4: IpAddr, v6: IpAddr) -> Middlebox {
        Middlebox::Router(Router { addresses: (v4, v6), mute: self.routers_mute })
    }

    /// Its host over IPv4: at the first address without a NAT, at the second behind one.
    fn site(&self, outside: Ipv4Addr, at_home: Ipv4Addr) -> Site {
        let inner = if self.nats.is_empty() { outside } else { at_home };
        let mut site = Site::public(&[inner.into()]);
        site.routed = self.nats.last().map_or_else(|| vec![outside.into()], |outermost| outermost.outer.to_vec());
        site.link = self.link;
        let path = site.path.get_mut();
        let gateway = (!self.gateway.is_empty())
            .then(|| Middlebox::Firewall(Firewall::new(self.gateway_memory, self.gateway.clone()).signed(HOME_ROUTER.into())));
        // Without a NAT the first router is the provider's, and the filter is there.
        let routers = if self.nats.is_empty() { &ROUTERS[2..] } else { &ROUTERS[..self.nats.len()] };
        let mut routers = routers.iter().map(|(v4, v6)| self.router((*v4).into(), (*v6).into()));
        path.extend(routers.next());
        path.extend(gateway);
        let mut nats = self.nats.iter().cloned().map(Nat::new).map(Middlebox::Nat);
        path.extend(nats.next());
        for (router, nat) in routers.zip(nats) {
            path.extend([router, nat]);
        }
        if !self.nats.is_empty() {
            let (v4, v6) = ROUTERS[2];
            path.push(self.router(v4.into(), v6.into()));
        }
        if !self.local.is_empty() {
            *site.local.get_mut() = Some(Firewall::new(Memory::Stateful, self.local.clone()));
        }
        site
    }
}

/// Whom the caller asks for names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// A server on the internet.
    Public,
    /// The router at home.
    Router,
    /// A server on the internet that never answers.
    Silent,
}

/// Where callcheck runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vantage {
    /// At the caller's.
    #[default]
    Outside,
    /// On the first server's own host.
    OnServer,
}

/// A world.
#[derive(Clone, Debug)]
pub struct World {
    pub seed: u64,
    /// How many ICMP errors each router and host may send to this one at once; a run just before has spent them.
    pub icmp_saved: u32,
    pub caller: Caller,
    pub vantage: Vantage,
    /// The other side of a call, where there is one.
    pub callee: Option<Caller>,
    /// The servers; there is always a first one.
    pub hosts: Vec<Host>,
    pub zone: Zone,
    pub controls: Controls,
}

/// What the control hosts answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controls {
    Everything,
    DnsAlone,
    /// They are gone.
    Dead,
    /// Nobody is asked.
    Absent,
}

/// A world that runs.
pub struct Raised {
    pub network: Rc<dyn Network>,
    /// The callee's, where there is one.
    pub callee: Option<Rc<dyn Network>>,
    /// Those that listen, on whichever host.
    pub servers: Vec<Rc<TurnServer>>,
    /// What somebody else holds on them.
    pub others: Others,
}

impl Raised {
    /// How many allocations are alive that nobody else holds.
    pub fn allocations(&self) -> usize {
        self.servers.iter().map(|server| server.allocations()).sum::<usize>() - self.others.held()
    }
}

impl World {
    /// A public caller and a healthy public server.
    pub fn healthy(seed: u64, config: Config, listeners: Listeners) -> Self {
        Self {
            seed,
            icmp_saved: icmp::SAVED,
            caller: Caller::public(),
            vantage: Vantage::Outside,
            callee: None,
            hosts: vec![Host::healthy(Number(0), config, listeners)],
            zone: Zone::default(),
            controls: Controls::Everything,
        }
    }

    /// Raises the world; it must be called within a `LocalSet`.
    pub fn raise(&self) -> Raised {
        let [first, second] = [0, 1].map(|index| self.control_site(index));
        let mut sites = vec![self.caller_site(), router_site(), first, second];
        let at_hosts: Vec<SiteId> = (sites.len()..).take(self.hosts.len()).map(SiteId).collect();
        sites.extend(self.hosts.iter().map(|host| host.site(self.caller.routers_mute)));
        let at_callee = SiteId(sites.len());
        sites.extend(self.callee.as_ref().map(callee_site));
        let others = Others::move_in(&mut sites, &at_hosts);
        let internet = Internet::start(sites, self.seed, self.icmp_saved);
        let zone = Rc::new(self.zone.clone());
        for site in AT_CONTROLS {
            Control::open(&internet, site);
        }
        NameServer::open(&internet, AT_CONTROLS[0], Rc::clone(&zone), self.caller.resolver == Resolver::Silent);
        NameServer::open(&internet, AT_ROUTER, Rc::clone(&zone), false);
        WebServer::open(&internet, AT_ROUTER, PORTAL_PORT);
        WebServer::open_tls(&internet, AT_ROUTER, INTERCEPTOR_PORT, Presented::Intercepted);
        let mut servers = Vec::new();
        for (host, site) in self.hosts.iter().zip(&at_hosts) {
            if let Some(port) = host.web {
                WebServer::open(&internet, *site, port);
            }
            servers.extend(TurnServer::open_all(&internet, *site, host));
        }
        let at_caller = if self.vantage == Vantage::OnServer { at_hosts[0] } else { AT_CALLER };
        let callee = self.callee.as_ref().map(|_| Rc::new(self.callee_network(&internet, at_callee, &zone)) as Rc<dyn Network>);
        let network = Rc::new(self.caller_network(&internet, at_caller, zone));
        Raised { network, callee, servers, others: others.arrive(&internet) }
    }

    fn callee_network(&self, internet: &Rc<Internet>, site: SiteId, zone: &Rc<Zone>) -> CallerNetwork {
        let name_servers = vec![SocketAddr::new(CONTROLS[0].into(), 53)];
        CallerNetwork::new(internet, site, Rc::clone(zone), name_servers, beginning(), self.seed ^ 0x0CA1_1EE5)
    }

    fn caller_network(&self, internet: &Rc<Internet>, site: SiteId, zone: Rc<Zone>) -> CallerNetwork {
        let server = match self.caller.resolver {
            Resolver::Public | Resolver::Silent if !self.caller.v4 => IpAddr::V6(CONTROLS_V6[0]),
            Resolver::Public | Resolver::Silent => CONTROLS[0].into(),
            Resolver::Router => HOME_ROUTER.into(),
        };
        let ahead = Duration::from_secs(self.caller.clock_ahead_s.unsigned_abs());
        let clock = if self.caller.clock_ahead_s < 0 { beginning() - ahead } else { beginning() + ahead };
        // Another stream of numbers than the network's, so that an id more does not change which packet is lost.
        let seed = self.seed ^ 0x5EED_0FCA_11E2;
        CallerNetwork::new(internet, site, zone, vec![SocketAddr::new(server, 53)], clock, seed)
    }

    fn caller_site(&self) -> Site {
        let caller = &self.caller;
        let mut site = caller.site(CALLER, CALLER_AT_HOME);
        if caller.v6 {
            site.addresses.push(CALLER_V6.into());
            site.routed.push(CALLER_V6.into());
        }
        if !caller.v4 {
            site.addresses.retain(IpAddr::is_ipv6);
            site.routed.retain(IpAddr::is_ipv6);
        }
        site.neighbours.insert(HOME_ROUTER.into(), AT_ROUTER);
        site
    }

    fn control_site(&self, index: usize) -> Site {
        let mut site = Site::public(&[CONTROLS[index].into(), CONTROLS_V6[index].into()]);
        if self.controls == Controls::DnsAlone {
            let rules = vec![Rule::any(Action::Accept).inward().port(53), Rule::any(Action::Drop).inward()];
            site.path.get_mut().push(Middlebox::Firewall(Firewall::new(Memory::Stateless, rules)));
        }
        site.alive = self.controls != Controls::Dead;
        site
    }
}

/// The callee has no host beside it.
fn callee_site(callee: &Caller) -> Site {
    let mut site = callee.site(CALLEE, CALLEE_AT_HOME);
    if callee.v6 {
        site.addresses.push(CALLEE_V6.into());
        site.routed.push(CALLEE_V6.into());
    }
    site
}

fn router_site() -> Site {
    let mut site = Site::public(&[HOME_ROUTER.into()]);
    site.routed.clear();
    for caller in [IpAddr::from(CALLER_AT_HOME), CALLER.into(), CALLER_V6.into()] {
        site.neighbours.insert(caller, AT_CALLER);
    }
    site
}

/// Runs a future in virtual time: whenever nothing can go on, the clock jumps to the next timer.
pub fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime without I/O needs nothing");
    runtime.block_on(LocalSet::new().run_until(future))
}
