//! The answer in one word and in one sentence, from the findings and from what was seen to work.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::conclude::Conclusion;
use super::interval::clopper_pearson;
use super::ports;
use super::reading::{Manner, Readings, What};
use super::run::Run;
use crate::model::asked::Purpose;
use crate::model::call::{DtlsEnd, Path};
use crate::model::endpoint::Transport;
use crate::model::fact::{ControlKind, ExchangeFact, Fact, IceEnd, InboundWay, PeerFact, PortsBy, PortsEnd, PortsFact, Tally};
use crate::model::finding::{Confidence, Level, NotTested};
use crate::model::message::Message;
use crate::model::place::Place;
use crate::model::report::{CutShort, Loss, Verdict};

/// Decides: what fails is said first, then what runs badly where something works, then what is not known.
///
/// A run that was cut short may have missed a fault, so it is never `ok`; nor is one with something that no cause explains, nor one from inside
/// the server's own network.
#[must_use]
pub fn decide(run: &Run<'_>, readings: &Readings, conclusion: &Conclusion, cut_short: Option<CutShort>) -> Verdict {
    let has = |level: Level| conclusion.findings.iter().any(|finding| finding.level == level);
    let heavy = has(Level::Degrade) || !conclusion.unexplained.is_empty();
    let works = works(run, readings, conclusion);
    if has(Level::Fail) {
        Verdict::Failed
    } else if conclusion.inside.is_some() || conclusion.died || !works {
        Verdict::Inconclusive
    } else if heavy {
        Verdict::Degraded
    } else if cut_short.is_some() {
        Verdict::Inconclusive
    } else {
        Verdict::Ok
    }
}

/// Whether what was asked for was seen to work.
fn works(run: &Run<'_>, readings: &Readings, conclusion: &Conclusion) -> bool {
    let carries = || {
        conclusion.standings.any_works()
            || readings.all().iter().any(|reading| {
                reading.what == What::In && reading.holds() && run.wants_relay() && is_relay_proof(run, readings, &reading.place)
            })
    };
    match run.asked.purpose {
        Purpose::Stun => conclusion.standings.any_works(),
        // A list of STUN servers alone leaves open what happens where no direct way exists.
        Purpose::Turn => run.wants_relay() && carries(),
        Purpose::ExternalIp => {
            readings.all().iter().any(|reading| matches!(reading.what, What::In | What::InAgain) && reading.holds())
        }
        Purpose::Ports => responder_tells(run).unwrap_or_else(|| tells_of_ports(run, carries())),
        Purpose::Call => calls(run, carries()),
    }
}

fn is_relay_proof(run: &Run<'_>, readings: &Readings, place: &Place) -> bool {
    // An open relay has no login to work by; what it carries counts all the same.
    let Place::Relay { server, .. } = place else { return false };
    readings.know(What::PermitsCaller, place).holds()
        && run.promised().any(|(endpoint, service)| {
            endpoint.ip() == *server && service.challenges.iter().any(|seen| seen.fact.reply.succeeded())
        })
}

/// Whether a responder's sweep came to its end; nothing where there was none.
fn responder_tells(run: &Run<'_>) -> Option<bool> {
    let ranges: Vec<_> = ports::udp_ranges(run).into_iter().filter(|range| range.fact.by == PortsBy::Responder).collect();
    let has_responder = run.facts(|fact| if let Fact::Responder(it) = fact { Some(it) } else { None }).next().is_some();
    if ranges.is_empty() {
        return has_responder.then_some(false);
    }
    Some(ranges.iter().all(|range| range.fact.ended_by.is_none() && !range.fact.open.is_empty()))
}

/// Whether ports of the relay that were asked for are known to be open, and the server went on answering: one that falls silent in a sweep
/// may be down.
fn tells_of_ports(run: &Run<'_>, carries: bool) -> bool {
    let ranges = ports::udp_ranges(run);
    if ranges.is_empty() {
        return carries;
    }
    let tells = ranges.iter().any(|range| !range.fact.open.is_empty() || !range.fact.closed.is_empty() && carries);
    tells && ranges.iter().all(|range| range.fact.ended_by != Some(PortsEnd::Silent))
}

/// The attempts that count, each with its signaling and its peers.
pub fn attempts<'a>(run: &Run<'a>) -> Vec<(Path, Option<&'a ExchangeFact>, Vec<&'a PeerFact>)> {
    let exchanges = run.facts(|fact| if let Fact::Exchange(it) = fact { Some(it) } else { None });
    let peers: Vec<&PeerFact> =
        run.facts(|fact| if let Fact::Peer(it) = fact { Some(it) } else { None }).map(|seen| seen.fact).collect();
    let mut attempts: Vec<(Path, Option<&ExchangeFact>, Vec<&PeerFact>)> =
        exchanges.map(|seen| (seen.fact.path, Some(seen.fact), Vec::new())).collect();
    for peer in peers {
        match attempts.iter_mut().find(|attempt| attempt.0 == peer.path) {
            Some(attempt) => attempt.2.push(peer),
            None => attempts.push((peer.path, None, vec![peer])),
        }
    }
    attempts.retain(|attempt| run.asked.counts(attempt.0));
    attempts
}

/// Whether every attempt connected with media, and the relay was proved where there is one: from outside, or by carrying a call to an
/// address beyond its server. Two peers of one server prove no relay, since the server hands such packets to itself.
fn calls(run: &Run<'_>, carries: bool) -> bool {
    let attempts = attempts(run);
    let is_up = |peer: &&PeerFact| peer.dtls.end == DtlsEnd::Connected && peer.ice == IceEnd::Connected && peer.hears();
    let connected = !attempts.is_empty() && attempts.iter().all(|(_, _, peers)| !peers.is_empty() && peers.iter().all(is_up));
    let relayed = attempts.iter().flat_map(|(_, _, peers)| peers).any(|peer| peer.relayed_beyond_server());
    connected && (!run.wants_relay() || carries || relayed)
}

/// The answer in one sentence: the root cause where there is one, else what was shown, or what would show it.
#[must_use]
pub fn headline(
    run: &Run<'_>,
    conclusion: &Conclusion,
    not_tested: &[NotTested],
    verdict: Verdict,
    cut_short: Option<CutShort>,
) -> Message {
    let serious = conclusion.findings.iter().find(|finding| finding.level != Level::Warn);
    let host = run.asked.services.first().map_or_else(|| "none".to_owned(), |service| service.host.to_string());
    let with_host = |key: &str| Message::new(key).with("host", host.as_str());
    match (verdict, serious) {
        (Verdict::Failed | Verdict::Degraded, Some(finding)) => finding.message.clone(),
        (Verdict::Failed | Verdict::Degraded, None) => match conclusion.unexplained.first() {
            Some(first) => Message { key: "headline-unexplained".to_owned(), ..first.message.clone() },
            None => with_host("headline-inconclusive"),
        },
        (Verdict::Inconclusive, None) if conclusion.died => with_host("headline-network-died"),
        (Verdict::Inconclusive, _) => {
            if let (Some(place), None) = (&conclusion.inside, serious) {
                let is_there = vantage(run, place) == Manner::Same;
                let key = if is_there { "headline-on-server" } else { "headline-behind-server" };
                let server = place.server().map_or_else(|| host.clone(), |server| server.to_string());
                return Message::new(key).with("host", server.as_str()).with("server", server);
            }
            if let Some(finding) = serious {
                return reasoned(
                    Message { key: "headline-inconclusive-finding".to_owned(), args: finding.message.args.clone() },
                    not_tested,
                );
            }
            if let Some(cut) = cut_short {
                let manner = match cut {
                    CutShort::Deadline => "deadline",
                    CutShort::Interrupted => "interrupted",
                };
                return with_host("headline-cut-short").with("manner", manner);
            }
            if !run.asked.credentials && run.wants_relay() && run.services.values().any(super::run::Service::answers) {
                return with_host("headline-no-login");
            }
            let doubtful = conclusion.findings.iter().find(|finding| finding.confidence != Confidence::Certain);
            match doubtful {
                Some(finding) => finding.message.clone(),
                None if run.asked.purpose == Purpose::Turn && !run.wants_relay() && conclusion.standings.any_works() => {
                    with_host("headline-stun-list-ok")
                }
                None => reasoned(with_host("headline-inconclusive"), not_tested),
            }
        }
        (Verdict::Ok, _) => fine(run, conclusion, &host),
    }
}

/// Adds what was not tested, and why.
fn reasoned(message: Message, not_tested: &[NotTested]) -> Message {
    match not_tested.last() {
        Some(entry) => {
            let with = entry
                .message
                .args
                .iter()
                .fold(message, |message, (name, value)| message.with(&format!("untested-{name}"), value.clone()));
            with.with("untested", entry.message.key.as_str())
        }
        None => message.with("untested", "none"),
    }
}

fn vantage(run: &Run<'_>, place: &Place) -> Manner {
    let is_own = place.server().is_some_and(|server| run.source_towards(server) == Some(server));
    if is_own { Manner::Same } else { Manner::Behind }
}

/// What an `ok` has shown.
fn fine(run: &Run<'_>, conclusion: &Conclusion, host: &str) -> Message {
    let with_host = |key: &str| Message::new(key).with("host", host);
    // A risk that matters is named in the first line too.
    let warning = conclusion.findings.iter().find(|finding| NAMED_RISKS.contains(&finding.id.as_str()));
    let message = match run.asked.purpose {
        Purpose::Stun => with_host("headline-stun-ok"),
        Purpose::ExternalIp => with_host("headline-external-ip-ok"),
        Purpose::Call => about_call(run, with_host("headline-call-ok")),
        Purpose::Ports if responder_tells(run).is_some() => about_sweeps(run, with_host("headline-responder-ok")),
        Purpose::Ports => {
            let message = with_host("headline-ports-ok");
            match ports::summary(run) {
                Some(ports) => {
                    let share = ports.open_share.map_or_else(|| "none".to_owned(), |share| share.to_string());
                    let range = ports.server_range.map_or_else(|| "none".to_owned(), |range| range.to_string());
                    message.with("count", ports.tried).with("share", share).with("range", range)
                }
                None => return with_transports(run, with_host("headline-turn-ok")),
            }
        }
        Purpose::Turn if run.asked.peers.is_empty() => {
            with_transports(run, with_hosts(run, conclusion, host, Message::new("headline-turn-ok")))
        }
        Purpose::Turn => {
            let peers: Vec<String> = run.asked.peers.iter().map(ToString::to_string).collect();
            with_hosts(run, conclusion, host, Message::new("headline-turn-permits-ok")).with("peer", peers)
        }
    };
    match warning {
        Some(finding) => {
            let args = finding
                .message
                .args
                .iter()
                .fold(message, |message, (name, value)| message.with(&format!("risk-{name}"), value.clone()));
            args.with("risk", finding.id.as_str())
        }
        None => message.with("risk", "none"),
    }
}

/// The hosts through which calls will work, each once; of many the first, and how many more there are.
fn with_hosts(run: &Run<'_>, conclusion: &Conclusion, first: &str, message: Message) -> Message {
    let working: BTreeSet<IpAddr> = conclusion.standings.working().map(|endpoint| endpoint.ip()).collect();
    let mut hosts: Vec<String> = Vec::new();
    for service in run.asked.services.iter().filter(|service| service.relay) {
        let host = service.host.to_string();
        if !hosts.contains(&host) && working.iter().any(|ip| run.leads_to(&service.host, *ip)) {
            hosts.push(host);
        }
    }
    match hosts.len() {
        0 => message.with("host", first),
        1..=NAMED_HOSTS => message.with("host", hosts),
        _ => {
            let more = u32::try_from(hosts.split_off(1).len()).unwrap_or(u32::MAX);
            message.with("host", hosts).with("more", more)
        }
    }
}

/// As many hosts have room in a headline.
const NAMED_HOSTS: usize = 3;

/// The paths on which calls connected, with the time that each took.
fn about_call(run: &Run<'_>, message: Message) -> Message {
    let paths = attempts(run).into_iter().map(|(path, _, peers)| {
        let how = match path {
            Path::All => "all candidates",
            Path::Relay => "relay only",
            Path::Host => "host only",
            Path::Srflx => "srflx only",
            Path::RelayUdp => "relay over UDP",
            Path::RelayTcp => "relay over TCP",
            Path::RelayTls => "relay over TLS",
        };
        let at = peers.iter().filter_map(|peer| peer.connected_ms).max();
        at.map_or_else(|| how.to_owned(), |at| format!("{how}: {at} ms"))
    });
    let paths = paths.collect::<Vec<_>>().join(", ");
    let relayed = run.relays.values().flatten().any(|(_, relayed)| relayed.inbound.iter().any(|seen| seen.fact.arrived));
    message.with("paths", paths).with("relayed", if relayed { "yes" } else { "no" })
}

/// What a sweep that found no closed port that calls need has shown: TCP ports are none of these, for relays send over UDP.
fn about_sweeps(run: &Run<'_>, message: Message) -> Message {
    let sweeps = run.facts(|fact| if let Fact::Ports(it) = fact { Some(it) } else { None });
    let tested =
        sweeps.filter(|seen| seen.fact.by == PortsBy::Responder && !(seen.fact.open.is_empty() && seen.fact.closed.is_empty()));
    let all: Vec<String> = tested.map(|seen| reached(seen.fact, seen.target)).collect();
    message.with("ports", all.join(", and at "))
}

/// The ports of a sweep at which something arrives.
fn reached(fact: &PortsFact, target: &str) -> String {
    let which = match (fact.open.is_empty(), fact.unknown.is_empty()) {
        (true, _) => "no",
        (false, true) => "every",
        (false, false) => "every tested",
    };
    let but = match fact.closed.ranges().len() {
        0 => String::new(),
        _ if fact.open.is_empty() => ", which calls don't need".to_owned(),
        1..=4 => format!(" but {}, which calls don't need", fact.closed),
        _ => format!(" but {} of them, which calls don't need", fact.closed.count()),
    };
    format!("{which} {} port of {} on {target}{but}", fact.proto.name().to_uppercase(), fact.probed)
}

/// The risks that stand in the first line of an `ok`.
const NAMED_RISKS: [&str; 2] = ["turn-open-relay", "tls-certificate-expires-soon"];

fn with_transports(run: &Run<'_>, message: Message) -> Message {
    let arrived = run.relays.values().flatten().filter(|(_, relayed)| {
        relayed.inbound.iter().any(|seen| seen.fact.arrived && !seen.fact.sample && seen.fact.way == InboundWay::Unsolicited)
    });
    let transports: BTreeSet<Transport> = arrived
        .flat_map(|(_, relayed)| relayed.inbound.iter().filter(|seen| seen.fact.arrived && !seen.fact.sample))
        .filter_map(|seen| seen.endpoint.map(|endpoint| endpoint.transport))
        .collect();
    message.with("transports", transports.into_iter().map(|transport| transport.title().to_owned()).collect::<Vec<_>>())
}

/// Whether this network is known to keep in what goes to high ports: no unrelated host answers at one.
#[must_use]
pub fn lets_few_ports_out(run: &Run<'_>) -> bool {
    let high = |port: u16| port >= 10_000;
    let stun: Vec<_> = run.controls.iter().filter(|seen| seen.fact.control == ControlKind::Stun).collect();
    let answers = |is_high: bool| {
        stun.iter()
            .filter(|seen| seen.endpoint.is_some_and(|endpoint| high(endpoint.address.port()) == is_high))
            .map(|seen| seen.fact.reply.answered())
            .collect::<Vec<_>>()
    };
    let (at_high, at_low) = (answers(true), answers(false));
    !at_high.is_empty() && !at_high.contains(&true) && at_low.contains(&true)
}

/// The loss of the ways to the servers.
#[must_use]
pub fn losses(run: &Run<'_>) -> Vec<Loss> {
    let mut losses = Vec::new();
    for (endpoint, service) in run.promised() {
        let fast = service.losses.iter().map(|seen| seen.fact.requests).reduce(Tally::plus);
        let slow = service.losses.iter().filter_map(|seen| seen.fact.slow).reduce(Tally::plus);
        let Some(fast) = fast else { continue };
        let is_limited = slow.is_some_and(|slow| {
            super::interval::surely_over(fast.lost(), fast.sent) > super::interval::surely_under(slow.lost(), slow.sent)
        });
        let requests = match slow {
            Some(slow) if is_limited => slow,
            Some(slow) => fast.plus(slow),
            None => fast,
        };
        let (lower, upper) = clopper_pearson(requests.lost(), requests.sent);
        losses.push(Loss {
            target: endpoint.to_string(),
            requests,
            limited: is_limited.then_some(fast),
            lower_percent: in_percent(lower),
            upper_percent: in_percent(upper),
            rtt_ms: service.losses.iter().find_map(|seen| seen.fact.rtt_ms),
        });
    }
    losses
}

/// A share in percent, to a tenth.
fn in_percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}
