//! A reader of STUN's bare type-length-value form, for messages of which one attribute is malformed.
//!
//! `stun_codec` drops all attributes when one is broken, so a bad SOFTWARE would hide the realm and nonce of a 401.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// The magic cookie (RFC 8489 §5).
pub const MAGIC_COOKIE: u32 = 0x2112_A442;

/// The length of a STUN header in bytes (RFC 8489 §5).
pub const HEADER_LENGTH: usize = 20;

/// The type of FINGERPRINT, and what is added to its CRC-32 by XOR (RFC 8489 §14.7).
const FINGERPRINT: u16 = 0x8028;
const FINGERPRINT_MASK: u32 = 0x5354_554E;

/// The type of MESSAGE-INTEGRITY, and the length of its value in bytes (RFC 8489 §14.5).
const MESSAGE_INTEGRITY: u16 = 0x0008;
const INTEGRITY_LENGTH: usize = 20;

/// The type of CHANGE-REQUEST (RFC 5780 §7.2).
pub const CHANGE_REQUEST: u16 = 0x0003;

/// The type of RESPONSE-PORT (RFC 5780 §7.5).
pub const RESPONSE_PORT: u16 = 0x0027;

/// Adds an attribute to an encoded message, which has none that must be the last.
pub fn append(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    set_length(message, 0);
}

/// Writes a message's length into its header, with so many bytes that are still to come.
pub fn set_length(message: &mut [u8], more: usize) {
    let length = u16::try_from(message.len().saturating_sub(HEADER_LENGTH) + more).unwrap_or(u16::MAX);
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

/// Writes a message's transaction id into its header.
pub fn set_transaction_id(message: &mut [u8], id: [u8; 12]) {
    message[8..HEADER_LENGTH].copy_from_slice(&id);
}

/// A STUN message by its bare form.
#[derive(Clone, Copy, Debug)]
pub struct RawMessage<'a> {
    bytes: &'a [u8],
}

impl<'a> RawMessage<'a> {
    /// Reads a header; `None` where the bytes can't be a STUN message.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER_LENGTH)?;
        let cookie = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let fits = header[0] & 0xC0 == 0 && cookie == MAGIC_COOKIE && length.is_multiple_of(4);
        (fits && bytes.len() == HEADER_LENGTH + length).then_some(Self { bytes })
    }

    /// The method and class bits of the header.
    #[must_use]
    pub fn kind(&self) -> u16 {
        u16::from_be_bytes([self.bytes[0], self.bytes[1]])
    }

    /// The transaction id.
    #[must_use]
    pub fn transaction_id(&self) -> [u8; 12] {
        let mut id = [0; 12];
        id.copy_from_slice(&self.bytes[8..HEADER_LENGTH]);
        id
    }

    /// The attributes up to the first one whose length runs over the end.
    pub fn attributes(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = &self.bytes[HEADER_LENGTH..];
        std::iter::from_fn(move || {
            let header = rest.get(..4)?;
            let kind = u16::from_be_bytes([header[0], header[1]]);
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let value = rest.get(4..4 + length)?;
            rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
            Some((kind, value))
        })
    }

    /// Where the first attribute of that type begins, in bytes from the message's start.
    #[must_use]
    pub fn place_of(&self, kind: u16) -> Option<usize> {
        let mut place = HEADER_LENGTH;
        for (found, value) in self.attributes() {
            if found == kind {
                return Some(place);
            }
            place += 4 + value.len().next_multiple_of(4);
        }
        None
    }

    /// The value of the first attribute of that type.
    #[must_use]
    pub fn attribute(&self, kind: u16) -> Option<&'a [u8]> {
        self.attributes().find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// The first attribute of that type as text.
    #[must_use]
    pub fn text(&self, kind: u16) -> Option<String> {
        self.attribute(kind).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The code of ERROR-CODE (RFC 8489 §14.8).
    #[must_use]
    pub fn error_code(&self) -> Option<u16> {
        let value = self.attribute(0x0009)?;
        let (class, number) = (value.get(2)? & 0x07, value.get(3)?);
        Some(u16::from(class) * 100 + u16::from(*number))
    }

    /// Whether FINGERPRINT is there and does not fit (RFC 8489 §14.7).
    #[must_use]
    pub fn has_bad_fingerprint(&self) -> bool {
        let Some(value) = self.attribute(FINGERPRINT).and_then(|value| value.first_chunk::<4>()) else { return false };
        // It is the last attribute and covers all before it.
        let covered = &self.bytes[..self.bytes.len() - 8];
        u32::from_be_bytes(*value) != crc32fast::hash(covered) ^ FINGERPRINT_MASK
    }

    /// Whether MESSAGE-INTEGRITY was made with a short-term credential's password (RFC 8489 §9.1).
    ///
    /// # Panics
    ///
    /// Never: HMAC takes a key of any length.
    #[must_use]
    pub fn is_signed_with(&self, password: &str) -> bool {
        let place = self.place_of(MESSAGE_INTEGRITY).zip(self.attribute(MESSAGE_INTEGRITY));
        let Some((place, value)) = place.filter(|(_, value)| value.len() == INTEGRITY_LENGTH) else { return false };
        let mut covered = self.bytes[..place].to_vec();
        set_length(&mut covered, 4 + INTEGRITY_LENGTH);
        let mut mac = Hmac::<Sha1>::new_from_slice(password.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(&covered);
        mac.verify_slice(value).is_ok()
    }

    /// MAPPED-ADDRESS (RFC 8489 §14.1).
    #[must_use]
    pub fn mapped_address(&self) -> Option<SocketAddr> {
        let value = self.attribute(0x0001)?;
        address_of(*value.get(1)?, u16::from_be_bytes([*value.get(2)?, *value.get(3)?]), value.get(4..)?)
    }

    /// An address attribute to which the cookie was added by XOR (RFC 8489 §14.2).
    #[must_use]
    pub fn xor_address(&self, kind: u16) -> Option<SocketAddr> {
        let value = self.attribute(kind)?;
        let port = u16::from_be_bytes([*value.get(2)?, *value.get(3)?]) ^ 0x2112;
        let mask = &self.bytes[4..HEADER_LENGTH];
        let unmasked: Vec<u8> = value.get(4..)?.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        address_of(*value.get(1)?, port, &unmasked)
    }
}

/// An address by its family number, port and bytes.
fn address_of(family: u8, port: u16, bytes: &[u8]) -> Option<SocketAddr> {
    let ip = match (family, bytes.len()) {
        (1, 4) => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        (2, 16) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_before_a_broken_one_are_still_read() {
        let mut bytes = vec![0x01, 0x13, 0, 0];
        bytes.extend(MAGIC_COOKIE.to_be_bytes());
        bytes.extend([7; 12]);
        bytes.extend([0, 9, 0, 4, 0, 0, 4, 1]);
        bytes.extend([0, 0x14, 0, 5, b'n', b'o', b'r', b't', b'h', 0, 0, 0]);
        bytes.extend([0x80, 0x22, 0xFF, 0xFF]);
        let length = u16::try_from(bytes.len() - HEADER_LENGTH).expect("short");
        bytes[2..4].copy_from_slice(&length.to_be_bytes());

        let message = RawMessage::new(&bytes).expect("a STUN header");
        assert_eq!(message.error_code(), Some(401));
        assert_eq!(message.text(0x14).as_deref(), Some("north"));
        assert_eq!(message.text(0x8022), None);
    }
}
