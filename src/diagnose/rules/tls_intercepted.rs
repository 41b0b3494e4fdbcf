//! `tls-intercepted`: this network answers TLS in the place of every server, the TURN server among them.

use super::handshakes::{self, Presented};
use super::{refusals, tls_not_turn};
use crate::diagnose::evidence::{Evidence, Seen};
use crate::diagnose::rule::{Found, Judgement, Rule};
use crate::model::cause::{Cause, Group};
use crate::model::fact::{CertificateDefect, HandshakeFact};
use crate::model::finding::{Confidence, Level, Place};

/// The rule.
pub const RULE: Rule = Rule {
    cause: Cause {
        id: "tls-intercepted",
        group: Group::Reach,
        level: Level::Degrade,
        title: "this network looks into TLS",
        meaning: "A proxy or a security product between here and the internet ends every TLS connection and presents certificates of its \
                  own. Such products expect HTTP inside, and TURN does not get through them.",
        impact: "Users of this network can't use the turns: URLs; where UDP is closed too, their calls fail.",
        proof: "The TURN server's certificate and those of unrelated hosts come from the same issuer, which is not trusted, or which is \
                and no TURN server answers inside.",
        look_alikes: "tls-untrusted-issuer: there unrelated hosts present trusted certificates. A host without any trusted roots distrusts \
                      all servers as well, but their issuers differ.",
        remedy: "Have the TURN server's name or address exempted from TLS inspection, or let its UDP port out.",
    },
    folds: &["tls-untrusted-issuer", "tls-chain-incomplete", "tls-name-mismatch", "tls-not-turn"],
    judge,
};

fn judge(evidence: &Evidence<'_>) -> Judgement {
    let controls: Vec<_> = evidence.control_handshakes().filter(|control| issuer(control.fact).is_some()).collect();
    let (untrusted, trusted): (Vec<_>, Vec<_>) = controls.into_iter().partition(|control| is_untrusted(control.fact));
    let same: Vec<_> = handshakes::presented(evidence).filter(|presented| is_one_issuer(presented, &untrusted)).collect();
    let Some(first) = same.first() else {
        return by_a_trusted_issuer(evidence, &trusted, &untrusted).unwrap_or_else(|| excluded(evidence, &trusted));
    };
    let lost = handshakes::endpoints(&same);
    let mut hosts: Vec<String> = untrusted.iter().map(|control| control.fact.server_name.clone()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let summary = format!(
        "This network looks into TLS: {} presents a certificate of {}, as {} {} from here, too.",
        handshakes::places(&lost),
        first.certificate.issuer,
        refusals::listed(&hosts),
        if hosts.len() == 1 { "does" } else { "do" },
    );
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .because(handshakes::cite(&same))
        .because(untrusted.iter().map(Seen::cite));
    let found = if hosts.len() > 1 {
        found
    } else {
        found.confidence(Confidence::Likely).unless(
            "tls-untrusted-issuer",
            "run callcheck from another network: if the certificate there has the same issuer, it is the server's own",
        )
    };
    mend(found)
}

fn mend(found: Found) -> Judgement {
    found
        .fix(Place::Network, "Have the TURN server's name and address exempted from TLS inspection, or let UDP to it out.")
        .fix(Place::Application, "Offer TURN over UDP and plain TCP beside TLS: on such a network another of them may pass.")
        .done()
}

/// Where the root of what looks into TLS is installed here, as on a company's machines: behind the server's certificate there is no TURN, and
/// all unrelated hosts, two at least, have theirs from the same issuer.
fn by_a_trusted_issuer(
    evidence: &Evidence<'_>,
    trusted: &[Seen<'_, HandshakeFact>],
    untrusted: &[Seen<'_, HandshakeFact>],
) -> Option<Judgement> {
    let mut hosts: Vec<String> = trusted.iter().map(|control| control.fact.server_name.clone()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let is_everybodys = |presented: &Presented<'_, '_>| {
        let own = Some(presented.certificate.issuer.as_str());
        let other_host = |control: &Seen<'_, HandshakeFact>| control.fact.server_name != presented.handshake.fact.server_name;
        trusted.iter().all(|control| issuer(control.fact) == own && other_host(control))
    };
    let same: Vec<_> = handshakes::presented(evidence)
        .filter(|presented| tls_not_turn::answer(presented.endpoint).is_some() && is_everybodys(presented))
        .collect();
    let first = same.first().filter(|_| untrusted.is_empty() && hosts.len() > 1)?;
    let lost = handshakes::endpoints(&same);
    let summary = format!(
        "This network looks into TLS: {} presents a certificate of {}, as {} do from here, too, and no TURN server answers inside.",
        handshakes::places(&lost),
        first.certificate.issuer,
        refusals::listed(&hosts),
    );
    let decide = "run callcheck from another network: if the certificate there has the same issuer, it is the server's own";
    let found = Found::new(&RULE.cause, summary)
        .level(refusals::level(evidence, &RULE.cause, &lost))
        .confidence(Confidence::Likely)
        .because(same.iter().flat_map(|presented| presented.endpoint.cite_reachability()))
        .because(trusted.iter().map(Seen::cite))
        .unless("tls-not-turn", decide);
    Some(mend(found))
}

/// Who issued the certificate that was presented.
pub fn issuer(handshake: &HandshakeFact) -> Option<&str> {
    handshake.certificate.as_ref().map(|certificate| certificate.issuer.as_str())
}

fn is_untrusted(handshake: &HandshakeFact) -> bool {
    let of_issuer = [CertificateDefect::UntrustedIssuer, CertificateDefect::ChainIncomplete, CertificateDefect::Invalid];
    handshake.defects.iter().any(|defect| of_issuer.contains(defect))
}

/// All untrusted controls must name that one issuer: with several of them it is this host that lacks roots.
fn is_one_issuer(presented: &Presented<'_, '_>, untrusted: &[Seen<'_, HandshakeFact>]) -> bool {
    let own = Some(presented.certificate.issuer.as_str());
    let other_host = |control: &Seen<'_, HandshakeFact>| control.fact.server_name != presented.handshake.fact.server_name;
    is_untrusted(presented.handshake.fact)
        && !untrusted.is_empty()
        && untrusted.iter().all(|control| issuer(control.fact) == own && other_host(control))
}

/// A trusted chain to the server excludes it, and so do trusted chains to unrelated hosts.
fn excluded(evidence: &Evidence<'_>, trusted: &[Seen<'_, HandshakeFact>]) -> Judgement {
    match handshakes::excluded_by_trust(evidence) {
        Judgement::Unknown if handshakes::presented(evidence).next().is_some() => {
            Judgement::ruled_out_by(trusted.iter().map(Seen::cite).collect())
        }
        judgement @ (Judgement::Found(_) | Judgement::RuledOut(_) | Judgement::Unknown) => judgement,
    }
}
