//! What a server reads: the requests and indications of a client, in one flat view.
//!
//! It is the counterpart of [`super::response`], for the embedded server of the lab.

use std::net::SocketAddr;
use std::time::Duration;

use stun_codec::rfc8656::attributes::AddressFamily;
use stun_codec::{Attribute as _, MessageClass, rfc5389, rfc5766};

use super::authentication::LongTerm;
use super::codec::{Attribute, Message, Undecodable, decode};
use super::raw::{CHANGE_REQUEST, RESPONSE_PORT, RawMessage};

/// The type of DONT-FRAGMENT (RFC 8656 §18.9).
const DONT_FRAGMENT: u16 = 0x001A;

/// What a client can ask a server (RFC 8489 §18.2, RFC 8656 §18.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Which address the server sees.
    Binding,
    /// A relayed address.
    Allocate,
    /// A longer life of the allocation, or its end.
    Refresh,
    /// Leave for peers to send through the relay.
    CreatePermission,
    /// A channel to a peer.
    ChannelBind,
    /// Data for a peer, in an indication.
    Send,
}

impl Method {
    pub(super) fn codec(self) -> stun_codec::Method {
        match self {
            Self::Binding => rfc5389::methods::BINDING,
            Self::Allocate => rfc5766::methods::ALLOCATE,
            Self::Refresh => rfc5766::methods::REFRESH,
            Self::CreatePermission => rfc5766::methods::CREATE_PERMISSION,
            Self::ChannelBind => rfc5766::methods::CHANNEL_BIND,
            Self::Send => rfc5766::methods::SEND,
        }
    }

    fn of(number: u16) -> Option<Self> {
        [Self::Binding, Self::Allocate, Self::Refresh, Self::CreatePermission, Self::ChannelBind, Self::Send]
            .into_iter()
            .find(|method| method.codec().as_u16() == number)
    }
}

/// What an answer must repeat of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The method.
    pub method: Method,
    /// The transaction id.
    pub id: [u8; 12],
    /// Whether the request had a FINGERPRINT, so that the answer gets one too.
    pub fingerprint: bool,
}

/// A family of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    #[must_use]
    pub fn of(address: std::net::IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

/// From where an answer is wanted, other than from where it was asked (RFC 5780 §7.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangeWish {
    /// From the server's other address.
    pub address: bool,
    /// From its other port.
    pub port: bool,
}

/// A request or an indication.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its method, id and whether it has a FINGERPRINT.
    pub subject: Subject,
    /// Whether it wants an answer.
    pub is_request: bool,
    /// USERNAME.
    pub username: Option<String>,
    /// REALM.
    pub realm: Option<String>,
    /// NONCE.
    pub nonce: Option<String>,
    /// Whether it has a MESSAGE-INTEGRITY.
    pub signed: bool,
    /// The protocol number of REQUESTED-TRANSPORT.
    pub transport: Option<u8>,
    /// LIFETIME.
    pub lifetime: Option<Duration>,
    /// REQUESTED-ADDRESS-FAMILY.
    pub family: Option<Family>,
    /// EVEN-PORT, with whether the next port is to be reserved.
    pub even_port: Option<bool>,
    /// Whether there is a RESERVATION-TOKEN.
    pub reservation: bool,
    /// Every XOR-PEER-ADDRESS.
    pub peers: Vec<SocketAddr>,
    /// CHANNEL-NUMBER.
    pub channel: Option<u16>,
    /// DATA.
    pub data: Option<Vec<u8>>,
    /// CHANGE-REQUEST.
    pub change: ChangeWish,
    /// RESPONSE-PORT.
    pub response_port: Option<u16>,
    /// The types of the attributes that must be understood and are not.
    pub unknown: Vec<u16>,
    message: Message,
}

/// Why bytes are no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// They are not STUN, or a method or class that no client sends: to be dropped (RFC 8489 §6.3).
    Foreign,
    /// A request of which one attribute is malformed: to be answered with 400.
    Malformed(Subject),
}

impl Incoming {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] says whether an answer is due.
    pub fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        match decode(bytes) {
            Ok(message) => Self::from_message(message).map(|it| it.with_discovery(bytes)).ok_or(Unreadable::Foreign),
            Err(Undecodable::Attribute) => Err(malformed(bytes)),
            Err(Undecodable::Header) => Err(Unreadable::Foreign),
        }
    }

    /// Whether its MESSAGE-INTEGRITY was made with these credentials.
    #[must_use]
    pub fn is_signed_by(&self, user: &LongTerm) -> bool {
        user.vouches_for(&self.message)
    }

    fn from_message(message: Message) -> Option<Self> {
        let method = Method::of(message.method().as_u16())?;
        let is_request = match message.class() {
            MessageClass::Request => method != Method::Send,
            MessageClass::Indication if matches!(method, Method::Send | Method::Binding) => false,
            MessageClass::Indication | MessageClass::SuccessResponse | MessageClass::ErrorResponse => return None,
        };
        let unknown = message.unknown_attributes().map(|it| it.get_type().as_u16()).filter(|kind| *kind < 0x8000).collect();
        let mut incoming = Self {
            subject: Subject { method, id: *message.transaction_id().as_bytes(), fingerprint: false },
            is_request,
            username: None,
            realm: None,
            nonce: None,
            signed: false,
            transport: None,
            lifetime: None,
            family: None,
            even_port: None,
            reservation: false,
            peers: Vec::new(),
            channel: None,
            data: None,
            change: ChangeWish::default(),
            response_port: None,
            unknown,
            message,
        };
        for attribute in incoming.message.clone().attributes() {
            incoming.take(attribute);
        }
        Some(incoming)
    }

    /// Reads what RFC 5780 adds, bare: `stun_codec` 0.4.0 takes each bit of CHANGE-REQUEST for the next one.
    fn with_discovery(mut self, bytes: &[u8]) -> Self {
        let raw = RawMessage::new(bytes);
        let attribute = |kind: u16| raw.and_then(|message| message.attribute(kind));
        if let Some([_, _, _, change]) = attribute(CHANGE_REQUEST) {
            self.change = ChangeWish { address: change & 4 != 0, port: change & 2 != 0 };
        }
        if let Some([high, low, ..]) = attribute(RESPONSE_PORT) {
            self.response_port = Some(u16::from_be_bytes([*high, *low]));
        }
        self
    }

    fn take(&mut self, attribute: &Attribute) {
        // What follows MESSAGE-INTEGRITY does not count, FINGERPRINT excepted (RFC 8489 §14.5).
        if self.signed && !matches!(attribute, Attribute::Fingerprint(_)) {
            return;
        }
        match attribute {
            Attribute::Username(it) => _ = self.username.get_or_insert_with(|| it.name().to_owned()),
            Attribute::Realm(it) => _ = self.realm.get_or_insert_with(|| it.text().to_owned()),
            Attribute::Nonce(it) => _ = self.nonce.get_or_insert_with(|| it.value().to_owned()),
            Attribute::MessageIntegrity(_) => self.signed = true,
            Attribute::Fingerprint(_) => self.subject.fingerprint = true,
            Attribute::RequestedTransport(it) => _ = self.transport.get_or_insert(it.protocol()),
            Attribute::Lifetime(it) => _ = self.lifetime.get_or_insert(it.lifetime()),
            Attribute::RequestedAddressFamily(it) => _ = self.family.get_or_insert(family_of(it.address_family())),
            Attribute::EvenPort(it) => _ = self.even_port.get_or_insert(it.is_requested()),
            Attribute::ReservationToken(_) => self.reservation = true,
            Attribute::XorPeerAddress(it) => self.peers.push(it.address()),
            Attribute::ChannelNumber(it) => _ = self.channel.get_or_insert(it.value()),
            Attribute::Data(it) => _ = self.data.get_or_insert_with(|| it.data().to_vec()),
            // A server that can't do these treats them as unknown (RFC 8656 §7.2, RFC 5780 §7.2).
            Attribute::DontFragment(_) => self.unknown.push(DONT_FRAGMENT),
            Attribute::ChangeRequest(_) => self.unknown.push(CHANGE_REQUEST),
            Attribute::AdditionalAddressFamily(_)
            | Attribute::AlternateServer(_)
            | Attribute::ErrorCode(_)
            | Attribute::MappedAddress(_)
            | Attribute::OtherAddress(_)
            | Attribute::ResponseOrigin(_)
            | Attribute::Software(_)
            | Attribute::UnknownAttributes(_)
            | Attribute::XorMappedAddress(_)
            | Attribute::XorRelayAddress(_) => {}
        }
    }
}

fn family_of(family: AddressFamily) -> Family {
    match family {
        AddressFamily::V4 => Family::V4,
        AddressFamily::V6 => Family::V6,
    }
}

fn malformed(bytes: &[u8]) -> Unreadable {
    let Some(raw) = RawMessage::new(bytes) else { return Unreadable::Foreign };
    let is_request = raw.kind() & 0x0110 == 0;
    match Method::of(raw.kind()) {
        Some(method) if is_request && method != Method::Send => {
            Unreadable::Malformed(Subject { method, id: raw.transaction_id(), fingerprint: false })
        }
        Some(_) | None => Unreadable::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::request::Request;

    #[test]
    fn a_request_of_our_own_is_read_back() {
        let incoming = Incoming::read(&Request::allocate().seal([7; 12])).expect("a request");
        assert_eq!(incoming.subject, Subject { method: Method::Allocate, id: [7; 12], fingerprint: false });
        assert_eq!(incoming.transport, Some(17));
        assert!(!incoming.signed && incoming.unknown.is_empty());
    }

    #[test]
    fn a_malformed_attribute_of_a_request_is_told_from_bytes_that_are_not_stun() {
        let mut bytes = Request::channel_bind(0x4000, "192.0.2.1:9".parse().expect("an address")).seal([7; 12]);
        bytes[24] = 0x10;
        let subject = Subject { method: Method::ChannelBind, id: [7; 12], fingerprint: false };
        assert_eq!(Incoming::read(&bytes).err(), Some(Unreadable::Malformed(subject)));
        assert_eq!(Incoming::read(b"GET / HTTP/1.1\r\n\r\n").err(), Some(Unreadable::Foreign));
    }
}
