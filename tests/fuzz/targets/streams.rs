//! A stream that a client reads: framed, asked for old TLS, and by HTTP.

#![no_main]

#[path = "../harness.rs"]
mod harness;
mod hexadecimal;

hexadecimal::target!(|bytes: &[u8]| {
    for chunk in [1, 3, bytes.len().max(1)] {
        harness::read_as_stream(bytes, chunk);
    }
    harness::greet_as_stream(bytes);
});
