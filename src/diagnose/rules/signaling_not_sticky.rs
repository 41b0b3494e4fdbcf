//! `signaling-not-sticky`: requests of one session reach different servers.

use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "signaling-not-sticky",
        group: Group::Signaling,
        level: Level::Fail,
        title: "the signaling server's sessions are not sticky",
        meaning: "Several signaling servers stand behind one address, and the load balancer sends the requests of one session now to one and \
                  now to another, which doesn't know it.",
        impact: "Clients that begin by polling lose their connection again and again, or never get one, so calls fail by chance.",
        proof: "A session was opened, and further requests of it over new connections are answered by \"Session ID unknown\".",
        look_alikes: "A server that restarts forgets its sessions too: then it happens once, and not on a second run.",
        remedy: "Make sessions sticky in the load balancer, by address or cookie, or have clients use WebSocket alone.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let Some(polls) = evidence.signaling().polls.filter(|polls| polls.fact.answered > 0) else { return Judgement::Unknown };
    if polls.fact.unknown == 0 {
        return Judgement::ruled_out_by(vec![polls.cite()]);
    }
    let summary = format!(
        "The signaling servers behind {} don't know each other's sessions: {} of {} further requests of one session were answered by \
         \"Session ID unknown\".",
        polls.target, polls.fact.unknown, polls.fact.answered
    );
    let text = "Make sessions sticky in the load balancer, in nginx for instance.";
    Found::new(&RULE.cause, summary)
        .because([polls.cite()])
        .fix_by(Place::Signaling, text, "upstream signaling { ip_hash; server 10.0.0.1:3000; server 10.0.0.2:3000; }")
        .fix_by(Place::Application, "Or have the clients use WebSocket alone.", "io(url, { transports: [\"websocket\"] })")
        .done()
}
