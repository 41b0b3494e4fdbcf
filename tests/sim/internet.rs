//! Carries packets between sites: through the boxes of the one, over its link, over the other's, through the other's boxes.
//!
//! All that happens later stands in one queue by time and number, so a world is the same on every run.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use callcheck::model::outcome::Unreachable;
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::firewall::Firewall;
use super::icmp::Allowances;
use super::nat::{Nat, OneToOne};
use super::packet::{Origin, Packet, Passage, Protocol, SiteId};
use super::stream::Pipe;

/// How long a packet is on its way inside one site.
const INSIDE: Duration = Duration::from_millis(1);

/// What stands between a host and the internet.
#[derive(Debug)]
pub enum Middlebox {
    Router(Router),
    Nat(Nat),
    OneToOne(OneToOne),
    Firewall(Firewall),
    /// A NAT the wrong way round: the callers' addresses are hidden from the host.
    HidesCallers(Nat),
    /// What leaves this UDP port gets another source address.
    RewritesSource {
        port: u16,
        to: IpAddr,
    },
}

impl Middlebox {
    fn outward(&mut self, packet: &mut Packet, random: &mut StdRng) -> Passage {
        let now = Instant::now();
        match self {
            Self::Router(router) => router.pass(packet),
            Self::Nat(nat) => nat.outward(packet, now, random),
            Self::OneToOne(nat) => nat.outward(packet),
            Self::Firewall(firewall) => firewall.outward(packet, random),
            Self::HidesCallers(nat) => nat.inward(packet, now),
            Self::RewritesSource { port, to } => {
                if packet.protocol == Protocol::Udp && packet.source.port() == *port {
                    packet.source.set_ip(*to);
                }
                Passage::Passed
            }
        }
    }

    fn inward(&mut self, packet: &mut Packet, random: &mut StdRng) -> Passage {
        let now = Instant::now();
        match self {
            Self::Router(router) => router.pass(packet),
            Self::Nat(nat) => nat.inward(packet, now),
            Self::OneToOne(nat) => nat.inward(packet),
            Self::Firewall(firewall) => firewall.inward(packet, random),
            Self::HidesCallers(nat) => nat.outward(packet, now, random),
            Self::RewritesSource { .. } => Passage::Passed,
        }
    }
}

/// A router on the way.
#[derive(Clone, Copy, Debug)]
pub struct Router {
    /// What it signs its ICMP errors with, over IPv4 and over IPv6.
    pub addresses: (IpAddr, IpAddr),
    /// It drops what has passed too many without a word.
    pub mute: bool,
}

impl Router {
    fn pass(self, packet: &mut Packet) -> Passage {
        packet.hops = packet.hops.saturating_sub(1);
        let (v4, v6) = self.addresses;
        let own = if packet.destination.is_ipv4() { v4 } else { v6 };
        if packet.hops == 0 { Passage::Expired((!self.mute).then_some(own)) } else { Passage::Passed }
    }
}

/// The line between a site and the internet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// One way.
    pub delay: Duration,
    /// Added at random to each packet.
    pub jitter: Duration,
    /// The share of packets lost on the way out.
    pub loss_outward: f64,
    /// The share of packets lost on the way in.
    pub loss_inward: f64,
    /// From when to when nothing passes, counted from the beginning of the world.
    pub outage: Option<(Duration, Duration)>,
}

impl Link {
    fn is_out(&self, after: Duration) -> bool {
        self.outage.is_some_and(|(from, to)| (from..to).contains(&after))
    }
}

/// A place with one host.
pub struct Site {
    /// The host's own addresses.
    pub addresses: Vec<IpAddr>,
    /// The addresses that the internet routes here.
    pub routed: Vec<IpAddr>,
    pub link: Link,
    /// From the host outwards.
    pub path: RefCell<Vec<Middlebox>>,
    /// The host's own filter: what it refuses is told to the sender at once.
    pub local: RefCell<Option<Firewall>>,
    /// Hosts before the first box, reached directly.
    pub neighbours: HashMap<IpAddr, SiteId>,
    /// A dead host takes nothing and says nothing.
    pub alive: bool,
    pub services: RefCell<Vec<Rc<dyn Service>>>,
}

impl Site {
    /// A living host with these addresses, all of them public.
    pub fn public(addresses: &[IpAddr]) -> Self {
        Self {
            addresses: addresses.to_vec(),
            routed: addresses.to_vec(),
            link: Link::default(),
            path: RefCell::default(),
            local: RefCell::default(),
            neighbours: HashMap::new(),
            alive: true,
            services: RefCell::default(),
        }
    }

    /// The address that the host uses towards another of that family; towards its own it uses the same.
    pub fn source(&self, to: IpAddr) -> Option<IpAddr> {
        if self.addresses.contains(&to) {
            return Some(to);
        }
        self.addresses.iter().copied().find(|own| own.is_ipv4() == to.is_ipv4())
    }

    /// Whether what goes to an address of several sites is for this one.
    fn expects(&self, packet: &Packet) -> bool {
        let path = self.path.borrow();
        let outermost = path.iter().rev().find_map(|hop| if let Middlebox::Nat(nat) = hop { Some(nat) } else { None });
        outermost.is_none_or(|nat| nat.has_given(packet.protocol, packet.destination))
    }

    fn outward(&self, packet: &mut Packet, random: &mut StdRng) -> Passage {
        for hop in self.path.borrow_mut().iter_mut() {
            let passage = hop.outward(packet, random);
            if passage != Passage::Passed {
                return passage;
            }
        }
        Passage::Passed
    }

    fn inward(&self, packet: &mut Packet, random: &mut StdRng) -> Passage {
        for hop in self.path.borrow_mut().iter_mut().rev() {
            let passage = hop.inward(packet, random);
            if passage != Passage::Passed {
                return passage;
            }
        }
        self.inward_locally(packet, random)
    }

    fn inward_locally(&self, packet: &mut Packet, random: &mut StdRng) -> Passage {
        match self.local.borrow_mut().as_mut() {
            Some(firewall) => firewall.inward(packet, random),
            None => Passage::Passed,
        }
    }
}

/// Something that runs on a host.
pub trait Service {
    /// Whether a socket is open there.
    fn listens(&self, protocol: Protocol, local: SocketAddr) -> bool;
    /// Whether it takes a packet to such a socket.
    fn takes(&self, packet: &Packet) -> bool {
        self.listens(packet.protocol, packet.destination)
    }
    /// A datagram to such a socket.
    fn datagram(&self, packet: Packet);
    /// An ICMP error about a datagram of such a socket.
    fn icmp(&self, _local: SocketAddr, _to: SocketAddr, _reason: Unreachable, _from: IpAddr) {}
    /// A router's word that it dropped a datagram of such a socket, which had passed too many.
    fn expired(&self, _local: SocketAddr, _to: SocketAddr, _from: IpAddr) {}
    /// A TCP connection to such a socket.
    fn connection(&self, _stream: Pipe, _local: SocketAddr, _peer: SocketAddr) {}
}

type Action = Box<dyn FnOnce(&Rc<Internet>)>;

struct Event {
    at: Instant,
    number: u64,
    action: Action,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// All sites, and what is on its way between them.
pub struct Internet {
    sites: Vec<Site>,
    queue: RefCell<BinaryHeap<Reverse<Event>>>,
    numbers: Cell<u64>,
    wake: Notify,
    random: RefCell<StdRng>,
    begun: Instant,
    allowances: Allowances,
}

/// The side from which a packet comes to a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// From the internet, through all boxes.
    Outside,
    /// From a neighbour, past the boxes.
    Neighbour,
    /// From the host itself.
    Loopback,
}

/// How a packet left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// It is on its way, or was lost without a word.
    Sent,
    /// The host's own filter refused it.
    Denied,
}

/// Where a packet that was let through arrives.
pub enum Way {
    /// At that site after that time.
    To(SiteId, Entrance, Duration),
    /// Nowhere, silently.
    Lost,
    /// Nowhere, with an error.
    Refused(Unreachable, IpAddr),
    /// Nowhere, since it had passed too many routers; the last of them may say so.
    Expired(Option<IpAddr>),
    /// The sender's own host does not let it out.
    Denied,
}

impl Internet {
    /// Joins the sites; the packets move while the runtime's local set runs. Each may send so many ICMP errors at once.
    pub fn start(sites: Vec<Site>, seed: u64, icmp_saved: u32) -> Rc<Self> {
        let internet = Rc::new(Self {
            sites,
            queue: RefCell::default(),
            numbers: Cell::new(0),
            wake: Notify::new(),
            random: RefCell::new(StdRng::seed_from_u64(seed)),
            begun: Instant::now(),
            allowances: Allowances::new(icmp_saved),
        });
        tokio::task::spawn_local(run_queue(Rc::clone(&internet)));
        internet
    }

    pub fn site(&self, id: SiteId) -> &Site {
        &self.sites[id.0]
    }

    /// Opens a service on a host.
    pub fn install(&self, id: SiteId, service: Rc<dyn Service>) {
        self.site(id).services.borrow_mut().push(service);
    }

    /// Whether something with that probability happens now.
    pub fn happens(&self, probability: f64) -> bool {
        probability > 0.0 && self.random.borrow_mut().random_bool(probability.min(1.0))
    }

    /// Does something later.
    pub fn after(&self, delay: Duration, action: impl FnOnce(&Rc<Self>) + 'static) {
        let number = self.numbers.get();
        self.numbers.set(number + 1);
        self.queue.borrow_mut().push(Reverse(Event { at: Instant::now() + delay, number, action: Box::new(action) }));
        self.wake.notify_one();
    }

    /// Sends a datagram from its origin.
    pub fn send(&self, mut packet: Packet) -> Departure {
        let origin = packet.origin;
        match self.leave(&mut packet) {
            Way::Denied => return Departure::Denied,
            Way::Lost | Way::Expired(None) => {}
            Way::Expired(Some(from)) => self.report_expired(origin, from, INSIDE),
            Way::Refused(reason, from) => self.report(origin, reason, from, INSIDE),
            Way::To(site, entrance, delay) => self.after(delay, move |internet| internet.arrive(site, entrance, packet)),
        }
        Departure::Sent
    }

    /// Takes a packet out of its site and over the links.
    pub fn leave(&self, packet: &mut Packet) -> Way {
        let from = self.site(packet.origin.site);
        if let Some(local) = from.local.borrow_mut().as_mut()
            && local.outward(packet, &mut self.random.borrow_mut()) != Passage::Passed
        {
            return Way::Denied;
        }
        if from.addresses.contains(&packet.destination.ip()) {
            return Way::To(packet.origin.site, Entrance::Loopback, Duration::ZERO);
        }
        if let Some(neighbour) = from.neighbours.get(&packet.destination.ip()) {
            return Way::To(*neighbour, Entrance::Neighbour, INSIDE);
        }
        match from.outward(packet, &mut self.random.borrow_mut()) {
            Passage::Passed => {}
            Passage::Dropped => return Way::Lost,
            Passage::Expired(from) => return Way::Expired(from),
            Passage::Rejected(reason, box_address) => {
                return Way::Refused(reason, box_address.unwrap_or(packet.destination.ip()));
            }
            Passage::Redirected(neighbour, to) => {
                packet.destination = to;
                return Way::To(neighbour, Entrance::Neighbour, INSIDE);
            }
        }
        let routed_to = |site: &Site| site.routed.contains(&packet.destination.ip());
        let expected = self.sites.iter().position(|site| routed_to(site) && site.expects(packet));
        let Some(index) = expected.or_else(|| self.sites.iter().position(routed_to)) else { return Way::Lost };
        if self.is_lost(packet.origin.site, SiteId(index)) {
            return Way::Lost;
        }
        Way::To(SiteId(index), Entrance::Outside, self.travel_time(packet.origin.site, SiteId(index)))
    }

    /// Whether the links lose the next packet between two sites.
    pub fn is_lost(&self, from: SiteId, to: SiteId) -> bool {
        let (outward, inward) = (self.site(from).link, self.site(to).link);
        let age = self.begun.elapsed();
        self.happens(outward.loss_outward) || self.happens(inward.loss_inward) || outward.is_out(age) || inward.is_out(age)
    }

    /// How long a packet is on its way between two sites.
    pub fn travel_time(&self, from: SiteId, to: SiteId) -> Duration {
        let (from, to) = (self.site(from), self.site(to));
        let jitter = from.link.jitter + to.link.jitter;
        INSIDE + from.link.delay + to.link.delay + jitter.mul_f64(self.random.borrow_mut().random::<f64>())
    }

    /// Lets a packet into a site; gives the service that takes it.
    pub fn enter(&self, id: SiteId, entrance: Entrance, packet: &mut Packet) -> Result<Rc<dyn Service>, Passage> {
        let site = self.site(id);
        let mut random = self.random.borrow_mut();
        let passage = match entrance {
            Entrance::Outside => site.inward(packet, &mut random),
            Entrance::Neighbour => site.inward_locally(packet, &mut random),
            Entrance::Loopback => Passage::Passed,
        };
        if passage != Passage::Passed {
            return Err(passage);
        }
        if !site.alive || !site.addresses.contains(&packet.destination.ip()) {
            return Err(Passage::Dropped);
        }
        let services = site.services.borrow();
        let taker = services.iter().find(|service| service.takes(packet));
        taker.cloned().ok_or(Passage::Rejected(Unreachable::Port, None))
    }

    fn arrive(&self, site: SiteId, entrance: Entrance, mut packet: Packet) {
        let origin = packet.origin;
        match self.enter(site, entrance, &mut packet) {
            Ok(service) => service.datagram(packet),
            Err(Passage::Passed | Passage::Dropped | Passage::Expired(None) | Passage::Redirected(..)) => {}
            Err(Passage::Expired(Some(from))) => self.report_expired(origin, from, self.travel_time(site, origin.site)),
            Err(Passage::Rejected(reason, from)) => {
                let back = self.travel_time(site, origin.site);
                self.report(origin, reason, from.unwrap_or(origin.to.ip()), back);
            }
        }
    }

    /// Whether somebody may tell the sender of a packet that it went wrong; a host may always tell itself.
    pub fn may_tell(&self, origin: Origin, from: IpAddr) -> bool {
        self.site(origin.site).addresses.contains(&from) || self.allowances.spend(from, origin.site)
    }

    /// Tells a sender of an error.
    fn report(&self, origin: Origin, reason: Unreachable, from: IpAddr, delay: Duration) {
        if !self.may_tell(origin, from) {
            return;
        }
        self.after(delay, move |internet| {
            let services = internet.site(origin.site).services.borrow().clone();
            if let Some(service) = services.iter().find(|service| service.listens(Protocol::Udp, origin.local)) {
                service.icmp(origin.local, origin.to, reason, from);
            }
        });
    }

    /// Tells a sender that a datagram of its had passed too many routers.
    fn report_expired(&self, origin: Origin, from: IpAddr, delay: Duration) {
        if !self.may_tell(origin, from) {
            return;
        }
        self.after(delay, move |internet| {
            let services = internet.site(origin.site).services.borrow().clone();
            if let Some(service) = services.iter().find(|service| service.listens(Protocol::Udp, origin.local)) {
                service.expired(origin.local, origin.to, from);
            }
        });
    }

    fn due(&self) -> Option<Action> {
        let mut queue = self.queue.borrow_mut();
        let is_due = queue.peek().is_some_and(|Reverse(event)| event.at <= Instant::now());
        is_due.then(|| queue.pop().map(|Reverse(event)| event.action)).flatten()
    }
}

async fn run_queue(internet: Rc<Internet>) {
    loop {
        while let Some(action) = internet.due() {
            action(&internet);
        }
        let next = internet.queue.borrow().peek().map(|Reverse(event)| event.at);
        tokio::select! {
            biased;
            () = internet.wake.notified() => {}
            () = sleep_until(next) => {}
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
