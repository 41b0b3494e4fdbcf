//! Answers that no honest server gives, to hold against whatever reads them.

use super::named::named;
use crate::proto::raw::{HEADER_LENGTH, append};

named! {
    /// A way of answering that is meant to harm.
    Hostility, "hostility":

    /// Half of every answer.
    Truncated = "truncated",
    /// Every answer is followed by 60,000 more bytes.
    Oversized = "oversized",
    /// Answers to a transaction that nobody began.
    WrongTransaction = "wrong-transaction",
    /// Answers from another address than the one asked (UDP).
    ForeignSource = "foreign-source",
    /// A stream of random bytes without end; over UDP one such datagram for each request.
    Garbage = "garbage",
    /// A MESSAGE-INTEGRITY that does not fit.
    BadIntegrity = "bad-integrity",
    /// A FINGERPRINT that does not fit.
    BadFingerprint = "bad-fingerprint",
    /// Every Allocate is redirected to the server that was asked.
    RedirectToSelf = "redirect-to-self",
    /// Streams give one byte a time, slowly.
    SlowDrip = "slow-drip",
    /// A SOFTWARE that is not UTF-8.
    MalformedAttribute = "malformed-attribute",
    /// An attribute that must be understood and that nobody knows.
    UnknownAttribute = "unknown-attribute",
    /// An attribute whose length runs over the end of the message.
    OverrunningAttribute = "overrunning-attribute",
    /// Datagrams and messages of no bytes at all.
    Empty = "empty",
    /// Every answer a hundred times.
    Repeated = "repeated",
}

impl Hostility {
    /// What is sent in place of an honest answer, in order.
    #[must_use]
    pub fn distort(self, mut bytes: Vec<u8>) -> Vec<Vec<u8>> {
        match self {
            Self::Truncated => bytes.truncate(bytes.len() / 2),
            Self::Oversized => bytes.resize(bytes.len() + 60_000, 0xA5),
            Self::WrongTransaction => bytes.iter_mut().skip(8).take(12).for_each(|byte| *byte ^= 0xFF),
            Self::Garbage => bytes = garbage(&bytes),
            Self::BadIntegrity => flip(&mut bytes, 0x0008),
            Self::BadFingerprint => append(&mut bytes, 0x8028, &[0, 1, 2, 3]),
            Self::MalformedAttribute => append(&mut bytes, 0x8022, &[0xFF, 0xFE, 0xC0, 0x80]),
            Self::UnknownAttribute => append(&mut bytes, 0x7ABC, b"must be understood"),
            Self::OverrunningAttribute => {
                append(&mut bytes, 0x8022, b"name");
                let at = bytes.len() - 6;
                bytes[at..at + 2].copy_from_slice(&u16::MAX.to_be_bytes());
            }
            Self::Empty => bytes.clear(),
            Self::Repeated => return vec![bytes; 100],
            // These are in what is said to whom and how fast, not in the bytes of an answer.
            Self::ForeignSource | Self::RedirectToSelf | Self::SlowDrip => {}
        }
        vec![bytes]
    }
}

/// Bytes that follow from an answer and look like nothing.
fn garbage(bytes: &[u8]) -> Vec<u8> {
    let mut state = bytes.iter().fold(0x9E37_79B9_u32, |state, byte| state.rotate_left(5) ^ u32::from(*byte));
    std::iter::repeat_with(|| {
        // A xorshift generator: random enough to be nonsense, the same on every run.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0] | 0x80
    })
    .take(200)
    .collect()
}

/// Inverts the first byte of an attribute's value, where the message has it.
fn flip(bytes: &mut [u8], wanted: u16) {
    let mut at = HEADER_LENGTH;
    while let Some(&[high, low, long, short]) = bytes.get(at..at + 4) {
        if u16::from_be_bytes([high, low]) == wanted {
            bytes[at + 4] ^= 0xFF;
            return;
        }
        at += 4 + usize::from(u16::from_be_bytes([long, short])).next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::incoming::{Method, Subject};
    use crate::proto::outgoing::Outgoing;
    use crate::proto::response::Response;

    #[test]
    fn a_distorted_answer_is_never_taken_for_an_honest_one() {
        let subject = Subject { method: Method::Binding, id: [1; 12], fingerprint: false };
        let honest = Outgoing::success(subject).xor_mapped("192.0.2.1:9".parse().expect("an address")).seal(None);
        let read = |hostility: Hostility| Response::read(&hostility.distort(honest.clone())[0]);
        for hostility in [Hostility::MalformedAttribute, Hostility::OverrunningAttribute] {
            assert!(read(hostility).is_some_and(|response| response.malformed), "{hostility}");
        }
        assert!(read(Hostility::BadFingerprint).is_some_and(|response| response.bad_fingerprint));
        assert!(read(Hostility::UnknownAttribute).is_some_and(|response| response.unknown_required));
        for hostility in [Hostility::Truncated, Hostility::Oversized, Hostility::Garbage, Hostility::Empty] {
            assert!(read(hostility).is_none(), "{hostility}");
        }
    }
}
