//! Saved reports of real runs in the network lab: judged again they say the same, and drawn as text they read as committed.
//!
//! `UPDATE=1 cargo test --test reports` writes the texts anew.

use std::path::{Path, PathBuf};

use callcheck::model::finding::Overrides;
use callcheck::model::report::Report;
use callcheck::render::{Format, Style, render};
use callcheck::run::judge::again;

#[path = "golden/committed.rs"]
mod committed;

const REPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/reports");

fn saved() -> Vec<(PathBuf, Report)> {
    let files = std::fs::read_dir(REPORTS).expect("the reports lie beside this test");
    let files = files.map(|file| file.expect("a readable folder").path());
    let files = files.filter(|file| file.extension().is_some_and(|suffix| suffix == "json"));
    files.map(|file| (file.clone(), read(&file))).collect()
}

fn read(file: &Path) -> Report {
    let text = std::fs::read_to_string(file).expect("a readable report");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn a_saved_report_is_judged_as_it_was() {
    let reports = saved();
    assert!(!reports.is_empty());
    for (file, report) in reports {
        assert_eq!(again(&report, &Overrides::default()), report, "{}", file.display());
    }
}

#[test]
fn a_saved_report_reads_as_committed() {
    for (file, report) in saved() {
        let text = render(&report, Format::Text, Style { verbose: true, ..Style::default() });
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name of letters");
        committed::assert_committed("reports", &format!("tests/golden/reports/{name}.txt"), &text);
    }
}
