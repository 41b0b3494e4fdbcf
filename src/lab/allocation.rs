//! One allocation of the server: its relayed address, permissions and channels, each with its end (RFC 8656 §3).

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::ports::Parity;
use crate::proto::authentication::LongTerm;
use crate::proto::incoming::Subject;

/// How long a permission lives (RFC 8656 §9).
pub const PERMISSION_LIFETIME: Duration = Duration::from_mins(5);

/// How long a channel lives (RFC 8656 §12).
pub const CHANNEL_LIFETIME: Duration = Duration::from_mins(10);

/// How many peers a firewall remembers for an allocation.
const REMEMBERED_PEERS: usize = 4096;

/// A relayed address, inside and outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Relayed {
    /// The socket's own address.
    pub bound: SocketAddr,
    /// What the client is told.
    pub advertised: SocketAddr,
}

/// Whether the relay port is open yet.
#[derive(Clone, Debug)]
pub enum Stage {
    /// The host was asked to open the port.
    Opening {
        /// Which ports will do.
        parity: Parity,
        /// How many were tried.
        tries: u32,
        /// Who signs the answer.
        signer: Option<LongTerm>,
    },
    /// It is open.
    Open,
}

/// An allocation.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// Its user; empty on an open relay.
    pub username: String,
    /// The Allocate that made it, to answer a retransmission alike.
    pub made_by: Subject,
    /// Its relayed address.
    pub relayed: Relayed,
    /// The number of the relay address in the configuration.
    pub relay: usize,
    /// Whether the port is open.
    pub stage: Stage,
    /// When it ends.
    pub expires: Instant,
    permissions: BTreeMap<IpAddr, Instant>,
    channels: BTreeMap<u16, Channel>,
    contacted: BTreeSet<SocketAddr>,
}

#[derive(Clone, Debug)]
struct Channel {
    peer: SocketAddr,
    expires: Instant,
}

/// The channel or the peer is bound otherwise already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict;

impl Allocation {
    /// An allocation whose port is still to be opened.
    #[must_use]
    pub fn new(
        signer: Option<LongTerm>,
        made_by: Subject,
        relay: usize,
        relayed: Relayed,
        parity: Parity,
        expires: Instant,
    ) -> Self {
        Self {
            username: signer.as_ref().map(|user| user.username().to_owned()).unwrap_or_default(),
            made_by,
            relayed,
            relay,
            stage: Stage::Opening { parity, tries: 1, signer },
            expires,
            permissions: BTreeMap::new(),
            channels: BTreeMap::new(),
            contacted: BTreeSet::new(),
        }
    }

    /// Whether data can flow.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.stage {
            Stage::Opening { .. } => false,
            Stage::Open => true,
        }
    }

    /// Lets a peer's address send, for five minutes from now.
    pub fn permit(&mut self, peer: IpAddr, now: Instant) {
        self.permissions.retain(|_, expires| *expires > now);
        self.permissions.insert(peer, now + PERMISSION_LIFETIME);
    }

    /// Whether a peer's address may send.
    #[must_use]
    pub fn permits(&self, peer: IpAddr, now: Instant) -> bool {
        self.permissions.get(&peer).is_some_and(|expires| *expires > now)
    }

    /// Binds a channel to a peer, or prolongs it, and lets the peer send.
    ///
    /// # Errors
    ///
    /// [`Conflict`] where either belongs to another (RFC 8656 §12.2).
    pub fn bind(&mut self, number: u16, peer: SocketAddr, now: Instant) -> Result<(), Conflict> {
        self.channels.retain(|_, channel| channel.expires > now);
        let conflicts = |(known, channel): (&u16, &Channel)| (*known == number) != (channel.peer == peer);
        if self.channels.iter().any(conflicts) {
            return Err(Conflict);
        }
        self.channels.insert(number, Channel { peer, expires: now + CHANNEL_LIFETIME });
        self.permit(peer.ip(), now);
        Ok(())
    }

    /// The peer of a channel.
    #[must_use]
    pub fn peer_of(&self, number: u16, now: Instant) -> Option<SocketAddr> {
        self.channels.get(&number).filter(|channel| channel.expires > now).map(|channel| channel.peer)
    }

    /// The channel of a peer.
    #[must_use]
    pub fn channel_to(&self, peer: SocketAddr, now: Instant) -> Option<u16> {
        self.channels.iter().find(|(_, channel)| channel.peer == peer && channel.expires > now).map(|(number, _)| *number)
    }

    /// Remembers that something was sent to a peer.
    pub fn contact(&mut self, peer: SocketAddr) {
        if self.contacted.len() < REMEMBERED_PEERS {
            self.contacted.insert(peer);
        }
    }

    /// Whether something was sent to a peer.
    #[must_use]
    pub fn has_contacted(&self, peer: SocketAddr) -> bool {
        self.contacted.contains(&peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::incoming::Method;

    fn allocation(now: Instant) -> Allocation {
        let address = "203.0.113.10:50000".parse().expect("an address");
        let subject = Subject { method: Method::Allocate, id: [0; 12], fingerprint: false };
        let relayed = Relayed { bound: address, advertised: address };
        Allocation::new(None, subject, 0, relayed, Parity::Any, now + Duration::from_mins(10))
    }

    #[test]
    fn a_permission_ends_after_five_minutes() {
        let start = Instant::now();
        let mut allocation = allocation(start);
        let peer = [192, 0, 2, 1].into();
        allocation.permit(peer, start);
        assert!(allocation.permits(peer, start + Duration::from_secs(299)));
        assert!(!allocation.permits(peer, start + Duration::from_mins(5)));
    }

    #[test]
    fn a_channel_belongs_to_one_peer_and_a_peer_to_one_channel() {
        let now = Instant::now();
        let mut allocation = allocation(now);
        let (one, other) = ("192.0.2.1:9".parse().expect("an address"), "192.0.2.1:10".parse().expect("an address"));
        assert_eq!(allocation.bind(0x4000, one, now), Ok(()));
        assert_eq!(allocation.bind(0x4000, one, now), Ok(()));
        assert_eq!(allocation.bind(0x4000, other, now), Err(Conflict));
        assert_eq!(allocation.bind(0x4001, one, now), Err(Conflict));
        assert_eq!(allocation.channel_to(one, now), Some(0x4000));
        assert_eq!(allocation.peer_of(0x4000, now + CHANNEL_LIFETIME), None);
    }
}
