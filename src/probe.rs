//! What is asked of the network, one probe a file; each ends in observations and judges nothing.

pub mod allocate;
pub mod call;
pub mod clock;
pub mod context;
pub mod control;
pub mod gateway;
pub mod greet;
pub mod ice_server;
pub mod inbox;
pub mod loss;
pub mod name;
pub mod outside;
pub mod proxy;
pub mod reach;
pub mod relay;
pub mod size;
pub mod stream;
pub mod trace;
