//! The signaling of a call: a connection to a Socket.IO gateway, the call's events on it, and what its Engine.IO handshake says.
//!
//! [`line::Line`] is the seam: [`socket_io::SocketIo`] speaks to a real gateway, the lab has one in memory. On top of either,
//! [`conversation::Conversation`] composes and reads the events by the names that are configured.

pub mod call_event;
pub mod conversation;
pub mod engine;
pub mod gateway;
pub mod inbox;
pub mod line;
pub mod socket_io;
pub mod websocket;
