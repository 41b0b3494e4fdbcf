//! A report becomes bytes; one format a file.

pub mod describe;
pub mod json;
pub mod mask;
mod style;
pub mod text;

pub use self::style::Style;
use crate::model::report::Report;

/// The formats that a report can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Draws a report.
#[must_use]
pub fn render(report: &Report, format: Format, style: Style) -> String {
    match format {
        Format::Text => text::render(report, style),
        Format::Json => json::render(report),
    }
}
