//! STUN and TURN requests before they have a transaction id: only sealing makes them something that can be sent.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stun_codec::rfc5389::attributes::{MessageIntegrity, Nonce, Realm, Username};
use stun_codec::rfc5389::methods::BINDING;
use stun_codec::rfc5766::attributes::{ChannelNumber, Data, Lifetime, RequestedTransport, XorPeerAddress};
use stun_codec::rfc5766::methods::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, REFRESH, SEND};
use stun_codec::rfc5780::attributes::ChangeRequest;
use stun_codec::{MessageClass, Method, TransactionId};

use super::authentication::LongTerm;
use super::codec::{Attribute, Message, encode};
use super::raw;

/// The protocol number of UDP in REQUESTED-TRANSPORT (RFC 8656 §18.7).
const UDP: u8 = 17;

/// The first channel number that can be bound (RFC 8656 §12).
pub const FIRST_CHANNEL: u16 = 0x4000;

/// A request without a transaction id.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    attributes: Vec<Attribute>,
    response_port: Option<u16>,
    padded_to: usize,
}

/// From where a server is asked to answer a Binding (RFC 5780 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// From its other address and its other port.
    AddressAndPort,
    /// From the same address and its other port.
    Port,
}

impl Request {
    /// A Binding (RFC 8489 §3).
    #[must_use]
    pub fn binding() -> Self {
        Self::new(BINDING, Vec::new())
    }

    /// A Binding of so many bytes, if that is a multiple of four and leaves room for the padding's own four.
    #[must_use]
    pub fn binding_of(bytes: usize) -> Self {
        Self { padded_to: bytes, ..Self::binding() }
    }

    /// A Binding to be answered from elsewhere (RFC 5780 §4.4).
    #[must_use]
    pub fn binding_answered_from(change: Change) -> Self {
        let change = match change {
            Change::AddressAndPort => ChangeRequest::new(true, true),
            Change::Port => ChangeRequest::new(false, true),
        };
        Self::new(BINDING, vec![change.into()])
    }

    /// A Binding to be answered to another port of the client's address (RFC 5780 §7.5).
    #[must_use]
    pub fn binding_answered_to(port: u16) -> Self {
        Self { response_port: Some(port), ..Self::binding() }
    }

    fn new(method: Method, attributes: Vec<Attribute>) -> Self {
        Self { method, attributes, response_port: None, padded_to: 0 }
    }

    /// An Allocate for a relayed UDP address (RFC 8656 §7).
    #[must_use]
    pub fn allocate() -> Self {
        Self::new(ALLOCATE, vec![RequestedTransport::new(UDP).into()])
    }

    /// A Refresh (RFC 8656 §8); a lifetime of zero ends the allocation.
    ///
    /// # Panics
    ///
    /// Never: zero fits where a longer lifetime does not.
    #[must_use]
    pub fn refresh(lifetime: Duration) -> Self {
        let lifetime = Lifetime::new(lifetime).unwrap_or_else(|_| Lifetime::new(Duration::ZERO).expect("zero fits into 32 bits"));
        Self::new(REFRESH, vec![lifetime.into()])
    }

    /// A `CreatePermission` for one peer (RFC 8656 §10).
    #[must_use]
    pub fn create_permission(peer: IpAddr) -> Self {
        Self::new(CREATE_PERMISSION, vec![XorPeerAddress::new(SocketAddr::new(peer, 0)).into()])
    }

    /// A `ChannelBind` of the channel with that index, the first being 0 (RFC 8656 §12).
    #[must_use]
    pub fn channel_bind(channel: u16, peer: SocketAddr) -> Self {
        let number = ChannelNumber::new(channel).unwrap_or_else(|_| ChannelNumber::min());
        Self::new(CHANNEL_BIND, vec![number.into(), XorPeerAddress::new(peer).into()])
    }

    /// The bytes to send, without credentials.
    #[must_use]
    pub fn seal(&self, id: [u8; 12]) -> Vec<u8> {
        let mut bytes = encode(self.message(id));
        if let Some(port) = self.response_port {
            // stun_codec 0.4.0 writes a zero in place of the port.
            let [high, low] = port.to_be_bytes();
            raw::append(&mut bytes, raw::RESPONSE_PORT, &[high, low, 0, 0]);
        }
        padded(bytes, self.padded_to)
    }

    /// The bytes to send, with USERNAME, REALM, NONCE and MESSAGE-INTEGRITY (RFC 8489 §9.2.2).
    ///
    /// # Errors
    ///
    /// [`Unsealable`] where the user name, realm or nonce is longer than STUN allows.
    pub fn authenticate(&self, id: [u8; 12], with: &LongTerm) -> Result<Vec<u8>, Unsealable> {
        let mut message = self.message(id);
        let username = Username::new(with.username().to_owned()).map_err(|_| Unsealable::Username)?;
        let realm = Realm::new(with.realm().to_owned()).map_err(|_| Unsealable::Realm)?;
        let nonce = Nonce::new(with.nonce().to_owned()).map_err(|_| Unsealable::Nonce)?;
        message.add_attribute(username.clone());
        message.add_attribute(realm.clone());
        message.add_attribute(nonce);
        let integrity = MessageIntegrity::new_long_term_credential(&message, &username, &realm, with.password())
            .map_err(|_| Unsealable::Username)?;
        message.add_attribute(integrity);
        Ok(encode(message))
    }

    fn message(&self, id: [u8; 12]) -> Message {
        let mut message = Message::new(MessageClass::Request, self.method, TransactionId::new(id));
        for attribute in &self.attributes {
            message.add_attribute(attribute.clone());
        }
        message
    }
}

/// An attribute of no RFC among those that are ignored where they aren't understood (RFC 8489 §14): PADDING of RFC 5780 isn't one of these.
const PADDING: u16 = 0xFEFE;

/// A message with a last attribute that fills it up.
fn padded(mut message: Vec<u8>, to: usize) -> Vec<u8> {
    const HEADER: usize = 20;
    let Some(room) = to.checked_sub(message.len() + 4).filter(|room| room % 4 == 0) else { return message };
    let (Ok(length), Ok(value)) = (u16::try_from(to - HEADER), u16::try_from(room)) else { return message };
    message[2..4].copy_from_slice(&length.to_be_bytes());
    message.extend(PADDING.to_be_bytes());
    message.extend(value.to_be_bytes());
    message.resize(to, 0);
    message
}

/// Why credentials don't fit into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    /// USERNAME has at most 512 bytes (RFC 8489 §14.3).
    #[error("the user name is longer than 512 bytes")]
    Username,
    /// REALM has fewer than 128 characters (RFC 8489 §14.9).
    #[error("the realm is longer than 127 characters")]
    Realm,
    /// NONCE has fewer than 128 characters (RFC 8489 §14.10).
    #[error("the nonce is longer than 127 characters")]
    Nonce,
}

/// A Send indication (RFC 8656 §11.1).
#[must_use]
pub fn send_indication(id: [u8; 12], peer: SocketAddr, payload: &[u8]) -> Option<Vec<u8>> {
    let mut message = Message::new(MessageClass::Indication, SEND, TransactionId::new(id));
    message.add_attribute(XorPeerAddress::new(peer));
    message.add_attribute(Data::new(payload.to_vec()).ok()?);
    Some(encode(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::codec::decode;
    use crate::proto::raw::{CHANGE_REQUEST, RESPONSE_PORT, RawMessage};

    #[test]
    fn a_binding_says_where_it_is_to_be_answered_from_and_to() {
        let attribute = |request: &Request, kind: u16| {
            let bytes = request.seal([7; 12]);
            RawMessage::new(&bytes).and_then(|message| message.attribute(kind).map(<[u8]>::to_vec))
        };
        let change = |change: Change| attribute(&Request::binding_answered_from(change), CHANGE_REQUEST);
        // RFC 5780 §7.2: A, 0x4, is the address and B, 0x2, the port.
        assert_eq!(change(Change::AddressAndPort), Some(vec![0, 0, 0, 6]));
        assert_eq!(change(Change::Port), Some(vec![0, 0, 0, 2]));
        assert_eq!(attribute(&Request::binding_answered_to(0x1234), RESPONSE_PORT), Some(vec![0x12, 0x34, 0, 0]));
    }

    #[test]
    fn a_padded_binding_has_its_size_and_can_be_read() {
        for bytes in [24, 548, 1472] {
            let sealed = Request::binding_of(bytes).seal([7; 12]);
            assert_eq!(sealed.len(), bytes);
            assert!(decode(&sealed).is_ok(), "{bytes} bytes");
        }
    }

    #[test]
    fn without_room_nothing_is_padded() {
        assert_eq!(Request::binding_of(20).seal([7; 12]).len(), 20);
        assert_eq!(Request::binding_of(50).seal([7; 12]).len(), 20);
    }
}
