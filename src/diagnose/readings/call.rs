//! The peers of a call: what they gather and get, whether a path is found and kept, DTLS, media.
//!
//! A call that ended early has not shown what it had no time for. What connects in one attempt mends nothing in another that counts: of
//! several attempts the worst is read.

use super::signaling::{Attempt, UNDER_WAY_MS, seconds, settle};
use crate::diagnose::interval::surely_over;
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Seen};
use crate::model::call::{CandidateKind, Dtls, DtlsEnd, PairEnd, Path, Role};
use crate::model::fact::{Fact, IceEnd, PairFact, PeerFact};
use crate::model::place::Place;

/// How long checks go on at least before a call says something of the path, in milliseconds: callcheck's own deadline comes later.
const LONG_ENOUGH_MS: u64 = 4000;

/// A call that is connected later than this, in milliseconds, is late (CAUSES: 5 s).
const LATE_MS: u64 = 5000;

/// How long a handshake that is under way may take, in milliseconds: a lost packet is sent again after one second (RFC 6347 §4.2.4.1).
const HANDSHAKE_MS: u64 = 2000;

/// The flights that carry a certificate are larger than this, in bytes; callcheck's own have some 700.
const LARGE: u32 = 500;

/// Hellos and alerts are smaller than this, in bytes.
const SMALL: u32 = 300;

/// The share of media's packets that may be lost.
const BEARABLE: f64 = 0.03;

/// The jitter that a jitter buffer of usual size takes, in milliseconds.
const BEARABLE_JITTER_MS: f64 = 30.0;

/// So many checks went out over a way on which some came in: fewer may be lost, or be late.
const HEARD: u32 = 5;

/// The codes by which a peer refuses checks: they name another description, or claim the same role (RFC 8445 §7.3).
const STRANGER: u16 = 401;
const ROLE_CONFLICT: u16 = 487;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    let mut seen = Vec::new();
    for attempt in Attempt::all(run) {
        for peer in &attempt.peers {
            gathering(peer, &mut seen);
            remote(&attempt, peer, &mut seen);
            checks(&attempt, peer, &mut seen);
            direct(run, peer, &mut seen);
        }
        dtls(&attempt, &mut seen);
        media(&attempt, &mut seen);
        media_clean(&attempt, &mut seen);
    }
    policy(run, &mut seen);
    settle(seen, readings);
}

fn of(peer: &Seen<'_, PeerFact>, what: What, state: State) -> Reading {
    let place = Place::Peer { role: peer.fact.role };
    Reading::new(what, place, state, vec![peer.at])
        .saying("role", peer.fact.role.name())
        .saying("other-role", peer.fact.role.other().name())
        .saying("path", peer.fact.path.name())
}

fn holds_if(holds: bool, manner: Manner) -> State {
    if holds { State::Holds } else { State::Broken(manner) }
}

/// What a peer gathers. A call that ended before may have ended before the servers could answer.
fn gathering(peer: &Seen<'_, PeerFact>, seen: &mut Vec<Reading>) {
    let fact = peer.fact;
    let is_relay_only = fact.path.is_relay_only();
    if fact.relay_expected && fact.gathering_complete {
        let manner = if is_relay_only { Manner::Missing } else { Manner::Empty };
        seen.push(of(peer, What::GathersRelay, holds_if(fact.gathered.relay > 0, manner)));
    }
    if fact.gathered.all() > 0 {
        seen.push(of(peer, What::Gathers, State::Holds));
    } else if fact.gathering_complete
        && fact.described_ms.is_some()
        && !(is_relay_only && (fact.relay_expected || fact.withheld.all() > 0))
    {
        seen.push(of(peer, What::Gathers, State::Broken(Manner::Missing)));
    }
}

/// Whether the policy is what leaves a peer nothing: only the relay is allowed, none is there, and without the policy there would be others.
fn policy(run: &Run<'_>, seen: &mut Vec<Reading>) {
    if !run.asked.relay_forced() {
        return;
    }
    let attempts = Attempt::all(run);
    let open = attempts.iter().find(|attempt| !attempt.path.is_relay_only() && attempt.connected());
    for peer in attempts.iter().filter(|attempt| attempt.path.is_relay_only()).flat_map(|attempt| &attempt.peers) {
        let fact = peer.fact;
        if fact.gathered.relay > 0 {
            seen.push(of(peer, What::Policy, State::Holds));
            continue;
        }
        let has_tried = fact.gathering_complete || !fact.relay_expected;
        let manner = match open {
            _ if !has_tried => continue,
            Some(_) => Manner::Different,
            None if fact.withheld.all() == 0 => continue,
            None if !fact.relay_expected => Manner::Missing,
            None if is_refused(run) => Manner::Refused,
            None => Manner::Unused,
        };
        let reading = of(peer, What::Policy, State::Broken(manner));
        let reading = reading.saying("reason", if fact.relay_expected { "none-gathered" } else { "none-configured" });
        let evidence = reading.evidence.iter().copied().chain(open.iter().flat_map(|attempt| attempt.evidence())).collect();
        seen.push(Reading { evidence, ..reading });
    }
}

/// Whether a server answers and gives no relay: then that is what keeps the policy from a path.
fn is_refused(run: &Run<'_>) -> bool {
    let mut refused = run.services.values().flat_map(|service| &service.allocations);
    refused.any(|seen| matches!(seen.fact.reply.code(), Some(403 | 440 | 442 | 443 | 486 | 508)))
}

/// What a peer gets of the other side.
fn remote(attempt: &Attempt<'_>, peer: &Seen<'_, PeerFact>, seen: &mut Vec<Reading>) {
    let fact = peer.fact;
    if fact.received.all() > 0 {
        seen.push(of(peer, What::HasRemote, State::Holds));
        let manner = if fact.ice == IceEnd::Connected { Manner::Survived } else { Manner::Missing };
        let state = holds_if(fact.received.mdns < fact.received.all(), manner);
        let theirs = of(peer, What::GathersAddresses, state);
        let place = Place::Peer { role: fact.role.other() };
        let details = vec![
            ("role", fact.role.other().name().into()),
            ("other-role", fact.role.name().into()),
            ("path", fact.path.name().into()),
        ];
        seen.push(Reading { place, details, ..theirs });
        if fact.gathered.relay > 0 {
            seen.push(of(peer, What::HearsRelay, holds_if(fact.received.relay > 0, Manner::Missing)));
        }
        return;
    }
    // Where both ends run here, it is known what was sent.
    let is_alone = attempt.exchange.is_some_and(|seen| !seen.fact.sees_both() && seen.fact.lost.is_empty());
    let Some(described) = fact.described_ms.filter(|_| is_alone) else { return };
    if !attempt.lasted(described + UNDER_WAY_MS) {
        return;
    }
    let is_relay_only = fact.path.is_relay_only();
    if is_relay_only && fact.gathered.relay == 0 {
        // With the same servers the other side has no more to send.
        return;
    }
    let manner = match (fact.dtls.end == DtlsEnd::Connected, is_relay_only) {
        (true, _) => Manner::Survived,
        // The other side's network may leave it no relay.
        (false, true) => Manner::Empty,
        (false, false) => Manner::Missing,
    };
    seen.push(Reading { evidence: attempt.evidence(), ..of(peer, What::HasRemote, State::Broken(manner)) });
}

/// Whether checks are answered, by whom, and whether the path that they find is kept.
fn checks(attempt: &Attempt<'_>, peer: &Seen<'_, PeerFact>, seen: &mut Vec<Reading>) {
    let fact = peer.fact;
    let is_up = matches!(fact.ice, IceEnd::Connected | IceEnd::Lost);
    let refused = |code| !is_up && fact.pairs.iter().any(|pair| pair.code == Some(code));
    // What nothing but candidates of another description leads to connects by luck.
    let is_stale_alone = fact.stale_candidates > 0 && fact.stale_candidates == fact.received.all();
    let stale = match () {
        () if refused(STRANGER) => Some(Manner::Refused),
        () if fact.stale_checks > 0 && !is_up => Some(Manner::Stale),
        () if is_stale_alone && is_up => Some(Manner::Survived),
        () if is_stale_alone => Some(Manner::Different),
        () => None,
    };
    if let Some(manner) = stale {
        seen.push(of(peer, What::Ufrag, State::Broken(manner)));
    } else if is_up {
        seen.push(of(peer, What::Ufrag, State::Holds));
    }
    if refused(ROLE_CONFLICT) {
        seen.push(of(peer, What::Roles, State::Broken(Manner::Refused)));
    } else if is_up {
        seen.push(of(peer, What::Roles, State::Holds));
    }
    if is_up {
        seen.push(of(peer, What::Checks, State::Holds));
        seen.push(of(peer, What::PathLasts, holds_if(fact.ice == IceEnd::Connected, Manner::Ended)));
        soon(peer, seen);
        return;
    }
    let tried = u32::try_from(fact.pairs.iter().filter(|pair| pair.sent > 0).count()).unwrap_or(u32::MAX);
    let is_refused = stale.is_some() || fact.pairs.iter().any(|pair| pair.code.is_some());
    let had_time = attempt.lasted(fact.described_ms.unwrap_or_default() + LONG_ENOUGH_MS);
    if fact.ice != IceEnd::NeverConnected || tried == 0 || is_refused || !had_time {
        return;
    }
    // From one end alone the other may not know of this one, unless its own checks come in.
    let is_unheard = attempt.exchange.is_some() && !attempt.sees_both() && fact.pairs.iter().all(|pair| pair.received == 0);
    // Who is heard could be answered over the same way.
    let is_heard = fact.pairs.iter().any(|pair| pair.received > 0 && pair.sent >= HEARD);
    let manner = match (is_unheard, fact.role) {
        (false, _) if is_heard && fact.pairs.iter().all(|pair| pair.end == PairEnd::Unanswered || pair.sent == 0) => {
            Manner::Heard
        }
        (false, _) => Manner::Silent,
        (true, Role::Caller) => Manner::Unheard,
        (true, Role::Callee) => Manner::Unanswered,
    };
    seen.push(of(peer, What::Checks, State::Broken(manner)).saying("count", tried));
}

/// Whether a call connects soon, and what took the time.
fn soon(peer: &Seen<'_, PeerFact>, seen: &mut Vec<Reading>) {
    let Some(at) = peer.fact.ice_connected_ms else { return };
    let described = peer.fact.described_ms.unwrap_or_default();
    let is_described_late = described > at / 2;
    let spent = if is_described_late { described } else { at.saturating_sub(described) };
    let reading = of(peer, What::ConnectsSoon, holds_if(at <= LATE_MS, Manner::Slow)).saying("seconds", seconds(at));
    seen.push(reading.saying("reason", if is_described_late { "description" } else { "checks" }).saying("spent", seconds(spent)));
}

/// Whether a direct way exists beside the relay. A call takes the first pair that answers, which may be the relay's though a direct one would
/// have answered a moment later: silence alone says little.
fn direct(run: &Run<'_>, peer: &Seen<'_, PeerFact>, seen: &mut Vec<Reading>) {
    let fact = peer.fact;
    if fact.path != Path::All || fact.ice != IceEnd::Connected {
        return;
    }
    let Some(selected) = fact.selected() else { return };
    if !is_relayed(selected) {
        return seen.push(of(peer, What::Direct, State::Holds));
    }
    if !is_direct_way_silent(fact) {
        return;
    }
    let mut evidence = vec![peer.at];
    let without_relay = run.facts(|fact| if let Fact::Peer(it) = fact { Some(it) } else { None }).find(|other| {
        matches!(other.fact.path, Path::Host | Path::Srflx) && other.fact.by_deadline && is_direct_way_silent(other.fact)
    });
    let mapped = run.outside.iter().find_map(|seen| seen.fact.mapped);
    let (manner, reason) = if mapped.and_then(|mapped| run.maps_by_destination(mapped.ip())) == Some(true) {
        evidence.extend(run.outside.iter().filter(|seen| seen.fact.mapped.is_some()).map(|seen| seen.at));
        (Manner::Several, "own-nat")
    } else if fact.remote_remapped.is_some() {
        (Manner::Different, "other-nat")
    } else if let Some(other) = without_relay {
        evidence.push(other.at);
        (Manner::Silent, "tried")
    } else {
        return;
    };
    let reading = of(peer, What::Direct, State::Broken(manner)).saying("reason", reason);
    seen.push(Reading { evidence, ..reading });
}

fn is_direct_way_silent(peer: &PeerFact) -> bool {
    let mut checked = peer.pairs.iter().filter(|pair| !is_relayed(pair) && pair.sent > 0).peekable();
    checked.peek().is_some() && checked.all(|pair| pair.end == PairEnd::Unanswered)
}

fn is_relayed(pair: &PairFact) -> bool {
    pair.local == CandidateKind::Relay || pair.remote == CandidateKind::Relay
}

/// Whether the handshake completes over the path. Of two ends one often sees less: the one that sees more is read.
fn dtls(attempt: &Attempt<'_>, seen: &mut Vec<Reading>) {
    let done: Vec<usize> =
        attempt.peers.iter().filter(|peer| peer.fact.dtls.end == DtlsEnd::Connected).map(|peer| peer.at).collect();
    let had_time =
        |peer: &PeerFact| peer.dtls.trouble.is_some() || attempt.lasted(peer.ice_connected_ms.unwrap_or_default() + HANDSHAKE_MS);
    let is_stuck = |peer: &PeerFact| peer.ice == IceEnd::Connected && peer.dtls.end != DtlsEnd::Connected && had_time(peer);
    let stuck: Vec<_> = attempt.peers.iter().filter(|peer| is_stuck(peer.fact)).collect();
    let path = attempt.path.name();
    let Some(telling) = stuck.iter().min_by_key(|peer| rank(manner(&peer.fact.dtls))) else {
        if !done.is_empty() {
            seen.push(Reading::new(What::Dtls, Place::Call, State::Holds, done).saying("path", path));
        }
        return;
    };
    let state = State::Broken(manner(&telling.fact.dtls));
    let evidence = stuck.iter().map(|peer| peer.at).collect();
    let reading =
        Reading::new(What::Dtls, Place::Call, state, evidence).saying("path", path).saying("role", telling.fact.role.name());
    seen.push(match &telling.fact.dtls.trouble {
        Some(trouble) => reading.saying("words", trouble.as_str()),
        None => reading,
    });
}

fn manner(dtls: &Dtls) -> Manner {
    match (dtls.trouble.as_deref(), dtls.sent, dtls.received) {
        (Some("fingerprint"), ..) => Manner::Different,
        (Some(_), ..) => Manner::Failed,
        (None, 0, 0) => Manner::Unused,
        (None, _, 0) => Manner::Silent,
        // The other side repeats its hello, as if the flight with the certificate had never come.
        (None, ..) if dtls.largest_sent > LARGE && dtls.largest_received < SMALL => Manner::Large,
        (None, ..) => Manner::Stalls,
    }
}

/// What says more comes first.
fn rank(manner: Manner) -> usize {
    let order = [Manner::Different, Manner::Failed, Manner::Large, Manner::Silent, Manner::Stalls, Manner::Unused];
    order.iter().position(|known| *known == manner).unwrap_or(order.len())
}

/// Whether media arrives, of every kind and at every end that ran here.
fn media(attempt: &Attempt<'_>, seen: &mut Vec<Reading>) {
    let is_kept = attempt.peers.iter().all(|peer| peer.fact.ice != IceEnd::Lost);
    let connected = attempt.peers.iter().filter_map(|peer| peer.fact.connected_ms).max().unwrap_or_default();
    if !attempt.connected() || !is_kept || !attempt.lasted(connected + HANDSHAKE_MS) && !attempt.carries() {
        return;
    }
    let is_alone = attempt.peers.len() < 2;
    let read = |state| Reading::new(What::Media, Place::Call, state, attempt.evidence()).saying("path", attempt.path.name());
    if attempt.peers.iter().all(|peer| !peer.fact.hears()) {
        return seen.push(read(State::Broken(if is_alone { Manner::Unheard } else { Manner::Silent })));
    }
    let lacks = |peer: &&Seen<'_, PeerFact>| peer.fact.flows().any(|flow| flow.packets_received == 0);
    let Some(deaf) = attempt.peers.iter().find(lacks) else { return seen.push(read(State::Holds)) };
    let kinds = [("audio", &deaf.fact.media.audio), ("video", &deaf.fact.media.video)];
    let is_missing = |flow: &Option<crate::model::call::MediaFlow>| flow.as_ref().is_some_and(|flow| flow.packets_received == 0);
    let missing: Vec<String> = kinds.iter().filter(|(_, flow)| is_missing(flow)).map(|(kind, _)| (*kind).to_owned()).collect();
    let reading = read(State::Broken(if is_alone { Manner::Missing } else { Manner::OneWay }));
    seen.push(reading.saying("role", deaf.fact.role.name()).saying("names", missing));
}

/// Whether media arrives whole and evenly. How evenly another program sends is its own matter; the test stream of both ends is even.
fn media_clean(attempt: &Attempt<'_>, seen: &mut Vec<Reading>) {
    for peer in attempt.peers.iter().filter(|peer| peer.fact.hears()) {
        let lost: u32 = peer.fact.flows().map(|flow| flow.lost).fold(0, u32::saturating_add);
        let expected: u32 =
            peer.fact.flows().map(|flow| flow.lost.saturating_add(flow.packets_received)).fold(0, u32::saturating_add);
        let jitter = peer.fact.flows().map(|flow| flow.jitter_ms).fold(0.0, f64::max);
        let state = if expected > 0 && surely_over(lost, expected) > BEARABLE {
            State::Broken(Manner::Loss)
        } else if attempt.sees_both() && jitter > BEARABLE_JITTER_MS {
            State::Broken(Manner::Jitter)
        } else {
            State::Holds
        };
        let percent = format!("{:.0}", 100.0 * f64::from(lost) / f64::from(expected.max(1)));
        let reading = of(peer, What::MediaClean, state).saying("lost", lost).saying("sent", expected);
        seen.push(reading.saying("percent", percent).saying("jitter", format!("{jitter:.0}")));
    }
}
