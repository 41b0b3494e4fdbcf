//! A sans-IO STUN and TURN server (RFC 8489, RFC 8656): what arrives and the time go in, commands come out.
//!
//! After every call the driver takes [`Server::next_command`] until there is none, and calls [`Server::handle_timeout`] no
//! later than [`Server::next_timeout`]. An [`Command::OpenRelay`] is answered by [`Server::relay_opened`] or
//! [`Server::relay_refused`]; until then the client waits for its allocation.

mod allocate;
mod relay;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{RngCore as _, SeedableRng as _};

use super::allocation::Allocation;
use super::authentication::Authenticator;
use super::configuration::{Config, RelayAddress};
use super::fault::Fault;
use super::firewall::{Firewall, is_lost};
pub use super::five_tuple::FiveTuple;
use super::hostility::Hostility;
use super::ports::PortPool;
use crate::model::endpoint::Transport;
use crate::proto::authentication::LongTerm;
use crate::proto::channel_data::ChannelData;
use crate::proto::incoming::{Incoming, Method, Subject, Unreadable};
use crate::proto::outgoing::Outgoing;

/// How many bytes a stream carries before it stalls under [`Fault::StreamCut`].
const STREAM_CUT_AFTER: usize = 4096;

/// The largest datagram that passes under [`Fault::MtuBlackhole`].
const BLACKHOLE_MTU: usize = 1200;

/// Which of the server's addresses an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The one that was asked.
    Asked,
    /// Another one, which the driver chooses.
    Foreign,
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Send to a client over its transport.
    ToClient {
        /// Which one.
        tuple: FiveTuple,
        /// Where from.
        source: Source,
        /// What.
        bytes: Vec<u8>,
    },
    /// Open a UDP socket at this address, and say whether it could be had.
    OpenRelay {
        /// Its address.
        relay: SocketAddr,
    },
    /// Send a datagram from a relay port.
    ToPeer {
        /// The relay port's address.
        relay: SocketAddr,
        /// To whom.
        peer: SocketAddr,
        /// What.
        payload: Vec<u8>,
    },
    /// Close a relay port.
    CloseRelay {
        /// Its address.
        relay: SocketAddr,
    },
}

/// The server.
#[derive(Debug)]
pub struct Server {
    config: Config,
    authenticator: Authenticator,
    firewall: Firewall,
    relays: Vec<RelayAddress>,
    pools: Vec<PortPool>,
    allocations: BTreeMap<FiveTuple, Allocation>,
    by_relay: BTreeMap<SocketAddr, Vec<FiveTuple>>,
    expiries: BTreeSet<(Instant, FiveTuple)>,
    /// The 5-tuples whose allocations were given back, each until it is forgotten.
    remembered: BTreeMap<FiveTuple, Instant>,
    carried: BTreeMap<FiveTuple, usize>,
    commands: VecDeque<Command>,
    random: StdRng,
}

impl Server {
    /// A server that starts now, at that time of day in seconds since 1970.
    #[must_use]
    pub fn new(config: Config, now: Instant, time_of_day: i64) -> Self {
        let mut random = StdRng::seed_from_u64(config.seed);
        let relays = config.relays_as_broken();
        let pools =
            relays.iter().map(|_| PortPool::new(config.ports.clone(), config.held_ports, config.draws, &mut random)).collect();
        Self {
            authenticator: Authenticator::new(&config, now, time_of_day),
            firewall: Firewall::new(&config),
            relays,
            pools,
            allocations: BTreeMap::new(),
            by_relay: BTreeMap::new(),
            expiries: BTreeSet::new(),
            remembered: BTreeMap::new(),
            carried: BTreeMap::new(),
            commands: VecDeque::new(),
            random,
            config,
        }
    }

    /// Takes one message of a client: a datagram, or what a framer cut out of its stream.
    pub fn receive_from_client(&mut self, now: Instant, tuple: FiveTuple, bytes: &[u8]) {
        if !self.passes(tuple, bytes.len()) {
            return;
        }
        if let Some(data) = ChannelData::read(bytes) {
            return self.relay_channel_data(now, tuple, data);
        }
        match Incoming::read(bytes) {
            Ok(asked) => self.take(now, tuple, &asked),
            Err(Unreadable::Malformed(subject)) => self.refuse(tuple, subject, 400, None),
            Err(Unreadable::Foreign) => {}
        }
    }

    /// A client's stream has ended: its allocation ends with it (RFC 8656 §7.4).
    pub fn client_closed(&mut self, tuple: FiveTuple) {
        self.carried.remove(&tuple);
        self.free(tuple);
    }

    /// Ends what has expired.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, tuple)) = self.expiries.first().copied().filter(|(expires, _)| *expires <= now) {
            self.free(tuple);
        }
    }

    /// When something expires next.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.expiries.first().map(|(expires, _)| *expires)
    }

    /// The next thing to do.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// How many allocations are alive.
    #[must_use]
    pub fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// What the server was started with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn take(&mut self, now: Instant, tuple: FiveTuple, asked: &Incoming) {
        let turn = asked.subject.method != Method::Binding;
        if turn && self.config.has(Fault::TurnDisabled) || !turn && self.config.has(Fault::StunSilent) {
            return;
        }
        match asked.subject.method {
            Method::Binding if asked.is_request => self.answer_binding(tuple, asked),
            Method::Binding => {}
            Method::Allocate => self.allocate(now, tuple, asked),
            Method::Send => self.relay_send(now, tuple, asked),
            Method::Refresh | Method::CreatePermission | Method::ChannelBind => self.manage(now, tuple, asked),
        }
    }

    fn answer_binding(&mut self, tuple: FiveTuple, asked: &Incoming) {
        let discovery = self.config.discovery.clone();
        if !asked.unknown.iter().all(|kind| discovery.understands(*kind)) {
            return self.refuse_unknown(tuple, asked, None);
        }
        let mapped = self.mapped(tuple);
        let mut answer = Outgoing::success(asked.subject).xor_mapped(mapped);
        if let Some(other) = discovery.other(tuple.server) {
            answer = answer.other_address(other);
        }
        if self.config.has(Fault::StunRewritten) {
            answer = answer.mapped(SocketAddr::new(mapped.ip(), mapped.port() ^ 1));
        }
        self.answer(discovery.redirect(tuple, asked), answer, None);
    }

    /// Refresh, `CreatePermission` and `ChannelBind`: what needs an allocation and its user.
    fn manage(&mut self, now: Instant, tuple: FiveTuple, asked: &Incoming) {
        let user = match self.authenticator.identify(tuple, asked, now) {
            Ok(user) => user,
            Err(code) => return self.challenge(now, tuple, asked.subject, code),
        };
        let result = self.check_owner(tuple, asked, user.as_ref()).and_then(|()| match asked.subject.method {
            Method::Refresh => self.refresh(now, tuple, asked),
            Method::CreatePermission => self.create_permission(now, tuple, asked),
            Method::ChannelBind => self.bind_channel(now, tuple, asked),
            Method::Binding | Method::Allocate | Method::Send => Err(500),
        });
        match result {
            Ok(answer) => self.answer(tuple, answer, user.as_ref()),
            Err(420) => self.refuse_unknown(tuple, asked, user.as_ref()),
            Err(code) => self.refuse(tuple, asked.subject, code, user.as_ref()),
        }
    }

    fn check_owner(&self, tuple: FiveTuple, asked: &Incoming, user: Option<&LongTerm>) -> Result<(), u16> {
        let allocation = self.allocations.get(&tuple).filter(|allocation| allocation.is_open()).ok_or(437_u16)?;
        if allocation.username != user.map(LongTerm::username).unwrap_or_default() {
            return Err(441);
        }
        if asked.unknown.is_empty() { Ok(()) } else { Err(420) }
    }

    /// 401 and 438 come with what the next request needs; an error about the credentials is never signed.
    fn challenge(&mut self, now: Instant, tuple: FiveTuple, subject: Subject, code: u16) {
        let mut answer = Outgoing::error(subject, code);
        if matches!(code, 401 | 438) {
            answer = answer.nonce(&self.authenticator.nonce(tuple, now));
            if let Some(realm) = self.authenticator.realm() {
                answer = answer.realm(realm);
            }
        }
        self.answer(tuple, answer, None);
    }

    fn refuse(&mut self, tuple: FiveTuple, subject: Subject, code: u16, signer: Option<&LongTerm>) {
        self.answer(tuple, Outgoing::error(subject, code), signer);
    }

    fn refuse_unknown(&mut self, tuple: FiveTuple, asked: &Incoming, signer: Option<&LongTerm>) {
        self.answer(tuple, Outgoing::error(asked.subject, 420).unknown(&asked.unknown), signer);
    }

    fn answer(&mut self, tuple: FiveTuple, mut answer: Outgoing, signer: Option<&LongTerm>) {
        if let Some(software) = &self.config.software {
            answer = answer.software(software);
        }
        self.send_to_client(tuple, answer.seal(signer));
    }

    fn send_to_client(&mut self, tuple: FiveTuple, bytes: Vec<u8>) {
        if !self.passes(tuple, bytes.len()) {
            return;
        }
        let is_foreign = self.config.has(Fault::ReplyFromOtherAddress) || self.config.hostility == Some(Hostility::ForeignSource);
        let source = if is_foreign && tuple.transport == Transport::Udp { Source::Foreign } else { Source::Asked };
        let pieces = match self.config.hostility {
            Some(hostility) => hostility.distort(bytes),
            None => vec![bytes],
        };
        self.commands.extend(pieces.into_iter().map(|bytes| Command::ToClient { tuple, source, bytes }));
    }

    /// Whether the way between the client and the server lets a message through.
    fn passes(&mut self, tuple: FiveTuple, length: usize) -> bool {
        if tuple.transport.is_stream() {
            if !self.config.has(Fault::StreamCut) {
                return true;
            }
            let carried = self.carried.entry(tuple).or_default();
            *carried += length;
            return *carried <= STREAM_CUT_AFTER;
        }
        if self.config.has(Fault::TurnUdpClosed) || self.config.has(Fault::MtuBlackhole) && length > BLACKHOLE_MTU {
            return false;
        }
        !self.config.has(Fault::PacketLoss) || !is_lost(&mut self.random)
    }

    /// The client's address as an answer tells it.
    fn mapped(&self, tuple: FiveTuple) -> SocketAddr {
        if !self.config.has(Fault::MappedAddressPrivate) {
            return tuple.client;
        }
        // The gateway of a container network is what rewrites sources most often.
        let gateway: IpAddr = if tuple.client.is_ipv4() { [172, 17, 0, 1].into() } else { [0xFD00, 0, 0, 0, 0, 0, 0, 1].into() };
        SocketAddr::new(gateway, tuple.client.port())
    }

    fn new_id(&mut self) -> [u8; 12] {
        let mut id = [0; 12];
        self.random.fill_bytes(&mut id);
        id
    }
}
