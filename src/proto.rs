//! Sans-IO STUN and TURN: bytes, a sender and a time go in, bytes and events come out.
//!
//! This is the home of `stun_codec` and `bytecodec`. Nothing here opens a socket or reads a clock.

pub mod authentication;
pub mod channel_data;
pub mod codec;
pub mod credentials;
pub mod framing;
pub mod incoming;
pub mod outgoing;
pub mod raw;
pub mod request;
pub mod responder;
pub mod response;
pub mod schedule;
pub mod stamp;
pub mod transactions;
