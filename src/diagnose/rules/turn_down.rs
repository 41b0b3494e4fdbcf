//! `turn-down`: nothing answers at the server on any transport, although this network works.

use super::ipv6_address_dead;
use crate::diagnose::controls::Answer;
use crate::diagnose::endpoint::{EndpointEvidence, Reachability};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{Server, list, places};
use crate::diagnose::trace;
use crate::model::cause::{Cause, Group};
use crate::model::endpoint::Transport;
use crate::model::fact::ControlKind;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "turn-down",
        group: Group::Reach,
        level: Level::Fail,
        title: "nothing answers at the TURN server",
        meaning: "The host is down, the TURN server isn't running, or all of its ports are closed.",
        impact: "No user gets a relay from this server: calls fail wherever a direct path is impossible.",
        proof: "Every transport is refused or silent, while unrelated hosts answer.",
        look_alikes: "server-address-blocked: from one network alone a blocked address looks the same; a second network tells. Where the \
                      host itself refuses the connections, it is up and the server isn't running.",
        remedy: "Start the TURN server, and open its ports in the host's and the provider's firewall.",
    },
    folds: &[],
    judge,
};

const ALL_KINDS: [ControlKind; 3] = [ControlKind::Stun, ControlKind::Dns, ControlKind::Tcp];

const DEAD: [Reachability; 3] = [Reachability::Silent, Reachability::Refused, Reachability::Rejected];

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let servers = Server::all(evidence);
    let alive: Vec<_> = evidence.endpoints().iter().filter(|endpoint| endpoint.alive()).collect();
    let dead: Vec<_> = servers
        .iter()
        .filter(|server| !alive.iter().any(|endpoint| endpoint.endpoint.ip() == server.ip))
        .filter(|server| server.all_are(&DEAD) && !ipv6_address_dead::explains(evidence, server.ip))
        .collect();
    // Where IPv6 as such doesn't work from here, its silence says nothing of the server.
    let (unreached, dead): (Vec<_>, Vec<_>) = dead.into_iter().partition(|server| evidence.family_is_dead(server.ip));
    if dead.is_empty() && !unreached.is_empty() {
        return offline(evidence, &unreached);
    }
    let Some(first) = dead.first() else {
        return Judgement::ruled_out_by(alive.iter().flat_map(|endpoint| endpoint.cite_reachability()).collect());
    };
    let refused = dead.iter().flat_map(|server| &server.endpoints).any(|endpoint| endpoint.refused());
    // Ports that nobody listed were tried as well: where one of them is silent, a filter is at work.
    let of_the_dead = |endpoint: &&EndpointEvidence<'_>| dead.iter().any(|server| server.ip == endpoint.endpoint.ip());
    let silent_beside = evidence.endpoints().iter().filter(of_the_dead).any(|it| it.reachability() == Reachability::Silent);
    let all_refused = !silent_beside && dead.iter().flat_map(|server| &server.endpoints).all(|endpoint| endpoint.refused());
    let controls = &evidence.controls().over(first.ip);
    let network_works = controls.any_passes() || alive.iter().any(|it| it.endpoint.ip().is_ipv4() == first.ip.is_ipv4());
    let blocked_here = matches!(controls.stun(), Answer::Silent(_)) && !refused;
    // With UDP or STUN filtered here, a silent UDP port says nothing of the server.
    if blocked_here {
        return offline(evidence, &dead);
    }
    let lost: Vec<_> = dead.iter().flat_map(|server| places(&server.endpoints)).collect();
    let some_are = |found| dead.iter().flat_map(|server| &server.endpoints).any(|endpoint| endpoint.reachability() == found);
    let some_silent = some_are(Reachability::Silent);
    let filtered_here = !all_refused && matches!(controls.stun(), Answer::Silent(_));
    let (how, confidence) = match (refused, network_works) {
        // A port that is silent beside others that are refused is filtered, or the line lost what was sent.
        (true, _) if !all_refused => ("is up, and does not answer on any port", Confidence::Likely),
        (true, _) => ("is up, and nothing listens on its ports", Confidence::Certain),
        (false, true) => ("does not answer on any port", Confidence::Likely),
        (false, false) => ("does not answer on any port", Confidence::Possible),
    };
    let ends = trace::ends(evidence.traces(), &lost);
    let arrives = dead.iter().find_map(|server| evidence.traces().arrives(server.ip));
    let answering = dead.iter().find_map(|server| evidence.answering_port(server.ip));
    let how = if arrives.is_some() || answering.is_some() { "is up, and does not answer on any port" } else { how };
    let were = if lost.len() == 1 { "was" } else { "were" };
    let tried = format!("{} {were} tried{}", list(&lost), trace::named(&ends));
    let found = Found::new(&RULE.cause, format!("The TURN server {} {how}: {tried}.", first.ip))
        .level(evidence.level_by_rest(&lost))
        .confidence(confidence)
        .because(dead.iter().flat_map(|server| server.cite()))
        .because(controls.cite(&ALL_KINDS))
        .because(arrives.map(|seen| seen.cite()))
        .because(answering.map(|seen| seen.cite()))
        .because(ends.into_iter().flat_map(|end| end.evidence));
    // Whoever resets every connection and drops the datagrams may be a firewall in between.
    let may_be_resets = dead.iter().flat_map(|server| &server.endpoints).all(|it| it.refused() != it.is_datagram());
    let answers = answering.is_some_and(|seen| seen.fact.reply.answered());
    let found = if refused && may_be_resets && arrives.is_none() && !answers && !all_refused {
        let decide = "run callcheck from another network: a firewall here may reset connections in the server's name";
        found.unless("server-address-blocked", decide)
    } else if refused || arrives.is_some() || answering.is_some() {
        found
    } else {
        found.unless(
            "server-address-blocked",
            "run callcheck from another network: if the server answers there, its address is blocked here",
        )
    };
    let found = if refused && !all_refused && !filtered_here {
        let decide = "run callcheck again: beside ports that are refused, a silent one may only have lost what was sent to it";
        found.unless("packet-loss", decide)
    } else {
        found
    };
    let found = if network_works || refused {
        found
    } else {
        found.unless("network-blocks-udp", "allow controls, or try another network: nothing shows that this one works")
    };
    let found = if filtered_here { doubt_by_filter(found, refused) } else { found };
    let mixed = some_silent && (some_are(Reachability::Refused) || some_are(Reachability::Rejected));
    let found = if mixed {
        // A NAT here drops what comes from another address than the one asked, so that it looks like silence.
        found.unless("reply-from-other-address", "ask from a host without NAT, or look at the server's addresses (ip addr)")
    } else {
        found
    };
    let found = if refused && !silent_beside { found } else { one_transport(evidence, &dead, found) };
    let start = if evidence.is_coturn() || !refused { "systemctl status coturn" } else { "ss -lunpt" };
    found
        .fix_by(Place::Server, "See whether the TURN server runs and on which ports it listens.", start)
        .fix_by(
            Place::Firewall,
            "Open its ports in the host's firewall and the provider's.",
            if lost.iter().any(|place| place.transport == Transport::Dtls) {
                "ufw allow 3478 && ufw allow 5349"
            } else {
                "ufw allow 3478 && ufw allow 5349/tcp"
            },
        )
        .done()
}

/// With UDP or STUN filtered here the rest may be this network's doing, too.
fn doubt_by_filter(found: Found, refused: bool) -> Found {
    let found = found
        .unless("network-blocks-stun", "run callcheck from another network: no unrelated host answers STUN here either")
        .unless("network-blocks-udp", "run callcheck from another network: no unrelated host answers over UDP here either");
    if refused {
        // A network that blocks UDP may well reset what it doesn't let out, in the server's name.
        found.unless("network-allow-list", "run callcheck from another network: a firewall here may reset connections like this")
    } else {
        found
    }
}

/// Where one transport alone was asked for, that port may be closed and the host be up.
fn one_transport(evidence: &Evidence<'_>, dead: &[&Server<'_, '_>], found: Found) -> Found {
    let mut transports: Vec<Transport> =
        dead.iter().flat_map(|server| places(&server.endpoints)).map(|place| place.transport).collect();
    transports.dedup();
    let decide = "look at the server's firewall: a closed port looks the same as a dead host where nothing else is asked";
    match transports.as_slice() {
        // A NAT here drops what comes from another address than the one asked, so that it looks like silence.
        [Transport::Udp] if dead.iter().any(|server| evidence.is_translated(server.ip)) => found
            .unless("turn-udp-closed", decide)
            .unless("reply-from-other-address", "ask from a host without NAT, or look at the server's addresses (ip addr)"),
        [Transport::Udp] => found.unless("turn-udp-closed", decide),
        [Transport::Tcp] => found.unless("turn-tcp-closed", decide),
        [Transport::Tls | Transport::Dtls] | [Transport::Tls, Transport::Dtls] => found.unless("turn-tls-closed", decide),
        _ => found,
    }
}

/// Nothing answers, neither the server nor any unrelated host: that may be this host's network as well as the server.
fn offline(evidence: &Evidence<'_>, dead: &[&Server<'_, '_>]) -> Judgement {
    let Some(first) = dead.first() else { return Judgement::Unknown };
    let controls = &evidence.controls().over(first.ip);
    let passes = [controls.stun(), controls.tcp()].contains(&Answer::Passes);
    let answers = evidence.endpoints().iter().any(|endpoint| !DEAD.contains(&endpoint.reachability()));
    if passes || answers {
        return Judgement::Unknown;
    }
    let over = match (evidence.family_is_dead(first.ip), first.ip.is_ipv6()) {
        (true, true) => " over IPv6",
        (true, false) => " over IPv4",
        (false, _) => "",
    };
    let them = if controls.cite(&ALL_KINDS).is_empty() { "" } else { ", neither the TURN server nor the hosts to compare with" };
    Found::new(&RULE.cause, format!("Nothing answers{over} from here{them}."))
        .level(Level::Warn)
        .confidence(Confidence::Possible)
        .because(dead.iter().flat_map(|server| server.cite()))
        .because(controls.cite(&ALL_KINDS))
        .unless(
            "network-allow-list",
            "see whether this host reaches anything else: a network that allows chosen hosts alone looks the same",
        )
        .unless("network-blocks-udp", "see whether this host reaches anything over TCP")
        .unless("network-blocks-stun", "see whether this host reaches anything over UDP")
        .unless("turn-udp-closed", "ask the server over TCP too")
        .unless("turn-tcp-closed", "ask the server over UDP too")
        .unless("turn-tls-closed", "ask the server over UDP too")
        .unless("server-address-blocked", "run callcheck from another network")
        .fix(Place::Network, "See whether this host is online, and run callcheck from another network.")
        .done()
}
