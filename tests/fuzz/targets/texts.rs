//! A target, or a list of ICE servers.

#![no_main]

#[path = "../harness.rs"]
mod harness;
mod hexadecimal;

hexadecimal::target!(harness::read_as_text);
