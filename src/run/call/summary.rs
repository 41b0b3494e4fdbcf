//! A peer's report in short, as rules judge it.

use std::net::{IpAddr, SocketAddr};

use crate::model::call::{Candidate, CandidateKind, Pair, Path, Peer, Role, StateKind, address_of};
use crate::model::fact::{CandidateCounts, IceEnd, PairFact, PeerFact};
use crate::probe::context::Context;
use crate::probe::ice_server::IceServer;

/// The most pairs that a fact lists; the report's `call` has them all.
const MOST_PAIRS: usize = 64;

/// What is known of a peer beside its own report.
pub struct Whole {
    pub path: Path,
    pub role: Role,
    pub relay_expected: bool,
    pub withheld: CandidateCounts,
    pub by_deadline: bool,
    pub has_lost_path: bool,
    pub described_ms: Option<u64>,
    pub media_ms: u64,
    /// When the attempt began, from the run's start.
    pub offset_ms: u64,
}

impl Whole {
    /// The fact.
    pub fn fact(&self, peer: &Peer) -> PeerFact {
        let since = |at: u64| at.saturating_sub(self.offset_ms);
        let pair = |pair: &Pair| PairFact {
            local: pair.local.kind,
            relay_protocol: pair.local.relay_protocol,
            remote: pair.remote.kind,
            within_server: within_server(pair),
            end: pair.end,
            code: pair.code,
            sent: pair.sent,
            received: pair.received,
        };
        PeerFact {
            path: self.path,
            role: self.role,
            relay_expected: self.relay_expected,
            gathered: counts(&peer.candidates),
            gathering_complete: peer.last(StateKind::IceGathering) == Some("complete"),
            withheld: self.withheld,
            received: counts(&peer.remote_candidates),
            remote_remapped: remote_remapped(peer),
            stale_candidates: peer.remote_candidates.iter().map(|candidate| u32::from(candidate.stale)).sum(),
            stale_checks: peer.stale_checks,
            ice: self.ice(peer),
            by_deadline: self.by_deadline,
            ice_connected_ms: peer.ice_connected_ms().map(since),
            connected_ms: peer.connected_ms().map(since),
            described_ms: self.described_ms,
            pairs: peer.pairs.iter().take(MOST_PAIRS).map(pair).collect(),
            dtls: peer.dtls.clone(),
            media: peer.media.clone(),
            media_ms: self.media_ms,
        }
    }

    fn ice(&self, peer: &Peer) -> IceEnd {
        let checked = peer.pairs.iter().any(|pair| pair.sent > 0 || pair.received > 0);
        match (peer.ice_connected_ms(), checked) {
            (Some(_), _) if self.has_lost_path => IceEnd::Lost,
            (Some(_), _) => IceEnd::Connected,
            (None, true) => IceEnd::NeverConnected,
            (None, false) => IceEnd::NotStarted,
        }
    }
}

/// What a check shows of the other side's NAT: it came from an address that is known, and from a port that isn't.
fn remote_remapped(peer: &Peer) -> Option<SocketAddr> {
    let addresses = |kind| peer.remote_candidates.iter().filter(move |it| it.kind == kind).filter_map(address_of);
    let reflexive: Vec<_> = addresses(CandidateKind::Srflx).collect();
    let unforeseen = peer.pairs.iter().filter(|pair| pair.remote.kind == CandidateKind::Prflx && pair.received > 0);
    let mut sources = unforeseen.filter_map(|pair| address_of(&pair.remote));
    sources.find(|source| !reflexive.contains(source) && reflexive.iter().any(|known| known.ip() == source.ip()))
}

/// Two relay candidates may be of one server under two addresses, and what a relay learns of may be another relay of its server.
fn within_server(pair: &Pair) -> bool {
    let address = |candidate| address_of(candidate).map(|address| address.ip());
    let is_relay = |candidate: &Candidate| candidate.kind == CandidateKind::Relay;
    is_relay(&pair.local) && (is_relay(&pair.remote) || address(&pair.local) == address(&pair.remote))
}

fn counts(candidates: &[Candidate]) -> CandidateCounts {
    let mut counts = CandidateCounts::default();
    for candidate in candidates {
        let count = match (candidate.kind, address_of(candidate)) {
            (CandidateKind::Host, None) => &mut counts.mdns,
            (CandidateKind::Host, Some(_)) => &mut counts.host,
            (CandidateKind::Srflx | CandidateKind::Prflx, _) => &mut counts.srflx,
            (CandidateKind::Relay, _) => &mut counts.relay,
        };
        *count += 1;
    }
    counts
}

/// The candidates that the policy `all` would have beside: the addresses that this host sends from.
pub fn withheld(context: &Context, path: Path, servers: &[IceServer]) -> CandidateCounts {
    if path.includes_host() {
        return CandidateCounts::default();
    }
    let own = crate::probe::call::own_addresses(context, servers);
    let host = own.iter().filter(|address: &&IpAddr| !address.is_unspecified()).count();
    CandidateCounts { host: u32::try_from(host).unwrap_or(u32::MAX), ..CandidateCounts::default() }
}
