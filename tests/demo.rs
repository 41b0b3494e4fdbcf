//! The demo: every fault on offer is found, by its own name, by the program as it is shipped.

use std::collections::BTreeSet;
use std::sync::Mutex;

use callcheck::diagnose::table;
use callcheck::lab::demo;
use callcheck::model::finding::Level;
use callcheck::model::report::Verdict;

use child::{Run, callcheck};

#[path = "program/child.rs"]
mod child;

/// A run mostly waits; more of them at once would crowd out each other's timing on a small machine.
const AT_ONCE: usize = 4;

#[test]
fn every_fault_on_offer_is_the_first_finding() {
    let faults = Mutex::new(demo::faults());
    let complaints = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(fault) = next(&faults) {
                    let run = callcheck(&["demo", "--fault", fault, "--json"]).run();
                    let complaint = complaint(fault, &run);
                    complaints.lock().expect("no thread panics with it").extend(complaint);
                }
            });
        }
    });
    let mut complaints = complaints.into_inner().expect("no thread panics with it");
    complaints.sort();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn next(faults: &Mutex<Vec<&'static str>>) -> Option<&'static str> {
    faults.lock().expect("no thread panics with it").pop()
}

/// What is wrong with the run on that fault.
fn complaint(fault: &str, run: &Run) -> Option<String> {
    let report = run.report();
    let findings: Vec<&str> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
    let Some(first) = report.findings.first() else { return Some(format!("{fault}: found nothing, {:?}", report.verdict)) };
    if first.id != fault {
        return Some(format!("{fault}: found {findings:?}, {:?}", report.verdict));
    }
    let verdicts = match first.level {
        Level::Fail => &[Verdict::Failed][..],
        Level::Degrade => &[Verdict::Degraded, Verdict::Inconclusive],
        Level::Warn => &[Verdict::Ok, Verdict::Inconclusive],
    };
    if !verdicts.contains(&report.verdict) {
        return Some(format!("{fault}: {:?}, but the verdict is {:?}", first.level, report.verdict));
    }
    let known: BTreeSet<&str> = table::named().map(|cause| cause.id).collect();
    let left = report.findings.iter().flat_map(|finding| &finding.remaining);
    if let Some(unknown) = left.map(|remaining| remaining.id.as_str()).find(|id| !known.contains(id)) {
        return Some(format!("{fault}: leaves {unknown} open, which is no cause"));
    }
    let seen: BTreeSet<&str> = report.observations.iter().map(|seen| seen.id.as_str()).collect();
    let cited = report.findings.iter().flat_map(|finding| &finding.evidence);
    if first.evidence.is_empty() || cited.clone().any(|id| !seen.contains(id.as_str())) {
        return Some(format!("{fault}: cites {:?}", cited.collect::<Vec<_>>()));
    }
    if first.fixes.is_empty() || first.summary.is_empty() || first.impact.is_empty() {
        return Some(format!("{fault}: says too little"));
    }
    None
}

#[test]
fn the_healthy_demo_is_ok_without_any_finding() {
    let run = callcheck(&["demo", "--json"]).run();
    let report = run.report();
    assert_eq!((run.code, report.verdict, report.findings), (Some(0), Verdict::Ok, Vec::new()));
}

#[test]
fn the_demo_sends_nothing_beyond_loopback() {
    for arguments in
        [&["demo", "--json"][..], &["demo", "--json", "--fault", "turn-down"], &["demo", "--json", "--fault", "turn-udp-closed"]]
    {
        let contacted = callcheck(arguments).run().report().contacted;
        assert!(!contacted.is_empty());
        assert!(contacted.iter().all(|host| host.starts_with("127.")), "{contacted:?}");
    }
}

#[test]
fn the_list_names_the_faults_on_offer() {
    let run = callcheck(&["demo", "--fault", "list"]).run();
    assert_eq!(run.code, Some(0));
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), demo::faults());
}
