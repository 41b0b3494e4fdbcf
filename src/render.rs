//! A report becomes bytes; one format a file.

pub mod describe;
pub mod json;
pub mod mask;
pub mod text;

use crate::model::report::Report;

/// The formats that a report can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

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

/// Draws a report.
#[must_use]
pub fn render(report: &Report, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(report, style),
        Format::Json => json::render(report),
    }
}
