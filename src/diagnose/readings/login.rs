//! Login and allocation: what the credentials look like, whether they are taken, what is granted, and whether it stays so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::network::clock_behind;
use super::quality::{CHANCE, worst_loss};
use crate::diagnose::reading::{Manner, Reading, Readings, State, What};
use crate::diagnose::run::{Run, Seen, Service};
use crate::model::duration::span;
use crate::model::endpoint::Endpoint;
use crate::model::fact::{
    AllocationFact, ChallengeFact, CredentialsFact, CredentialsOddity, CredentialsSource, Fact, SHORTEST_NONCE_LIFE_MS,
};
use crate::model::outcome::{Outcome, Reply};
use crate::model::place::Place;

/// The codes of a server that has taken the login, whatever else it refuses.
const LOGIN_READ: [u16; 6] = [403, 440, 442, 443, 486, 508];

/// A call needs an allocation for each side.
const NEEDED: u32 = 2;

/// A 437 from so many new local ports is about no port of ours.
const EVERY_PORT: usize = 3;

/// Credentials that end within so many seconds end for whoever has the page open a little longer.
const SOON_S: i64 = 10 * 60;

/// Fewer later allocations without an answer are chance.
const FEWEST_SILENT: usize = 2;

pub fn read(run: &Run<'_>, readings: &mut Readings) {
    let ephemeral = credentials(run, readings);
    let turnover = turnover(run);
    let mut granted: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
    for (endpoint, service) in &run.services {
        granted
            .entry(endpoint.ip())
            .or_default()
            .extend(service.allocations.iter().chain(&service.samples).filter(|seen| is_granted(seen)).map(|seen| seen.at));
    }
    // An open relay has given allocations without a login.
    let open: BTreeSet<IpAddr> = run
        .services
        .iter()
        .filter(|(_, service)| service.challenges.iter().any(|seen| seen.fact.reply.succeeded()))
        .map(|(endpoint, _)| run.server_of(endpoint.ip()))
        .collect();
    let giving: BTreeSet<IpAddr> =
        granted.iter().filter(|(_, granted)| !granted.is_empty()).map(|(ip, _)| run.server_of(*ip)).collect();
    let served =
        run.services.iter().filter(|(endpoint, _)| run.is_promised(**endpoint) || run.is_redirected_to(endpoint.address));
    for (endpoint, service) in served.map(|(endpoint, service)| (*endpoint, service)) {
        let server = run.server_of(endpoint.ip());
        let seen = Elsewhere {
            is_granted: open.contains(&server) || giving.contains(&server),
            login: if ephemeral.contains(&endpoint.ip()) { "ephemeral" } else { "fixed" },
        };
        one(run, endpoint, service, &seen, readings);
    }
    for (server, granted) in granted.into_iter().filter(|(_, granted)| !granted.is_empty()) {
        let turns = turnover.get(&run.server_of(server)).map(Vec::as_slice).unwrap_or_default();
        steady(run, server, &granted, turns, readings);
    }
}

fn is_granted(seen: &Seen<'_, AllocationFact>) -> bool {
    seen.fact.relayed.is_some()
}

/// What is known of a server beside what one of its services tells.
struct Elsewhere {
    /// Whether any of them has granted an allocation.
    is_granted: bool,
    /// `ephemeral` where the login was made of a shared secret, by its stamp, else `fixed`.
    login: &'static str,
}

fn one(run: &Run<'_>, endpoint: Endpoint, service: &Service<'_>, elsewhere: &Elsewhere, readings: &mut Readings) {
    let is_granted_here = elsewhere.is_granted;
    let place = Place::service(endpoint);
    let all: Vec<_> = service.allocations.iter().chain(&service.samples).collect();
    if let Some(seen) = all.iter().find(|seen| seen.fact.relayed.is_some()) {
        if !seen.fact.unauthenticated {
            readings.add(Reading::new(What::Login, place.clone(), State::Holds, vec![seen.at]));
        }
        taken(run, &place, service, readings);
        return readings.add(Reading::new(What::Grant, place, State::Holds, vec![seen.at]));
    }
    // What says something counts, whatever silence followed.
    let with_code = |codes: &[u16]| all.iter().rfind(|seen| seen.fact.reply.code().is_some_and(|code| codes.contains(&code)));
    let (read, rejected) = (with_code(&LOGIN_READ), with_code(&[401, 441]));
    let telling = service.allocations.iter().rfind(|seen| seen.fact.reply.code().is_some());
    let telling = read.copied().filter(|_| rejected.is_some()).or(telling);
    if let (Some(read), Some(rejected), false) = (read, rejected, is_granted_here) {
        // No server takes a login and rejects it.
        let place = Place::Server { server: endpoint.ip() };
        let reading = Reading::new(What::Steady, place, State::Broken(Manner::Code(401)), vec![read.at, rejected.at]);
        readings.add(reading.saying("code", 401_u16));
    }
    let Some(last) = telling.or(service.allocations.last()) else { return unsigned(place, service, is_granted_here, readings) };
    let evidence: Vec<usize> = service.allocations.iter().map(|seen| seen.at).collect();
    let code = last.fact.reply.code();
    let says = |reading: Reading| reading.saying("code", code.unwrap_or_default());
    match code {
        Some(code @ (401 | 441)) => {
            let further = service.samples.iter().filter(|seen| matches!(seen.fact.reply.code(), Some(401 | 441)));
            let evidence = evidence.into_iter().chain(further.map(|seen| seen.at)).collect();
            let reading = says(Reading::new(What::Login, place, State::Broken(Manner::Code(code)), evidence));
            readings.add(reading.saying("login", elsewhere.login));
        }
        Some(code) if LOGIN_READ.contains(&code) => {
            readings.add(Reading::new(What::Login, place.clone(), State::Holds, evidence.clone()));
            // Own allocations over another transport may fill a quota.
            if matches!(code, 486 | 508) && is_granted_here {
                return;
            }
            readings.add(says(Reading::new(What::Grant, place, State::Broken(Manner::Code(code)), evidence)));
        }
        // One fresh nonce more is usual; a server that wants ever new ones takes none.
        Some(code @ (400 | 437 | 438)) => {
            let is_coturn = service.software().is_some_and(|software| software.to_ascii_lowercase().contains("coturn"));
            let manner = match code {
                // Nonces that end on the way tell of the way.
                438 if last.fact.stale_nonces < 2 && is_slow(&last.fact.reply) => return,
                438 if last.fact.stale_nonces < 2 => Manner::OtherCode,
                // coturn answers a wrong login with 401, others with 400.
                400 if is_coturn => Manner::OtherCode,
                // A local port that the server remembers gives one, too.
                437 if service.allocations.iter().filter(|seen| seen.fact.reply.code() == Some(437)).count() < 2 => return,
                _ => Manner::Code(code),
            };
            readings.add(says(Reading::new(What::Grant, place, State::Broken(manner), evidence)));
        }
        Some(300) => {}
        Some(_) => readings.add(says(Reading::new(What::Grant, place, State::Broken(Manner::OtherCode), evidence))),
        None => {
            let manner = match last.fact.reply.outcome {
                // The measured loss may have eaten all of them.
                Outcome::Silent if is_chance(run, endpoint, &service.allocations) => return,
                Outcome::Silent => Manner::Silent,
                Outcome::Closed | Outcome::Unreachable { .. } => Manner::Closed,
                Outcome::DeniedLocally | Outcome::NoRoute => return,
                Outcome::Success
                | Outcome::Error { .. }
                | Outcome::NotStun { .. }
                | Outcome::FromElsewhere { .. }
                | Outcome::Unusable { .. } => Manner::Unusable,
            };
            readings.add(Reading::new(What::Grant, place, State::Broken(manner), evidence));
        }
    }
}

/// Whether so many requests over UDP may have been lost by chance, by the loss that was measured on the way.
fn is_chance(run: &Run<'_>, endpoint: Endpoint, asked: &[Seen<'_, AllocationFact>]) -> bool {
    let sends: u32 = asked.iter().map(|seen| seen.fact.reply.sends).sum();
    let sends = i32::try_from(sends).unwrap_or(i32::MAX);
    !endpoint.transport.is_stream() && worst_loss(run, endpoint.ip()).powi(sends) > CHANCE
}

/// Whether an answer took so long, or its request was repeated, that a nonce may have ended under way.
fn is_slow(reply: &Reply) -> bool {
    reply.sends > 1 || span_ms(reply) >= SHORTEST_NONCE_LIFE_MS
}

/// Whether browsers take what is granted. libwebrtc does without a relay where the grant has no LIFETIME or no mapped address, and where
/// the first request with a login is answered with 438 (its `turn_port.cc`, `TurnAllocateRequest`).
fn taken(run: &Run<'_>, place: &Place, service: &Service<'_>, readings: &mut Readings) {
    let Some(first) = service.allocations.first().filter(|seen| is_granted(seen)) else { return };
    let known_at = |at: usize| run.observations[at].at_ms;
    // A nonce that was held up on its way is older than its arrival.
    let held_up = |seen: &Seen<'_, ChallengeFact>| span_ms(&seen.fact.reply).saturating_sub(span_ms(&first.fact.reply));
    let challenge = service.challenges.iter().rfind(|seen| seen.at < first.at);
    let given = challenge.map(|seen| known_at(seen.at).saturating_sub(held_up(seen)));
    let is_fresh = given.is_some_and(|given| known_at(first.at) - given < SHORTEST_NONCE_LIFE_MS);
    let (state, lacks) = match (first.fact.lifetime_s, first.fact.mapped, first.fact.stale_nonces) {
        (None, ..) => (State::Broken(Manner::Missing), "LIFETIME"),
        (_, None, _) => (State::Broken(Manner::Missing), "XOR-MAPPED-ADDRESS"),
        (_, _, 1..) if is_fresh => (State::Broken(Manner::Stale), "none"),
        (_, _, 1..) => return,
        (Some(_), Some(_), 0) => (State::Holds, "none"),
    };
    readings.add(Reading::new(What::GrantTaken, place.clone(), state, vec![first.at]).saying("lacks", lacks));
}

/// What a server refuses before anybody has logged in.
fn unsigned(place: Place, service: &Service<'_>, is_granted_here: bool, readings: &mut Readings) {
    let told = service.challenges.iter().filter_map(|seen| Some((seen, seen.fact.reply.code()?)));
    let (mismatches, others): (Vec<_>, Vec<_>) = told.partition(|(_, code)| *code == 437);
    let refused = others.iter().find(|(_, code)| !matches!(code, 300 | 401 | 438));
    let refused = refused.or_else(|| mismatches.last().filter(|_| others.is_empty() && mismatches.len() >= EVERY_PORT));
    if let Some((seen, code)) = refused {
        let manner = match code {
            // Own allocations fill what an open relay has for one caller.
            486 | 508 if is_granted_here => return,
            403 | 440 | 442 | 443 | 486 | 508 => Manner::Code(*code),
            _ => Manner::OtherCode,
        };
        let reading = Reading::new(What::Grant, place, State::Broken(manner), vec![seen.at]);
        readings.add(reading.saying("code", *code));
    }
}

/// A grant or a release of an allocation.
enum Turn {
    Granted { asked_at_ms: u64 },
    Released { at_ms: u64 },
}

/// The grants and releases of each server, whichever of its addresses was asked, in their order.
fn turnover(run: &Run<'_>) -> BTreeMap<IpAddr, Vec<Turn>> {
    let mut servers: BTreeMap<IpAddr, Vec<Turn>> = BTreeMap::new();
    for seen in run.observations.iter().filter(|seen| seen.is_of_server()) {
        let Some(endpoint) = seen.endpoint() else { continue };
        let turns = servers.entry(run.server_of(endpoint.ip())).or_default();
        if let Fact::Allocation(AllocationFact { relayed: Some(_), reply, .. }) = &seen.fact {
            turns.push(Turn::Granted { asked_at_ms: began(seen.at_ms, reply) });
        } else if let Fact::Release(_) = &seen.fact {
            turns.push(Turn::Released { at_ms: seen.at_ms });
        }
    }
    servers
}

/// The allocations that a server has given at one time.
fn most_at_once(turns: &[Turn]) -> u32 {
    let (mut now, mut most) = (0_u32, 0);
    for turn in turns {
        now = match turn {
            Turn::Granted { .. } => now + 1,
            Turn::Released { .. } => now.saturating_sub(1),
        };
        most = now.max(most);
    }
    most
}

/// The allocations of this run that the server may have held when it refused another one: those that were asked for before the refusal came,
/// but for those that were given back before it was asked for.
fn beside(turns: &[Turn], refused_at_ms: u64, refusal: &Reply) -> u32 {
    let start = began(refused_at_ms, refusal);
    turns.iter().fold(0, |alive: u32, turn| match turn {
        Turn::Granted { asked_at_ms } if *asked_at_ms <= refused_at_ms => alive + 1,
        Turn::Released { at_ms } if *at_ms < start => alive.saturating_sub(1),
        Turn::Granted { .. } | Turn::Released { .. } => alive,
    })
}

fn began(answered_at_ms: u64, reply: &Reply) -> u64 {
    answered_at_ms.saturating_sub(span_ms(reply))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a round trip is some seconds at most")]
fn span_ms(reply: &Reply) -> u64 {
    reply.rtt_ms.unwrap_or_default().max(0.0).ceil() as u64
}

/// Whether later allocations end like the first: a call needs two at once, and each may come over a flow of its own.
fn steady(run: &Run<'_>, server: IpAddr, granted: &[usize], turns: &[Turn], readings: &mut Readings) {
    let services = run.services_at(server).map(|(_, service)| service);
    let later: Vec<_> = services
        .flat_map(|service| service.allocations.iter().chain(&service.samples))
        .filter(|seen| seen.fact.relayed.is_none())
        .collect();
    // Samples come in numbers that no call has: what counts is a refusal beside one alone, whatever other servers have given.
    let at_once = most_at_once(turns);
    let too_few = at_once < NEEDED;
    let place = Place::Server { server };
    let of = |codes: &[u16]| -> Vec<usize> {
        later.iter().filter(|seen| seen.fact.reply.code().is_some_and(|code| codes.contains(&code))).map(|seen| seen.at).collect()
    };
    let is_alone = |seen: &Seen<'_, AllocationFact>| !seen.fact.sample && seen.fact.others_alive == 0;
    let (other_login, quota, ports) = (of(&[401, 441]), of(&[486]), of(&[508]));
    let silent: Vec<usize> = later.iter().filter(|seen| seen.fact.reply.silent()).map(|seen| seen.at).collect();
    let in_calm = |code: u16| later.iter().any(|seen| seen.fact.calm && seen.fact.reply.code() == Some(code));
    let of_quota = |seen: &&Seen<'_, AllocationFact>| seen.fact.reply.code() == Some(486);
    let beside_few = later
        .iter()
        .copied()
        .filter(of_quota)
        .any(|seen| beside(turns, run.observations[seen.at].at_ms, &seen.fact.reply) < NEEDED);
    let all = |refused: Vec<usize>| refused.into_iter().chain(granted.iter().copied()).collect::<Vec<_>>();
    let (manner, evidence) = if !other_login.is_empty() {
        (Manner::Code(401), all(other_login))
    } else if too_few && (in_calm(486) || beside_few) {
        (Manner::Code(486), all(quota))
    } else if too_few && (in_calm(508) || later.iter().any(|seen| is_alone(seen) && seen.fact.reply.code() == Some(508))) {
        (Manner::Code(508), all(ports))
    } else if silent.len() >= FEWEST_SILENT {
        (Manner::Silent, silent)
    } else {
        if later.is_empty() && granted.len() > 1 {
            readings.add(Reading::new(What::Steady, place, State::Holds, granted.to_vec()));
        }
        return;
    };
    let code = if let Manner::Code(code) = manner { code } else { 0 };
    readings
        .add(Reading::new(What::Steady, place, State::Broken(manner), evidence).saying("code", code).saying("count", at_once));
}

/// What the credentials look like: nobody minds, as long as they are taken. Where there are several, each is told of its own servers. Those
/// come back whose login was made of a shared secret, by its stamp.
fn credentials(run: &Run<'_>, readings: &mut Readings) -> BTreeSet<IpAddr> {
    let mut ephemeral = BTreeSet::new();
    let behind = clock_behind(run);
    let logins: Vec<_> = run.facts(|fact| if let Fact::Credentials(it) = fact { Some(it) } else { None }).collect();
    if logins.iter().all(|seen| seen.fact.hosts.is_empty()) {
        let evidence = logins.iter().map(|seen| seen.at).collect();
        readings.add(Reading::new(What::OneLogin, Place::List, State::Holds, evidence));
    }
    for seen in logins {
        let servers: BTreeSet<IpAddr> = match seen.fact.hosts.as_slice() {
            [] => run.servers().collect(),
            hosts => hosts.iter().flat_map(|host| run.servers_of(host)).collect(),
        };
        if seen.fact.expires_at.is_some() || seen.fact.source == CredentialsSource::Computed {
            ephemeral.extend(&servers);
        }
        for server in &servers {
            readings.add(Reading::new(What::LoginSeen, Place::Server { server: *server }, State::Holds, vec![seen.at]));
        }
        if seen.fact.hosts.is_empty() {
            look_at(seen, behind, Place::List, [What::StampValid, What::WellFormed], readings);
            lasts(seen, Place::List, readings);
            continue;
        }
        for server in servers {
            look_at(seen, behind, Place::Server { server }, [What::OwnStampValid, What::OwnWellFormed], readings);
            lasts(seen, Place::Server { server }, readings);
        }
    }
    ephemeral
}

fn look_at(
    seen: Seen<'_, CredentialsFact>,
    behind: Option<i64>,
    place: Place,
    [valid, formed]: [What; 2],
    readings: &mut Readings,
) {
    if let Some(expires_at) = seen.fact.expires_at {
        let state = stamp(seen.fact, expires_at, behind);
        let ago = span((seen.fact.now - expires_at).unsigned_abs());
        readings.add(Reading::new(valid, place.clone(), state, vec![seen.at]).saying("ago", ago));
    }
    let worst = seen.fact.oddities.iter().min_by_key(|oddity| **oddity != CredentialsOddity::StampInMilliseconds);
    let state = match worst {
        None => State::Holds,
        Some(CredentialsOddity::StampInMilliseconds) => State::Broken(Manner::Stale),
        Some(_) => State::Broken(Manner::Different),
    };
    let oddity = worst.map_or_else(|| "none".to_owned(), |oddity| name_of(*oddity));
    readings.add(Reading::new(formed, place, state, vec![seen.at]).saying("oddity", oddity));
}

/// Whether credentials that were handed out last for as long as a page is open.
fn lasts(seen: Seen<'_, CredentialsFact>, place: Place, readings: &mut Readings) {
    let fact = seen.fact;
    let Some(left) = fact.expires_at.map(|at| at - fact.now).filter(|left| *left > 0) else { return };
    if fact.source == CredentialsSource::Given {
        let state = if left < SOON_S { State::Broken(Manner::Expired) } else { State::Holds };
        readings.add(Reading::new(What::StampLasts, place, state, vec![seen.at]).saying("left", span(left.unsigned_abs())));
    }
}

fn stamp(fact: &CredentialsFact, expires_at: i64, behind: Option<i64>) -> State {
    if expires_at <= fact.now {
        State::Broken(Manner::Expired)
    } else if behind.is_some_and(|behind| expires_at <= fact.now + behind) {
        State::Broken(Manner::Off)
    } else {
        State::Holds
    }
}

/// The name of an oddity as JSON has it.
fn name_of(oddity: CredentialsOddity) -> String {
    match oddity {
        CredentialsOddity::StampInMilliseconds => "stamp-in-milliseconds",
        CredentialsOddity::StampIsIssueTime => "stamp-is-issue-time",
        CredentialsOddity::PasswordNotBase64Hmac => "password-not-base64-hmac",
        CredentialsOddity::PasswordIsHex => "password-is-hex",
        CredentialsOddity::NameWithSpace => "name-with-space",
        CredentialsOddity::NameNotAscii => "name-not-ascii",
        CredentialsOddity::SurroundingSpace => "surrounding-space",
        CredentialsOddity::PasswordNotAscii => "password-not-ascii",
    }
    .to_owned()
}
