//! Passwords and shared secrets: values that can be used but not shown.

use std::fmt;

/// A text that never appears in a report, a log or an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one computation that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What a TURN server asks for (RFC 8489 §9.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name as it goes into USERNAME.
    pub username: Secret,
    /// The password of that user.
    pub password: Secret,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown_by_its_debug_form() {
        let credentials = Credentials { username: Secret::new("alice"), password: Secret::new("north") };
        let shown = format!("{credentials:?} {:?}", credentials.password);
        assert!(!shown.contains("alice") && !shown.contains("north"), "{shown}");
    }
}
