//! What is asked of the network, one probe a file; each ends in observations and judges nothing.

pub mod again;
pub mod allocate;
pub mod call;
pub mod clock;
pub mod connect_trace;
pub mod context;
pub mod control;
pub mod gateway;
pub mod greet;
pub mod ice_server;
pub mod inbox;
pub mod knock;
pub mod loss;
pub mod name;
pub mod nat;
pub mod outside;
pub mod progress;
pub mod proxy;
pub mod reach;
pub mod relay;
pub mod responder;
pub mod size;
pub mod still_there;
pub mod stream;
pub mod sweep;
pub mod trace;
mod volume;
