//! The files of the source as text: which there are, and what their code names.

use std::collections::BTreeSet;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

/// A file of the source.
pub struct Source {
    /// Its path below `src`, with slashes.
    pub path: String,
    /// All of it.
    pub text: String,
    /// Its code without lines of comment, and without its unit tests.
    pub code: String,
}

impl Source {
    /// The part of the source that it belongs to: the first name in its path.
    pub fn part(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The parts of the source that the code names.
    pub fn uses(&self) -> BTreeSet<String> {
        let root = if self.path == "main.rs" { "callcheck" } else { "crate" };
        let names = after(&self.code, root).map(|rest| {
            assert!(!rest.starts_with(['{', '*']), "{}: write one import a part, so that it can be read", self.path);
            name_at_start(rest)
        });
        names.filter(|name| !name.starts_with(char::is_uppercase)).collect()
    }

    /// Whether the code names a crate.
    pub fn mentions(&self, krate: &str) -> bool {
        after(&self.code, krate).next().is_some()
            || self.code.lines().any(|line| {
                line.trim_start().strip_prefix("use ").and_then(|rest| rest.strip_prefix(krate)).is_some_and(|rest| rest == ";")
            })
    }

    /// Whether a chain of `super::` leads out of the part.
    pub fn escapes_by_super(&self) -> bool {
        let depth = self.path.split('/').count();
        self.code.contains(&"super::".repeat(depth))
    }
}

/// What follows each path that begins with this name.
fn after<'a>(code: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(name).filter_map(move |(at, _)| {
        let within = |char: char| char.is_alphanumeric() || matches!(char, '_' | ':' | '.');
        let begins = !code[..at].ends_with(within);
        code[at + name.len()..].strip_prefix("::").filter(|_| begins)
    })
}

fn name_at_start(text: &str) -> String {
    text.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}

/// Whether a file is that one, or in that folder, or the folder's own file beside it.
pub fn is_in(path: &str, place: &str) -> bool {
    path == place || path.strip_prefix(place).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// The files of the program, without those that hold unit tests alone.
pub fn sources() -> Vec<Source> {
    let all = sources_with_tests();
    let tests: Vec<String> = all.iter().flat_map(test_modules).collect();
    all.into_iter().filter(|source| !tests.iter().any(|module| is_in(&source.path, module))).collect()
}

/// The paths of the modules that a file declares for its unit tests alone.
fn test_modules(source: &Source) -> Vec<String> {
    let folder = source.path.strip_suffix(".rs").unwrap_or(&source.path);
    let lines: Vec<&str> = source.text.lines().collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]");
    let names = declared.filter_map(|pair| pair[1].strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')));
    names.map(|name| format!("{folder}/{name}")).collect()
}

/// The files of the program and of its unit tests.
pub fn sources_with_tests() -> Vec<Source> {
    let root = in_project("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the source is readable") {
            let path = entry.expect("an entry is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|suffix| suffix == "rs") {
                sources.push(read(&root, &path));
            }
        }
    }
    assert!(sources.len() > 100, "the source has far more files than {}", sources.len());
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    sources
}

fn read(root: &Path, path: &Path) -> Source {
    let text = std::fs::read_to_string(path).expect("a file of the source is text");
    let below = path.strip_prefix(root).expect("the file is below src");
    let path = below.to_str().expect("the name is text").replace(MAIN_SEPARATOR, "/");
    // Tests stand last in a file.
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    Source { path, code: code.join("\n"), text }
}

/// A file of the project.
pub fn in_project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
