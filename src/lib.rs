//! callcheck says why a WebRTC call does not connect, and what to change.
//!
//! The data flows through the folders in this order: `cli` reads what is asked, `run` plans it, `probe` asks the network
//! through `net` with the machines of `proto`, `diagnose` turns what was seen into findings, `text` gives them their
//! sentences, `render` draws the report.
//! `peer` is one end of a call. `model` holds the nouns of all of them; `lab` is a TURN server that can be broken on purpose.

pub mod cli;
pub mod diagnose;
pub mod lab;
pub mod model;
pub mod net;
pub mod peer;
pub mod probe;
pub mod proto;
pub mod render;
pub mod responder;
pub mod run;
pub mod signaling;
pub mod text;
