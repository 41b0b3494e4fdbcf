//! What both messages have in common: the head, and fields one after another.

use super::token::TAG;

/// The longest message, in bytes: with the headers of IPv6 and UDP it fits into the 1,280 bytes that every link of IPv6 passes (RFC 8200
/// §5).
pub const LONGEST: usize = 1024;

/// The length of a message's head, in bytes.
pub const HEAD: usize = 8;

const MAGIC: [u8; 4] = *b"ccpr";
const VERSION: u8 = 1;
/// The bit that makes an answer's kind of a question's.
pub const ANSWERS: u8 = 0x80;

/// The length that a message claims in its head; `None` where it is none of ours.
#[must_use]
pub fn length(head: [u8; HEAD]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([head[6], head[7]]));
    let is_ours = head[..4] == MAGIC && head[4] == VERSION;
    (is_ours && (HEAD..=LONGEST).contains(&length)).then_some(length)
}

/// The head of a message of so many bytes.
pub fn head(kind: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(MAGIC);
    bytes.extend([VERSION, kind]);
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    bytes
}

/// The kind of a whole message and what lies between its head and its HMAC.
pub fn opened(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let head: [u8; HEAD] = bytes.get(..HEAD)?.try_into().ok()?;
    if length(head)? != bytes.len() {
        return None;
    }
    let fields = bytes.get(HEAD..bytes.len().checked_sub(TAG)?)?;
    Some((head[5], fields))
}

/// Reads fields one after another.
pub struct Fields<'a>(pub &'a [u8]);

impl Fields<'_> {
    pub fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    pub fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_be_bytes)
    }
}
