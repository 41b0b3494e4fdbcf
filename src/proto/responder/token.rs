//! The secret that the responder and those who sweep its ports share.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha1::Sha1;

use crate::model::secret::Secret;

/// The fewest characters of a token: what is shorter can be guessed from a recorded request.
pub const SHORTEST_TOKEN: usize = 16;

/// How much of the HMAC's 20 bytes a message carries. RFC 2104 §5 wants at least half of it; nobody who guesses 16 has a chance within the
/// minutes that a responder is up.
pub const TAG: usize = 16;

/// What an HMAC is made for, so that a message of one kind never passes for one of the other.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// A request.
    Request,
    /// An answer.
    Answer,
}

/// A token that is ready to make and to verify HMACs.
#[derive(Clone)]
pub struct Token(Hmac<Sha1>);

impl Token {
    /// Takes a secret as a token; `None` where it is too short to be one.
    ///
    /// # Panics
    ///
    /// Never: HMAC takes a key of any length.
    #[must_use]
    pub fn new(secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        let is_long_enough = text.chars().count() >= SHORTEST_TOKEN;
        is_long_enough.then(|| Self(Hmac::new_from_slice(text.as_bytes()).expect("HMAC takes a key of any length")))
    }

    /// Appends the HMAC over some bytes to them; `nonce` is covered and not sent.
    pub(super) fn seal(&self, purpose: Purpose, nonce: &[u8], bytes: &mut Vec<u8>) {
        let tag = self.over(purpose, nonce, bytes).finalize().into_bytes();
        bytes.extend(&tag[..TAG]);
    }

    /// Whether the bytes end with their HMAC.
    pub(super) fn verifies(&self, purpose: Purpose, nonce: &[u8], bytes: &[u8]) -> bool {
        let Some((covered, tag)) = bytes.split_last_chunk::<TAG>() else { return false };
        self.over(purpose, nonce, covered).verify_truncated_left(tag).is_ok()
    }

    fn over(&self, purpose: Purpose, nonce: &[u8], bytes: &[u8]) -> Hmac<Sha1> {
        let mut mac = self.0.clone();
        mac.update(&[purpose as u8]);
        mac.update(nonce);
        mac.update(bytes);
        mac
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}
