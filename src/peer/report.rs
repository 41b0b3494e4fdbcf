//! A peer as the report has it: candidates, pairs with their checks, DTLS, media.

use std::net::SocketAddr;

use super::candidate::Gathered;
use super::checks::Way;
use super::media::Kind;
use super::{Peer, Reception, Stream};
use crate::model::call::{self, Candidate, CandidateKind, Media, MediaFlow, Pair, PairEnd, RoundTrip};
use crate::model::duration::milliseconds;

impl Peer {
    /// All that was seen so far.
    #[must_use]
    pub fn report(&self) -> call::Peer {
        let pairs = self.pairs();
        call::Peer {
            states: self.states.clone(),
            candidates: self.gathered.iter().map(|(gathered, at_ms)| gathered.describe(*at_ms)).collect(),
            remote_candidates: self.offered.iter().map(|(candidate, _)| candidate.clone()).collect(),
            stale_checks: self.checks.of_another_call(|name| self.is_of_this_call(name)),
            selected_pair: pairs.iter().find(|pair| pair.end == PairEnd::Selected).cloned(),
            pairs,
            dtls: self.handshake.report(|at| self.at_ms(at)),
            media: self.media(),
        }
    }

    /// Which end it is.
    #[must_use]
    pub fn role(&self) -> call::Role {
        self.role
    }

    /// Every pair that ICE forms: of one family, and one pair a base, since a reflexive candidate's checks leave from its base (RFC
    /// 8445 §6.1.2.4).
    fn pairs(&self) -> Vec<Pair> {
        let mut remotes: Vec<(Candidate, SocketAddr)> =
            self.usable().map(|(candidate, address)| (candidate.clone(), address)).collect();
        for (_, address) in self.checks.ways() {
            if !remotes.iter().any(|(_, known)| *known == address) {
                remotes.push((self.learned(address), address));
            }
        }
        let mut pairs = Vec::new();
        for (local, at_ms) in self.bases() {
            for (remote, address) in remotes.iter().filter(|(_, address)| address.is_ipv4() == local.base().is_ipv4()) {
                pairs.push(self.pair((local.base(), *address), local.describe(at_ms), remote.clone()));
            }
        }
        pairs
    }

    /// The candidates with a base of their own; a reflexive one where its host candidate isn't used.
    fn bases(&self) -> Vec<(&Gathered, u64)> {
        let mut bases: Vec<(&Gathered, u64)> = Vec::new();
        for (gathered, at_ms) in &self.gathered {
            if !bases.iter().any(|(known, _)| known.base() == gathered.base()) {
                bases.push((gathered, *at_ms));
            }
        }
        bases
    }

    /// A candidate that only the other side's checks told of.
    fn learned(&self, address: SocketAddr) -> Candidate {
        Candidate {
            kind: CandidateKind::Prflx,
            address: address.to_string(),
            protocol: "udp".to_owned(),
            relay_protocol: None,
            url: None,
            stale: false,
            at_ms: self.checks.first_seen(address).map_or(0, |at| self.at_ms(at)),
        }
    }

    fn pair(&self, way: Way, local: Candidate, remote: Candidate) -> Pair {
        let tally = self.checks.of(way);
        let end = if self.selected == Some(way) { PairEnd::Selected } else { tally.end() };
        Pair {
            local,
            remote,
            end,
            code: tally.code,
            sent: tally.sent,
            answered: tally.answered,
            received: tally.received,
            rtt_ms: tally.rtt.map(milliseconds),
        }
    }

    fn media(&self) -> Media {
        let flow = |kind: Kind| self.flow(&self.streams[kind as usize], &self.receptions[kind as usize]);
        Media {
            audio: Some(flow(Kind::Audio)),
            video: Some(flow(Kind::Video)),
            data_channel_rtt_ms: self.echo.shortest().map(milliseconds),
            round_trips: self.round_trips(),
        }
    }

    fn flow(&self, stream: &Stream, reception: &Reception) -> MediaFlow {
        MediaFlow {
            packets_sent: stream.sent,
            packets_received: reception.packets,
            lost: reception.lost(),
            jitter_ms: milliseconds(reception.jitter()),
            first_packet_ms: reception.first_at.map(|at| self.at_ms(at)),
        }
    }

    fn round_trips(&self) -> Vec<RoundTrip> {
        let trips = self.echo.trips.iter();
        trips.map(|(at, trip)| RoundTrip { at_ms: self.at_ms(*at), rtt_ms: milliseconds(*trip) }).collect()
    }
}
