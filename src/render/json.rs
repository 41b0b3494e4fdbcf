//! The report as JSON, and the JSON Schema of it.

use crate::model::report::Report;

/// The report as JSON, with a line break at its end.
///
/// # Panics
///
/// Never: a report has the form of JSON.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has no map keys but strings");
    text.push('\n');
    text
}

/// The JSON Schema of a report.
///
/// # Panics
///
/// Never: a schema is JSON.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}
