//! `packet-loss`: the way to the server loses packets.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::interval::{clopper_pearson, surely_over};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::Tally;
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
        proof: "The round-trip loss is over 3 % so surely that a line of just 3 % would show it once in 10,000 looks; from at least 20 paced \
                requests, and up to 300 where the first show loss.",
        look_alikes: "relay-lossy: there the way to the server is clean and only what is relayed is lost.",
        remedy: "Look for the lossy link: cable in place of Wi-Fi, another network, the host's load.",
    },
    folds: &["relay-lossy", "relay-ports-partly-closed", "stream-cut", "mtu-blackhole"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let measured: Vec<_> = evidence.promised().filter_map(|endpoint| Some((endpoint, endpoint.loss()?))).collect();
    let worst = measured.iter().max_by(|(_, one), (_, other)| share(*one).total_cmp(&share(*other)));
    let Some((endpoint, requests)) = worst else { return Judgement::Unknown };
    let (lower, upper) = clopper_pearson(requests.lost(), requests.sent);
    if requests.sent < 20 || surely_over(requests.lost(), requests.sent) <= BEARABLE {
        let clean = measured.iter().filter(|(_, requests)| requests.lost() == 0);
        return Judgement::ruled_out_by(clean.flat_map(|(endpoint, _)| endpoint.losses.iter().map(|loss| loss.cite())).collect());
    }
    let summary = format!(
        "The way to the server loses packets: {} of {} requests stayed unanswered (95 % interval {:.0} to {:.0} %).",
        requests.lost(),
        requests.sent,
        lower * 100.0,
        upper * 100.0
    );
    Found::new(&RULE.cause, summary)
        .because(endpoint.losses.iter().map(|loss| loss.cite()))
        .fix_by(
            Place::Network,
            "Find the lossy link; a cable in place of Wi-Fi, or another network, tells.",
            "mtr --udp --report <host>",
        )
        .done()
}

fn share(requests: Tally) -> f64 {
    f64::from(requests.lost()) / f64::from(requests.sent.max(1))
}
