//! Change sets: what is dropped, what is written, and when nothing is.

#![allow(clippy::unwrap_used)]

use std::{fs, path::Path};

use pilotlight_syntax::{Document, Language};

use super::*;

fn change(path: &Path, text: &str, edits: &[(&str, &str)]) -> FileChange {
    let edits = edits.iter().map(|(old, new)| {
        let start = text.find(old).unwrap();
        Edit { range: start..start + old.len(), text: (*new).to_owned(), doubt: None }
    });
    FileChange {
        path: Some(path.to_owned()),
        document: None,
        creates: false,
        before: Document::open(Language::Rust, 0, text).snapshot(),
        edits: edits.collect(),
    }
}

#[test]
fn what_adds_a_syntax_error_is_dropped_and_told() {
    let text = "fn a() { b(1); }\nfn c() {}\n";
    let mut set = ChangeSet {
        files: vec![change(Path::new("a.rs"), text, &[("b(1)", "b(("), ("c", "d")])],
        ..ChangeSet::default()
    };
    set.check();
    assert_eq!(set.files[0].after(Which::All), "fn a() { b(1); }\nfn d() {}\n");
    assert_eq!(set.left, [Left { path: "a.rs".into(), line: 0, because: "`b((` here would be a syntax error".into() }]);
}

#[test]
fn what_is_not_certain_is_left_where_nobody_can_confirm_it() {
    let doubtful = |mut file: FileChange, at: usize| {
        file.edits[at].doubt = Some("it may be another".to_owned());
        file
    };
    let text = "fn a() {}\nfn b() {}\n";
    let set = ChangeSet {
        files: vec![
            doubtful(change(Path::new("a.rs"), text, &[("a", "x"), ("b", "y")]), 1),
            doubtful(change(Path::new("b.rs"), text, &[("a", "x")]), 0),
        ],
        ..ChangeSet::default()
    };
    let set = set.certain();
    assert_eq!((set.counts(), set.files[0].after(Which::All)), ((1, 0, 1), text.replace("a()", "x()")));
    let left = |path: &str, line| Left { path: path.into(), line, because: "it may be another".to_owned() };
    assert_eq!(set.left, [left("a.rs", 1), left("b.rs", 0)]);
}

#[test]
fn all_files_are_written_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.rs"), folder.path().join("b.rs"));
    let reset = || {
        fs::write(&a, "fn a() {}\n").unwrap();
        fs::write(&b, "fn b() {}\n").unwrap();
    };
    reset();
    let set = ChangeSet {
        files: vec![change(&a, "fn a() {}\n", &[("a", "x")]), change(&b, "fn b() {}\n", &[("b", "y")])],
        ..ChangeSet::default()
    };
    let roots = [folder.path().to_owned()];
    assert_eq!(set.write(&roots, Which::All).unwrap(), 2);
    assert_eq!(
        (fs::read_to_string(&a).unwrap(), fs::read_to_string(&b).unwrap()),
        ("fn x() {}\n".into(), "fn y() {}\n".into())
    );
    // The second is not what was read: the first stays too.
    reset();
    fs::write(&b, "fn b() { }\n").unwrap();
    assert!(matches!(set.write(&roots, Which::All), Err(WriteError::Changed(path)) if path == b));
    assert_eq!(fs::read_to_string(&a).unwrap(), "fn a() {}\n");
    reset();
    let elsewhere = tempfile::tempdir().unwrap();
    let roots = [elsewhere.path().to_owned()];
    assert!(matches!(set.write(&roots, Which::All), Err(WriteError::Outside(path)) if path == a));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
}

#[test]
fn a_diff_shows_what_is_certain_or_all() {
    let mut file = change(Path::new("a.rs"), "fn a() {}\nfn b() {}\n", &[("a", "x"), ("b", "y")]);
    file.edits[1].doubt = Some("why".into());
    let set = ChangeSet { files: vec![file], ..ChangeSet::default() };
    let diff = set.diff(Which::Certain, |_| "a.rs".into());
    assert_eq!(diff, "--- a/a.rs\n+++ b/a.rs\n@@ -1,2 +1,2 @@\n-fn a() {}\n+fn x() {}\n fn b() {}\n");
    assert!(set.diff(Which::All, |_| "a.rs".into()).contains("+fn y() {}\n"));
    assert_eq!(set.counts(), (1, 1, 1));
}
