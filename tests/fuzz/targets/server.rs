//! Datagrams that the embedded server reads.

#![no_main]

#[path = "../harness.rs"]
mod harness;
mod hexadecimal;

hexadecimal::target!(harness::read_as_server);
