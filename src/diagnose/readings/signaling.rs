//! The signaling of a call: the gateway, and what it does with the messages.
//!
//! What failed in one attempt is not mended by another that went well: of several attempts the worst counts.

use super::gateway::gateway;
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Seen};
use crate::model::call::{DtlsEnd, Path, Role};
use crate::model::fact::{Ended, ExchangeFact, Fact, Forwarded, IceEnd, PeerFact};

/// Words by which gateways say that nobody is there to take the call.
const ABSENT: [&str; 6] = ["offline", "not online", "not connected", "unavailable", "not available", "не в сети"];

/// Words by which gateways say that nobody has answered in time.
const UNANSWERED: [&str; 7] = ["no-answer", "no answer", "not answer", "timeout", "timed out", "missed", "не отвечает"];

/// How long a message may be under way, in milliseconds: an end of the call that comes sooner may have crossed it.
pub const UNDER_WAY_MS: u64 = 1000;

/// The reasons that callcheck's own end of a call gives; a gateway passes them on to the other end, which may run here too.
const OWN_REASONS: [&str; 2] = ["hangup", "failed"];

/// An end of the call that comes sooner than this, in milliseconds, leaves nobody the time to answer.
const SOON_MS: u64 = 5000;

/// What forwarding may take, in milliseconds.
const SLOW_MS: u64 = 1000;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    super::gateway::read(run, readings);
    settle(super::gateway::sockets(run), readings);
    let mut seen = Vec::new();
    for attempt in Attempt::all(run) {
        exchange(&attempt, &mut seen);
    }
    settle(seen, readings);
}

/// One attempt to call that counts: its signaling, and the peers that ran here.
pub struct Attempt<'a> {
    /// Which candidates it allowed.
    pub path: Path,
    /// Its signaling.
    pub exchange: Option<Seen<'a, ExchangeFact>>,
    /// The peers.
    pub peers: Vec<Seen<'a, PeerFact>>,
}

impl<'a> Attempt<'a> {
    /// All of them. A path that was tried for the matrix alone is nobody's call.
    #[must_use]
    pub fn all(run: &Run<'a>) -> Vec<Self> {
        let mut attempts: Vec<Self> = Vec::new();
        for seen in run.facts(|fact| if let Fact::Exchange(it) = fact { Some(it) } else { None }) {
            attempts.push(Self { path: seen.fact.path, exchange: Some(seen), peers: Vec::new() });
        }
        for peer in run.facts(|fact| if let Fact::Peer(it) = fact { Some(it) } else { None }) {
            match attempts.iter_mut().find(|attempt| attempt.path == peer.fact.path) {
                Some(attempt) => attempt.peers.push(peer),
                None => attempts.push(Self { path: peer.fact.path, exchange: None, peers: vec![peer] }),
            }
        }
        attempts.retain(|attempt| run.asked.counts(attempt.path));
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

    /// Whether both ends ran here.
    #[must_use]
    pub fn sees_both(&self) -> bool {
        self.exchange.is_some_and(|seen| seen.fact.sees_both())
    }

    /// Whether nobody ended it from elsewhere until so many milliseconds after its start, and the gateway took it.
    #[must_use]
    pub fn lasted(&self, until_ms: u64) -> bool {
        self.exchange.is_none_or(|seen| seen.fact.refusal.is_none() && lasted(seen.fact, until_ms))
    }

    /// Everything that was seen of it.
    #[must_use]
    pub fn evidence(&self) -> Vec<usize> {
        self.exchange.iter().map(|seen| seen.at).chain(self.peers.iter().map(|peer| peer.at)).collect()
    }
}

/// Adds readings of several attempts, the worst of each kind and place.
pub fn settle(seen: Vec<Reading>, readings: &mut Readings) {
    let rank = |reading: &Reading| match reading.state {
        State::Holds => 2,
        State::Broken(Manner::Survived) => 1,
        State::Broken(_) => 0,
    };
    let mut worst: Vec<Reading> = Vec::new();
    for reading in seen {
        match worst.iter_mut().find(|known| known.what == reading.what && known.place == reading.place) {
            Some(known) if known.state == reading.state => known.evidence.extend(reading.evidence),
            Some(known) if rank(&reading) < rank(known) => *known = reading,
            Some(_) => {}
            None => worst.push(reading),
        }
    }
    for reading in worst {
        readings.add(reading);
    }
}

/// A length of time as sentences have it, in seconds.
pub fn seconds(ms: u64) -> String {
    if ms < 10_000 { format!("{}.{}", ms / 1000, ms % 1000 / 100) } else { (ms / 1000).to_string() }
}

/// What the gateway did with the messages of one attempt. Where it refused the call, or lost a connection, nothing that is missing tells more.
fn exchange(attempt: &Attempt<'_>, seen: &mut Vec<Reading>) {
    let Some(exchange) = attempt.exchange else { return };
    let fact = exchange.fact;
    let of = |what, state| gateway(what, state, vec![exchange.at]).saying("path", fact.path.name());
    let held = |what| of(what, State::Holds);
    let broken = |what, manner| of(what, State::Broken(manner));
    if let Some(slowest) = fact.slowest_ms {
        let state = if slowest > SLOW_MS { State::Broken(Manner::Slow) } else { State::Holds };
        seen.push(of(What::Prompt, state).saying("seconds", seconds(slowest)));
    }
    if let Some(refusal) = &fact.refusal {
        let manner = if speaks_of_absence(&refusal.message) { Manner::Missing } else { Manner::Refused };
        let reading = broken(What::Accepts, manner).saying("role", refusal.role.name());
        return seen.push(reading.saying("words", refusal.message.as_str()));
    }
    if fact.answer.received || fact.offer.received {
        seen.push(held(What::Accepts));
        seen.push(held(What::Offer));
    }
    if fact.answer.received {
        seen.push(held(What::Answer));
    }
    intact(attempt, &of, seen);
    if !fact.lost.is_empty() {
        let who = if let [one] = fact.lost[..] { one.name() } else { "both" };
        let manner = if attempt.carries() { Manner::Survived } else { Manner::Closed };
        let reading = broken(What::SocketLasts, manner).saying("role", who);
        return seen.push(Reading { evidence: attempt.evidence(), ..reading });
    }
    if fact.answer.received {
        seen.push(held(What::SocketLasts));
    }
    if let Some(manner) = offer_lost(fact) {
        return seen.push(broken(What::Offer, manner));
    }
    if let Some(manner) = answer_lost(fact) {
        let reading = broken(What::Answer, manner);
        seen.push(match ended_elsewhere(fact) {
            Some(ended) => told(reading, ended),
            None => reading,
        });
    }
    ended(fact, &of, seen);
    if fact.sees_both() && fact.answer.received && had_time(fact) {
        let ways = [
            (What::CallerCandidates, Role::Caller, fact.caller_candidates),
            (What::CalleeCandidates, Role::Callee, fact.callee_candidates),
        ];
        for (what, role, way) in ways {
            candidates(attempt, of(what, State::Holds).saying("role", role.name()), way, seen);
        }
    }
}

fn told(reading: Reading, ended: &Ended) -> Reading {
    let reading = reading.saying("seconds", seconds(ended.after_ms)).saying("role", ended.role.name());
    if ended.reason.is_empty() { reading } else { reading.saying("words", ended.reason.as_str()) }
}

/// Whether both descriptions arrive as they were sent. From one end alone only what is no description at all can be told.
fn intact(attempt: &Attempt<'_>, of: &dyn Fn(What, State) -> Reading, seen: &mut Vec<Reading>) {
    let Some(exchange) = attempt.exchange else { return };
    let fact = exchange.fact;
    for (what, way) in [(What::OfferIntact, &fact.offer), (What::AnswerIntact, &fact.answer)] {
        let manner = match (&way.altered, &way.unusable) {
            (Some(_), _) | (None, Some(_)) if attempt.carries() => Manner::Survived,
            (Some(_), _) => Manner::Altered,
            (None, Some(_)) if fact.sees_both() => Manner::Altered,
            (None, Some(_)) => Manner::Unusable,
            (None, None) => {
                if fact.sees_both() && way.received {
                    seen.push(of(what, State::Holds));
                }
                continue;
            }
        };
        let kind = if way.altered.is_some() { "altered" } else { "unusable" };
        let words = way.altered.as_deref().or(way.unusable.as_deref()).unwrap_or_default();
        let reading = of(what, State::Broken(manner)).saying("words", words).saying("reason", kind);
        seen.push(Reading { evidence: attempt.evidence(), ..reading });
    }
}

/// How an offer was lost, where both ends ran here: the callee's connection stood, and nothing came.
fn offer_lost(fact: &ExchangeFact) -> Option<Manner> {
    if !fact.sees_both() || !fact.offer.sent || fact.offer.received || fact.answer.received {
        return None;
    }
    match ended_elsewhere(fact) {
        None => Some(Manner::Silent),
        Some(ended) if ended.after_ms > fact.offer.sent_ms.unwrap_or_default() + UNDER_WAY_MS => Some(Manner::Ended),
        Some(_) => Some(Manner::EndedEarly),
    }
}

/// How an answer was lost.
fn answer_lost(fact: &ExchangeFact) -> Option<Manner> {
    if fact.answer.received {
        return None;
    }
    if fact.sees_both() {
        return match ended_elsewhere(fact) {
            _ if fact.answer.sent && had_time(fact) => Some(Manner::Silent),
            Some(ended) if !ended.answered => Some(Manner::Ended),
            Some(_) | None => None,
        };
    }
    if fact.answer.sent {
        let crosses = |ended: &Ended| {
            let reason = ended.reason.to_lowercase();
            ended.answered
                && fact.answer.sent_ms.is_some_and(|sent| ended.after_ms <= sent + UNDER_WAY_MS)
                && UNANSWERED.iter().any(|word| reason.contains(word))
        };
        return ended_elsewhere(fact).filter(|ended| crosses(ended)).map(|_| Manner::Crossed);
    }
    if !fact.offer.sent {
        return None;
    }
    match ended_elsewhere(fact) {
        None => Some(Manner::Unanswered),
        Some(ended) if ended.answered => None,
        // Who says that nobody is there has not waited for an answer.
        Some(ended) if speaks_of_absence(&ended.reason) || ended.after_ms >= SOON_MS => Some(Manner::EndedLate),
        Some(_) => Some(Manner::EndedEarly),
    }
}

/// Whether the answer had the time to arrive before the gateway ended the call.
fn had_time(fact: &ExchangeFact) -> bool {
    lasted(fact, fact.answer.sent_ms.unwrap_or_default() + UNDER_WAY_MS)
}

/// The end of a call that somebody else has ended.
fn ended_elsewhere(fact: &ExchangeFact) -> Option<&Ended> {
    fact.ended.as_ref().filter(|ended| !fact.sees_both() || !OWN_REASONS.contains(&ended.reason.as_str()))
}

fn lasted(fact: &ExchangeFact, until_ms: u64) -> bool {
    ended_elsewhere(fact).is_none_or(|ended| ended.after_ms > until_ms)
}

/// An end that neither end has asked for. Where one end is somebody else's, he may have hung up. What the callee is told may be the caller's
/// own end, in words of the gateway's.
fn ended(fact: &ExchangeFact, of: &dyn Fn(What, State) -> Reading, seen: &mut Vec<Reading>) {
    if !fact.sees_both() || !fact.answer.received {
        return;
    }
    match ended_elsewhere(fact) {
        None => seen.push(of(What::Unended, State::Holds)),
        Some(ended) if ended.role == Role::Caller => seen.push(told(of(What::Unended, State::Broken(Manner::Ended)), ended)),
        Some(_) => {}
    }
}

fn candidates(attempt: &Attempt<'_>, held: Reading, way: Forwarded, seen: &mut Vec<Reading>) {
    if way.received >= way.sent {
        if way.sent > 0 {
            seen.push(held);
        }
        return;
    }
    let manner = if attempt.connected() { Manner::Survived } else { Manner::Loss };
    let reading = held.saying("sent", way.sent).saying("count", way.received).saying("lost", way.sent - way.received);
    seen.push(Reading { state: State::Broken(manner), evidence: attempt.evidence(), ..reading });
}

/// Whether a gateway's words say that the receiver isn't there.
fn speaks_of_absence(words: &str) -> bool {
    let words = words.to_lowercase();
    ABSENT.iter().any(|word| words.contains(word))
}
