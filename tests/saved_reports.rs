//! Saved reports with known causes: what was seen on real servers is judged again, and has to come out as it was.
//!
//! Beside each report in `tests/reports` lies its truth: the causes with the address where each sits, the findings that may be first, the verdicts
//! that are right, and findings that are harmless beside them.

use std::path::{Path, PathBuf};

use callcheck::model::finding::{Confidence, Finding, Level, Overrides};
use callcheck::model::report::{Report, Verdict};
use callcheck::run::judge::again;
use serde::Deserialize;

/// How many of a hundred have to be right in first cause, places and verdict.
const RIGHT_OF_HUNDRED: usize = 95;

#[derive(Debug, Deserialize)]
struct Truth {
    causes: Vec<True>,
    first: Vec<String>,
    verdict: Vec<String>,
    allow: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct True {
    ids: Vec<String>,
    at: Option<String>,
}

impl True {
    fn is_named_by(&self, finding: &Finding) -> bool {
        self.ids.contains(&finding.id) && self.is_at(finding)
    }

    fn is_at(&self, finding: &Finding) -> bool {
        let place = serde_json::to_value(&finding.place).expect("a place is JSON");
        match self.at.as_deref() {
            None => true,
            Some(kind @ ("network" | "host")) => place["kind"] == kind,
            // A relay behind a balancer has an address of its own.
            Some(server) => place["server"] == server || place["relayed"] == server || place["kind"] == "list",
        }
    }
}

/// What is wrong with how a report was judged.
#[derive(Debug, Default)]
struct Wrong {
    lines: Vec<String>,
    is_certain: bool,
    is_ok: bool,
}

fn judge(report: &Report, truth: &Truth) -> Wrong {
    let mut wrong = Wrong::default();
    let first = report.findings.iter().find(|finding| {
        let is_risk = finding.level == Level::Warn && !truth.first.contains(&finding.id);
        !is_risk && (truth.first.contains(&finding.id) || !truth.allow.contains(&finding.id))
    });
    match first {
        Some(first) if !truth.first.contains(&first.id) => wrong.lines.push(format!("first is {}", first.id)),
        None if !truth.first.is_empty() => wrong.lines.push("nothing is found".to_owned()),
        Some(_) | None => {}
    }
    for cause in &truth.causes {
        if !report.findings.iter().any(|finding| cause.is_named_by(finding)) {
            wrong.lines.push(format!("{:?} at {:?} is not found", cause.ids, cause.at));
        }
    }
    for finding in &report.findings {
        let is_true = truth.causes.iter().any(|cause| cause.is_named_by(finding));
        if !is_true && finding.level != Level::Warn && !truth.allow.contains(&finding.id) {
            wrong.lines.push(format!("{} at {} is accused", finding.id, finding.place));
            wrong.is_certain |= finding.confidence == Confidence::Certain;
        }
    }
    let verdict = report.verdict.name();
    if !truth.verdict.iter().any(|right| right == verdict) {
        wrong.lines.push(format!("the verdict is {verdict}, right is {:?}", truth.verdict));
        wrong.is_ok = report.verdict == Verdict::Ok;
    }
    wrong
}

fn reports() -> Vec<(String, Report, Truth)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports");
    let mut truths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the saved reports lie beside this test")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.to_string_lossy().ends_with(".truth.json"))
        .collect();
    truths.sort();
    let read = |path: &Path| std::fs::read_to_string(path).expect("a saved report is text");
    truths
        .iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().replace(".truth.json", "");
            let report = serde_json::from_str(&read(&folder.join(format!("{name}.json")))).expect("a report");
            (name, report, serde_json::from_str(&read(path)).expect("a truth"))
        })
        .collect()
}

#[test]
fn saved_reports_come_out_as_it_was() {
    let reports = reports();
    assert!(reports.len() > 100, "only {} saved reports", reports.len());
    let mut told = Vec::new();
    let (mut wrong_reports, mut certain, mut ok) = (0, 0, 0);
    for (name, report, truth) in &reports {
        let judged = again(report, &Overrides::default());
        let wrong = judge(&judged, truth);
        if wrong.lines.is_empty() {
            continue;
        }
        wrong_reports += 1;
        certain += usize::from(wrong.is_certain);
        ok += usize::from(wrong.is_ok);
        let found: Vec<String> =
            judged.findings.iter().map(|finding| format!("{} at {}", finding.claim(), finding.place)).collect();
        let open: Vec<String> =
            judged.unexplained.iter().map(|entry| format!("{} {:?}", entry.place, entry.message.args)).collect();
        told.push(format!("{name}: {}\n    {} {found:#?} {open:?}", wrong.lines.join("; "), judged.verdict.name()));
    }
    let right = reports.len() - wrong_reports;
    let summary = format!("{right} of {} are right, {certain} wrong ones certain, {ok} wrongly ok", reports.len());
    assert!(right * 100 >= reports.len() * RIGHT_OF_HUNDRED && certain == 0 && ok == 0, "{summary}\n\n{}", told.join("\n"));
}
