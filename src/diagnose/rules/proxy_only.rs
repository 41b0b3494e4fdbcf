//! `proxy-only`: TCP leaves this network through the proxy alone.

use crate::diagnose::endpoint::EndpointEvidence;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "proxy-only",
        group: Group::Reach,
        level: Level::Degrade,
        title: "only the proxy reaches the server",
        meaning: "Direct connections fail in this network; the HTTP proxy that the environment names connects.",
        impact: "Browsers that use the proxy can call by TURN over TCP or TLS alone; applications that don't use it can't.",
        proof: "No direct TCP connection succeeds, and the proxy answers CONNECT for the same endpoint with 200.",
        look_alikes: "turn-tcp-closed: there the proxy fails too, with 502 or 504.",
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
    let open = proxies.iter().any(|proxy| proxy.fact.status.is_some_and(|status| (200..300).contains(&status)));
    let status = proxies.iter().find_map(|proxy| proxy.fact.status);
    let summary = match (open, status) {
        (true, _) => format!("This network reaches the TURN server through the proxy {} alone.", first.fact.proxy),
        (false, Some(407)) => format!("The proxy {} is the only way out and demands a login (407).", first.fact.proxy),
        (false, Some(403)) => format!("The proxy {} is the only way out and forbids the TURN server (403).", first.fact.proxy),
        // Any other answer may be the server's fault as well: the rules on the server judge it.
        (false, Some(_) | None) => return Judgement::Unknown,
    };
    Found::new(&RULE.cause, summary)
        .because(proxies.iter().map(|proxy| proxy.cite()))
        .because(evidence.endpoints().iter().flat_map(EndpointEvidence::cite_reachability))
        .fix(Place::Network, "Have the proxy allow CONNECT to the TURN server without a login.")
        .fix_by(Place::Application, "Offer TURN over TLS on port 443, which proxies allow.", "turns:<host>:443?transport=tcp")
        .done()
}
