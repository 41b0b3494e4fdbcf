//! `explain`: a cause in plain words, or the list of all of them.

use std::fmt::Write as _;

use super::arguments::{Common, Explain};
use super::output;
use super::usage::Usage;
use crate::diagnose::table;
use crate::model::cause::Cause;
use crate::text;

/// Explains a cause, or lists all.
pub fn explain(command: &Explain, json: bool) -> Result<u8, Usage> {
    match &command.id {
        Some(id) => output::print(&one(&find(id, "ID")?, json)),
        None => output::print(&list(json)),
    }
    Ok(0)
}

/// Checks that `--deny` and `--allow` name causes.
pub fn check_overrides(common: &Common) -> Result<(), Usage> {
    let denied = common.deny.iter().map(|id| (id, "--deny"));
    let mut named = denied.chain(common.allow.iter().map(|id| (id, "--allow")));
    named.try_for_each(|(id, option)| find(id, option).map(|_| ()))
}

/// The cause of that name; `argument` is where the name was given.
fn find(id: &str, argument: &str) -> Result<Cause, Usage> {
    let known = table::named().find(|cause| cause.id == id);
    let unknown = || Usage(format!("invalid value {id:?} for {argument}: unknown cause{}", suggestion(id)));
    known.map(explanation).ok_or_else(unknown)
}

fn suggestion(id: &str) -> String {
    let close =
        table::named().map(|cause| cause.id).filter(|known| known.contains(id) || id.split('-').all(|word| known.contains(word)));
    let mut close: Vec<&str> = close.collect();
    close.sort_unstable();
    if close.is_empty() {
        "; callcheck explain --list names them all".to_owned()
    } else {
        format!("; did you mean {}?", close.join(", "))
    }
}

/// A cause with its texts.
fn explanation(cause: &table::Cause) -> Cause {
    text::with(|texts| {
        let part = |name: &str| texts.plain(&format!("{}.{name}", cause.id));
        Cause {
            id: cause.id,
            group: cause.group,
            level: cause.effect.level(),
            title: texts.plain(cause.id),
            meaning: part("meaning"),
            impact: part("impact"),
            proof: part("proof"),
            look_alikes: part("look-alikes"),
            remedy: part("remedy"),
        }
    })
}

fn one(cause: &Cause, json: bool) -> String {
    if json {
        return in_json(cause);
    }
    let mut text = format!("{}: {}\n\n", cause.id, cause.title);
    let parts = [
        ("What it means", &cause.meaning),
        ("What it does to calls", &cause.impact),
        ("How it is proved", &cause.proof),
        ("What looks alike", &cause.look_alikes),
        ("What mends it", &cause.remedy),
    ];
    for (heading, body) in parts.iter().filter(|(_, body)| !body.is_empty()) {
        _ = writeln!(text, "{heading}\n  {body}\n");
    }
    _ = writeln!(text, "Level: {} ({})", cause.level.name(), cause.group.title());
    text
}

fn list(json: bool) -> String {
    if json {
        let causes: Vec<Cause> = table::named().map(explanation).collect();
        return in_json(&causes);
    }
    let mut text = String::new();
    let mut group = None;
    let mut causes: Vec<Cause> = table::named().map(explanation).collect();
    causes.sort_by_key(|cause| cause.group);
    for cause in causes {
        if group.replace(cause.group) != Some(cause.group) {
            _ = writeln!(text, "{}{}", if text.is_empty() { "" } else { "\n" }, cause.group.title());
        }
        _ = writeln!(text, "  {:<28} {:<8} {}", cause.id, cause.level.name(), cause.title);
    }
    text
}

fn in_json(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("causes are JSON");
    text.push('\n');
    text
}
