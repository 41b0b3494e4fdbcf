//! `proxy-only`: TCP leaves this network through the proxy alone.

use crate::diagnose::controls::Answer;
use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{list, places};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{HandshakeEnd, ProxyFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "proxy-only",
        group: Group::Reach,
        level: Level::Degrade,
        title: "only the proxy reaches the server",
        meaning: "Direct connections fail in this network; the HTTP proxy that the environment names connects.",
        impact: "Browsers that use the proxy can call by TURN over TCP or TLS alone; applications that don't use it can't.",
        proof: "No direct TCP connection succeeds, and the proxy answers CONNECT for the same endpoint with 200; then TLS, Binding and Allocate \
                go through the tunnel. 407, 403 and 5xx in place of 200 are named: a login, a rule, a server that the proxy can't reach.",
        look_alikes: "turn-down: there the proxy fails too, with 500, 502 or 504, and stays likely only.",
        remedy: "Offer turns: on port 443, and have the proxy allow it.",
    },
    folds: &["turn-down", "network-allow-list"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let connects: Vec<_> = evidence.endpoints().iter().filter(|it| !it.is_datagram()).filter_map(|it| it.connect).collect();
    let direct = connects.iter().any(|connect| connect.fact.reply.succeeded());
    let proxies: Vec<_> = evidence.proxies().collect();
    let Some(first) = proxies.first().filter(|_| !direct) else { return Judgement::Unknown };
    let is_open = |proxy: &Seen<'_, ProxyFact>| proxy.fact.status.is_some_and(|status| (200..300).contains(&status));
    let found = if proxies.iter().any(is_open) {
        open(evidence, &first.fact.proxy)
    } else {
        match closed(evidence, first.fact, proxies.iter().find_map(|proxy| proxy.fact.status)) {
            Some(found) => found,
            // Without an answer the proxy itself may be gone: the rules on the server judge it.
            None => return Judgement::Unknown,
        }
    };
    found
        .because(proxies.iter().map(|proxy| proxy.cite()))
        .because(evidence.through_proxy().iter().flat_map(cite_tunnel))
        .because(evidence.endpoints().iter().flat_map(EndpointEvidence::cite_reachability))
        .done()
}

/// The proxy connects: what counts is whether TURN gets through the tunnel.
fn open(evidence: &Evidence<'_>, proxy: &str) -> Found {
    let tunnels = evidence.through_proxy();
    let working: Vec<_> = tunnels.iter().filter(|tunnel| tunnel.usable()).collect();
    let alone = format!("This network reaches the TURN server through the proxy {proxy} alone");
    let exempt = "Or have the network let UDP to the TURN server out, which carries calls better than any proxy.";
    let (Some(_), false) = (tunnels.first(), working.is_empty()) else {
        let dead: Vec<_> = tunnels.iter().collect();
        let why = dead.first().map_or("nothing is said inside the tunnel", |tunnel| obstacle(tunnel));
        let summary = format!("{alone}, and TURN does not get through it over {}: {why}.", list(&places(&dead)));
        return Found::new(&RULE.cause, summary)
            .confidence(Confidence::Likely)
            .unless("tls-intercepted", "compare the certificate with the one that the server presents to another network")
            .unless(
                "tls-not-turn",
                "run callcheck from another network: if the port serves no TURN there either, it is the server's",
            )
            .fix(Place::Network, "Have the proxy pass what is inside the tunnel to the TURN server untouched.")
            .fix(Place::Network, exempt);
    };
    let how = list(&places(&working));
    Found::new(&RULE.cause, format!("{alone}; TURN works through it over {how}."))
        .fix_by(Place::Application, "Offer TURN over TLS on port 443, which proxies allow.", "turns:<host>:443?transport=tcp")
        .fix(Place::Network, exempt)
}

/// Why TURN gets no further inside a tunnel.
fn obstacle(tunnel: &EndpointEvidence<'_>) -> &'static str {
    match tunnel.handshake {
        Some(seen) if seen.fact.end != HandshakeEnd::Completed => "the TLS handshake fails",
        Some(seen) if !seen.fact.defects.is_empty() => "the certificate is not trusted",
        Some(_) | None => "no TURN server answers",
    }
}

/// The proxy doesn't connect, and says why. Where this network has another way out, the proxy's word doesn't matter.
fn closed(evidence: &Evidence<'_>, fact: &ProxyFact, status: Option<u16>) -> Option<Found> {
    if evidence.controls().tcp() == Answer::Passes {
        return None;
    }
    let proxy = &fact.proxy;
    let only = format!("The proxy {proxy} is the only way out");
    let found = |said: &str| Found::new(&RULE.cause, format!("{only} and {said}."));
    Some(match status? {
        // Tinyproxy answers 401 to a wrong login and 407 to none.
        status @ (401 | 407) if fact.login => found(&format!("refuses the login that the environment has for it ({status})"))
            .fix(Place::Client, "Correct the user and password in the proxy's variable (HTTPS_PROXY)."),
        407 => found("demands a login (407)").fix_by(
            Place::Client,
            "Give the proxy's login in its variable, or have the proxy let CONNECT to the TURN server pass without one.",
            format!("HTTPS_PROXY=http://<user>:<password>@{proxy}"),
        ),
        403 => found("forbids CONNECT to the TURN server (403): its address or port is not among those that are allowed")
            .fix(Place::Network, "Have the proxy allow CONNECT to the TURN server's address and port.")
            .fix_by(
                Place::Application,
                "Offer TURN over TLS on port 443, which proxies allow.",
                "turns:<host>:443?transport=tcp",
            ),
        status @ 500..=599 => found(&format!("does not reach the TURN server ({status})"))
            .confidence(Confidence::Likely)
            .unless("turn-down", "run callcheck from another network: if the server is silent there too, it is down")
            .fix(Place::Network, "See in the proxy's log why it can't connect: the name, the address or the port."),
        // Anything else says nothing of the server.
        _ => return None,
    })
}

fn cite_tunnel(tunnel: &EndpointEvidence<'_>) -> Vec<String> {
    let allocation = tunnel.allocations.first().map(|seen| seen.cite());
    tunnel.cite_reachability().into_iter().chain(allocation).collect()
}
