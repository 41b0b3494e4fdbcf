//! What a server answers: responses to requests, and Data indications.
//!
//! It is the counterpart of [`super::request`], for the embedded server of the lab.

use std::net::SocketAddr;
use std::time::Duration;

use stun_codec::rfc5389::attributes::{
    AlternateServer, ErrorCode, Fingerprint, MappedAddress, MessageIntegrity, Nonce, Realm, Software, UnknownAttributes,
    Username, XorMappedAddress,
};
use stun_codec::rfc5766::attributes::{Data, Lifetime, XorPeerAddress, XorRelayAddress};
use stun_codec::rfc5766::methods::DATA;
use stun_codec::rfc5780::attributes::OtherAddress;
use stun_codec::{AttributeType, MessageClass, TransactionId};

use super::authentication::LongTerm;
use super::codec::{Message, encode};
use super::incoming::Subject;

/// A response before it is signed.
#[derive(Clone, Debug)]
pub struct Outgoing {
    message: Message,
    fingerprint: bool,
}

impl Outgoing {
    /// A success response.
    #[must_use]
    pub fn success(to: Subject) -> Self {
        Self::new(to, MessageClass::SuccessResponse)
    }

    /// An error response; a code that STUN doesn't have becomes 500.
    #[must_use]
    pub fn error(to: Subject, code: u16) -> Self {
        let mut outgoing = Self::new(to, MessageClass::ErrorResponse);
        let attribute = ErrorCode::new(code, reason(code).to_owned());
        outgoing.message.add_attribute(attribute.unwrap_or_else(|_| stun_codec::rfc5389::errors::ServerError.into()));
        outgoing
    }

    fn new(to: Subject, class: MessageClass) -> Self {
        let message = Message::new(class, to.method.codec(), TransactionId::new(to.id));
        Self { message, fingerprint: to.fingerprint }
    }

    /// Adds XOR-MAPPED-ADDRESS.
    #[must_use]
    pub fn xor_mapped(mut self, address: SocketAddr) -> Self {
        self.message.add_attribute(XorMappedAddress::new(address));
        self
    }

    /// Adds MAPPED-ADDRESS.
    #[must_use]
    pub fn mapped(mut self, address: SocketAddr) -> Self {
        self.message.add_attribute(MappedAddress::new(address));
        self
    }

    /// Adds OTHER-ADDRESS.
    #[must_use]
    pub fn other_address(mut self, address: SocketAddr) -> Self {
        self.message.add_attribute(OtherAddress::new(address));
        self
    }

    /// Adds XOR-RELAYED-ADDRESS.
    #[must_use]
    pub fn relayed(mut self, address: SocketAddr) -> Self {
        self.message.add_attribute(XorRelayAddress::new(address));
        self
    }

    /// Adds ALTERNATE-SERVER.
    #[must_use]
    pub fn alternate(mut self, address: SocketAddr) -> Self {
        self.message.add_attribute(AlternateServer::new(address));
        self
    }

    /// Adds LIFETIME.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        let seconds = Duration::from_secs(lifetime.as_secs());
        if let Ok(lifetime) = Lifetime::new(seconds) {
            self.message.add_attribute(lifetime);
        }
        self
    }

    /// Adds REALM, where it is short enough.
    #[must_use]
    pub fn realm(mut self, realm: &str) -> Self {
        if let Ok(realm) = Realm::new(realm.to_owned()) {
            self.message.add_attribute(realm);
        }
        self
    }

    /// Adds NONCE, where it is short enough.
    #[must_use]
    pub fn nonce(mut self, nonce: &str) -> Self {
        if let Ok(nonce) = Nonce::new(nonce.to_owned()) {
            self.message.add_attribute(nonce);
        }
        self
    }

    /// Adds SOFTWARE, where it is short enough.
    #[must_use]
    pub fn software(mut self, software: &str) -> Self {
        if let Ok(software) = Software::new(software.to_owned()) {
            self.message.add_attribute(software);
        }
        self
    }

    /// Adds UNKNOWN-ATTRIBUTES.
    #[must_use]
    pub fn unknown(mut self, kinds: &[u16]) -> Self {
        self.message.add_attribute(UnknownAttributes::new(kinds.iter().copied().map(AttributeType::new).collect()));
        self
    }

    /// The bytes to send: signed where the request was authenticated, with a FINGERPRINT where it had one.
    #[must_use]
    pub fn seal(mut self, signed: Option<&LongTerm>) -> Vec<u8> {
        if let Some(integrity) = signed.and_then(|user| integrity(&self.message, user)) {
            self.message.add_attribute(integrity);
        }
        if self.fingerprint
            && let Ok(fingerprint) = Fingerprint::new(&self.message)
        {
            self.message.add_attribute(fingerprint);
        }
        encode(self.message)
    }
}

fn integrity(message: &Message, user: &LongTerm) -> Option<MessageIntegrity> {
    let username = Username::new(user.username().to_owned()).ok()?;
    let realm = Realm::new(user.realm().to_owned()).ok()?;
    MessageIntegrity::new_long_term_credential(message, &username, &realm, user.password()).ok()
}

/// A Data indication (RFC 8656 §11.3); `None` where the payload is too long.
#[must_use]
pub fn data_indication(id: [u8; 12], peer: SocketAddr, payload: &[u8]) -> Option<Vec<u8>> {
    let mut message = Message::new(MessageClass::Indication, DATA, TransactionId::new(id));
    message.add_attribute(XorPeerAddress::new(peer));
    message.add_attribute(Data::new(payload.to_vec()).ok()?);
    Some(encode(message))
}

/// The phrases of RFC 8489 §14.8 and RFC 8656 §19; nobody may depend on them.
fn reason(code: u16) -> &'static str {
    match code {
        300 => "Try Alternate",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        420 => "Unknown Attribute",
        437 => "Allocation Mismatch",
        438 => "Stale Nonce",
        440 => "Address Family not Supported",
        441 => "Wrong Credentials",
        442 => "Unsupported Transport Protocol",
        443 => "Peer Address Family Mismatch",
        486 => "Allocation Quota Reached",
        508 => "Insufficient Capacity",
        _ => "Server Error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::{Credentials, Secret};
    use crate::proto::incoming::Method;
    use crate::proto::response::Response;

    const SUBJECT: Subject = Subject { method: Method::Allocate, id: [3; 12], fingerprint: true };

    #[test]
    fn a_signed_answer_is_accepted_by_the_client_that_knows_the_password() {
        let credentials = Credentials { username: Secret::new("alice"), password: Secret::new("north") };
        let user = LongTerm::of_user(&credentials, "example.org", "n");
        let relayed = "203.0.113.10:50000".parse().expect("an address");
        let bytes = Outgoing::success(SUBJECT).relayed(relayed).lifetime(Duration::from_mins(10)).seal(Some(&user));
        let response = Response::read(&bytes).expect("a response");
        assert_eq!((response.relayed, response.malformed), (Some(relayed), false));
        assert!(user.vouches_for(&response.message.expect("it decodes")));
    }

    #[test]
    fn an_error_carries_its_code() {
        let bytes = Outgoing::error(SUBJECT, 401).realm("example.org").nonce("n").seal(None);
        let response = Response::read(&bytes).expect("a response");
        assert_eq!((response.error_code, response.realm.as_deref()), (Some(401), Some("example.org")));
    }
}
