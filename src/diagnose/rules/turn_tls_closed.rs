//! `turn-tls-closed`: the server's TLS port, or that of DTLS, is refused or silent, while another transport works.

use super::turn_tcp_closed::judge_port;
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Judgement, Rule};
use crate::model::asked::Form;
use crate::model::cause::{Cause, Group};
use crate::model::endpoint::Transport;
use crate::model::finding::Level;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "turn-tls-closed",
        group: Group::Reach,
        level: Level::Degrade,
        title: "the server's TLS port is closed",
        meaning: "TURN answers over UDP or TCP and not over TLS: nothing listens there, or a firewall drops it.",
        impact: "Users whose network lets nothing but TLS out get no relay; the others do.",
        proof: "TCP to the TLS port, or the first message of DTLS where a list has it, is refused or silent, and TURN answers otherwise.",
        look_alikes: "tls-handshake-failed: there the port takes connections. network-blocks-udp, for DTLS: there unrelated hosts don't \
                      answer over UDP either.",
        remedy: "Give the server a certificate, let it listen on TLS, and open the port in its firewalls.",
    },
    folds: &[],
    judge,
};

/// A bare host promises no TLS: there it is a risk and no more.
fn judge(evidence: &Evidence<'_>) -> Judgement {
    let level = match evidence.asked().form {
        Form::Host => Level::Warn,
        Form::HostAndPort | Form::Urls => RULE.cause.level,
    };
    judge_port(evidence, &RULE.cause, &[Transport::Tls, Transport::Dtls], level)
}
