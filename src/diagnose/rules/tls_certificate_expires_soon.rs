//! `tls-certificate-expires-soon`: the certificate ends within two weeks.

use super::{handshakes, refusals};
use crate::diagnose::evidence::Evidence;
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::finding::Level;

/// What counts as soon, in seconds: certbot renews thirty days before the end, so at fourteen it has failed for two weeks.
const SOON_S: i64 = 14 * 86_400;

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-certificate-expires-soon",
        group: Group::Tls,
        level: Level::Warn,
        title: "the TLS certificate expires within two weeks",
        meaning: "The TURN server's certificate is valid and ends in less than fourteen days. Renewal usually happens earlier than that, so \
                  either it fails, or the server goes on with the old file.",
        impact: "Calls work now; from that day on browsers will refuse the turns: URLs.",
        proof: "The notAfter of the certificate that the server sent lies less than fourteen days ahead.",
        look_alikes: "A renewed file that the server has not loaded looks the same from outside: compare with the file on the host.",
        remedy: "See why the renewal did not happen, and make the server load the new certificate.",
    },
    folds: &[],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let (mut soon, mut later) = (Vec::new(), Vec::new());
    for presented in handshakes::presented(evidence) {
        match presented.certificate.not_after - presented.certificate.now {
            ..0 => {}
            0..SOON_S => soon.push(presented),
            SOON_S.. => later.push(presented),
        }
    }
    let Some(first) = soon.iter().min_by_key(|presented| presented.certificate.not_after) else {
        return Judgement::ruled_out_by(handshakes::cite(&later));
    };
    let summary = format!(
        "The TLS certificate on {} expires on {}, {} from now.",
        handshakes::places(&handshakes::endpoints(&soon)),
        handshakes::day(first.certificate.not_after),
        refusals::span(first.certificate.not_after - first.certificate.now),
    );
    let found = Found::new(&RULE.cause, summary).because(handshakes::cite(&soon));
    handshakes::renew(evidence, found).done()
}
