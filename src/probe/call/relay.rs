//! A relay of a call: its permissions and channels, what is sent through it, and its keeping alive.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use super::tasks::Tasks;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{ChannelFact, Fact, PeerKind, PermissionFact};
use crate::net::ledger::Held;
use crate::net::session::Relayed;
use crate::peer::Peer;
use crate::probe::allocate::Allocation;
use crate::probe::context::Record;
use crate::proto::request::{FIRST_CHANNEL, Request};

/// How many datagrams wait for a permission; later ones push the earlier out, whose answers nobody would wait for any more.
const MOST_WAITING: usize = 8;

/// How often all is renewed: a permission lives for five minutes, a channel for ten (RFC 8656 §9, §12).
const RENEWAL: Duration = Duration::from_mins(4);

/// The lifetime that is asked for (RFC 8656 §3.2).
const LIFETIME: Duration = Duration::from_mins(10);

/// A relay of a call.
pub(super) struct Relay {
    allocation: Allocation,
    record: Record,
    peer: Rc<RefCell<Peer>>,
    tasks: Rc<Tasks>,
    permissions: RefCell<BTreeMap<IpAddr, Permission>>,
    channels: RefCell<Vec<Channel>>,
}

enum Permission {
    /// It was asked for; these wait for it.
    Asked(Vec<(SocketAddr, Vec<u8>)>),
    Granted,
    Refused,
}

struct Channel {
    number: u16,
    peer: SocketAddr,
    is_bound: bool,
}

impl Relay {
    /// A relay over an allocation, for the peer whose tasks these are.
    pub fn new(allocation: Allocation, record: Record, peer: Rc<RefCell<Peer>>, tasks: Rc<Tasks>) -> Self {
        Self { allocation, record, peer, tasks, permissions: RefCell::default(), channels: RefCell::default() }
    }

    /// The relayed address.
    pub fn address(&self) -> SocketAddr {
        self.allocation.relayed
    }

    pub fn endpoint(&self) -> Endpoint {
        self.allocation.session.endpoint()
    }

    pub fn held(&self) -> Held {
        self.allocation.held
    }

    /// Asks for the permission for an address, where it is of the relay's family and wasn't asked for yet.
    pub fn permit(self: &Rc<Self>, peer: IpAddr) {
        let mut permissions = self.permissions.borrow_mut();
        if peer.is_ipv4() != self.address().is_ipv4() || permissions.contains_key(&peer) {
            return;
        }
        permissions.insert(peer, Permission::Asked(Vec::new()));
        let relay = Rc::clone(self);
        self.tasks.spawn(async move { relay.ask_permission(peer).await });
    }

    async fn ask_permission(&self, peer: IpAddr) {
        let Allocation { session, signed, relayed, .. } = &self.allocation;
        let exchange = session.ask_signed(&Request::create_permission(peer), signed.as_ref()).await;
        let is_granted = exchange.reply.succeeded();
        let end = if is_granted { Permission::Granted } else { Permission::Refused };
        let before = self.permissions.borrow_mut().insert(peer, end);
        if let Some(Permission::Asked(waiting)) = before {
            for (to, bytes) in waiting {
                if is_granted {
                    session.send_to_peer(to, &bytes);
                } else {
                    self.peer.borrow_mut().unsendable(*relayed, to);
                }
            }
        }
        let fact = PermissionFact { reply: exchange.reply, relayed: *relayed, peer, whose: PeerKind::Remote };
        self.record.add("call-permission", session.endpoint(), Fact::Permission(fact));
    }

    /// Sends a datagram through the relay; `false` where the server doesn't permit it.
    pub fn send(self: &Rc<Self>, to: SocketAddr, bytes: &[u8]) -> bool {
        let session = &self.allocation.session;
        let channels = self.channels.borrow();
        if let Some(channel) = channels.iter().find(|channel| channel.is_bound && channel.peer == to) {
            session.send_over_channel(channel.number, bytes);
            return true;
        }
        self.permit(to.ip());
        match self.permissions.borrow_mut().get_mut(&to.ip()) {
            Some(Permission::Granted) => session.send_to_peer(to, bytes),
            Some(Permission::Asked(waiting)) => {
                if waiting.len() == MOST_WAITING {
                    self.peer.borrow_mut().unsendable(self.address(), waiting.remove(0).0);
                }
                waiting.push((to, bytes.to_vec()));
            }
            Some(Permission::Refused) | None => return false,
        }
        true
    }

    /// Binds a channel to an address; until it is bound, and where it is refused, Send indications carry the data.
    pub fn bind(self: &Rc<Self>, peer: SocketAddr) {
        let mut channels = self.channels.borrow_mut();
        if channels.iter().any(|channel| channel.peer == peer) {
            return;
        }
        let number = FIRST_CHANNEL + u16::try_from(channels.len()).unwrap_or_default();
        channels.push(Channel { number, peer, is_bound: false });
        let relay = Rc::clone(self);
        self.tasks.spawn(async move { relay.ask_channel(number, peer).await });
    }

    async fn ask_channel(&self, number: u16, peer: SocketAddr) {
        let Allocation { session, signed, .. } = &self.allocation;
        let exchange = session.ask_signed(&Request::channel_bind(number, peer), signed.as_ref()).await;
        if exchange.reply.succeeded()
            && let Some(channel) = self.channels.borrow_mut().iter_mut().find(|channel| channel.number == number)
        {
            channel.is_bound = true;
        }
        let fact = ChannelFact { reply: exchange.reply, carried: None, altered: false };
        self.record.add("call-channel", session.endpoint(), Fact::Channel(fact));
    }

    /// Who sent what came through the relay.
    fn source(&self, relayed: &Relayed) -> Option<SocketAddr> {
        let by_channel = |number| self.channels.borrow().iter().find(|channel| channel.number == number).map(|it| it.peer);
        relayed.peer.or_else(|| by_channel(relayed.channel?))
    }

    /// Receives what comes through the relay, at its address and from a source.
    pub async fn read(self: Rc<Self>, receive: impl Fn(SocketAddr, SocketAddr, &[u8])) {
        let mut arrivals = self.allocation.session.relayed();
        while let Some(relayed) = arrivals.recv().await {
            if let Some(source) = self.source(&relayed) {
                receive(self.address(), source, &relayed.payload);
            }
        }
    }

    /// Keeps the allocation, its permissions and channels alive.
    pub async fn keep(self: Rc<Self>) {
        let Allocation { session, signed, lifetime, .. } = &self.allocation;
        let interval = lifetime.map_or(RENEWAL, |lifetime| RENEWAL.min(lifetime / 2)).max(Duration::from_secs(1));
        loop {
            tokio::time::sleep(interval).await;
            let granted = |(peer, permission): (&IpAddr, &Permission)| {
                matches!(permission, Permission::Granted).then(|| Request::create_permission(*peer))
            };
            let mut requests = vec![Request::refresh(LIFETIME)];
            requests.extend(self.permissions.borrow().iter().filter_map(granted));
            requests.extend(self.bound().into_iter().map(|(number, peer)| Request::channel_bind(number, peer)));
            // What the server refuses to renew shows as silence of the pair, and as a refusal at the release.
            let asked = requests.iter().map(|request| session.ask_signed(request, signed.as_ref()));
            futures::future::join_all(asked).await;
        }
    }

    /// The channels that are bound, each with its peer.
    fn bound(&self) -> Vec<(u16, SocketAddr)> {
        let channels = self.channels.borrow();
        channels.iter().filter(|channel| channel.is_bound).map(|channel| (channel.number, channel.peer)).collect()
    }
}
