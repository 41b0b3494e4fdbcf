//! What the responder on a host and those who sweep its ports say to each other: a language of its own, of two small messages.
//!
//! A message is a head of 8 bytes (`ccpr`, a version, a kind, the whole length), its fields in network byte order, and an HMAC over all
//! of it, keyed with the token that both sides have. A request is at least as long as its answer, so that nobody can make the responder
//! send more than was sent to it; one without the right HMAC has no answer at all.
//!
//! The HMAC of an answer covers the nonce of the request, which is not in it: what was recorded elsewhere or earlier is not believed.

mod answer;
mod request;
mod token;

pub use answer::{Answer, Content, Description, MOST_TAKEN};
pub use request::{Nonce, Question, Request};
pub use token::{SHORTEST_TOKEN, Token};

/// How far the clocks of both sides may differ, in seconds: less than this is no reason to refuse, and a recorded request is of no use
/// for longer.
pub const FRESH_S: i64 = 120;

/// The longest message, in bytes: with the headers of IPv6 and UDP it fits into the 1,280 bytes that every link of IPv6 passes (RFC 8200
/// §5).
pub const LONGEST: usize = 1024;

/// The length of a message's head, in bytes.
pub const HEAD: usize = 8;

const MAGIC: [u8; 4] = *b"ccpr";
const VERSION: u8 = 1;
/// The bit that makes an answer's kind of a question's.
const ANSWERS: u8 = 0x80;

/// The length that a message claims in its head; `None` where it is none of ours.
#[must_use]
pub fn length(head: [u8; HEAD]) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([head[6], head[7]]));
    let is_ours = head[..4] == MAGIC && head[4] == VERSION;
    (is_ours && (HEAD..=LONGEST).contains(&length)).then_some(length)
}

fn head(kind: u8, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(MAGIC);
    bytes.extend([VERSION, kind]);
    bytes.extend(u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
    bytes
}

/// The kind of a whole message and what lies between its head and its HMAC.
fn opened(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let head: [u8; HEAD] = bytes.get(..HEAD)?.try_into().ok()?;
    if length(head)? != bytes.len() {
        return None;
    }
    let fields = bytes.get(HEAD..bytes.len().checked_sub(token::TAG)?)?;
    Some((head[5], fields))
}

/// Reads fields one after another.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_be_bytes)
    }
}

#[cfg(test)]
mod tests;
