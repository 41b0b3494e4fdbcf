//! Files that are made by a test and committed, so that every change of them is seen in review.

use std::path::Path;

/// Compares a text with the committed file, or writes it there under `UPDATE=1`.
///
/// `test` is the file of tests that asks: it tells how to update.
pub fn assert_committed(test: &str, file: &str, content: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        let folder = path.parent().expect("the file is in a folder");
        std::fs::create_dir_all(folder).expect("the folder can be made");
        std::fs::write(&path, content).expect("the file can be written");
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed == content {
        return;
    }
    let differs = committed.lines().zip(content.lines()).position(|(old, new)| old != new);
    let line = differs.unwrap_or_else(|| committed.lines().count().min(content.lines().count()));
    let (old, new) = (committed.lines().nth(line).unwrap_or("(its end)"), content.lines().nth(line).unwrap_or("(its end)"));
    panic!(
        "{file} is not what is generated now; in line {}\n  committed: {old}\n  generated: {new}\nIf the change is meant: UPDATE=1 cargo test --test {test}",
        line + 1,
    );
}
