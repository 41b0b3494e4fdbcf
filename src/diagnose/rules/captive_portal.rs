//! `captive-portal`: somebody in this network answers in place of every host.

use crate::diagnose::endpoint::Reachability;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{cite, list, places};
use crate::model::cause::{Cause, Group};
use crate::model::fact::HandshakeEnd;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "captive-portal",
        group: Group::Reach,
        level: Level::Fail,
        title: "this network answers in the server's place",
        meaning: "A login page of this network (a hotel, a café, a guest network) answers every connection until somebody signs in.",
        impact: "Nothing works from this network until its login page was passed.",
        proof: "The TURN port answers in HTTP or another protocol, and so does port 443 of unrelated hosts.",
        look_alikes: "wrong-host: there unrelated hosts answer as themselves.",
        remedy: "Open a browser and sign in to the network.",
    },
    folds: &[
        "wrong-host",
        "tls-handshake-failed",
        "tls-untrusted-issuer",
        "tls-name-mismatch",
        "tls-intercepted",
        "turn-down",
        "turn-udp-closed",
        "network-blocks-udp",
        "network-blocks-stun",
        "network-allow-list",
    ],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let foreign: Vec<_> =
        evidence.endpoints().iter().filter(|endpoint| matches!(endpoint.reachability(), Reachability::Foreign(_))).collect();
    let elsewhere: Vec<_> =
        evidence.control_handshakes().filter(|control| matches!(control.fact.end, HandshakeEnd::NotTls { .. })).collect();
    let alive = evidence.endpoints().iter().any(super::super::endpoint::EndpointEvidence::alive);
    if foreign.is_empty() || elsewhere.is_empty() || alive {
        let themselves = evidence.control_handshakes().filter(|control| !matches!(control.fact.end, HandshakeEnd::NotTls { .. }));
        return Judgement::ruled_out_by(themselves.map(|control| control.cite()).collect());
    }
    // One control that answers in HTTP on port 443 may be misconfigured itself; two are the network.
    let confidence = if elsewhere.len() > 1 { Confidence::Certain } else { Confidence::Likely };
    let summary = format!(
        "This network answers in place of other hosts, {} among them: a login page is in the way.",
        list(&places(&foreign))
    );
    let found = Found::new(&RULE.cause, summary).confidence(confidence);
    let found = match confidence {
        Confidence::Certain => found,
        Confidence::Likely | Confidence::Possible => found.unless("wrong-host", "open the server's address from another network"),
    };
    found
        .because(cite(&foreign))
        .because(elsewhere.iter().map(|control| control.cite()))
        .fix(Place::Network, "Open any page in a browser, sign in to the network, and run this again.")
        .done()
}
