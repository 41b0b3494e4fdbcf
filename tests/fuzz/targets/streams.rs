//! A stream that a client reads: framed, asked for old TLS, and by HTTP.

#![no_main]

#[path = "../harness.rs"]
mod harness;
mod hexadecimal;

libfuzzer_sys::fuzz_mutator!(|buffer: &mut [u8], size: usize, longest: usize, _seed: u32| {
    hexadecimal::mutate(buffer, size, longest)
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some(bytes) = hexadecimal::read(input) {
        for chunk in [1, 3, bytes.len().max(1)] {
            harness::read_as_stream(&bytes, chunk);
        }
        harness::greet_as_stream(&bytes);
    }
});
