//! `local-firewall`: this host itself refuses to send.

use crate::diagnose::endpoint::Reachability;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::{cite, list, places};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "local-firewall",
        group: Group::Reach,
        level: Level::Fail,
        title: "a firewall on this very host",
        meaning: "The operating system refuses to send the packets: a firewall or a policy on this host forbids them.",
        impact: "Calls from this host fail; the server and the network in between are not even reached.",
        proof: "Sending fails with \"operation not permitted\" (EPERM) before anything leaves.",
        look_alikes: "network-blocks-udp: there sending works and nothing comes back.",
        remedy: "Allow the program, or outgoing UDP, in this host's firewall.",
    },
    folds: &[
        "turn-down",
        "turn-udp-closed",
        "network-blocks-udp",
        "network-blocks-stun",
        "network-allow-list",
        "relay-ports-closed",
        "relay-untestable-from-here",
    ],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let denied: Vec<_> = evidence.promised().filter(|endpoint| endpoint.reachability() == Reachability::DeniedLocally).collect();
    let controls: Vec<_> = evidence.controls().denied_locally().collect();
    let lost = places(&denied);
    let (what, level) = match (lost.as_slice(), controls.first()) {
        ([], None) => return Judgement::Unknown,
        // The listed endpoints are reached; it is the peers' datagrams that this host may not send.
        ([], Some(control)) => (control.target.to_owned(), Level::Degrade),
        (lost, _) => (list(lost), evidence.level_of(&RULE.cause, lost)),
    };
    Found::new(&RULE.cause, format!("A firewall on this host forbids sending to {what}."))
        .level(level)
        .because(cite(&denied))
        .because(evidence.controls().denied_locally().map(|seen| seen.cite()))
        .fix_by(Place::Client, "Find the rule that drops or rejects outgoing packets, and allow these.", "nft list ruleset")
        .done()
}
