//! How a report is drawn: what the command line asks of every format.

/// How a report is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are used.
    pub color: bool,
    /// Whether every observation is listed.
    pub verbose: bool,
    /// Whether the verdict alone is said.
    pub quiet: bool,
}
