//! Sockets, names, TLS, and the driver that joins them with the sans-IO machines of `proto`.
//!
//! Everything above reaches the network through [`network::Network`], so the same probes run on real sockets and in a
//! simulated world.

pub mod descriptors;
pub mod dtls;
pub mod fetch;
pub mod http;
pub mod ledger;
pub mod leg;
pub mod network;
pub mod old_tls;
pub mod resolver;
pub mod session;
pub mod stream;
pub mod system;
pub mod timer;
pub mod tls;
pub mod udp;
