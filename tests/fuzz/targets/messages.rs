//! A datagram that a client reads: decoded, or read raw where it is broken, and matched with what is in flight.

#![no_main]

#[path = "../harness.rs"]
mod harness;
mod hexadecimal;

hexadecimal::target!(|bytes: &[u8]| {
    harness::read_as_client(bytes);
    harness::answer_to_client(bytes);
});
