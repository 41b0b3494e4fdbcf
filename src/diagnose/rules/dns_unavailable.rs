//! `dns-unavailable`: no resolver answers, so no name can be resolved from here.

use super::dns_not_found::hosts;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::NameAnswer;
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "dns-unavailable",
        group: Group::Names,
        level: Level::Fail,
        title: "no resolver answers",
        meaning: "This host's resolvers don't answer, or can't: names can't be resolved from here, whatever they stand for.",
        impact: "Nothing that is reached by name works from this host: neither the TURN server nor the signaling server.",
        proof: "The question for the server's name ends without any answer from a resolver.",
        look_alikes: "dns-not-found: there a resolver answers that the name does not exist.",
        remedy: "Repair the resolver's configuration of this host or network.",
    },
    folds: &["network-blocks-udp", "network-allow-list"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let asked = hosts(evidence);
    let names: Vec<_> = evidence.names().filter(|name| asked.contains(&name.target)).collect();
    let unavailable: Vec<_> = names.iter().filter(|name| name.fact.answer == NameAnswer::Unavailable).collect();
    let Some(first) = unavailable.first() else {
        return Judgement::ruled_out_by(names.iter().map(|name| name.cite()).collect());
    };
    // A resolver that takes other questions is there: then this name's own servers, or a lossy line, may be to blame.
    let answers_others = evidence.controls().answering_resolvers();
    let summary = if answers_others.is_empty() {
        format!("No resolver answers on this host: {} can't be resolved.", first.target)
    } else {
        format!("The resolver gives no answer for {}, although it answers other questions.", first.target)
    };
    let found =
        Found::new(&RULE.cause, summary).level(evidence.level_by_rest(&[])).because(unavailable.iter().map(|name| name.cite()));
    let found = if answers_others.is_empty() {
        found
    } else {
        let again = "ask again, and another resolver";
        found.confidence(Confidence::Likely).because(answers_others).unless("dns-not-found", again).unless("packet-loss", again)
    };
    found
        .fix_by(Place::Client, "Check the name servers that this host asks, and whether they answer.", "cat /etc/resolv.conf")
        .done()
}
