//! STUN messages to bytes and back, through `stun_codec`; an enum joins the attributes of all the RFCs.
//!
//! A decoder of `stun_codec` is poisoned after an error, so each message gets a new one.

use bytecodec::{DecodeExt, EncodeExt};
use stun_codec::rfc5389::attributes::{
    AlternateServer, ErrorCode, Fingerprint, MappedAddress, MessageIntegrity, Nonce, Realm, Software, UnknownAttributes,
    Username, XorMappedAddress,
};
use stun_codec::rfc5766::attributes::{
    ChannelNumber, Data, DontFragment, EvenPort, Lifetime, RequestedTransport, ReservationToken, XorPeerAddress, XorRelayAddress,
};
use stun_codec::rfc5780::attributes::{ChangeRequest, OtherAddress, ResponseOrigin};
use stun_codec::rfc8656::attributes::{AdditionalAddressFamily, RequestedAddressFamily};
use stun_codec::{MessageDecoder, MessageEncoder, define_attribute_enums};

define_attribute_enums!(
    Attribute,
    AttributeDecoder,
    AttributeEncoder,
    [
        AdditionalAddressFamily,
        AlternateServer,
        ChangeRequest,
        ChannelNumber,
        Data,
        DontFragment,
        ErrorCode,
        EvenPort,
        Fingerprint,
        Lifetime,
        MappedAddress,
        MessageIntegrity,
        Nonce,
        OtherAddress,
        Realm,
        RequestedAddressFamily,
        RequestedTransport,
        ReservationToken,
        ResponseOrigin,
        Software,
        UnknownAttributes,
        Username,
        XorMappedAddress,
        XorPeerAddress,
        XorRelayAddress
    ]
);

/// A STUN message with the attributes that callcheck knows.
pub type Message = stun_codec::Message<Attribute>;

/// Why bytes are not a usable STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// The header, the magic cookie or the length is wrong.
    #[error("not a STUN message")]
    Header,
    /// The header is right and an attribute is not.
    #[error("a malformed STUN attribute")]
    Attribute,
}

/// Encodes a message.
///
/// # Panics
///
/// Never: attributes are checked when they are made, and a vector takes any length.
#[must_use]
pub fn encode(message: Message) -> Vec<u8> {
    MessageEncoder::<Attribute>::new()
        .encode_into_bytes(message)
        .expect("attributes are checked when they are made, and a vector takes any length")
}

/// Decodes one whole message; bytes after it are an error.
///
/// # Errors
///
/// [`Undecodable`] says whether the header or an attribute is at fault.
pub fn decode(bytes: &[u8]) -> Result<Message, Undecodable> {
    match MessageDecoder::<Attribute>::new().decode_from_bytes(bytes) {
        Ok(Ok(message)) => Ok(message),
        Ok(Err(_broken)) => Err(Undecodable::Attribute),
        Err(_) => Err(Undecodable::Header),
    }
}
