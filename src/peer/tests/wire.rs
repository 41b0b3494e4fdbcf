//! A wire in memory between two peers, and the signaling line beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::model::call::{self, Role, TrickledCandidate};
use crate::model::endpoint::Transport;
use crate::peer::{Event, Gathered, Peer, Settings};

/// The peers by their numbers.
pub const CALLER: usize = 0;
pub const CALLEE: usize = 1;

/// A host candidate of a peer.
pub fn host(peer: usize) -> Gathered {
    Gathered::Host { address: address(peer, 1, 5000) }
}

/// A relay candidate of a peer.
pub fn relay(peer: usize, transport: Transport) -> Gathered {
    Gathered::Relay { relayed: address(peer, 100, 50_000), transport, url: "turn:turn.example.org:3478".to_owned() }
}

fn address(peer: usize, place: u8, port: u16) -> SocketAddr {
    let network = if peer == CALLER { [192, 0, 2] } else { [198, 51, 100] };
    SocketAddr::from(([network[0], network[1], network[2], place], port))
}

/// A wire between two peers.
pub struct Wire {
    started: Instant,
    now: Instant,
    latency: Duration,
    peers: Vec<Peer>,
    events: [Vec<Event>; 2],
    sent: [Vec<Vec<u8>>; 2],
    descriptions: Vec<String>,
    under_way: BTreeMap<(Instant, u64), Datagram>,
    number: u64,
    is_cut: bool,
    dropped_every: Option<u64>,
    lost: BTreeSet<SocketAddr>,
    translations: Vec<(SocketAddr, SocketAddr)>,
    spoils_fingerprints: bool,
    /// Whose candidates may be handed over already.
    signals: bool,
}

struct Datagram {
    from: SocketAddr,
    to: SocketAddr,
    bytes: Vec<u8>,
}

impl Wire {
    pub fn new(latency: Duration) -> Self {
        let started = Instant::now();
        let peer = |role, ssrc| {
            Peer::new(&Settings { role, started, ssrcs: [ssrc, ssrc + 1] }, started).expect("the core can be set up")
        };
        Self {
            started,
            now: started,
            latency,
            peers: vec![peer(Role::Caller, 10), peer(Role::Callee, 20)],
            events: [Vec::new(), Vec::new()],
            sent: [Vec::new(), Vec::new()],
            descriptions: Vec::new(),
            under_way: BTreeMap::new(),
            number: 0,
            is_cut: false,
            dropped_every: None,
            lost: BTreeSet::new(),
            translations: Vec::new(),
            spoils_fingerprints: false,
            signals: true,
        }
    }

    /// Offer, answer and candidates, as fast as signaling can be.
    pub fn call(&mut self, candidates: [Vec<Gathered>; 2]) {
        self.gather(candidates);
        let offer = self.peers[CALLER].create_offer(self.now).expect("an offer");
        self.answer(&offer);
    }

    /// The caller's candidates overtake its offer.
    pub fn call_with_early_candidates(&mut self, candidates: [Vec<Gathered>; 2]) {
        self.gather(candidates);
        let offer = self.peers[CALLER].create_offer(self.now).expect("an offer");
        self.settle();
        self.answer(&offer);
    }

    /// Peers that don't trickle.
    pub fn call_with_candidates_inside(&mut self, candidates: [Vec<Gathered>; 2]) {
        self.signals = false;
        let lines: Vec<String> = candidates.iter().map(|own| format!("a={}\r\n", own[0].line(0, 1))).collect();
        self.gather(candidates);
        let offer = self.peers[CALLER].create_offer(self.now).expect("an offer") + &lines[CALLER];
        let answer = self.peers[CALLEE].accept_offer(&offer, self.now).expect("an answer") + &lines[CALLEE];
        self.peers[CALLER].accept_answer(&answer, self.now).expect("it fits");
        self.settle();
    }

    fn gather(&mut self, candidates: [Vec<Gathered>; 2]) {
        for (peer, own) in candidates.into_iter().enumerate() {
            for candidate in own {
                self.peers[peer].add_local(candidate, self.now);
            }
            self.peers[peer].end_of_candidates(self.now);
        }
    }

    fn answer(&mut self, offer: &str) {
        let offer = self.spoiled(offer);
        let answer = self.peers[CALLEE].accept_offer(&offer, self.now).expect("an answer");
        let answer = self.spoiled(&answer);
        self.peers[CALLER].accept_answer(&answer, self.now).expect("it fits");
        self.descriptions = vec![offer, answer];
        self.settle();
    }

    fn spoiled(&self, sdp: &str) -> String {
        let swap = |line: &str| {
            let Some(hex) = line.strip_prefix("a=fingerprint:sha-256 ").filter(|_| self.spoils_fingerprints) else {
                return format!("{line}\r\n");
            };
            format!("a=fingerprint:sha-256 {}{}\r\n", if hex.starts_with("00") { "11" } else { "00" }, &hex[2..])
        };
        sdp.lines().map(swap).collect()
    }

    /// Hands a peer a candidate as it came through signaling.
    pub fn hand(&mut self, peer: usize, candidate: Option<&str>) {
        self.peers[peer].add_remote_candidate(candidate, self.now);
    }

    pub fn cut(&mut self) {
        self.is_cut = true;
    }

    pub fn mend(&mut self) {
        self.is_cut = false;
    }

    /// One in so many.
    pub fn drop_every(&mut self, distance: u64) {
        self.dropped_every = Some(distance);
    }

    pub fn lose(&mut self, to: SocketAddr) {
        self.lost.insert(to);
    }

    /// A NAT with one mapping.
    pub fn translate(&mut self, inside: SocketAddr, outside: SocketAddr) {
        self.translations.push((inside, outside));
    }

    pub fn spoil_fingerprints(&mut self) {
        self.spoils_fingerprints = true;
    }

    pub fn give_up(&mut self, peer: usize) {
        self.peers[peer].give_up(self.now);
    }

    pub fn close(&mut self, peer: usize) {
        self.peers[peer].close(self.now);
        self.settle();
    }

    pub fn report(&self, peer: usize) -> call::Peer {
        self.peers[peer].report()
    }

    pub fn events(&self, peer: usize) -> &[Event] {
        &self.events[peer]
    }

    pub fn sent_by(&self, peer: usize) -> &[Vec<u8>] {
        &self.sent[peer]
    }

    pub fn descriptions(&self) -> Vec<&str> {
        self.descriptions.iter().map(String::as_str).collect()
    }

    /// The candidates that a peer signaled.
    pub fn told(&self, peer: usize) -> Vec<&str> {
        let lines = self.events[peer].iter().filter_map(|event| {
            let Event::Candidate(TrickledCandidate { candidate, .. }) = event else { return None };
            candidate.as_deref()
        });
        lines.collect()
    }

    /// Lets time pass.
    pub fn run(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.settle();
            let arrival = self.under_way.keys().next().map(|(at, _)| *at);
            let timeouts = self.peers.iter_mut().filter_map(Peer::next_timeout);
            let Some(next) = timeouts.chain(arrival).min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            while let Some(entry) = self.under_way.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let datagram = entry.remove();
                self.deliver(&datagram);
            }
            for peer in &mut self.peers {
                if peer.next_timeout().is_some_and(|due| due <= self.now) {
                    peer.handle_timeout(self.now);
                }
            }
        }
        self.now = end;
        assert!(self.now >= self.started);
    }

    fn deliver(&mut self, datagram: &Datagram) {
        let inside = self.translations.iter().find(|(_, outside)| *outside == datagram.to).map(|(inside, _)| *inside);
        let at = inside.unwrap_or(datagram.to);
        let peer = usize::from(at.ip().to_string().starts_with("198."));
        self.peers[peer].receive(at, datagram.from, &datagram.bytes, self.now);
        self.settle();
    }

    /// Takes what the peers send and tell.
    fn settle(&mut self) {
        loop {
            let mut is_quiet = true;
            for peer in [CALLER, CALLEE] {
                while let Some(transmit) = self.peers[peer].poll_transmit() {
                    is_quiet = false;
                    self.sent[peer].push(transmit.bytes.clone());
                    self.number += 1;
                    // Scattered, so that no rhythm of the streams meets that of the losses.
                    let scattered = self.number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
                    let dropped = self.dropped_every.is_some_and(|distance| scattered.is_multiple_of(distance));
                    if self.is_cut || dropped || self.lost.contains(&transmit.to) {
                        continue;
                    }
                    let outside = self.translations.iter().find(|(inside, _)| *inside == transmit.from);
                    let from = outside.map_or(transmit.from, |(_, outside)| *outside);
                    let datagram = Datagram { from, to: transmit.to, bytes: transmit.bytes };
                    self.under_way.insert((self.now + self.latency, self.number), datagram);
                }
                while let Some(event) = self.peers[peer].poll_event() {
                    is_quiet = false;
                    if let Event::Candidate(candidate) = &event
                        && self.signals
                    {
                        self.peers[1 - peer].add_remote_candidate(candidate.candidate.as_deref(), self.now);
                    }
                    self.events[peer].push(event);
                }
            }
            if is_quiet {
                return;
            }
        }
    }
}
