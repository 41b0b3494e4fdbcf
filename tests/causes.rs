//! The causes that callcheck names, as a public interface: their ids are held, explained, and each is shown by a test for real.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use callcheck::diagnose::table;
use callcheck::lab::fault::Fault;
use callcheck::model::cause::Group;
use callcheck::model::finding::{Confidence, Level};
use callcheck::text;

#[path = "golden/committed.rs"]
mod committed;

/// The tests that make the causes of calls for real, and those that stage the evidence of what no gateway here can be made to do.
const CALLS: &[&str] =
    &["tests/signaling/preflight.rs", "tests/calls.rs", "src/diagnose/tests_signaling.rs", "src/diagnose/tests_call.rs"];

/// The tests that stage the evidence of relays.
const STAGED: &str = "src/diagnose/tests_relay.rs";

/// What always has a cause of its own that is named instead; that it is folded is tested beside the rules.
const SYMPTOMS: &[&str] = &["ice-no-relay-candidate"];

#[test]
fn the_ids_are_those_that_are_committed() {
    let mut listing = String::from(
        "# Every id that a report can name, with its level for a bare host. Ids are stable: adding is fine, renaming is not.\n",
    );
    let causes: BTreeMap<&str, String> = table::named().map(|cause| (cause.id, in_json(cause.effect.level()))).collect();
    for (id, level) in causes {
        _ = writeln!(listing, "{id} {level}");
    }
    committed::assert_committed("causes", "tests/golden/causes.txt", &listing);
}

#[test]
fn an_id_is_in_kebab_case_and_stands_for_one_cause() {
    let mut seen = BTreeSet::new();
    for id in ids() {
        let is_word =
            |word: &str| !word.is_empty() && word.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit());
        assert!(id.split('-').all(is_word), "{id} is not in kebab case");
        assert!(seen.insert(id), "{id} is there twice");
    }
}

#[test]
fn every_cause_is_explained_in_full() {
    for cause in table::named() {
        for part in ["", ".meaning", ".impact", ".proof", ".look-alikes", ".remedy", ".summary"] {
            let text = text::with(|texts| texts.plain(&format!("{}{part}", cause.id)));
            assert!(!text.is_empty(), "{} has no text {part:?}", cause.id);
            assert!(!text.contains("  "), "{}: two blanks in {part:?}", cause.id);
            match part {
                "" => assert!(!text.ends_with('.'), "{}: a title is no sentence", cause.id),
                ".summary" => {}
                _ => assert!(text.ends_with(['.', ')', ':']), "{}: {part:?} is no sentence: {text}", cause.id),
            }
        }
    }
}

#[test]
fn scenarios_expect_known_causes_alone() {
    for (name, mentioned) in scenarios() {
        for id in mentioned.found.iter().chain(&mentioned.remaining).chain(&mentioned.ruled_out) {
            assert!(ids().any(|known| known == id), "{name} expects {id:?}, which is no cause");
        }
    }
}

#[test]
fn every_cause_is_found_by_a_scenario_or_in_a_saved_report() {
    let scenarios: Vec<Mentioned> = scenarios().into_values().collect();
    let truths: String = files("tests/reports", ".truth.json").iter().map(|path| read(path)).collect();
    let staged = read(&in_project(STAGED));
    let is_found = |id: &str| {
        scenarios.iter().any(|mentioned| mentioned.found.iter().any(|found| found == id))
            || truths.contains(&format!("\"{id}\""))
            || staged.contains(&format!("\"{id}"))
    };
    let of_servers = table::named().filter(|cause| !is_of_calls(cause.group));
    let missing: Vec<&str> = of_servers.map(|cause| cause.id).filter(|id| !is_found(id)).collect();
    assert!(missing.is_empty(), "no scenario and no saved report shows these: {missing:?}");
}

/// The causes that only a call has are made by the tests of calls and gateways, which hold whole claims against what a run found.
#[test]
fn every_cause_of_a_call_is_found_by_a_test_of_calls() {
    let tests: String = CALLS.iter().map(|file| read(&in_project(file))).collect();
    let of_calls = table::named().filter(|cause| is_of_calls(cause.group));
    let claims = |id: &str| {
        let sure = [Confidence::Certain, Confidence::Likely, Confidence::Possible].map(Confidence::name);
        let levels = [Level::Fail, Level::Degrade, Level::Warn].map(Level::name);
        levels.into_iter().flat_map(|level| sure.map(|sure| format!("\"{id} {level} {sure}"))).collect::<Vec<_>>()
    };
    let made = |id: &str| claims(id).iter().any(|claim| tests.contains(claim));
    let missing: Vec<&str> = of_calls.map(|cause| cause.id).filter(|id| !made(id) && !SYMPTOMS.contains(id)).collect();
    assert!(missing.is_empty(), "no test makes these: {missing:?}");
}

fn is_of_calls(group: Group) -> bool {
    matches!(group, Group::Signaling | Group::Call)
}

#[test]
fn every_fault_of_the_lab_has_the_name_of_a_cause() {
    for fault in Fault::ALL {
        assert!(ids().any(|id| id == fault.id()), "{fault} is no cause");
    }
}

fn ids() -> impl Iterator<Item = &'static str> {
    table::named().map(|cause| cause.id)
}

/// The causes that a scenario names.
struct Mentioned {
    /// In its findings.
    found: Vec<String>,
    /// As what these leave open.
    remaining: Vec<String>,
    /// As what the report must exclude.
    ruled_out: Vec<String>,
}

fn scenarios() -> BTreeMap<String, Mentioned> {
    let mut scenarios = BTreeMap::new();
    for path in files("tests/scenarios", "toml") {
        let scenario: toml::Table = read(&path).parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let findings = scenario["expect"].get("findings").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let first = scenario["expect"].get("first-is").and_then(toml::Value::as_str).map(str::to_owned);
        let found = findings.iter().filter_map(|finding| finding["id"].as_str().map(str::to_owned)).chain(first).collect();
        let remaining = findings.iter().flat_map(|finding| texts(finding.get("remaining"))).collect();
        let ruled_out = texts(scenario["expect"].get("ruled-out"));
        scenarios.insert(stem(&path), Mentioned { found, remaining, ruled_out });
    }
    assert!(scenarios.len() > 50, "there are far more scenarios than {}", scenarios.len());
    scenarios
}

fn texts(value: Option<&toml::Value>) -> Vec<String> {
    let items = value.and_then(toml::Value::as_array).cloned().unwrap_or_default();
    items.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

fn in_json(value: impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).expect("a level is JSON");
    value.as_str().expect("a level is a word").to_owned()
}

fn files(folder: &str, suffix: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![in_project(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is readable") {
            let path = entry.expect("an entry is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(suffix) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().and_then(|stem| stem.to_str()).expect("the name is text").to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn in_project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
