//! The WebRTC peer without sockets and clock: a loop of callcheck's own around the core of the webrtc crate.
//!
//! The driver calls [`Peer::receive`] for each datagram and [`Peer::handle_timeout`] at [`Peer::next_timeout`], and after either
//! sends what [`Peer::poll_transmit`] gives and takes what [`Peer::poll_event`] tells. Nothing waits for another call: a
//! datagram's whole consequence is there when `receive` returns.

mod candidate;
mod checks;
mod connection;
mod description;
mod echo;
mod handshake;
mod media;
mod pump;
mod reception;
mod report;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rtc::sansio::Protocol as _;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use webrtc::data_channel::RTCDataChannelId;
use webrtc::peer_connection::{RTCIceCandidateInit, RTCPeerConnection, RTCSessionDescription};
use webrtc::rtp_transceiver::RTCRtpSenderId;

pub use self::candidate::Gathered;
use self::candidate::Offered;
use self::checks::{Checks, Way};
use self::echo::Echo;
use self::handshake::Handshake;
pub use self::media::Kind;
use self::media::Stream;
use self::reception::Reception;
use crate::model::call::{Candidate, Role, StateChange, StateKind, TrickledCandidate};
use crate::model::duration::whole_milliseconds;

/// The shortest time between two timeouts: the core's may lie in the past again and again.
const SHORTEST_SLEEP: Duration = Duration::from_millis(1);

/// What a peer is.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which end it is.
    pub role: Role,
    /// The moment from which its report counts.
    pub started: Instant,
    /// The numbers of its audio and its video stream (RFC 3550 §8.1): random ones.
    pub ssrcs: [u32; 2],
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The base that it leaves from: a host candidate's address, or a relayed one.
    pub from: SocketAddr,
    /// Where it goes.
    pub to: SocketAddr,
    /// What it carries.
    pub bytes: Vec<u8>,
}

/// What a peer tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A state changed.
    State(StateChange),
    /// A candidate to signal to the other side.
    Candidate(TrickledCandidate),
    /// The other side may be reached at this address: a relay needs a permission for it.
    RemoteAddress(SocketAddr),
    /// This pair carries the call now: the own base and the other side's address.
    Selected {
        /// The base that its packets leave from.
        from: SocketAddr,
        /// Where they go.
        to: SocketAddr,
    },
    /// The first packet of a remote track came.
    Track(Kind),
    /// The data channel is open.
    ChannelOpen,
    /// The data channel was closed, which is how a hang-up of the other side shows first.
    ChannelClosed,
}

/// Why a call can't go on from this side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// No peer connection could be set up.
    #[error("no peer connection could be set up: {0}")]
    Setup(String),
    /// A session description of the other side.
    #[error("the session description of the other side can't be used: {0}")]
    Description(String),
    /// An own session description.
    #[error("no session description could be made: {0}")]
    Own(String),
}

/// One peer of a call.
pub struct Peer {
    role: Role,
    started: Instant,
    connection: RTCPeerConnection,
    senders: [RTCRtpSenderId; 2],
    streams: [Stream; 2],
    /// By the negotiated numbers; none where the other side refused that kind.
    payload_types: [Option<u8>; 2],
    receptions: [Reception; 2],
    is_sending: bool,
    tracks: HashMap<String, Kind>,
    channel: Option<RTCDataChannelId>,
    echo: Echo,
    checks: Checks,
    handshake: Handshake,
    gathered: Vec<(Gathered, u64)>,
    untold: VecDeque<String>,
    mid: Option<String>,
    offered: Vec<(Candidate, Option<SocketAddr>)>,
    waiting: Vec<Offered>,
    is_described: bool,
    /// The ICE user names of the own description, and of the other side's.
    ufrags: [Vec<String>; 2],
    selected: Option<Way>,
    states: Vec<StateChange>,
    has_ended: bool,
    transmits: VecDeque<Transmit>,
    events: VecDeque<Event>,
    handled_at: Instant,
}

impl Peer {
    /// A peer that has done nothing yet.
    ///
    /// # Errors
    ///
    /// [`Unusable::Setup`] where the core refuses, for want of random numbers for instance.
    pub fn new(settings: &Settings, now: Instant) -> Result<Self, Unusable> {
        let (connection, senders) = connection::open(settings.ssrcs, now).map_err(|why| Unusable::Setup(why.to_string()))?;
        let [audio, video] = settings.ssrcs;
        let mut peer = Self {
            role: settings.role,
            started: settings.started,
            connection,
            senders,
            streams: [Stream::new(Kind::Audio, audio, now), Stream::new(Kind::Video, video, now)],
            payload_types: [None; 2],
            receptions: Kind::ALL.map(|kind| Reception::new(kind.clock())),
            is_sending: false,
            tracks: HashMap::new(),
            channel: None,
            echo: Echo::new(settings.role),
            checks: Checks::default(),
            handshake: Handshake::default(),
            gathered: Vec::new(),
            untold: VecDeque::new(),
            mid: None,
            offered: Vec::new(),
            waiting: Vec::new(),
            is_described: false,
            ufrags: [Vec::new(), Vec::new()],
            selected: None,
            states: Vec::new(),
            has_ended: false,
            transmits: VecDeque::new(),
            events: VecDeque::new(),
            handled_at: now,
        };
        peer.change(StateKind::IceConnection, "new", now);
        peer.change(StateKind::Connection, "new", now);
        Ok(peer)
    }

    /// Adds an own candidate; it is told by [`Event::Candidate`] once the own description is there.
    pub fn add_local(&mut self, candidate: Gathered, now: Instant) {
        self.begin_gathering(now);
        let likeness = candidate.likeness();
        let known = self.gathered.iter().position(|(earlier, _)| earlier.likeness() == likeness);
        let number = self.gathered.len();
        let line = candidate.line(u16::try_from(number).unwrap_or(u16::MAX), known.unwrap_or(number) + 1);
        let url = match &candidate {
            Gathered::Host { .. } => None,
            Gathered::Reflexive { url, .. } | Gathered::Relay { url, .. } => Some(url.clone()),
        };
        let at_ms = self.at_ms(now);
        self.gathered.push((candidate, at_ms));
        let init = RTCIceCandidateInit { candidate: line.clone(), url, ..RTCIceCandidateInit::default() };
        // The line is of this program's making, and the core reads every such one.
        _ = self.connection.add_local_candidate(init);
        self.untold.push_back(line);
        self.tell_candidates();
        self.follow_up(now);
    }

    /// No further own candidate will come.
    pub fn end_of_candidates(&mut self, now: Instant) {
        self.begin_gathering(now);
        // An empty candidate is the core's word for it, and no error.
        _ = self.connection.add_local_candidate(RTCIceCandidateInit::default());
        self.follow_up(now);
    }

    /// The offer, which opens the call.
    ///
    /// # Errors
    ///
    /// [`Unusable::Own`] where the core makes none.
    pub fn create_offer(&mut self, now: Instant) -> Result<String, Unusable> {
        let own = |why: rtc::shared::error::Error| Unusable::Own(why.to_string());
        let channel = self.connection.create_data_channel(connection::CHANNEL, None).map_err(own)?.id();
        self.channel = Some(channel);
        let offer = self.connection.create_offer(None).map_err(own)?;
        self.describe(offer, now)
    }

    /// Takes the other side's offer and gives the answer to it.
    ///
    /// # Errors
    ///
    /// [`Unusable::Description`] where the offer can't be read or suits no call.
    pub fn accept_offer(&mut self, sdp: &str, now: Instant) -> Result<String, Unusable> {
        self.take_description(sdp, RTCSessionDescription::offer, now)?;
        let answer = self.connection.create_answer(None).map_err(|why| Unusable::Own(why.to_string()))?;
        let answer = self.describe(answer, now)?;
        self.take_candidates(now);
        Ok(answer)
    }

    /// Takes the other side's answer.
    ///
    /// # Errors
    ///
    /// [`Unusable::Description`] where the answer can't be read or doesn't fit the offer.
    pub fn accept_answer(&mut self, sdp: &str, now: Instant) -> Result<(), Unusable> {
        self.take_description(sdp, RTCSessionDescription::answer, now)?;
        self.take_candidates(now);
        Ok(())
    }

    /// Takes a candidate of the other side, in the form of SDP; one that comes before the description waits for it.
    ///
    /// Nothing, an empty text, host names of mDNS and TCP are borne: the report lists them, and no check is sent to them.
    pub fn add_remote_candidate(&mut self, candidate: Option<&str>, now: Instant) {
        let Some(offered) = candidate.and_then(Offered::read) else { return };
        let described = offered.describe(self.at_ms(now));
        let known = |(earlier, _): &(Candidate, Option<SocketAddr>)| {
            earlier.kind == described.kind && earlier.address == described.address && earlier.protocol == described.protocol
        };
        if self.offered.iter().any(known) {
            return;
        }
        self.offered.push((described, offered.address()));
        self.waiting.push(offered);
        self.take_candidates(now);
    }

    /// Takes a datagram that came from `source` to the own base `at`.
    pub fn receive(&mut self, at: SocketAddr, source: SocketAddr, bytes: &[u8], now: Instant) {
        self.handshake.pass(bytes, handshake::Way::In);
        let is_check = self.checks.received((at, source), bytes, now);
        // Relayed data is UDP whatever the way to the server is.
        let transport =
            TransportContext { local_addr: at, peer_addr: source, transport_protocol: TransportProtocol::UDP, ecn: None };
        // What the core can't use it refuses; that tells nothing that the watch of checks and DTLS doesn't.
        _ = self.connection.handle_read(TaggedBytesMut { now, transport, message: bytes.into() });
        self.follow_up(now);
        if is_check {
            self.watch_selection();
        }
    }

    /// Whether an own candidate has this address.
    #[must_use]
    pub fn has_local(&self, address: SocketAddr) -> bool {
        self.gathered.iter().any(|(gathered, _)| gathered.address() == address)
    }

    /// Where the other side may be reached, as far as it told.
    #[must_use]
    pub fn remote_addresses(&self) -> Vec<SocketAddr> {
        self.usable().map(|(_, address)| address).collect()
    }

    /// The next datagram to send.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// Takes note that a datagram could not leave by this way: this host or the relay refused it.
    pub fn unsendable(&mut self, from: SocketAddr, to: SocketAddr) {
        self.checks.unsendable((from, to));
    }

    /// What there is to tell next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Peer::handle_timeout`] is due.
    pub fn next_timeout(&mut self) -> Option<Instant> {
        if self.has_ended {
            return None;
        }
        let streams = self.streams.iter().map(Stream::due).filter(|_| self.is_sending);
        let next = streams.chain(self.echo.due()).chain(self.connection.poll_timeout()).min()?;
        Some(next.max(self.handled_at + SHORTEST_SLEEP))
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.handled_at = now;
        // The core's errors here are about single packets.
        _ = self.connection.handle_timeout(now);
        self.send_media(now);
        self.send_echo(now);
        self.follow_up(now);
    }

    /// Ends in `failed` before the protocol does, for want of patience.
    pub fn give_up(&mut self, now: Instant) {
        for kind in [StateKind::IceConnection, StateKind::Connection] {
            let last = self.states.iter().rev().find(|change| change.kind == kind).map(|change| change.state.as_str());
            if !matches!(last, Some("connected" | "completed" | "failed")) {
                self.record(StateChange { at_ms: self.at_ms(now), kind, state: "failed".to_owned(), by_deadline: true });
            }
        }
        self.is_sending = false;
        self.has_ended = true;
    }

    /// Hangs up: what is still to be sent after it tells the other side.
    pub fn close(&mut self, now: Instant) {
        self.is_sending = false;
        self.echo.close();
        _ = self.connection.handle_timeout(now);
        _ = self.connection.close();
        self.follow_up(now);
        self.has_ended = true;
    }

    /// The own session description as the other side gets it.
    fn describe(&mut self, description: RTCSessionDescription, now: Instant) -> Result<String, Unusable> {
        let sdp = description::outgoing(&description.sdp);
        self.mid = description::first_mid(&sdp).map(str::to_owned);
        self.ufrags[0] = description::ufrags(&sdp);
        self.checks.are_signed_with(description::passwords(&sdp));
        self.connection.set_local_description(now, description).map_err(|why| Unusable::Own(why.to_string()))?;
        self.begin_gathering(now);
        self.tell_candidates();
        self.follow_up(now);
        Ok(sdp)
    }

    fn take_description(
        &mut self,
        sdp: &str,
        kind: fn(String) -> rtc::shared::error::Result<RTCSessionDescription>,
        now: Instant,
    ) -> Result<(), Unusable> {
        let unusable = |why: rtc::shared::error::Error| Unusable::Description(why.to_string());
        let (sdp, candidates) = description::incoming(sdp);
        self.ufrags[1] = description::ufrags(&sdp);
        let description = kind(sdp).map_err(unusable)?;
        self.connection.set_remote_description(now, description).map_err(unusable)?;
        self.is_described = true;
        for candidate in candidates {
            self.add_remote_candidate(Some(candidate), now);
        }
        self.follow_up(now);
        Ok(())
    }

    /// Hands the other side's candidates to the core, which takes none before the description.
    fn take_candidates(&mut self, now: Instant) {
        if !self.is_described {
            return;
        }
        for offered in std::mem::take(&mut self.waiting) {
            if offered.ufrag.as_ref().is_some_and(|ufrag| !self.ufrags[1].contains(ufrag)) {
                self.set_stale(&offered);
                continue;
            }
            let Some(address) = offered.address() else { continue };
            let candidate = format!("candidate:{}", offered.line);
            let init = RTCIceCandidateInit { candidate, ..RTCIceCandidateInit::default() };
            if self.connection.add_remote_candidate(init).is_ok() {
                self.events.push_back(Event::RemoteAddress(address));
            }
        }
        self.follow_up(now);
    }

    /// A candidate of another description, as from a call before: browsers refuse it.
    fn set_stale(&mut self, offered: &Offered) {
        let told = offered.describe(0);
        let is_it = |candidate: &&mut Candidate| candidate.kind == told.kind && candidate.address == told.address;
        self.offered.iter_mut().map(|(candidate, _)| candidate).filter(is_it).for_each(|candidate| candidate.stale = true);
    }

    /// The other side's candidates that checks are sent to.
    fn usable(&self) -> impl Iterator<Item = (&Candidate, SocketAddr)> {
        self.offered
            .iter()
            .filter(|(candidate, _)| !candidate.stale)
            .filter_map(|(candidate, address)| Some((candidate, (*address)?)))
    }

    /// Whether a check for this side names both descriptions of this call (RFC 8445 §7.2.2).
    fn is_of_this_call(&self, name: &str) -> bool {
        let [own, other] = &self.ufrags;
        let is_any_of = |known: &[String], ufrag: &str| known.is_empty() || known.iter().any(|known| known == ufrag);
        name.split_once(':').is_some_and(|(to, from)| is_any_of(own, to) && is_any_of(other, from))
    }

    fn begin_gathering(&mut self, now: Instant) {
        if !self.states.iter().any(|change| change.kind == StateKind::IceGathering) {
            self.change(StateKind::IceGathering, "gathering", now);
        }
    }

    fn tell_candidates(&mut self) {
        let Some(mid) = &self.mid else { return };
        for line in self.untold.drain(..) {
            let trickled = TrickledCandidate { candidate: Some(line), sdp_mid: Some(mid.clone()), sdp_m_line_index: Some(0) };
            self.events.push_back(Event::Candidate(trickled));
        }
    }

    fn change(&mut self, kind: StateKind, state: &str, now: Instant) {
        let is_known = self.states.iter().rev().find(|change| change.kind == kind).is_some_and(|change| change.state == state);
        if !is_known && !self.has_ended {
            self.record(StateChange { at_ms: self.at_ms(now), kind, state: state.to_owned(), by_deadline: false });
        }
    }

    fn record(&mut self, change: StateChange) {
        self.states.push(change.clone());
        self.events.push_back(Event::State(change));
    }

    fn at_ms(&self, now: Instant) -> u64 {
        whole_milliseconds(now.saturating_duration_since(self.started))
    }
}

#[cfg(test)]
mod tests;
