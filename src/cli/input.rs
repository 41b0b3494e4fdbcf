//! Texts that a command line names: a file, or what is given on standard input.

use std::io::Read as _;

use super::usage::Usage;

/// Reads a file, or standard input for `-`.
pub fn read_text(source: &str, option: &str, limit: u64) -> Result<String, Usage> {
    let wrong = |error: std::io::Error| Usage(format!("invalid value {source:?} for {option}: {error}"));
    let mut text = String::new();
    if source == "-" {
        std::io::stdin().lock().take(limit).read_to_string(&mut text).map_err(wrong)?;
    } else {
        std::fs::File::open(source).map_err(wrong)?.take(limit).read_to_string(&mut text).map_err(wrong)?;
    }
    Ok(text)
}
