//! The caller's host as callcheck sees it: the `Network` seam over the simulated internet.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use callcheck::model::fact::NameAnswer;
use callcheck::model::outcome::{Outcome, Unreachable};
use callcheck::net::network::{Arrival, Datagrams, Handling, Lookup, Network, Stream};
use rand::RngCore as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::internet::{Departure, Internet, Service};
use super::packet::{Fate, HOPS, Origin, Packet, Protocol, SiteId};
use super::resolver::{Zone, question};
use super::stream;

/// How long a name server is waited for; it is asked twice (`net::resolver` does the same).
const QUESTION_TIMEOUT: Duration = Duration::from_secs(1);

/// The first local port that is given out.
const FIRST_PORT: u16 = 32_768;

/// How many datagrams wait in a socket before further ones are dropped: as many as a megabyte of small ones.
const SOCKET_QUEUE: usize = 1300;

/// The caller's host.
pub struct CallerNetwork {
    internet: Rc<Internet>,
    site: SiteId,
    sockets: Rc<Sockets>,
    zone: Rc<Zone>,
    name_servers: Vec<SocketAddr>,
    started: Instant,
    clock: SystemTime,
    random: RefCell<StdRng>,
}

impl CallerNetwork {
    /// The host at a site; its clock shows `clock` now.
    pub fn new(
        internet: &Rc<Internet>,
        site: SiteId,
        zone: Rc<Zone>,
        name_servers: Vec<SocketAddr>,
        clock: SystemTime,
        seed: u64,
    ) -> Self {
        let sockets = Rc::new(Sockets::default());
        internet.install(site, Rc::clone(&sockets) as Rc<dyn Service>);
        Self {
            internet: Rc::clone(internet),
            site,
            sockets,
            zone,
            name_servers,
            started: Instant::now(),
            clock,
            random: RefCell::new(StdRng::seed_from_u64(seed)),
        }
    }

    /// Whether a name server answers now.
    async fn is_resolver_there(&self, name: &str) -> bool {
        let Some(server) = self.name_servers.first() else { return false };
        for _ in 0..2 {
            let Ok(socket) = self.bind_udp(server.ip()) else { return false };
            if socket.send(&question(name), *server).is_err() {
                return false;
            }
            match timeout(QUESTION_TIMEOUT, socket.receive()).await {
                Ok(Arrival::Datagram { .. }) => return true,
                Ok(Arrival::Icmp { .. } | Arrival::Expired { .. } | Arrival::Closed) => return false,
                Err(_elapsed) => {}
            }
        }
        false
    }
}

#[async_trait(?Send)]
impl Network for CallerNetwork {
    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        self.internet.site(self.site).source(to)
    }

    fn bind_udp_with(&self, towards: IpAddr, handling: Handling) -> Result<Rc<dyn Datagrams>, Outcome> {
        let port = handling.port.unwrap_or_else(|| self.sockets.next_port());
        if self.sockets.open.borrow().contains_key(&port) {
            return Err(Outcome::Unreachable { reason: Unreachable::Other, from: None });
        }
        let unspecified: IpAddr = if towards.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = Rc::new(Socket { family: unspecified, arrivals: RefCell::default(), wake: Notify::new() });
        self.sockets.open.borrow_mut().insert(port, Rc::clone(&socket));
        Ok(Rc::new(CallerSocket {
            internet: Rc::clone(&self.internet),
            site: self.site,
            local: SocketAddr::new(unspecified, port),
            hops: handling.hops.unwrap_or(HOPS),
            sockets: Rc::clone(&self.sockets),
            socket,
        }))
    }

    fn path_mtu(&self, _to: IpAddr) -> Option<u16> {
        Some(1500)
    }

    async fn connect_tcp_within(&self, to: SocketAddr, hops: Option<u8>) -> Result<Box<dyn Stream>, Outcome> {
        let Some(source) = self.source(to.ip()) else { return Err(Outcome::NoRoute) };
        let local = SocketAddr::new(source, self.sockets.next_port());
        let pipe = stream::connect(&self.internet, self.site, (local, to), hops.unwrap_or(HOPS)).await?;
        Ok(Box::new(pipe))
    }

    async fn addresses(&self, name: &str) -> Lookup<IpAddr> {
        if !self.is_resolver_there(name).await {
            return Lookup::empty(NameAnswer::Unavailable);
        }
        self.zone.addresses(name)
    }

    async fn services(&self, name: &str) -> Lookup<(String, u16)> {
        if !self.is_resolver_there(name).await {
            return Lookup::empty(NameAnswer::Unavailable);
        }
        self.zone.services(name)
    }

    fn name_servers(&self) -> Vec<SocketAddr> {
        self.name_servers.clone()
    }

    fn time_of_day(&self) -> SystemTime {
        self.clock + self.started.elapsed()
    }

    fn randomize(&self, bytes: &mut [u8]) {
        self.random.borrow_mut().fill_bytes(bytes);
    }
}

/// The open UDP sockets of the caller's host.
#[derive(Default)]
struct Sockets {
    open: RefCell<HashMap<u16, Rc<Socket>>>,
    ports: Cell<u16>,
}

struct Socket {
    family: IpAddr,
    arrivals: RefCell<VecDeque<Arrival>>,
    wake: Notify,
}

impl Sockets {
    fn next_port(&self) -> u16 {
        let count = self.ports.get();
        self.ports.set((count + 1) % (u16::MAX - FIRST_PORT));
        FIRST_PORT + count
    }

    fn deliver(&self, port: u16, arrival: Arrival) {
        if let Some(socket) = self.open.borrow().get(&port) {
            let mut arrivals = socket.arrivals.borrow_mut();
            if arrivals.len() < SOCKET_QUEUE {
                arrivals.push_back(arrival);
            }
            socket.wake.notify_one();
        }
    }
}

impl Service for Sockets {
    fn listens(&self, protocol: Protocol, local: SocketAddr) -> bool {
        let open = self.open.borrow();
        let fits = |socket: &Rc<Socket>| socket.family.is_ipv4() == local.is_ipv4();
        protocol == Protocol::Udp && open.get(&local.port()).is_some_and(fits)
    }

    fn datagram(&self, packet: Packet) {
        self.deliver(packet.destination.port(), Arrival::Datagram { from: packet.source, bytes: packet.payload });
    }

    fn icmp(&self, local: SocketAddr, to: SocketAddr, reason: Unreachable, from: IpAddr) {
        self.deliver(local.port(), Arrival::Icmp { to, reason, from: Some(from) });
    }

    fn expired(&self, local: SocketAddr, to: SocketAddr, from: IpAddr) {
        self.deliver(local.port(), Arrival::Expired { to, from });
    }
}

struct CallerSocket {
    internet: Rc<Internet>,
    site: SiteId,
    local: SocketAddr,
    hops: u8,
    sockets: Rc<Sockets>,
    socket: Rc<Socket>,
}

impl Drop for CallerSocket {
    fn drop(&mut self) {
        self.sockets.open.borrow_mut().remove(&self.local.port());
    }
}

#[async_trait(?Send)]
impl Datagrams for CallerSocket {
    fn local(&self) -> SocketAddr {
        self.local
    }

    fn send(&self, bytes: &[u8], to: SocketAddr) -> Result<(), Outcome> {
        let Some(source) = self.internet.site(self.site).source(to.ip()) else { return Err(Outcome::NoRoute) };
        let local = SocketAddr::new(source, self.local.port());
        let origin = Origin { site: self.site, local, to };
        let packet = Packet {
            protocol: Protocol::Udp,
            source: local,
            destination: to,
            payload: bytes.to_vec(),
            origin,
            hops: self.hops,
            fate: Fate::default(),
        };
        match self.internet.send(packet) {
            Departure::Sent => Ok(()),
            Departure::Denied => Err(Outcome::DeniedLocally),
        }
    }

    async fn receive(&self) -> Arrival {
        loop {
            if let Some(arrival) = self.socket.arrivals.borrow_mut().pop_front() {
                return arrival;
            }
            self.socket.wake.notified().await;
        }
    }
}
