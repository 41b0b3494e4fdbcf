//! The nouns that every other layer shares: what was asked, what was observed, what was concluded.

pub mod address;
pub mod asked;
pub mod browser;
pub mod call;
pub mod cause;
pub mod duration;
pub mod endpoint;
pub mod fact;
pub mod finding;
pub mod host;
pub mod message;
pub mod nat;
pub mod outcome;
pub mod place;
pub mod ports;
pub mod relay_ports;
pub mod report;
pub mod secret;
pub mod target;
pub mod verdict;
