//! The rules on authentication, by table: how a server refuses, what the credentials look like, and which one cause is named.

use super::staged::{DAY, Stage, TCP, UDP, is_whole};
use crate::model::endpoint::Transport;
use crate::model::fact::{CredentialsOddity, CredentialsSource};
use crate::model::outcome::Outcome;

const CAUSES: [&str; 7] =
    ["credentials-", "clock-skew", "realm-", "nonce-loop", "turn-open-relay", "allocation-refused", "server-draining"];

fn said(stage: &Stage) -> Vec<String> {
    stage.findings().iter().filter(|finding| finding.id != "stun-silent").for_each(is_whole);
    stage.claims(&CAUSES)
}

fn refused(code: u16) -> Stage {
    Stage::host().binding(UDP, None).challenge(UDP).challenge(TCP).refused(UDP, code)
}

#[test]
fn a_401_is_read_by_what_is_known_of_the_credentials() {
    use CredentialsOddity::{
        NameNotAscii, PasswordIsHex, PasswordNotBase64Hmac, StampInMilliseconds, StampIsIssueTime, SurroundingSpace,
    };
    use CredentialsSource::{Computed, Given};
    let cases = [
        (Given, None, vec![], "credentials-rejected fail certain"),
        (Given, None, vec![NameNotAscii], "credentials-rejected fail likely allocation-refused"),
        (Given, None, vec![SurroundingSpace], "credentials-malformed fail likely credentials-rejected"),
        (Computed, Some(3600), vec![], "credentials-rejected fail likely clock-skew"),
        (Given, Some(3600), vec![], "credentials-rejected fail likely clock-skew"),
        (Given, Some(-3600), vec![], "credentials-expired fail certain"),
        (Given, Some(-60), vec![StampIsIssueTime], "credentials-expired fail likely credentials-malformed"),
        (Given, Some(3600), vec![StampInMilliseconds], "credentials-malformed fail certain"),
        (Given, Some(-60), vec![StampInMilliseconds], "credentials-malformed fail certain"),
        (Given, Some(3600), vec![PasswordIsHex], "credentials-malformed fail likely credentials-rejected"),
        (Given, Some(3600), vec![PasswordNotBase64Hmac], "credentials-malformed fail likely credentials-rejected"),
        // A telephone number for a name, beside an ordinary password.
        (Given, Some(-30 * 365 * DAY), vec![PasswordNotBase64Hmac], "credentials-rejected fail certain"),
        (Given, Some(200 * 365 * DAY), vec![PasswordNotBase64Hmac], "credentials-rejected fail certain"),
    ];
    for (source, expires_in, oddities, expected) in cases {
        let stage = refused(401).credentials(source, expires_in, &oddities);
        assert_eq!(said(&stage), [expected], "{source:?} {expires_in:?} {oddities:?}");
    }
}

#[test]
fn another_clock_tells_expired_from_rejected() {
    let stage =
        |expires_in: i64, ahead: i64| refused(401).credentials(CredentialsSource::Given, Some(expires_in), &[]).clock(ahead);
    assert_eq!(said(&stage(3600, 7200)), ["clock-skew fail likely credentials-rejected,credentials-expired"]);
    assert_eq!(said(&stage(3600, 60)), ["credentials-rejected fail likely clock-skew"]);
    assert_eq!(said(&stage(-3600, 0)), ["credentials-expired fail certain"]);
    // This host's clock is ahead, and the server has no reason to call them expired.
    assert_eq!(said(&stage(-3600, -7200)), ["credentials-rejected fail likely clock-skew"]);
}

#[test]
fn one_host_with_a_wrong_clock_accuses_nobody() {
    let stage = |clocks: &[i64]| {
        let stage = refused(401).credentials(CredentialsSource::Computed, Some(3600), &[]);
        said(&clocks.iter().fold(stage, |stage, ahead| stage.clock(*ahead)))
    };
    assert_eq!(stage(&[7200, 0]), ["credentials-rejected fail likely clock-skew"]);
    assert_eq!(stage(&[-7200, 0, 7200]), ["credentials-rejected fail likely clock-skew"]);
    assert_eq!(stage(&[7199, 7200]), ["clock-skew fail likely credentials-rejected"]);
    assert_eq!(stage(&[7200, 0, 7201]), ["clock-skew fail likely credentials-rejected"]);
}

#[test]
fn a_400_is_about_the_credentials_where_the_server_may_be_pion() {
    let stage = |software: Option<&str>, oddities: &[CredentialsOddity]| {
        Stage::host()
            .binding(UDP, software)
            .challenge_with(UDP, 401, Some("example.org"), true, software)
            .refused(UDP, 400)
            .credentials(CredentialsSource::Given, None, oddities)
    };
    assert_eq!(said(&stage(None, &[])), ["credentials-rejected fail likely allocation-refused"]);
    assert_eq!(said(&stage(Some("pion"), &[])), ["credentials-rejected fail likely allocation-refused"]);
    assert_eq!(said(&stage(Some("Coturn-4.6.1 'Gorst'"), &[])), ["allocation-refused fail certain"]);
    assert_eq!(said(&stage(Some("Coturn-4.6.1"), &[CredentialsOddity::NameWithSpace])), ["allocation-refused fail certain"]);
    assert_eq!(said(&stage(Some("another"), &[])), ["allocation-refused fail likely credentials-rejected"]);
}

#[test]
fn an_odd_realm_is_named_where_the_server_refuses_it() {
    let stage = Stage::host()
        .challenge_with(UDP, 401, Some("example org"), true, Some("Coturn-4.6.1"))
        .refused(UDP, 400)
        .credentials(CredentialsSource::Given, None, &[]);
    assert_eq!(said(&stage), ["allocation-refused fail certain"]);
    let summary = stage.findings().into_iter().find(|it| it.id == "allocation-refused").map(|it| it.summary).unwrap_or_default();
    assert!(summary.contains("example org"), "{summary}");
}

#[test]
fn a_challenge_without_what_a_signature_needs_is_no_matter_of_credentials() {
    let cases = [(None, true), (Some(""), true), (Some("example.org"), false), (None, false)];
    for (realm, nonce) in cases {
        let stage = Stage::host().challenge_with(UDP, 401, realm, nonce, None);
        assert_eq!(said(&stage), ["realm-missing fail certain"], "{realm:?} {nonce}");
        assert!(stage.ruled_out().contains(&"credentials-rejected"));
    }
    let empty_and_refused = Stage::host().challenge_with(UDP, 401, Some(""), true, None).refused(UDP, 401);
    assert_eq!(said(&empty_and_refused), ["realm-missing fail certain"]);
    let empty_and_granted = Stage::host().challenge_with(UDP, 401, Some(""), true, None).granted(UDP, "203.0.113.10:50000");
    assert!(said(&empty_and_granted).is_empty());
}

#[test]
fn a_realm_mismatch_needs_a_second_437_or_a_441() {
    assert!(said(&refused(437)).is_empty());
    assert_eq!(said(&refused(437).refused(UDP, 437)), ["realm-mismatch fail certain"]);
    assert!(said(&refused(437).granted(UDP, "203.0.113.10:50000")).is_empty());
    assert_eq!(said(&refused(441)), ["realm-mismatch fail certain"]);
    let later = Stage::host().challenge(UDP).granted(UDP, "203.0.113.10:50000").channel(UDP, 441);
    assert_eq!(said(&later), ["realm-mismatch fail certain"]);
}

#[test]
fn a_nonce_loop_needs_two_stale_nonces() {
    let stage = |stale| Stage::host().challenge(UDP).ended(UDP, Outcome::Error { code: 438 }, stale);
    assert_eq!(said(&stage(3)), ["nonce-loop fail certain"]);
    assert_eq!(said(&stage(1)), ["allocation-refused fail certain"]);
    assert!(stage(3).ruled_out().contains(&"credentials-rejected"));
}

#[test]
fn other_codes_are_refusals_of_the_allocation() {
    assert_eq!(said(&refused(500)), ["allocation-refused fail certain"]);
    assert_eq!(said(&refused(403)), ["server-draining fail certain"]);
    for code in [500, 403, 486] {
        assert!(refused(code).ruled_out().contains(&"credentials-rejected"), "{code}");
    }
    let unsigned = Stage::host().binding(UDP, None).challenge_with(UDP, 400, None, false, None);
    assert_eq!(said(&unsigned), ["allocation-refused fail likely turn-disabled"]);
    let remembered = |stage: Stage| stage.challenge_with(UDP, 437, None, false, None);
    let twice = || remembered(remembered(Stage::host()));
    assert!(said(&twice()).is_empty());
    assert!(said(&twice().challenge(UDP).granted(UDP, "203.0.113.10:50000")).is_empty());
    assert_eq!(said(&remembered(twice())), ["allocation-refused fail certain"]);
    let mute = Stage::host().challenge(UDP).ended(UDP, Outcome::Silent, 0);
    assert_eq!(said(&mute), ["allocation-refused fail likely packet-loss,relay-ports-exhausted"]);
}

#[test]
fn an_open_relay_is_a_warning() {
    let stage = Stage::host().challenge_with(UDP, 0, None, false, None);
    assert_eq!(said(&stage), ["turn-open-relay warn certain"]);
    assert!(Stage::host().challenge(UDP).ruled_out().contains(&"turn-open-relay"));
}

#[test]
fn the_level_follows_from_what_is_left() {
    // The other transports are not tried with credentials that one of them refused: nothing is left.
    let all = Stage::urls(&[Transport::Udp, Transport::Tcp]).challenge(UDP).challenge(TCP).refused(UDP, 401);
    assert_eq!(said(&all), ["credentials-rejected fail certain"]);
    let other = "udp 203.0.113.20:3478";
    let beside =
        Stage::urls(&[Transport::Udp]).challenge(UDP).challenge(other).refused(UDP, 401).granted(other, "203.0.113.20:50000");
    assert_eq!(said(&beside), ["credentials-rejected degrade certain"]);
}

#[test]
fn a_granted_allocation_excludes_the_causes_before_it() {
    let ruled_out = Stage::host().challenge(UDP).granted(UDP, "203.0.113.10:50000").ruled_out();
    for id in [
        "credentials-rejected",
        "credentials-expired",
        "credentials-malformed",
        "clock-skew",
        "realm-missing",
        "realm-mismatch",
        "nonce-loop",
        "allocation-refused",
        "quota-reached",
        "relay-ports-exhausted",
        "server-draining",
        "relay-transport-refused",
        "address-family-refused",
        "redirected",
    ] {
        assert!(ruled_out.contains(&id), "{id}");
    }
}
