//! What the exchange with a responder leaves untested, and whether its sweep says all.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::evidence::{Evidence, Seen};
use super::rules::dns_not_found;
use super::untested::out_of_time;
use crate::model::asked::Purpose;
use crate::model::endpoint::Transport;
use crate::model::fact::{NameAnswer, PortProtocol, PortsBy, PortsEnd, PortsFact, ResponderFact};
use crate::model::outcome::{Outcome, Unreachable};
use crate::model::ports::PortSet;
use crate::model::report::CutShort;

/// The name by which a network of IPv6 alone shows itself (RFC 7050), which is asked for beside those of servers.
const NAT64_NAME: &str = "ipv4only.arpa";

/// Whether a sweep over UDP, the protocol of relays, was asked for and has come to its end; `None` where none was asked for.
#[must_use]
pub fn is_swept(evidence: &Evidence<'_>) -> Option<bool> {
    evidence.responders().next()?;
    let mut sweeps = sweeps(evidence).filter(|seen| seen.fact.proto == PortProtocol::Udp).peekable();
    Some(sweeps.peek().is_some() && sweeps.all(|seen| seen.fact.ended_by.is_none() && !seen.fact.open.is_empty()))
}

/// What was not tested, and why, at each address of a responder.
#[must_use]
pub fn untested(evidence: &Evidence<'_>, cut_short: Option<CutShort>) -> Vec<(String, String)> {
    let of_address = addresses(evidence).into_iter().filter_map(|address| {
        let said: Vec<_> = evidence.responders().filter(|seen| ip(seen) == Some(address)).collect();
        let is_swept = sweeps(evidence).any(|seen| seen.target == address.to_string());
        let why = (!is_swept).then(|| why_not(&said))?;
        Some((format!("the ports of {address}, by its responder"), why))
    });
    nameless(evidence).chain(of_address).chain(sweeps(evidence).flat_map(|seen| left_open(evidence, &seen, cut_short))).collect()
}

/// The responder's name, where it leads nowhere: of `ports`, names that are none of the services are a responder's.
fn nameless(evidence: &Evidence<'_>) -> impl Iterator<Item = (String, String)> {
    let hosts = dns_not_found::hosts(evidence);
    let is_of_ports = evidence.asked().purpose == Purpose::Ports;
    let names = evidence.names().filter(move |name| is_of_ports && name.target != NAT64_NAME && !hosts.contains(&name.target));
    names.filter_map(|name| {
        let why = match name.fact.answer {
            NameAnswer::Found => return None,
            NameAnswer::NotFound => "that name does not exist in DNS",
            NameAnswer::NoAddress => "that name has no address in DNS",
            NameAnswer::Unavailable => "no name server answers",
        };
        Some((format!("the ports of {}, by its responder", name.target), why.to_owned()))
    })
}

fn sweeps<'a>(evidence: &Evidence<'a>) -> impl Iterator<Item = Seen<'a, PortsFact>> {
    evidence.port_ranges().filter(|seen| seen.fact.by == PortsBy::Responder)
}

fn addresses(evidence: &Evidence<'_>) -> BTreeSet<IpAddr> {
    evidence.responders().filter_map(|seen| ip(&seen)).collect()
}

fn ip(seen: &Seen<'_, ResponderFact>) -> Option<IpAddr> {
    seen.endpoint().map(|endpoint| endpoint.ip())
}

/// Why a responder has told nothing; what says most comes first.
fn why_not(said: &[Seen<'_, ResponderFact>]) -> String {
    if let Some(ahead_s) = said.iter().find_map(|seen| seen.fact.clock_ahead_s) {
        let side = if ahead_s > 0 { "ahead of" } else { "behind" };
        return format!(
            "the responder's clock is about {} {side} this host's, and it answers nothing that is older than two minutes: set the wrong one",
            whole_minutes(ahead_s)
        );
    }
    let all = |holds: fn(&ResponderFact) -> bool| said.iter().all(|seen| holds(seen.fact));
    let any = |holds: fn(&ResponderFact) -> bool| said.iter().any(|seen| holds(seen.fact));
    if any(|fact| fact.serves.is_some()) {
        "the run ended before"
    } else if any(|fact| matches!(fact.reply.outcome, Outcome::Unusable { .. })) {
        "what answers there does not prove the token: it has another one, repeats what was recorded, or is no responder"
    } else if any(|fact| fact.connected && fact.reply.outcome == Outcome::Closed) {
        "the connection is closed without an answer: the responder has another token, or something else listens there"
    } else if any(|fact| fact.connected) {
        "something takes the connection and does not answer: it is no responder"
    } else if all(|fact| matches!(fact.reply.outcome, Outcome::Unreachable { reason: Unreachable::Port, .. })) {
        "nothing listens there: start callcheck responder on that host, or give the port that it listens on"
    } else {
        "nothing answers there: the responder isn't up, a firewall closes its port, or it has another token"
    }
    .to_owned()
}

/// A difference of clocks as far as it is known: both tell whole seconds, and the answer has been on the way.
fn whole_minutes(seconds: i64) -> String {
    let minutes = seconds.unsigned_abs().saturating_add(30) / 60;
    humantime::format_duration(Duration::from_secs(minutes * 60)).to_string()
}

/// Why nothing is known of ports that the responder holds.
fn why_unknown(evidence: &Evidence<'_>, seen: &Seen<'_, PortsFact>, cut_short: Option<CutShort>) -> &'static str {
    let fact = seen.fact;
    let transport = match fact.proto {
        PortProtocol::Udp => Transport::Udp,
        PortProtocol::Tcp => Transport::Tcp,
    };
    let mut of_address = evidence.responders().filter(|said| ip(said).is_some_and(|ip| ip.to_string() == seen.target));
    let passes = evidence
        .responders()
        .any(|said| said.endpoint().is_some_and(|endpoint| endpoint.transport == transport) && said.fact.reply.succeeded());
    match fact.ended_by {
        Some(PortsEnd::Deadline) => out_of_time(cut_short),
        Some(PortsEnd::Silent | PortsEnd::Repeats | PortsEnd::NoSockets | PortsEnd::Refused { .. }) => {
            "the responder answers no more: it has ended (--for), or a NAT on the way has no room for more flows, where parts of the \
             range (--range), some minutes apart, can be swept"
        }
        None if fact.proto == PortProtocol::Tcp && !of_address.any(|said| said.fact.serves.as_ref().is_some_and(|it| it.tcp)) => {
            "the responder serves UDP alone: it says itself how many open sockets it lacks"
        }
        None if !passes && fact.open.is_empty() => {
            "nothing at all comes back over this protocol, not from the responder's own port either: open that one as well, or look \
             whether this network lets it out"
        }
        None => "nothing could be sent there, or something else answers",
    }
}

/// The ports of a sweep of which nothing is known in the end.
fn left_open(evidence: &Evidence<'_>, seen: &Seen<'_, PortsFact>, cut_short: Option<CutShort>) -> Vec<(String, String)> {
    let fact = seen.fact;
    let what = |ports: &PortSet| {
        let shown = if ports.ranges().len() > 8 { format!("{} ports", ports.count()) } else { format!("ports {ports}") };
        format!("{} {shown} of {}", fact.proto.name().to_uppercase(), seen.target)
    };
    let serves: Vec<_> = evidence.responders().filter_map(|it| it.fact.serves.as_ref()).collect();
    let is_taken = |port: u16| {
        serves.iter().any(|serves| match fact.proto {
            PortProtocol::Udp => serves.udp_taken.contains(port),
            PortProtocol::Tcp => serves.tcp_taken.contains(port),
        })
    };
    let is_served = |port: u16| serves.iter().any(|serves| serves.range.contains(port));
    let of = |holds: &dyn Fn(u16) -> bool| fact.unknown.iter().filter(|port| holds(*port)).collect::<PortSet>();
    let rest = why_unknown(evidence, seen, cut_short);
    let groups = [
        (of(&is_taken), "other programs on that host have them"),
        (of(&|port| !is_served(port) && !fact.moved.contains(port)), "the responder serves another range (--range)"),
        (of(&|port| is_served(port) && !is_taken(port) && !fact.moved.contains(port)), rest),
    ];
    let moved = (fact.moved.clone(), "what is sent there comes to another port of the host: a NAT before it changes the ports");
    let told = groups.into_iter().chain([moved]).filter(|(ports, _)| !ports.is_empty());
    told.map(|(ports, why)| (what(&ports), why.to_owned())).collect()
}
