//! The few STUN and TURN messages that the lab itself speaks: to see a server ready, to hold allocations, to play servers and controls.

use std::net::SocketAddr;
use std::time::Duration;

use bytecodec::{DecodeExt, EncodeExt};
use stun_codec::define_attribute_enums;
use stun_codec::rfc5389::attributes::{ErrorCode, MessageIntegrity, Nonce, Realm, Software, Username, XorMappedAddress};
use stun_codec::rfc5389::methods::BINDING;
use stun_codec::rfc5766::attributes::{Lifetime, RequestedTransport, XorRelayAddress};
use stun_codec::rfc5766::methods::ALLOCATE;
use stun_codec::rfc5780::attributes::OtherAddress;
use stun_codec::{Message, MessageClass, MessageDecoder, MessageEncoder, TransactionId};

use crate::format::Account;
use crate::outcome::{Doing, Outcome};

define_attribute_enums!(
    Attribute,
    AttributeDecoder,
    AttributeEncoder,
    [
        ErrorCode,
        MessageIntegrity,
        Nonce,
        OtherAddress,
        Realm,
        Software,
        Username,
        XorMappedAddress,
        Lifetime,
        RequestedTransport,
        XorRelayAddress
    ]
);

/// UDP, by its protocol number.
const UDP: u8 = 17;

/// A message as bytes.
pub fn encode(message: Message<Attribute>) -> Outcome<Vec<u8>> {
    MessageEncoder::new().encode_into_bytes(message).doing("encoding a STUN message")
}

/// Bytes as a message; anything else is none.
pub fn decode(bytes: &[u8]) -> Option<Message<Attribute>> {
    MessageDecoder::new().decode_from_bytes(bytes).ok()?.ok()
}

/// A Binding request.
pub fn binding() -> Message<Attribute> {
    Message::new(MessageClass::Request, BINDING, TransactionId::new(*b"is-it-ready?"))
}

/// An Allocate request without credentials.
pub fn allocate() -> Message<Attribute> {
    let mut message = Message::new(MessageClass::Request, ALLOCATE, TransactionId::new(*b"anybody-home"));
    message.add_attribute(RequestedTransport::new(UDP));
    message
}

/// An Allocate request that answers `challenge`, for as long as a server gives.
pub fn allocate_as(account: &Account, challenge: &Message<Attribute>) -> Outcome<Message<Attribute>> {
    let realm = challenge.get_attribute::<Realm>().ok_or("a challenge without realm")?.clone();
    let nonce = challenge.get_attribute::<Nonce>().ok_or("a challenge without nonce")?.clone();
    let username = Username::new(account.user.clone()).doing("the user name")?;
    let mut message = Message::new(MessageClass::Request, ALLOCATE, TransactionId::new(*b"let-me-in-ok"));
    message.add_attribute(RequestedTransport::new(UDP));
    message.add_attribute(Lifetime::new(Duration::from_mins(10)).doing("the lifetime")?);
    message.add_attribute(username.clone());
    message.add_attribute(realm.clone());
    message.add_attribute(nonce);
    let integrity = MessageIntegrity::new_long_term_credential(&message, &username, &realm, &account.password);
    message.add_attribute(integrity.doing("signing an Allocate request")?);
    Ok(message)
}

/// The answer to a Binding request from `source`, or none to anything else.
pub fn answer_binding(bytes: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    answer_binding_with(bytes, source, None)
}

/// The same with an OTHER-ADDRESS.
pub fn answer_binding_with(bytes: &[u8], source: SocketAddr, other: Option<SocketAddr>) -> Option<Vec<u8>> {
    let request = decode(bytes)?;
    if request.class() != MessageClass::Request || request.method() != BINDING {
        return None;
    }
    let mut answer = Message::new(MessageClass::SuccessResponse, BINDING, request.transaction_id());
    answer.add_attribute(XorMappedAddress::new(source));
    if let Some(other) = other {
        answer.add_attribute(OtherAddress::new(other));
    }
    encode(answer).ok()
}

/// Refuses a request with `code` and a challenge.
pub fn refuse(request: &Message<Attribute>, code: u16, realm: Option<&str>, nonce: &str) -> Outcome<Vec<u8>> {
    let mut answer = Message::new(MessageClass::ErrorResponse, request.method(), request.transaction_id());
    answer.add_attribute(ErrorCode::new(code, "no".into()).doing("the error code")?);
    if let Some(realm) = realm {
        answer.add_attribute(Realm::new(realm.into()).doing("the realm")?);
    }
    answer.add_attribute(Nonce::new(nonce.into()).doing("the nonce")?);
    encode(answer)
}

/// Whether a request carries credentials.
pub fn is_signed(request: &Message<Attribute>) -> bool {
    request.get_attribute::<MessageIntegrity>().is_some()
}
