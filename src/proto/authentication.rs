//! The long-term credential mechanism (RFC 8489 §9.2): what a challenge taught, and what to answer it with.

use std::fmt;

use stun_codec::rfc5389::attributes::{Realm, Username};

use super::codec::{Attribute, Message};
use super::response::Response;
use crate::model::secret::Credentials;
use stringprep::saslprep;

/// Everything that an authenticated request carries.
#[derive(Clone, PartialEq, Eq)]
pub struct LongTerm {
    username: String,
    password: String,
    realm: String,
    nonce: String,
}

impl LongTerm {
    /// Joins credentials with a server's challenge; `None` where it has no realm or no nonce.
    ///
    /// User name and password are prepared by `SASLprep` (RFC 8489 §9.2.2); text that it forbids is taken as it is.
    #[must_use]
    pub fn new(credentials: &Credentials, challenge: &Response) -> Option<Self> {
        Some(Self {
            username: prepared(credentials.username.expose()),
            password: prepared(credentials.password.expose()),
            realm: challenge.realm.clone()?,
            nonce: challenge.nonce.clone()?,
        })
    }

    /// What a server knows of one of its users, to check requests with and to sign answers.
    #[must_use]
    pub fn of_user(credentials: &Credentials, realm: &str, nonce: &str) -> Self {
        Self {
            username: prepared(credentials.username.expose()),
            password: prepared(credentials.password.expose()),
            realm: realm.to_owned(),
            nonce: nonce.to_owned(),
        }
    }

    /// Takes a fresh nonce, and the realm where it comes along (RFC 8489 §9.2.5).
    pub fn renew(&mut self, challenge: &Response) -> bool {
        let Some(nonce) = &challenge.nonce else { return false };
        self.nonce.clone_from(nonce);
        if let Some(realm) = &challenge.realm {
            self.realm.clone_from(realm);
        }
        true
    }

    /// The same with another nonce.
    #[must_use]
    pub fn with_nonce(&self, nonce: String) -> Self {
        Self { nonce, ..self.clone() }
    }

    /// The prepared user name.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The prepared password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The server's realm.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The server's nonce.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Whether a message carries a MESSAGE-INTEGRITY that was made with these credentials.
    #[must_use]
    pub fn vouches_for(&self, message: &Message) -> bool {
        let integrity = message
            .attributes()
            .find_map(|attribute| if let Attribute::MessageIntegrity(integrity) = attribute { Some(integrity) } else { None });
        let (Some(integrity), Ok(username), Ok(realm)) =
            (integrity, Username::new(self.username.clone()), Realm::new(self.realm.clone()))
        else {
            return false;
        };
        integrity.check_long_term_credential(&username, &realm, &self.password).is_ok()
    }
}

impl fmt::Debug for LongTerm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LongTerm(…)")
    }
}

/// A text as `SASLprep` (RFC 4013) makes it; one that it forbids is taken as it is.
#[must_use]
pub fn prepared(text: &str) -> String {
    saslprep(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}
