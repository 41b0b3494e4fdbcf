//! The report as JSON, and the JSON Schema of it.

use crate::model::report::Report;

/// The report as JSON, with a line break at its end.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has no map keys but strings");
    text.push('\n');
    text
}

/// The JSON Schema of a report.
#[must_use]
pub fn schema() -> String {
    let schema = schemars::schema_for!(Report);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}
