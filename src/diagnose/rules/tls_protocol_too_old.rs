//! `tls-protocol-too-old`: the server speaks nothing newer than TLS 1.1.

use super::{handshakes, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::HandshakeEnd;
use crate::model::finding::{Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-protocol-too-old",
        group: Group::Tls,
        level: Level::Degrade,
        title: "the server's TLS is older than 1.2",
        meaning: "The server offers TLS 1.1 at most. Browsers gave up everything below 1.2 years ago.",
        impact: "Browsers can't use the turns: URLs, so users on networks that let only TLS out can't call.",
        proof: "The handshake ends with the alert protocol_version, or the server chooses an older version than any that was offered.",
        look_alikes: "tls-handshake-failed: there the version is agreed and the cipher, the key or the name is not.",
        remedy: "Let the server speak TLS 1.2 and 1.3.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let old: Vec<_> = evidence
        .promised()
        .filter_map(|endpoint| {
            endpoint.handshake.filter(|it| it.fact.end == HandshakeEnd::TooOld).map(|it| (endpoint.endpoint, it))
        })
        .collect();
    let Some((first, handshake)) = old.first() else {
        return handshakes::excluded_by_handshakes(evidence, &[]);
    };
    let lost: Vec<_> = old.iter().map(|(endpoint, _)| *endpoint).collect();
    let summary = format!("The server on {} speaks no TLS newer than 1.1.", handshakes::places(&lost));
    let name = handshakes::name_option(&handshake.fact.server_name);
    let version = if first.transport.is_stream() { "-tls1_2" } else { "-dtls1_2" };
    let check = format!("openssl s_client -connect {}{name} {version} </dev/null", first.address);
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(old.iter().map(|(_, handshake)| handshake.cite()));
    let found = if evidence.is_coturn() {
        let text = "Take no-tlsv1_2 out of turnserver.conf, restart coturn, and update coturn and OpenSSL if that is not it.";
        found.fix_by(Place::Server, text, "sed -i '/^no-tlsv1_2/d' /etc/turnserver.conf && systemctl restart coturn")
    } else {
        found.fix(
            Place::Server,
            "Enable TLS 1.2 and 1.3 in the TURN server, or in what ends TLS before it, and update its TLS library.",
        )
    };
    found.fix_by(Place::Server, "This shows whether it worked.", check).done()
}
