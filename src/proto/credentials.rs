//! Ephemeral ("REST") credentials (draft-uberti-behave-turn-rest) and what can be told of credentials without a server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::model::fact::{CredentialsFact, CredentialsOddity, CredentialsSource};
use crate::model::secret::{Credentials, Secret};

/// How long computed credentials are valid, in seconds: long enough for any run, short enough to be harmless.
const LIFETIME_S: i64 = 3600;

/// A stamp beyond this many seconds (the year 5138) is one in milliseconds.
const FIRST_MILLISECOND_STAMP: i64 = 100_000_000_000;

/// A stamp this close to now is more likely the time of issue than an expiry, in seconds.
const ISSUE_TIME_WINDOW_S: i64 = 300;

/// Makes credentials from a shared secret: the name is `expiry[:id]`, the password the base64 text of its HMAC-SHA1.
#[must_use]
pub fn from_shared_secret(secret: &Secret, id: Option<&str>, now: i64) -> Credentials {
    let expiry = now + LIFETIME_S;
    let username = match id {
        Some(id) if !id.is_empty() => format!("{expiry}:{id}"),
        Some(_) | None => expiry.to_string(),
    };
    let password = hmac_password(secret, &username);
    Credentials { username: Secret::new(username), password: Secret::new(password) }
}

/// The password that belongs to an ephemeral name.
///
/// # Panics
///
/// Never: HMAC takes a key of any length.
#[must_use]
pub fn hmac_password(secret: &Secret, username: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(username.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Describes credentials without telling what they say.
#[must_use]
pub fn describe(credentials: &Credentials, source: CredentialsSource, now: i64) -> CredentialsFact {
    let username = credentials.username.expose();
    let password = credentials.password.expose();
    let stamp = stamp_of(username);
    let milliseconds = stamp.is_some_and(|stamp| stamp >= FIRST_MILLISECOND_STAMP);
    let expires_at = stamp.map(|stamp| if milliseconds { stamp / 1000 } else { stamp });

    let is_hmac = STANDARD.decode(password).is_ok_and(|bytes| bytes.len() == 20);
    let is_hex = password.len() == 40 && password.chars().all(|char| char.is_ascii_hexdigit());
    let checks = [
        (milliseconds, CredentialsOddity::StampInMilliseconds),
        (expires_at.is_some_and(|at| (now - at).abs() < ISSUE_TIME_WINDOW_S && at <= now), CredentialsOddity::StampIsIssueTime),
        (stamp.is_some() && is_hex, CredentialsOddity::PasswordIsHex),
        (stamp.is_some() && !is_hmac && !is_hex, CredentialsOddity::PasswordNotBase64Hmac),
        (username.trim().contains(char::is_whitespace), CredentialsOddity::NameWithSpace),
        (!username.is_ascii(), CredentialsOddity::NameNotAscii),
        (username.trim() != username || password.trim() != password, CredentialsOddity::SurroundingSpace),
        (!password.is_ascii(), CredentialsOddity::PasswordNotAscii),
    ];
    let oddities = checks.into_iter().filter(|(holds, _)| *holds).map(|(_, oddity)| oddity).collect();
    CredentialsFact { source, expires_at, now, oddities, hosts: Vec::new() }
}

/// The stamp of an ephemeral name: `stamp`, `stamp:id` or `id:stamp`. Nine digits reach back to 1973.
fn stamp_of(username: &str) -> Option<i64> {
    let stamp = |text: &str| (text.len() >= 9 && text.len() <= 13).then(|| text.parse::<i64>().ok()).flatten();
    match username.split_once(':') {
        None => stamp(username),
        Some((first, rest)) => stamp(first).or_else(|| stamp(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(username: &str, password: &str) -> Credentials {
        Credentials { username: Secret::new(username), password: Secret::new(password) }
    }

    #[test]
    fn the_password_is_the_base64_text_of_the_hmac() {
        assert_eq!(hmac_password(&Secret::new("north"), "1700000000:alice"), "Cd/49soE35ICqcJF/bCTn8Z4OyE=");
    }

    #[test]
    fn an_ephemeral_name_tells_its_expiry() {
        let now = 1_700_000_000;
        let describe = |name: &str| describe(&given(name, "Cd/49soE35ICqcJF/bCTn8Z4OyE="), CredentialsSource::Given, now);
        assert_eq!(describe("1700003600:alice").expires_at, Some(1_700_003_600));
        assert_eq!(describe("alice:1700003600").expires_at, Some(1_700_003_600));
        assert_eq!(describe("1700003600").oddities, []);
        assert_eq!(describe("alice").expires_at, None);
        assert_eq!(describe("1700003600000:alice").oddities, [CredentialsOddity::StampInMilliseconds]);
        assert_eq!(describe("1700000000:alice").oddities, [CredentialsOddity::StampIsIssueTime]);
    }

    #[test]
    fn a_description_holds_neither_name_nor_password() {
        let fact = describe(&given("1700003600:alice", "north"), CredentialsSource::Given, 1_700_000_000);
        let text = serde_json::to_string(&fact).expect("a fact is JSON");
        assert!(!text.contains("alice") && !text.contains("north"), "{text}");
    }
}
