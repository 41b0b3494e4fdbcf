//! Errors of the lab: one line of text that says what was being done, since only a person reads them.

use std::fmt::Display;

/// What a step of the lab gives.
pub type Outcome<T> = Result<T, String>;

/// Adds what was being done to an error.
pub trait Doing<T> {
    /// Puts `what` before the error.
    fn doing(self, what: &str) -> Outcome<T>;
}

impl<T, E: Display> Doing<T> for Result<T, E> {
    fn doing(self, what: &str) -> Outcome<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}
