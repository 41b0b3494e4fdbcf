//! The attempts to call, each with its signaling and the peers that ran here.

use super::evidence::{Evidence, Seen};
use crate::model::call::{DtlsEnd, Path, Role};
use crate::model::fact::{ExchangeFact, IceEnd, PeerFact};

/// One attempt to call.
pub struct Attempt<'a> {
    /// Which candidates it allowed.
    pub path: Path,
    /// Its signaling.
    pub exchange: Option<Seen<'a, ExchangeFact>>,
    /// The peers that ran here.
    pub peers: Vec<Seen<'a, PeerFact>>,
}

impl<'a> Attempt<'a> {
    /// All attempts, in their order.
    #[must_use]
    pub fn all(evidence: &Evidence<'a>) -> Vec<Self> {
        let mut attempts: Vec<Self> = Vec::new();
        for exchange in evidence.exchanges() {
            attempts.push(Self { path: exchange.fact.path, exchange: Some(exchange), peers: Vec::new() });
        }
        for peer in evidence.peers() {
            let path = peer.fact.path;
            match attempts.iter_mut().find(|attempt| attempt.path == path) {
                Some(attempt) => attempt.peers.push(peer),
                None => attempts.push(Self { path, exchange: None, peers: vec![peer] }),
            }
        }
        attempts
    }

    /// Whether every peer that ran here was connected, DTLS included.
    #[must_use]
    pub fn connected(&self) -> bool {
        !self.peers.is_empty() && self.peers.iter().all(|peer| peer.fact.dtls.end == DtlsEnd::Connected)
    }

    /// Whether every peer that ran here was connected until the end and got media.
    #[must_use]
    pub fn carries(&self) -> bool {
        self.connected() && self.peers.iter().all(|peer| peer.fact.ice == IceEnd::Connected && peer.fact.hears())
    }

    /// A peer, where it ran here.
    #[must_use]
    pub fn peer(&self, role: Role) -> Option<Seen<'a, PeerFact>> {
        self.peers.iter().find(|peer| peer.fact.role == role).copied()
    }

    /// Everything that was seen of it.
    #[must_use]
    pub fn cite(&self) -> Vec<String> {
        let exchange = self.exchange.iter().map(|seen| seen.cite());
        exchange.chain(self.peers.iter().map(|seen| seen.cite())).collect()
    }
}
