//! What a responder on the server's host has left open, and why.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::list::{List, word};
use crate::diagnose::run::{Run, Seen};
use crate::model::asked::Purpose;
use crate::model::endpoint::Transport;
use crate::model::fact::{Fact, NameAnswer, PortProtocol, PortsBy, PortsEnd, PortsFact, ResponderFact};
use crate::model::message::Message;
use crate::model::outcome::{Outcome, Unreachable};
use crate::model::ports::PortSet;
use crate::model::report::CutShort;
use crate::model::target::Host;

/// The most ranges that a line lists.
const MOST_RANGES: usize = 8;

/// The name that is asked for a network's prefix of NAT64.
const NAT64_NAME: &str = "ipv4only.arpa";

pub fn list(run: &Run<'_>, cut_short: Option<CutShort>, list: &mut List) {
    nameless(run, list);
    let responders: Vec<_> = responders(run).collect();
    let addresses: BTreeSet<IpAddr> = responders.iter().filter_map(|seen| Some(seen.endpoint?.ip())).collect();
    let sweeps: Vec<_> = sweeps(run).collect();
    for address in addresses {
        if sweeps.iter().any(|seen| seen.target == address.to_string()) {
            continue;
        }
        let said: Vec<&ResponderFact> = responders
            .iter()
            .filter(|seen| seen.endpoint.is_some_and(|endpoint| endpoint.ip() == address))
            .map(|seen| seen.fact)
            .collect();
        list.add(why_not(Message::new("untested-responder").with("address", address.to_string()), &said));
    }
    for sweep in &sweeps {
        left_open(&responders, sweep, cut_short, list);
    }
}

fn responders<'a>(run: &Run<'a>) -> impl Iterator<Item = Seen<'a, ResponderFact>> {
    run.facts(|fact| if let Fact::Responder(it) = fact { Some(it) } else { None })
}

fn sweeps<'a>(run: &Run<'a>) -> impl Iterator<Item = Seen<'a, PortsFact>> {
    run.facts(|fact| if let Fact::Ports(it) = fact { Some(it) } else { None }).filter(|seen| seen.fact.by == PortsBy::Responder)
}

/// The responder's name, where it leads nowhere: of `ports`, names that are none of the services are a responder's.
fn nameless(run: &Run<'_>, list: &mut List) {
    let is_service =
        |name: &str| run.asked.services.iter().any(|service| matches!(&service.host, Host::Name(host) if host == name));
    let names = run
        .names
        .iter()
        .filter(|name| run.asked.purpose == Purpose::Ports && name.target != NAT64_NAME && !is_service(name.target));
    for name in names {
        let reason = match name.fact.answer {
            NameAnswer::Found => continue,
            NameAnswer::NotFound => "not-found",
            NameAnswer::NoAddress => "no-address",
            NameAnswer::Unavailable => "unavailable",
        };
        list.add(Message::new("untested-responder").with("address", name.target).with("reason", reason));
    }
}

/// Why a responder has told nothing; what says most comes first.
fn why_not(message: Message, said: &[&ResponderFact]) -> Message {
    if let Some(ahead_s) = said.iter().find_map(|fact| fact.clock_ahead_s) {
        let side = if ahead_s > 0 { "ahead" } else { "behind" };
        return message.with("reason", "clock").with("skew", whole_minutes(ahead_s)).with("clock", side);
    }
    let any = |holds: fn(&ResponderFact) -> bool| said.iter().any(|fact| holds(fact));
    let refuses = |fact: &&ResponderFact| matches!(fact.reply.outcome, Outcome::Unreachable { reason: Unreachable::Port, .. });
    let reason = if any(|fact| fact.serves.is_some()) {
        "ended"
    } else if any(|fact| matches!(fact.reply.outcome, Outcome::Unusable { .. })) {
        "token"
    } else if any(|fact| fact.connected && fact.reply.outcome == Outcome::Closed) {
        "closed"
    } else if any(|fact| fact.connected) {
        "mute"
    } else if said.iter().all(refuses) {
        "refused"
    } else {
        "silent"
    };
    message.with("reason", reason)
}

/// A difference of clocks as far as it is known: both tell whole seconds, and the answer has been on the way.
fn whole_minutes(seconds: i64) -> String {
    let minutes = seconds.unsigned_abs().saturating_add(30) / 60;
    humantime::format_duration(Duration::from_secs(minutes.saturating_mul(60))).to_string()
}

/// Why nothing is known of ports that the responder holds.
fn why_unknown(responders: &[Seen<'_, ResponderFact>], seen: &Seen<'_, PortsFact>, cut_short: Option<CutShort>) -> &'static str {
    let fact = seen.fact;
    let transport = match fact.proto {
        PortProtocol::Udp => Transport::Udp,
        PortProtocol::Tcp => Transport::Tcp,
    };
    let is_here =
        |said: &&Seen<'_, ResponderFact>| said.endpoint.is_some_and(|endpoint| endpoint.ip().to_string() == seen.target);
    let serves_tcp = responders.iter().filter(is_here).any(|said| said.fact.serves.as_ref().is_some_and(|it| it.tcp));
    let passes = responders
        .iter()
        .any(|said| said.endpoint.is_some_and(|endpoint| endpoint.transport == transport) && said.fact.reply.succeeded());
    match fact.ended_by {
        Some(PortsEnd::Deadline) => cut_short.map_or("deadline", word),
        Some(PortsEnd::Silent | PortsEnd::Repeats | PortsEnd::NoSockets | PortsEnd::Refused { .. }) => "ended",
        None if fact.proto == PortProtocol::Tcp && !serves_tcp => "udp-only",
        None if !passes && fact.open.is_empty() => "nothing",
        None => "other",
    }
}

/// The ports of a sweep of which nothing is known in the end.
fn left_open(responders: &[Seen<'_, ResponderFact>], seen: &Seen<'_, PortsFact>, cut_short: Option<CutShort>, list: &mut List) {
    let fact = seen.fact;
    let serves: Vec<_> = responders.iter().filter_map(|it| it.fact.serves.as_ref()).collect();
    let is_taken = |port: u16| {
        serves.iter().any(|serves| match fact.proto {
            PortProtocol::Udp => serves.udp_taken.contains(port),
            PortProtocol::Tcp => serves.tcp_taken.contains(port),
        })
    };
    let is_served = |port: u16| serves.iter().any(|serves| serves.range.contains(port));
    let is_moved = |port: u16| fact.moved.contains(port);
    let of = |holds: &dyn Fn(u16) -> bool| fact.unknown.iter().filter(|port| holds(*port)).collect::<PortSet>();
    let groups = [
        (of(&is_taken), "taken"),
        (of(&|port| !is_served(port) && !is_moved(port)), "other-range"),
        (of(&|port| is_served(port) && !is_taken(port) && !is_moved(port)), why_unknown(responders, seen, cut_short)),
        (fact.moved.clone(), "moved"),
    ];
    for (ports, reason) in groups.into_iter().filter(|(ports, _)| !ports.is_empty()) {
        let many = ports.ranges().len() > MOST_RANGES;
        let shown = if many { format!("{} ports", ports.count()) } else { format!("ports {ports}") };
        let message = Message::new("untested-responder-ports").with("proto", fact.proto.name().to_uppercase());
        list.add(message.with("ports", shown).with("address", seen.target).with("reason", reason));
    }
}
