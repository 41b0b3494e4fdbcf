//! `tls-chain-incomplete`: the leaf came without the intermediate that issued it.

use super::{handshakes, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::CertificateDefect;
use crate::model::finding::{Confidence, Level};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-chain-incomplete",
        group: Group::Tls,
        level: Level::Degrade,
        title: "the TLS certificate is sent without its intermediate",
        meaning: "The server sends its own certificate alone. The one in between, which leads from it to a root that clients know, is \
                  missing; usually cert.pem was configured where fullchain.pem belongs.",
        impact: "WebRTC stacks refuse the turns: URLs, although a browser that has met the intermediate elsewhere may open a page of the same \
                 host.",
        proof: "The server sent a single certificate, which is not self-signed and whose issuer is no trusted root.",
        look_alikes: "tls-untrusted-issuer: a private authority that signs without an intermediate leaves the same evidence. If the issuer is \
                      a public authority, the intermediate is what is missing.",
        remedy: "Configure the file that holds the whole chain, and restart the server.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let alone = handshakes::with(evidence, CertificateDefect::ChainIncomplete);
    let Some(first) = alone.first() else { return excluded(evidence) };
    let lost = handshakes::endpoints(&alone);
    let name = &first.handshake.fact.server_name;
    let summary = format!(
        "The TLS certificate on {} is sent alone, without the intermediate certificate of its issuer ({}).",
        handshakes::places(&lost),
        first.certificate.issuer,
    );
    let command = handshakes::show_chain(lost[0], name);
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .confidence(Confidence::Likely)
        .because(handshakes::cite(&alone))
        .unless(
            "tls-untrusted-issuer",
            format!("see who issued it ({command}): an authority of your own that signs directly has no intermediate to send"),
        );
    handshakes::set_certificate(evidence, found, name).done()
}

/// A trusted chain is whole; so is a self-signed one, and one of several certificates has its intermediates.
fn excluded(evidence: &Evidence<'_>) -> Judgement {
    let whole = handshakes::presented(evidence)
        .filter(|presented| presented.handshake.fact.defects.is_empty() || !presented.is_lone_leaf());
    Judgement::ruled_out_by(whole.map(|presented| presented.handshake.cite()).collect())
}
