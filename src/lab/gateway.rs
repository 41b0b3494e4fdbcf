//! A signaling gateway inside the binary that can be broken on purpose, as the TURN server beside it can.
//!
//! [`exchange::Exchange`] is the logic without sockets and clocks. [`hub::Hub`] runs it for connections of any kind:
//! [`memory::line`] makes one in memory, for calls in virtual time, and [`server::Gateway`] takes them over Socket.IO on loopback.

pub mod exchange;
pub mod fault;
pub mod front;
pub mod hub;
pub mod memory;
pub mod server;
pub mod severable;
