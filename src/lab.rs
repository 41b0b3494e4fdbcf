//! A TURN server inside the binary that can be broken on purpose: for `demo`, for tests, for the simulated network.
//!
//! [`server::Server`] is sans-IO and makes every fault of the protocol and of the relay's ports; [`host::Lab`] runs it on
//! loopback over UDP, TCP, TLS and DTLS, and adds the faults of listeners and certificates. [`gateway`] is the same for signaling.

pub mod allocation;
pub mod authentication;
pub mod certificates;
pub mod configuration;
pub mod demo;
pub mod discovery;
pub mod dtls;
pub mod fault;
pub mod firewall;
pub mod five_tuple;
pub mod gateway;
pub mod host;
pub mod hostility;
pub mod named;
pub mod ports;
pub mod server;
