//! `packet-loss`: the way to the server loses packets.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::interval::clopper_pearson;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The loss beyond which calls suffer: that of the round trip, as a share.
pub const BEARABLE: f64 = 0.03;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "packet-loss",
        group: Group::Stun,
        level: Level::Degrade,
        title: "the way to the server loses packets",
        meaning: "Packets are lost between this host and the server: Wi-Fi, a full line, an overloaded host.",
        impact: "Calls connect slowly and sound and picture break up.",
        proof: "The lower end of the 95 % interval of the round-trip loss is over 3 %, from at least 20 paced requests.",
        look_alikes: "relay-lossy: there the way to the server is clean and only what is relayed is lost.",
        remedy: "Look for the lossy link: cable in place of Wi-Fi, another network, the host's load.",
    },
    folds: &["relay-lossy", "relay-ports-partly-closed"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let losses: Vec<_> = evidence.promised().filter_map(|endpoint| endpoint.loss).collect();
    let worst = losses.iter().max_by(|one, other| share(one.fact.requests).total_cmp(&share(other.fact.requests)));
    let Some(worst) = worst else { return Judgement::Unknown };
    let requests = worst.fact.requests;
    let (lower, upper) = clopper_pearson(requests.lost(), requests.sent);
    if requests.sent < 20 || lower <= BEARABLE {
        return Judgement::ruled_out_by(
            losses.iter().filter(|loss| loss.fact.requests.lost() == 0).map(|loss| loss.cite()).collect(),
        );
    }
    let summary = format!(
        "The way to the server loses packets: {} of {} requests stayed unanswered (95 % interval {:.0} to {:.0} %).",
        requests.lost(),
        requests.sent,
        lower * 100.0,
        upper * 100.0
    );
    Found::new(&RULE.cause, summary)
        .because([worst.cite()])
        .fix_by(
            Place::Network,
            "Find the lossy link; a cable in place of Wi-Fi, or another network, tells.",
            "mtr --udp --report <host>",
        )
        .done()
}

fn share(requests: crate::model::fact::Tally) -> f64 {
    f64::from(requests.lost()) / f64::from(requests.sent.max(1))
}
