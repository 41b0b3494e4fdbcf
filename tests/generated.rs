//! What is made from the one definition of the command line and of the report, and committed: completions, man page, help, JSON Schema.
//!
//! `UPDATE=1 cargo test --test generated` writes all of it.

use std::fmt::Write as _;

use callcheck::cli::arguments::Arguments;
use callcheck::cli::{completions, man};
use callcheck::model::report::Report;
use callcheck::render::json;
use clap::CommandFactory as _;
use clap_complete::Shell;

use child::callcheck;
use committed::assert_committed;

#[path = "program/child.rs"]
mod child;
#[path = "golden/committed.rs"]
mod committed;

/// The width of the help in its golden file; the help itself takes the terminal's.
const WIDTH: usize = 110;

#[test]
fn completions_are_those_that_are_committed() {
    for (shell, file) in [(Shell::Bash, "callcheck.bash"), (Shell::Zsh, "_callcheck"), (Shell::Fish, "callcheck.fish")] {
        assert_committed("generated", &format!("completions/{file}"), &completions(shell));
    }
}

#[test]
fn the_program_prints_the_completions_itself() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let run = callcheck(&["completions", &shell.to_string()]).run();
        assert_eq!((run.code, run.stdout, run.stderr), (Some(0), completions(shell), String::new()));
    }
}

#[test]
fn the_man_page_is_the_one_that_is_committed() {
    assert_committed("generated", "man/callcheck.1", &man());
}

#[test]
fn the_program_prints_the_man_page_itself() {
    let run = callcheck(&["man"]).run();
    assert_eq!((run.code, run.stdout, run.stderr), (Some(0), man(), String::new()));
}

#[test]
fn the_help_of_every_command_is_the_one_that_is_committed() {
    let mut command = Arguments::command().term_width(WIDTH);
    command.build();
    let mut text = format!("$ callcheck --help\n{}\n", command.render_long_help());
    for subcommand in command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "help") {
        let help = subcommand.render_long_help();
        _ = writeln!(text, "\n$ callcheck {} --help\n{help}", subcommand.get_name());
    }
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert_committed("generated", "tests/golden/help.txt", &(text.join("\n") + "\n"));
}

#[test]
fn the_schema_of_the_report_is_the_one_that_is_committed() {
    assert_committed("generated", "docs/report.schema.json", &json::schema());
}

#[test]
fn a_report_has_only_fields_of_the_schema_and_every_one_that_it_requires() {
    let schema: serde_json::Value = serde_json::from_str(&json::schema()).expect("the schema is JSON");
    for arguments in [&["demo", "--json"][..], &["demo", "--fault", "tls-name-mismatch", "--json"]] {
        let run = callcheck(arguments).run();
        let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("the report is JSON");
        assert!(fits(&schema, &schema, &report), "the report does not fit its schema:\n{}", run.stdout);
    }
}

#[test]
fn a_report_that_is_read_back_is_the_same() {
    let run = callcheck(&["demo", "--fault", "redirected", "--json"]).run();
    let report: Report = serde_json::from_str(&run.stdout).expect("the report is JSON");
    assert_eq!(json::render(&report), run.stdout);
    let again: Report = serde_json::from_str(&json::render(&report)).expect("the report is JSON");
    assert_eq!(again, report);
}

/// Whether a value fits a schema, by the keywords that the schema of the report uses; unlike a plain validator it refuses
/// properties that nothing names.
fn fits(root: &serde_json::Value, schema: &serde_json::Value, value: &serde_json::Value) -> bool {
    alternatives(root, schema).iter().any(|alternative| fits_one(root, alternative, value))
}

/// The schemas of which a value may fit any, with what stands beside a choice put into each.
fn alternatives(root: &serde_json::Value, schema: &serde_json::Value) -> Vec<serde_json::Value> {
    if let Some(pointer) = schema["$ref"].as_str() {
        let target = root.pointer(pointer.trim_start_matches('#')).expect("a reference of the schema leads somewhere");
        let mut beside = schema.clone();
        beside.as_object_mut().expect("a schema is an object").remove("$ref");
        return alternatives(root, target).into_iter().map(|target| joined(&target, &beside)).collect();
    }
    let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(|choices| choices.as_array()) else {
        return vec![schema.clone()];
    };
    let mut beside = schema.clone();
    let fields = beside.as_object_mut().expect("a schema is an object");
    fields.remove("oneOf");
    fields.remove("anyOf");
    choices.iter().flat_map(|choice| alternatives(root, choice)).map(|choice| joined(&choice, &beside)).collect()
}

/// A schema with the properties and demands of another.
fn joined(one: &serde_json::Value, other: &serde_json::Value) -> serde_json::Value {
    let mut both = one.clone();
    for (key, value) in other.as_object().expect("a schema is an object") {
        match (both.get_mut(key), value) {
            (Some(serde_json::Value::Object(mine)), serde_json::Value::Object(theirs)) => mine.extend(theirs.clone()),
            (Some(serde_json::Value::Array(mine)), serde_json::Value::Array(theirs)) => mine.extend(theirs.clone()),
            (Some(_), _) => {}
            (None, value) => both[key] = value.clone(),
        }
    }
    both
}

fn fits_one(root: &serde_json::Value, schema: &serde_json::Value, value: &serde_json::Value) -> bool {
    use serde_json::Value;
    if schema.as_bool() == Some(true) {
        return true;
    }
    let of_type = |name: &Value| match name.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(_) | None => false,
    };
    let typed = match &schema["type"] {
        Value::Null => true,
        Value::Array(names) => names.iter().any(of_type),
        name @ (Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => of_type(name),
    };
    let constant = schema.get("const").is_none_or(|constant| constant == value);
    let listed = schema["enum"].as_array().is_none_or(|names| names.contains(value));
    let contents = match value {
        Value::Array(items) => schema.get("items").is_none_or(|schema| items.iter().all(|item| fits(root, schema, item))),
        Value::Object(fields) => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let known = |name: &str| schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
            required.iter().all(|name| name.as_str().is_some_and(|name| fields.contains_key(name)))
                && fields.iter().all(|(name, value)| known(name).is_some_and(|schema| fits(root, schema, value)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    typed && constant && listed && contents
}
