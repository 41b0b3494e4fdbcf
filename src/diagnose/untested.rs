//! What would have mattered and was not tested, in plain words.

use std::net::IpAddr;

use super::call::Attempt;
use super::controls::Answer;
use super::endpoint::Reachability;
use super::evidence::Evidence;
use super::ports::beyond;
use super::responder;
use super::rules::dns_not_found;
use super::server::Server;
use crate::model::asked::Purpose;
use crate::model::call::Path;
use crate::model::fact::{HandshakeEnd, PortProtocol, PortsBy, PortsEnd};
use crate::model::finding::{Finding, NotTested};
use crate::model::outcome::Outcome;
use crate::model::report::CutShort;

/// Lists what was not tested.
pub fn list(evidence: &Evidence<'_>, findings: &[Finding], cut_short: Option<CutShort>) -> Vec<NotTested> {
    let mut list = Vec::new();
    if cut_short.is_some() {
        add(&mut list, "what was still under way", out_of_time(cut_short));
    }
    let left_out = if cut_short.is_none() { left_out(evidence) } else { Vec::new() };
    for address in &left_out {
        let option = if address.is_ipv4() { "-6" } else { "-4" };
        add(&mut list, &format!("the address {address}"), &format!("{option} leaves it out"));
    }
    for route in evidence.routes().filter(|route| route.fact.source.is_none()) {
        add(&mut list, &format!("the address {}", route.target), "this host has no route to it");
    }
    for ip in Server::all(evidence).iter().map(|server| server.ip).filter(|ip| evidence.family_is_dead(*ip)) {
        let family = if ip.is_ipv6() { "IPv6" } else { "IPv4" };
        add(
            &mut list,
            &format!("the address {ip}"),
            &format!("nothing shows that {family} works from here: no other host answers over it"),
        );
    }
    for endpoint in evidence.promised() {
        if let Some((what, why)) = untested_at(endpoint) {
            add(&mut list, &what, why);
        }
    }
    for proxy in evidence.proxies().filter(|proxy| proxy.fact.status.is_none()) {
        let why = if matches!(proxy.fact.outcome, Outcome::Unusable { .. }) {
            "the environment names it, and callcheck speaks to proxies over HTTP alone"
        } else {
            "the proxy does not answer"
        };
        add(&mut list, &format!("TURN through the proxy {}", proxy.fact.proxy), why);
    }
    for (what, why) in responder::untested(evidence, cut_short) {
        add(&mut list, &what, &why);
    }
    if evidence.wants_relay() && (left_out.is_empty() || !evidence.endpoints().is_empty()) {
        relay(evidence, findings, cut_short, &mut list);
    }
    ports(evidence, cut_short, &mut list);
    if cut_short.is_none() {
        calls(evidence, &mut list);
    }
    list
}

/// The addresses of the services that were not even looked for a way to: those of the family that an option leaves out.
fn left_out(evidence: &Evidence<'_>) -> Vec<IpAddr> {
    let hosts = dns_not_found::hosts(evidence);
    let named = evidence.names().filter(|name| hosts.contains(&name.target)).flat_map(|name| name.fact.addresses.iter().copied());
    let literal = evidence.asked().services.iter().filter_map(|service| service.host.address());
    let is_known = |ip: &IpAddr| {
        let routed = evidence.routes().any(|route| route.target == ip.to_string());
        routed || evidence.endpoints().iter().any(|endpoint| endpoint.endpoint.ip() == *ip)
    };
    named.chain(literal).filter(|ip| !is_known(ip)).collect()
}

/// What is left of a range whose ports were to be tried.
fn ports(evidence: &Evidence<'_>, cut_short: Option<CutShort>, list: &mut Vec<NotTested>) {
    // What a responder leaves open has more reasons, and is said beside them.
    for range in evidence.port_ranges().filter(|range| range.fact.by != PortsBy::Responder) {
        let Some(end) = range.fact.ended_by else { continue };
        let why = match end {
            PortsEnd::Refused { code } => format!("the server refused further allocations ({code})"),
            PortsEnd::Silent => "the server answered no more".to_owned(),
            PortsEnd::Repeats => "the server draws its ports by chance, and few new ones came in the end".to_owned(),
            PortsEnd::NoSockets => "this host opens no more sockets (ulimit -n raises their number)".to_owned(),
            PortsEnd::Deadline => out_of_time(cut_short).to_owned(),
        };
        let proto = range.fact.proto.name().to_uppercase();
        add(list, &format!("the rest of the {proto} ports {}", range.fact.probed), &why);
    }
    let ranges: Vec<_> = evidence.port_ranges().filter(|range| range.fact.proto == PortProtocol::Udp).collect();
    for range in ranges.iter().filter(|range| range.fact.by != PortsBy::Responder) {
        let Some(span) = beyond(evidence, range) else { continue };
        let probed = range.fact.probed;
        if range.fact.open.is_empty() && range.fact.closed.is_empty() {
            let why = format!("the server gave out none of them, but ports from {span}");
            add(list, &format!("whether the relay's ports {probed} are open"), &why);
        } else {
            let why = format!("{probed} alone were asked for (--range), and the server gave out ports from {span}");
            add(list, "the relay's other ports", &why);
        }
    }
    if evidence.asked().purpose == Purpose::Ports && !evidence.relays().is_empty() && ranges.is_empty() {
        let denied =
            evidence.relays().iter().flat_map(|relay| &relay.permissions).any(|seen| seen.fact.reply.code() == Some(403));
        let why = match (cut_short, denied) {
            (Some(_), _) => out_of_time(cut_short),
            (None, true) => "the server denies permissions for this network's address (403)",
            (None, false) => "there was no way in at the server's own address to try them by",
        };
        add(list, "every port of the relay", why);
    }
}

/// Why a run ended before it was through.
pub fn out_of_time(cut_short: Option<CutShort>) -> &'static str {
    match cut_short {
        Some(CutShort::Interrupted) => "the run was interrupted",
        Some(CutShort::Deadline) | None => "the time limit was reached (--timeout)",
    }
}

/// The ways to call that were to be attempted: after signaling has failed once, the next attempt would fail alike.
fn calls(evidence: &Evidence<'_>, list: &mut Vec<NotTested>) {
    let attempts: Vec<Path> = evidence.attempted().collect();
    let paths = evidence.asked().call.iter().flat_map(|call| &call.paths);
    for path in paths.filter(|path| !attempts.contains(path)) {
        let why = if attempts.is_empty() { "no call came about" } else { "the signaling failed in the attempt before" };
        add(list, &format!("the call on path {}", path.name()), why);
    }
    // Where both ends run here, it is callcheck that ends what doesn't connect.
    let ended = |attempt: &&Attempt<'_>| {
        let told = attempt.exchange.is_some_and(|seen| seen.fact.ended.is_some() && !seen.fact.sees_both());
        told && !attempt.connected() && !attempt.peers.iter().any(|peer| peer.fact.by_deadline)
    };
    for attempt in Attempt::all(evidence).iter().filter(ended) {
        add(
            list,
            &format!("a path for the call ({})", attempt.path.name()),
            "the call was ended from elsewhere before it could connect",
        );
    }
}

fn add(list: &mut Vec<NotTested>, what: &str, why: &str) {
    let entry = NotTested { what: what.to_owned(), why: why.to_owned() };
    if !list.contains(&entry) {
        list.push(entry);
    }
}

fn untested_at(endpoint: &super::endpoint::EndpointEvidence<'_>) -> Option<(String, &'static str)> {
    let why = match endpoint.reachability() {
        Reachability::Alive => {
            let untrusted =
                endpoint.handshake.is_some_and(|seen| seen.fact.end == HandshakeEnd::Completed && !seen.fact.defects.is_empty());
            return untrusted.then(|| {
                (
                    format!("allocation over {}", endpoint.endpoint),
                    "the certificate is not trusted, so no credentials are sent over it",
                )
            });
        }
        Reachability::Silent => "nothing answers there",
        Reachability::Refused => "nothing listens there",
        Reachability::Rejected => "a router or firewall rejects it",
        Reachability::DeniedLocally => "this host refuses to send there",
        Reachability::NoRoute => "this host has no route there",
        Reachability::Foreign(_) => "something other than a TURN server answers there",
        Reachability::Mute => "no usable answer came",
        Reachability::Untested => "the run ended before",
    };
    Some((format!("turn over {}", endpoint.endpoint), why))
}

fn relay(evidence: &Evidence<'_>, findings: &[Finding], cut_short: Option<CutShort>, list: &mut Vec<NotTested>) {
    let answered = evidence.endpoints().iter().any(super::endpoint::EndpointEvidence::alive);
    if answered && !evidence.asked().credentials && evidence.relays().is_empty() {
        let what = "allocation, permissions, the relay's ports, external-ip and the data path";
        add(list, what, "no credentials were given (--user with a password, or --secret-file)");
        return;
    }
    if evidence.relays().is_empty() {
        add(list, "the relay's ports, external-ip and the data path", "no allocation was granted");
    } else if evidence.relays().iter().all(|relay| relay.lets_in().is_none()) {
        let is_other_family = evidence.relays().iter().all(|relay| relay.relayed.is_ipv4() != relay.endpoint.ip().is_ipv4());
        let why = match (cut_short, is_other_family) {
            (Some(_), _) => out_of_time(cut_short),
            (None, true) => "this host has no way to the relay's address, which is of the other family than the server's",
            (None, false) => "this network lets no UDP out that could play the outside peer",
        };
        add(list, "the relay's data path from outside", why);
    } else if findings.iter().any(|finding| finding.id == "external-ip-missing")
        && !evidence.relays().iter().any(|relay| relay.lets_in_alternative() == Some(true))
    {
        add(list, "whether the relay's ports are open", "the relayed address leads nowhere until external-ip is right");
    } else if findings.iter().any(|finding| finding.id == "relay-untestable-from-here") || !judged(evidence) {
        add(
            list,
            "the relay's data path from outside",
            "nothing came back through it, which this network may cause as well as the server",
        );
    }
    if evidence.asked().controls && evidence.controls().stun() == Answer::NotAsked && trouble(evidence) {
        add(list, "who blocks", "no control host could be asked");
    }
    if !evidence.asked().controls && trouble(evidence) {
        add(list, "who blocks, this network or the server's side", "controls were switched off or there is none");
    }
}

/// Whether a datagram came through the relay in some direction, so that its data path could be judged.
fn judged(evidence: &Evidence<'_>) -> bool {
    evidence
        .relays()
        .iter()
        .any(|relay| relay.lets_in() == Some(true) || relay.lets_in_solicited() == Some(true) || relay.lets_out() == Some(true))
}

fn trouble(evidence: &Evidence<'_>) -> bool {
    evidence.promised().any(|endpoint| endpoint.reachability() == Reachability::Silent)
}
