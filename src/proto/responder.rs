//! What the responder on a host and those who sweep its ports say to each other: a language of its own, of two small messages.
//!
//! A message is a head of 8 bytes (`ccpr`, a version, a kind, the whole length), its fields in network byte order, and an HMAC over all
//! of it, keyed with the token that both sides have. A request is at least as long as its answer, so that nobody can make the responder
//! send more than was sent to it; one without the right HMAC has no answer at all.
//!
//! The HMAC of an answer covers the nonce of the request, which is not in it: what was recorded elsewhere or earlier is not believed.

mod answer;
mod message;
mod request;
mod token;

pub use answer::{Answer, Content, Description, MOST_TAKEN};
pub use message::{HEAD, LONGEST, length};
pub use request::{Nonce, Question, Request};
pub use token::{SHORTEST_TOKEN, Token};

/// How far the clocks of both sides may differ, in seconds: less than this is no reason to refuse, and a recorded request is of no use
/// for longer.
pub const FRESH_S: i64 = 120;

#[cfg(test)]
mod tests;
