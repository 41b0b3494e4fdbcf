//! Signs requests and checks answers by the thousand, with the key made once and on the bare form of messages.
//!
//! `stun_codec` makes the key anew for each message and joins the codecs of all attributes for it: some 150 microseconds a request, which
//! a sweep over thousands of ports can't spend.

use hmac::{Hmac, Mac as _};
use md5::{Digest as _, Md5};
use sha1::Sha1;

use super::authentication::LongTerm;
use super::raw::{RawMessage, append, set_length};

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;

/// An attribute's header and an HMAC-SHA1.
const INTEGRITY_LENGTH: usize = 4 + 20;

/// Long-term credentials (RFC 8489 §9.2) ready to sign many requests; the nonce is each request's own.
#[derive(Clone)]
pub struct Stamp {
    keyed: Hmac<Sha1>,
    username: String,
    realm: String,
}

impl Stamp {
    /// Makes the key, MD5 of user, realm and password (RFC 8489 §9.2.2).
    ///
    /// # Panics
    ///
    /// Never: HMAC takes a key of any length.
    #[must_use]
    pub fn new(with: &LongTerm) -> Self {
        let key = Md5::digest(format!("{}:{}:{}", with.username(), with.realm(), with.password()));
        Self {
            keyed: Hmac::new_from_slice(&key).expect("HMAC takes a key of any length"),
            username: with.username().to_owned(),
            realm: with.realm().to_owned(),
        }
    }

    /// Adds USERNAME, REALM, NONCE and MESSAGE-INTEGRITY to a sealed request.
    #[must_use]
    pub fn sign(&self, mut request: Vec<u8>, nonce: &str) -> Vec<u8> {
        append(&mut request, USERNAME, self.username.as_bytes());
        append(&mut request, REALM, self.realm.as_bytes());
        append(&mut request, NONCE, nonce.as_bytes());
        // The integrity covers a length that counts itself (RFC 8489 §14.5).
        set_length(&mut request, INTEGRITY_LENGTH);
        let mut mac = self.keyed.clone();
        mac.update(&request);
        append(&mut request, MESSAGE_INTEGRITY, &mac.finalize().into_bytes());
        request
    }

    /// Whether a message's MESSAGE-INTEGRITY was made with these credentials.
    #[must_use]
    pub fn vouches_for(&self, message: &[u8]) -> bool {
        let Some(place) = RawMessage::new(message).and_then(|raw| raw.place_of(MESSAGE_INTEGRITY)) else { return false };
        let (Some(covered), Some(theirs)) = (message.get(..place), message.get(place + 4..place + INTEGRITY_LENGTH)) else {
            return false;
        };
        let mut covered = covered.to_vec();
        set_length(&mut covered, INTEGRITY_LENGTH);
        let mut mac = self.keyed.clone();
        mac.update(&covered);
        mac.verify_slice(theirs).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::{Credentials, Secret};
    use crate::proto::request::Request;
    use crate::proto::response::Response;

    fn alice() -> LongTerm {
        let credentials = Credentials { username: Secret::new("alice"), password: Secret::new("wonderland-1865") };
        LongTerm::of_user(&credentials, "example.org", "nonce-of-three-words")
    }

    #[test]
    fn a_stamped_request_is_the_one_that_the_codec_makes() {
        let with = alice();
        for request in [Request::allocate(), Request::refresh(std::time::Duration::ZERO)] {
            let stamped = Stamp::new(&with).sign(request.seal([7; 12]), with.nonce());
            assert_eq!(stamped, request.authenticate([7; 12], &with).expect("short names"));
        }
    }

    #[test]
    fn it_vouches_for_what_the_same_credentials_signed() {
        let with = alice();
        let stamp = Stamp::new(&with);
        let mut message = stamp.sign(Request::allocate().seal([9; 12]), with.nonce());
        let response = Response::read(&message).expect("a message");
        assert!(stamp.vouches_for(&message) && with.vouches_for(response.message.as_ref().expect("decoded")));
        let place = message.len() - 1;
        message[place] ^= 1;
        assert!(!stamp.vouches_for(&message));
        assert!(!stamp.vouches_for(&Request::binding().seal([1; 12])) && !stamp.vouches_for(b"") && !stamp.vouches_for(&[0; 40]));
    }
}
