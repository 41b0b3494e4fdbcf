//! `dns-not-found`: the server's name does not exist, or has no address.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::NameAnswer;
use crate::model::finding::{Level, Place};
use crate::model::target::Host;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "dns-not-found",
        group: Group::Names,
        level: Level::Fail,
        title: "the server's name does not resolve",
        meaning: "The name in the list of ICE servers, or that of the signaling server, does not exist in DNS, or has neither an A nor an AAAA record.",
        impact: "Browsers can't reach the server at all: no relay candidates, and calls fail wherever a direct path is impossible.",
        proof: "A resolver answers that the name does not exist (NXDOMAIN), or that it has no address.",
        look_alikes: "dns-unavailable: there no resolver answers, and other names fail too.",
        remedy: "Correct the name, or add the missing A or AAAA record.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let mut asked: Vec<&str> = hosts(evidence);
    let signaling = evidence.signaling().name.map(|name| name.target);
    asked.extend(signaling);
    let missing: Vec<_> = evidence
        .names()
        .filter(|name| asked.contains(&name.target) && matches!(name.fact.answer, NameAnswer::NotFound | NameAnswer::NoAddress))
        .collect();
    let Some(first) = missing.first() else {
        let found = evidence.names().filter(|name| asked.contains(&name.target) && name.fact.answer == NameAnswer::Found);
        return Judgement::ruled_out_by(found.map(|name| name.cite()).collect());
    };
    let what = match first.fact.answer {
        NameAnswer::NoAddress => "has no address in DNS",
        NameAnswer::NotFound | NameAnswer::Found | NameAnswer::Unavailable => "does not exist in DNS",
    };
    // Without its gateway no call begins, whatever the TURN servers do.
    let gateway = missing.iter().any(|name| signaling == Some(name.target));
    let level = if gateway { Level::Fail } else { evidence.level_by_rest(&[]) };
    let list = if signaling == Some(first.target) { "signaling.url" } else { "the list of ICE servers" };
    let found = Found::new(&RULE.cause, format!("The name {} {what}.", first.target))
        .level(level)
        .because(missing.iter().map(|name| name.cite()));
    let record = format!("{}. 300 IN A <the server's public IPv4 address>", first.target);
    found
        .fix(Place::Application, format!("Check the spelling of {} in {list}.", first.target))
        .fix_by(Place::Dns, "Or add the missing record to the zone.", record)
        .done()
}

/// The names that the run was asked about.
pub fn hosts<'a>(evidence: &Evidence<'a>) -> Vec<&'a str> {
    let services = &evidence.asked().services;
    let names =
        services.iter().filter_map(|service| if let Host::Name(name) = &service.host { Some(name.as_str()) } else { None });
    names.collect()
}
