//! Circles among files: those that import each other can only be read, moved and changed together.
//!
//! What a file imports are the paths in its code that lead to another file. To declare a module is no import of it.

use std::collections::{BTreeMap, BTreeSet};

use super::source::Source;

/// What each file imports: the files, and the names of each.
type Imports<'a> = BTreeMap<&'a str, BTreeMap<&'a str, BTreeSet<String>>>;

/// The circles, each with its files and what they import from one another.
pub fn circles(sources: &[Source]) -> Vec<String> {
    let imports = imports(sources);
    let reached: BTreeMap<&str, BTreeSet<&str>> = imports.keys().map(|file| (*file, reached(&imports, file))).collect();
    let circle_of = |file: &str| reached[file].iter().copied().filter(|other| reached[other].contains(file)).collect();
    let circles: BTreeSet<BTreeSet<&str>> = imports.keys().map(|file| circle_of(file)).collect();
    circles.iter().filter(|circle| !circle.is_empty()).map(|circle| describe(circle, &imports)).collect()
}

fn describe(circle: &BTreeSet<&str>, imports: &Imports<'_>) -> String {
    let mut lines = vec![format!("{} files import each other in a circle:", circle.len())];
    for file in circle {
        for (other, names) in imports[file].iter().filter(|(other, _)| circle.contains(*other)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            lines.push(format!("  {file} uses {other}: {}", names.join(", ")));
        }
    }
    lines.join("\n")
}

/// The files that a file imports, those that they import, and so on.
fn reached<'a>(imports: &Imports<'a>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = imports[file].keys().copied().collect();
    while let Some(file) = next.pop() {
        if reached.insert(file) {
            next.extend(imports[file].keys());
        }
    }
    reached
}

fn imports(sources: &[Source]) -> Imports<'_> {
    let files: BTreeMap<String, &str> = sources.iter().map(|source| (module(source), source.path.as_str())).collect();
    let mut imports: Imports<'_> = sources.iter().map(|source| (source.path.as_str(), BTreeMap::new())).collect();
    for source in sources {
        for path in paths_from_root(source, &files) {
            let (file, name) = home(&path, &files);
            if file != source.path {
                imports.entry(&source.path).or_default().entry(file).or_default().insert(name.to_owned());
            }
        }
    }
    imports
}

/// The paths that a file names, from the crate's root; one may begin with a module that the file has imported.
fn paths_from_root(source: &Source, files: &BTreeMap<String, &str>) -> Vec<String> {
    let module = module(source);
    let paths = paths(&source.code);
    let modules = paths.iter().map(|path| from_root(path, &module)).filter(|path| files.contains_key(path));
    let modules: Vec<String> = modules.collect();
    let through_module = |path: &str| {
        let (first, rest) = path.split_once("::")?;
        let imported = modules.iter().find(|module| module.rsplit("::").next() == Some(first))?;
        Some(format!("{imported}::{rest}"))
    };
    paths.iter().map(|path| through_module(path).unwrap_or_else(|| from_root(path, &module))).collect()
}

/// The paths that code names; those of a group in braces are written out.
fn paths(code: &str) -> Vec<String> {
    let is_of_path = |char: char| char.is_alphanumeric() || matches!(char, '_' | ':');
    let mut paths = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    for word in code.split_inclusive(|char| !is_of_path(char)) {
        let name = word.trim_end_matches(|char| !is_of_path(char));
        let path = groups.last().cloned().unwrap_or_default() + name;
        match word.chars().last() {
            Some('{') if name.ends_with("::") => groups.push(path),
            Some('{') => groups.push(String::new()),
            end => {
                if !name.is_empty() && path.contains("::") {
                    paths.push(path);
                }
                if end == Some('}') {
                    groups.pop();
                }
            }
        }
    }
    paths
}

/// The path of a file's module from the crate's root.
fn module(source: &Source) -> String {
    match source.path.trim_end_matches(".rs") {
        "lib" => "crate".to_owned(),
        path => format!("crate::{}", path.replace('/', "::")),
    }
}

/// A path in a module, from the crate's root.
fn from_root(path: &str, module: &str) -> String {
    let path = path.trim_end_matches("::self");
    if path.starts_with("crate::") {
        path.to_owned()
    } else if let Some(path) = path.strip_prefix("self::") {
        from_root(path, module)
    } else if let Some(path) = path.strip_prefix("super::") {
        from_root(path, parent(module))
    } else {
        format!("{module}::{path}")
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once("::").map_or("crate", |(parent, _)| parent)
}

/// The file that a path leads to, and the name that it leads to there.
fn home<'a, 'b>(path: &'b str, files: &BTreeMap<String, &'a str>) -> (&'a str, &'b str) {
    let mut module = path;
    while !files.contains_key(module) {
        module = parent(module);
    }
    let mut below = path.strip_prefix(module).unwrap_or(path).split("::");
    let name = below.find(|name| !name.is_empty()).unwrap_or("the module");
    (files[module], name)
}

fn source(path: &str, code: &str) -> Source {
    Source { path: path.to_owned(), text: code.to_owned(), code: code.to_owned() }
}

#[test]
fn a_parent_that_calls_into_its_child_and_has_what_it_uses_is_in_a_circle_with_it() {
    let parent = source("net/session.rs", "mod pump;\npub struct State;\nfn start() {\n    pump::run();\n}");
    let child = source("net/session/pump.rs", "use super::State;\nuse crate::net::{stream::{Read, Write}, timer};");
    let stream = source("net/stream.rs", "use super::timer::sleep;");
    let found = circles(&[parent, child, stream, source("net/timer.rs", ""), source("lib.rs", "")]);
    let lines = [
        "2 files import each other in a circle:",
        "  net/session.rs uses net/session/pump.rs: run",
        "  net/session/pump.rs uses net/session.rs: State",
    ];
    assert_eq!(found, [lines.join("\n")]);
}

#[test]
fn files_that_import_each_other_by_others_are_in_one_circle() {
    let sources = [
        source("lib.rs", ""),
        source("a.rs", "use crate::b::{self, One};"),
        source("b.rs", "use super::c;\nfn two() -> c::Two {}"),
        source("c.rs", "use crate::a::*;"),
    ];
    let found = circles(&sources).join("\n");
    assert!(found.contains("  b.rs uses c.rs: Two, the module\n") && found.starts_with("3 files"), "{found}");
}
