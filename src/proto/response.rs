//! What a STUN message says that came from a server: one flat view, read by `stun_codec` or, where it gives up, bare.

use std::net::SocketAddr;
use std::time::Duration;

use stun_codec::{MessageClass, Method};

use super::codec::{Attribute, Message, Undecodable, decode};
use super::raw::RawMessage;

/// The class of a message that a client can receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A success response.
    Success,
    /// An error response.
    Error,
    /// An indication.
    Indication,
    /// A request: a server has none for us.
    Request,
}

/// A message from a server.
#[derive(Clone, Debug)]
pub struct Response {
    /// Its class.
    pub class: Class,
    /// Its method, by number (RFC 8489 §18.2).
    pub method: u16,
    /// Its transaction id.
    pub id: [u8; 12],
    /// ERROR-CODE.
    pub error_code: Option<u16>,
    /// REALM.
    pub realm: Option<String>,
    /// NONCE.
    pub nonce: Option<String>,
    /// SOFTWARE.
    pub software: Option<String>,
    /// XOR-MAPPED-ADDRESS.
    pub xor_mapped: Option<SocketAddr>,
    /// MAPPED-ADDRESS.
    pub mapped: Option<SocketAddr>,
    /// XOR-RELAYED-ADDRESS.
    pub relayed: Option<SocketAddr>,
    /// XOR-PEER-ADDRESS.
    pub peer: Option<SocketAddr>,
    /// DATA.
    pub data: Option<Vec<u8>>,
    /// LIFETIME.
    pub lifetime: Option<Duration>,
    /// ALTERNATE-SERVER.
    pub alternate: Option<SocketAddr>,
    /// RESPONSE-ORIGIN.
    pub response_origin: Option<SocketAddr>,
    /// OTHER-ADDRESS.
    pub other_address: Option<SocketAddr>,
    /// Whether an attribute that must be understood is unknown (RFC 8489 §14).
    pub unknown_required: bool,
    /// Whether one attribute was malformed and the rest was read bare.
    pub malformed: bool,
    /// Whether FINGERPRINT is there and wrong.
    pub bad_fingerprint: bool,
    /// The decoded message, for the integrity check.
    pub message: Option<Message>,
}

impl Response {
    /// Reads a message; `None` where the bytes are not STUN.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let raw = RawMessage::new(bytes)?;
        match decode(bytes) {
            Ok(message) => Some(Self::from_message(message)),
            Err(Undecodable::Attribute | Undecodable::Header) => Some(Self::from_raw(&raw)),
        }
    }

    fn empty(class: Class, method: u16, id: [u8; 12]) -> Self {
        Self {
            class,
            method,
            id,
            error_code: None,
            realm: None,
            nonce: None,
            software: None,
            xor_mapped: None,
            mapped: None,
            relayed: None,
            peer: None,
            data: None,
            lifetime: None,
            alternate: None,
            response_origin: None,
            other_address: None,
            unknown_required: false,
            malformed: false,
            bad_fingerprint: false,
            message: None,
        }
    }

    fn from_message(message: Message) -> Self {
        let mut response =
            Self::empty(class_of(message.class()), message.method().as_u16(), *message.transaction_id().as_bytes());
        for attribute in message.attributes() {
            response.take(attribute);
        }
        response.unknown_required = message.unknown_attributes().any(|attribute| attribute.get_type_number() < 0x8000);
        response.message = Some(message);
        response
    }

    fn take(&mut self, attribute: &Attribute) {
        // The first of its kind counts (RFC 8489 §14).
        match attribute {
            Attribute::ErrorCode(it) => _ = self.error_code.get_or_insert(it.code()),
            Attribute::Realm(it) => _ = self.realm.get_or_insert_with(|| it.text().to_owned()),
            Attribute::Nonce(it) => _ = self.nonce.get_or_insert_with(|| it.value().to_owned()),
            Attribute::Software(it) => _ = self.software.get_or_insert_with(|| it.description().to_owned()),
            Attribute::XorMappedAddress(it) => _ = self.xor_mapped.get_or_insert(it.address()),
            Attribute::MappedAddress(it) => _ = self.mapped.get_or_insert(it.address()),
            Attribute::XorRelayAddress(it) => _ = self.relayed.get_or_insert(it.address()),
            Attribute::XorPeerAddress(it) => _ = self.peer.get_or_insert(it.address()),
            Attribute::Data(it) => _ = self.data.get_or_insert_with(|| it.data().to_vec()),
            Attribute::Lifetime(it) => _ = self.lifetime.get_or_insert(it.lifetime()),
            Attribute::AlternateServer(it) => _ = self.alternate.get_or_insert(it.address()),
            Attribute::ResponseOrigin(it) => _ = self.response_origin.get_or_insert(it.address()),
            Attribute::OtherAddress(it) => _ = self.other_address.get_or_insert(it.address()),
            Attribute::AdditionalAddressFamily(_)
            | Attribute::ChangeRequest(_)
            | Attribute::ChannelNumber(_)
            | Attribute::DontFragment(_)
            | Attribute::EvenPort(_)
            | Attribute::Fingerprint(_)
            | Attribute::MessageIntegrity(_)
            | Attribute::RequestedAddressFamily(_)
            | Attribute::RequestedTransport(_)
            | Attribute::ReservationToken(_)
            | Attribute::UnknownAttributes(_)
            | Attribute::Username(_) => {}
        }
    }

    fn from_raw(raw: &RawMessage<'_>) -> Self {
        let kind = raw.kind();
        let class = match kind & 0x0110 {
            0x0000 => Class::Request,
            0x0010 => Class::Indication,
            0x0100 => Class::Success,
            _ => Class::Error,
        };
        let method = (kind & 0x000F) | ((kind & 0x00E0) >> 1) | ((kind & 0x3E00) >> 2);
        let mut response = Self::empty(class, method, raw.transaction_id());
        response.bad_fingerprint = raw.has_bad_fingerprint();
        // stun_codec refuses a whole message over its fingerprint; then all attributes may still be well formed.
        response.malformed = !response.bad_fingerprint;
        response.mapped = raw.mapped_address();
        response.error_code = raw.error_code();
        response.realm = raw.text(0x0014);
        response.nonce = raw.text(0x0015);
        response.software = raw.text(0x8022);
        response.xor_mapped = raw.xor_address(0x0020);
        response.relayed = raw.xor_address(0x0016);
        response.peer = raw.xor_address(0x0012);
        response.data = raw.attribute(0x0013).map(<[u8]>::to_vec);
        response
    }

    /// The client's address as the server sees it.
    #[must_use]
    pub fn reflexive(&self) -> Option<SocketAddr> {
        self.xor_mapped.or(self.mapped)
    }
}

fn class_of(class: MessageClass) -> Class {
    match class {
        MessageClass::SuccessResponse => Class::Success,
        MessageClass::ErrorResponse => Class::Error,
        MessageClass::Indication => Class::Indication,
        MessageClass::Request => Class::Request,
    }
}

/// The type of an attribute that callcheck doesn't know.
trait TypeNumber {
    fn get_type_number(&self) -> u16;
}

impl TypeNumber for stun_codec::RawAttribute {
    fn get_type_number(&self) -> u16 {
        use stun_codec::Attribute as _;
        self.get_type().as_u16()
    }
}

/// The method of a Data indication (RFC 8656 §18.1).
#[must_use]
pub fn is_data(response: &Response) -> bool {
    response.class == Class::Indication
        && Method::new(response.method).is_ok_and(|method| method == stun_codec::rfc5766::methods::DATA)
}
