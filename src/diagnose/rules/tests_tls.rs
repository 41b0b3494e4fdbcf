//! The rules on TLS, by table: what a handshake shows, and what is said of it.

use super::staged::{DAY, NOW, Stage, TLS, UDP, certificate, is_whole};
use crate::model::endpoint::Transport;
use crate::model::fact::{BindingFact, Certificate, CertificateDefect, ChallengeFact, Fact, HandshakeEnd};
use crate::model::outcome::{Outcome, Protocol, Reply};

const COMPLETED: HandshakeEnd = HandshakeEnd::Completed;

fn presenting(defects: &[CertificateDefect], certificate: Certificate) -> Stage {
    Stage::host().challenge(UDP).handshake(TLS, COMPLETED, defects, certificate).challenge(TLS)
}

fn tls(stage: &Stage) -> Vec<String> {
    stage.findings().iter().for_each(is_whole);
    stage.claims(&["tls-"])
}

#[test]
fn a_defect_of_the_certificate_is_its_own_cause() {
    use CertificateDefect::{ChainIncomplete, Expired, Invalid, NameMismatch, NotYetValid, UntrustedIssuer};
    let lone = || Certificate { chain_length: 1, ..certificate() };
    let cases = [
        (vec![], certificate(), vec![]),
        (vec![], Certificate { not_after: NOW + 5 * DAY, ..certificate() }, vec!["tls-certificate-expires-soon warn certain"]),
        (vec![], Certificate { not_after: NOW + 15 * DAY, ..certificate() }, vec![]),
        (
            vec![Expired],
            Certificate { not_after: NOW - 2 * DAY, ..certificate() },
            vec!["tls-certificate-expired degrade certain"],
        ),
        // The server's own is in date: it is an intermediate that has ended.
        (vec![Expired], certificate(), vec!["tls-certificate-expired degrade certain"]),
        (
            vec![NotYetValid],
            Certificate { not_before: NOW + DAY, ..certificate() },
            vec!["tls-certificate-not-yet-valid degrade certain"],
        ),
        (vec![NameMismatch], certificate(), vec!["tls-name-mismatch degrade certain"]),
        (vec![NameMismatch], Certificate { names: vec![], ..certificate() }, vec!["tls-name-mismatch degrade certain"]),
        (vec![ChainIncomplete], lone(), vec!["tls-chain-incomplete degrade likely tls-untrusted-issuer"]),
        (vec![UntrustedIssuer], lone(), vec!["tls-untrusted-issuer degrade likely tls-chain-incomplete,tls-intercepted"]),
        (vec![UntrustedIssuer], certificate(), vec!["tls-untrusted-issuer degrade likely tls-intercepted"]),
        (vec![UntrustedIssuer], Certificate { self_signed: true, ..lone() }, vec!["tls-untrusted-issuer degrade certain"]),
        (vec![Invalid], certificate(), vec!["tls-untrusted-issuer degrade likely tls-intercepted"]),
    ];
    for (defects, certificate, expected) in cases {
        let stage = presenting(&defects, certificate.clone());
        assert_eq!(tls(&stage), expected, "{defects:?} {certificate:?}");
    }
}

#[test]
fn a_trusted_handshake_excludes_what_is_wrong_with_certificates() {
    let ruled_out = presenting(&[], certificate()).ruled_out();
    for id in [
        "tls-certificate-expired",
        "tls-certificate-not-yet-valid",
        "tls-name-mismatch",
        "tls-chain-incomplete",
        "tls-untrusted-issuer",
        "tls-protocol-too-old",
        "tls-handshake-failed",
        "tls-not-turn",
        "tls-intercepted",
    ] {
        assert!(ruled_out.contains(&id), "{id}");
    }
    let whole_but_unknown = presenting(&[CertificateDefect::UntrustedIssuer], certificate()).ruled_out();
    assert!(whole_but_unknown.contains(&"tls-chain-incomplete"));
    assert!(whole_but_unknown.contains(&"tls-certificate-expired"));
}

#[test]
fn with_a_list_the_level_follows_from_what_is_left() {
    let expired = || Certificate { not_after: NOW - DAY, ..certificate() };
    let alone = Stage::urls(&[Transport::Tls]).handshake(TLS, COMPLETED, &[CertificateDefect::Expired], expired()).challenge(TLS);
    assert_eq!(tls(&alone), ["tls-certificate-expired fail certain"]);
    let beside_udp = Stage::urls(&[Transport::Udp, Transport::Tls])
        .challenge(UDP)
        .handshake(TLS, COMPLETED, &[CertificateDefect::Expired], expired())
        .challenge(TLS);
    assert_eq!(tls(&beside_udp), ["tls-certificate-expired degrade certain"]);
    // A STUN server is no relay that is left.
    let beside_stun = Stage::urls(&[Transport::Tls])
        .binding(UDP, None)
        .handshake(TLS, COMPLETED, &[CertificateDefect::Expired], expired())
        .challenge(TLS);
    assert_eq!(tls(&beside_stun), ["tls-certificate-expired fail certain"]);
}

#[test]
fn where_every_certificate_looks_expired_the_clock_may_be_wrong() {
    let stage = presenting(&[CertificateDefect::Expired], Certificate { not_after: NOW - DAY, ..certificate() });
    let stage = stage.control("stun.example.com", "tls 198.51.100.1:443", &[CertificateDefect::Expired], certificate());
    assert_eq!(tls(&stage), ["tls-certificate-expired degrade possible clock-skew"]);
}

#[test]
fn a_handshake_that_does_not_complete_is_named_by_its_end() {
    let cases = [
        (HandshakeEnd::TooOld, vec!["tls-protocol-too-old degrade certain"]),
        (HandshakeEnd::Alert { alert: "handshake_failure".to_owned() }, vec!["tls-handshake-failed degrade certain"]),
        (HandshakeEnd::Failed { why: "bad signature".to_owned() }, vec!["tls-handshake-failed degrade certain"]),
        (HandshakeEnd::Closed, vec!["tls-handshake-failed degrade likely network-allow-list"]),
        (HandshakeEnd::Silent, vec!["tls-handshake-failed degrade likely network-allow-list,packet-loss"]),
        (HandshakeEnd::NotTls { speaks: Protocol::Http }, vec![]),
    ];
    for (end, expected) in cases {
        let stage = Stage::host().challenge(UDP).handshake(TLS, end.clone(), &[], certificate());
        assert_eq!(tls(&stage), expected, "{end:?}");
    }
}

fn inside(outcome: Outcome, defects: &[CertificateDefect]) -> Stage {
    let reply = Reply { outcome, sends: 1, rtt_ms: None, strays: Vec::new() };
    let challenge = ChallengeFact { reply: reply.clone(), realm: None, nonce: false, software: None, alternate: None };
    Stage::host()
        .challenge(UDP)
        .handshake(TLS, COMPLETED, defects, certificate())
        .see("binding", TLS, Fact::Binding(BindingFact::of(reply)))
        .see("challenge", TLS, Fact::Challenge(challenge))
}

#[test]
fn what_is_behind_tls_is_told_unless_the_chain_explains_it() {
    let http = Outcome::NotStun { speaks: Protocol::Http };
    let elsewhere = |issuer: &str| Certificate { issuer: issuer.to_owned(), ..certificate() };
    let beside = |issuer| inside(http.clone(), &[]).control("a.example.com", "tls 198.51.100.1:443", &[], elsewhere(issuer));
    assert_eq!(tls(&beside("CN=Another")), ["tls-not-turn degrade certain"]);
    // One host with a certificate of the same issuer is no wonder, all hosts are.
    let same = certificate().issuer;
    assert_eq!(tls(&beside(&same)), ["tls-not-turn degrade likely tls-intercepted"]);
    let everywhere = beside(&same).control("b.example.com", "tls 198.51.100.2:443", &[], elsewhere(&same));
    assert_eq!(tls(&everywhere)[0], "tls-intercepted degrade likely tls-not-turn");
    let not_everywhere = everywhere.control("c.example.com", "tls 198.51.100.3:443", &[], elsewhere("CN=Another"));
    assert_eq!(tls(&not_everywhere), ["tls-not-turn degrade certain"]);
    assert_eq!(tls(&inside(http.clone(), &[])), ["tls-not-turn degrade likely tls-intercepted"]);
    assert_eq!(tls(&inside(Outcome::Closed, &[])), ["tls-not-turn degrade likely tls-intercepted,packet-loss"]);
    assert_eq!(tls(&inside(Outcome::Silent, &[])), ["tls-not-turn degrade likely tls-intercepted,packet-loss"]);
    assert_eq!(
        tls(&inside(http, &[CertificateDefect::UntrustedIssuer])),
        ["tls-untrusted-issuer degrade likely tls-intercepted"]
    );
}

#[test]
fn one_unknown_issuer_everywhere_is_an_interception() {
    let by = |issuer: &str| Certificate { issuer: issuer.to_owned(), ..certificate() };
    let untrusted = [CertificateDefect::UntrustedIssuer];
    let stage = |first: &str, second: &str| {
        presenting(&untrusted, by("CN=Corp")).control("a.example.com", "tls 198.51.100.1:443", &untrusted, by(first)).control(
            "b.example.com",
            "tls 198.51.100.2:443",
            &untrusted,
            by(second),
        )
    };
    assert_eq!(tls(&stage("CN=Corp", "CN=Corp"))[0], "tls-intercepted degrade certain");
    // Several unknown issuers: this host has no roots.
    assert_eq!(tls(&stage("CN=Corp", "CN=Other")), ["tls-untrusted-issuer degrade certain"]);
    let one = presenting(&untrusted, by("CN=Corp")).control("a.example.com", "tls 198.51.100.1:443", &untrusted, by("CN=Corp"));
    assert_eq!(tls(&one)[0], "tls-intercepted degrade likely tls-untrusted-issuer");
    let trusted = presenting(&untrusted, by("CN=Corp")).control("a.example.com", "tls 198.51.100.1:443", &[], by("CN=R11"));
    assert_eq!(tls(&trusted), ["tls-untrusted-issuer degrade certain"]);
    assert!(trusted.ruled_out().contains(&"tls-intercepted"));
}
