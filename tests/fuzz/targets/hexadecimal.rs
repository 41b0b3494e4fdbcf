//! The corpus is written in hexadecimal digits, for people; the fuzzer changes the bytes that they stand for.

use super::harness::bytes_of;

/// The bytes of an input; what isn't hexadecimal is no input.
pub fn read(input: &[u8]) -> Option<Vec<u8>> {
    bytes_of(std::str::from_utf8(input).ok()?)
}

/// Changes an input in its buffer, by the bytes that it stands for, and says how long it is now.
pub fn mutate(buffer: &mut [u8], size: usize, longest: usize) -> usize {
    let mut bytes = read(&buffer[..size]).unwrap_or_default();
    let longest = longest.min(buffer.len()) / 2;
    bytes.truncate(longest);
    let length = bytes.len();
    bytes.resize(longest, 0);
    let length = libfuzzer_sys::fuzzer_mutate(&mut bytes, length, longest);
    for (pair, byte) in buffer.chunks_exact_mut(2).zip(&bytes[..length]) {
        pair.copy_from_slice(format!("{byte:02x}").as_bytes());
    }
    2 * length
}

/// A target that takes the bytes of an input.
macro_rules! target {
    ($take:expr) => {
        libfuzzer_sys::fuzz_mutator!(|buffer: &mut [u8], size: usize, longest: usize, _seed: u32| {
            hexadecimal::mutate(buffer, size, longest)
        });

        libfuzzer_sys::fuzz_target!(|input: &[u8]| {
            if let Some(bytes) = hexadecimal::read(input) {
                $take(&bytes);
            }
        });
    };
}
pub(crate) use target;
