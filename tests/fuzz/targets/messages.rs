//! A datagram that a client reads: decoded, or read raw where it is broken, and matched with what is in flight.

#![no_main]

#[path = "../harness.rs"]
mod harness;
mod hexadecimal;

libfuzzer_sys::fuzz_mutator!(|buffer: &mut [u8], size: usize, longest: usize, _seed: u32| {
    hexadecimal::mutate(buffer, size, longest)
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some(bytes) = hexadecimal::read(input) {
        harness::read_as_client(&bytes);
        harness::answer_to_client(&bytes);
    }
});
