//! `relay-ports-exhausted`: the server has no relay port to give.

use super::refusals;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::diagnose::server::list;
use crate::model::cause::{Cause, Group};
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "relay-ports-exhausted",
        group: Group::Allocation,
        level: Level::Fail,
        title: "the server has no free relay port",
        meaning: "Every allocation takes a port of the relay's range, and the server can open none: all are taken, the range is too small, or \
                  the relay address is not on the host at all.",
        impact: "New calls get no relay, so those that need it fail.",
        proof: "An Allocate is refused by 508, also after this run held nothing itself.",
        look_alikes: "quota-reached is 486. A relay-ip that is on no interface of the host gives the same 508, after nearly a second and \
                      however few calls there are.",
        remedy: "Widen the range, and see that the relay address is one of the host's.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let out_of_ports: Vec<_> = refusals::by_code(evidence, &[508])
        .into_iter()
        .filter(|refusal| !refusals::granted_elsewhere(evidence, refusal.endpoint))
        .collect();
    if out_of_ports.is_empty() {
        return refusals::excluded_by_grant(evidence);
    }
    let lost = refusals::endpoints(&out_of_ports);
    let summary = format!("The server on {} has no relay port to give (508).", list(&lost));
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(refusals::cite(&out_of_ports));
    if evidence.is_coturn() {
        let text = "Widen the range in turnserver.conf and in the firewall, and restart coturn.";
        found
            .fix_by(Place::Server, text, "min-port=49152\nmax-port=65535")
            .fix_by(
                Place::Server,
                "See that relay-ip, where it is set, is on an interface of the host.",
                "grep ^relay-ip /etc/turnserver.conf; ip -brief address",
            )
            .done()
    } else {
        found
            .fix(
                Place::Server,
                "Widen the UDP range that the server relays on (49152-65535 is usual), in its settings and in the firewall.",
            )
            .fix_by(Place::Server, "See that the address it relays on is on an interface of the host.", "ip -brief address")
            .done()
    }
}
