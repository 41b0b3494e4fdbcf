//! Datagrams that the embedded server reads.

#![no_main]

#[path = "../harness.rs"]
mod harness;
mod hexadecimal;

libfuzzer_sys::fuzz_mutator!(|buffer: &mut [u8], size: usize, longest: usize, _seed: u32| {
    hexadecimal::mutate(buffer, size, longest)
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some(bytes) = hexadecimal::read(input) {
        harness::read_as_server(&bytes);
    }
});
