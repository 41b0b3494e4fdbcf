//! The server's side of long-term credentials (RFC 8489 §9.2.4): nonces, users, and ephemeral names.
//!
//! A nonce holds its own time of issue under a keyed hash, so that no table of nonces grows while a client asks.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use super::configuration::Config;
use super::fault::Fault;
use super::five_tuple::FiveTuple;
use crate::model::secret::{Credentials, Secret};
use crate::proto::authentication::{LongTerm, prepared};
use crate::proto::credentials::hmac_password;
use crate::proto::incoming::{Incoming, Method};

/// How far the server's clock is ahead under [`Fault::ClockSkew`], in seconds.
const CLOCK_SKEW_S: i64 = 7200;

/// A stamp beyond this is one in milliseconds, which coturn does not accept.
const FIRST_MILLISECOND_STAMP: i64 = 100_000_000_000;

/// Who may use the server.
#[derive(Debug)]
pub struct Authenticator {
    users: Vec<Credentials>,
    secret: Option<Secret>,
    realm: String,
    key: [u8; 8],
    nonce_lifetime: Duration,
    started: Instant,
    time_of_day: i64,
    faults: Vec<Fault>,
}

impl Authenticator {
    /// Of a server that starts now, at that time of day in seconds since 1970.
    #[must_use]
    pub fn new(config: &Config, now: Instant, time_of_day: i64) -> Self {
        let skew = if config.has(Fault::ClockSkew) { CLOCK_SKEW_S } else { 0 };
        Self {
            users: config.users.clone(),
            secret: config.secret.clone(),
            realm: config.realm.clone(),
            key: config.seed.to_be_bytes(),
            nonce_lifetime: config.nonce_lifetime,
            started: now,
            time_of_day: time_of_day + skew,
            faults: config.faults.clone(),
        }
    }

    /// The realm of the challenge; `None` where the server forgets it.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        (!self.faults.contains(&Fault::RealmMissing)).then_some(self.realm.as_str())
    }

    /// A fresh nonce for a client.
    #[must_use]
    pub fn nonce(&self, tuple: FiveTuple, now: Instant) -> String {
        let issued = now.saturating_duration_since(self.started).as_millis();
        let issued = u64::try_from(issued).unwrap_or(u64::MAX);
        format!("{issued:016x}{}", self.seal_of(issued, tuple))
    }

    /// Who signed a request; `Ok(None)` is anyone on an open relay.
    ///
    /// # Errors
    ///
    /// The code to refuse it with.
    pub fn identify(&self, tuple: FiveTuple, asked: &Incoming, now: Instant) -> Result<Option<LongTerm>, u16> {
        if self.faults.contains(&Fault::TurnOpenRelay) {
            return Ok(self.user_of(asked, now).filter(|user| asked.is_signed_by(user)));
        }
        if !asked.signed {
            return Err(401);
        }
        let (Some(_), Some(realm), Some(nonce)) = (&asked.username, &asked.realm, &asked.nonce) else { return Err(400) };
        if self.faults.contains(&Fault::NonceLoop) || !self.is_fresh(nonce, tuple, now) {
            return Err(438);
        }
        if self.faults.contains(&Fault::RealmMismatch) || *realm != self.realm {
            // As coturn does: Allocate and all others differ.
            return Err(if asked.subject.method == Method::Allocate { 437 } else { 441 });
        }
        let user = self.user_of(asked, now).filter(|user| asked.is_signed_by(user)).ok_or(401_u16)?;
        if self.faults.contains(&Fault::CredentialsRejected) {
            return Err(401);
        }
        Ok(Some(user))
    }

    fn user_of(&self, asked: &Incoming, now: Instant) -> Option<LongTerm> {
        let username = asked.username.as_deref()?;
        let nonce = asked.nonce.as_deref().unwrap_or_default();
        let known = self.users.iter().find(|user| prepared(user.username.expose()) == username);
        if let Some(known) = known {
            return Some(LongTerm::of_user(known, &self.realm, nonce));
        }
        let secret = self.secret.as_ref()?;
        let expiry = expiry_of(username)?;
        let elapsed = i64::try_from(now.saturating_duration_since(self.started).as_secs()).unwrap_or(i64::MAX);
        if expiry < self.time_of_day.saturating_add(elapsed) || expiry >= FIRST_MILLISECOND_STAMP {
            return None;
        }
        let password = Secret::new(hmac_password(secret, username));
        Some(LongTerm::of_user(&Credentials { username: Secret::new(username), password }, &self.realm, nonce))
    }

    fn is_fresh(&self, nonce: &str, tuple: FiveTuple, now: Instant) -> bool {
        let Some((issued, seal)) = nonce.split_at_checked(16) else { return false };
        let Ok(issued) = u64::from_str_radix(issued, 16) else { return false };
        let age = now.saturating_duration_since(self.started).saturating_sub(Duration::from_millis(issued));
        age < self.nonce_lifetime && seal == self.seal_of(issued, tuple)
    }

    fn seal_of(&self, issued: u64, tuple: FiveTuple) -> String {
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(&issued.to_be_bytes());
        mac.update(tuple.transport.name().as_bytes());
        mac.update(tuple.client.to_string().as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes.iter().take(8).fold(String::new(), |mut text, byte| {
            _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// The stamp of `expiry`, `expiry:id` or `id:expiry`.
fn expiry_of(username: &str) -> Option<i64> {
    match username.split_once(':') {
        None => username.parse().ok(),
        Some((first, rest)) => first.parse().or_else(|_| rest.parse()).ok(),
    }
}
