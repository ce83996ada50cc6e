//! What becomes of the index while files and open documents change.
#![allow(clippy::unwrap_used)]

use std::fs;

use pilotlight_syntax::{Document, Language};

use super::*;

/// A folder of Rust files, indexed.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf, Arc<Shared>) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let shared = Arc::new(Shared::default());
    files.iter().for_each(|(path, text)| write(&root, path, text));
    scan::scan(&root, shared.limits, &shared.index, None, &|_, _| {}, &AtomicBool::new(false));
    (folder, root, shared)
}

fn write(root: &Path, path: &str, text: &str) {
    let full = root.join(path);
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, text).unwrap();
}

fn paths(shared: &Shared) -> Vec<String> {
    let mut paths: Vec<String> = shared.index.read().unwrap().files().map(|(_, file)| file.path.to_string()).collect();
    paths.sort();
    paths
}

fn defines(shared: &Shared, name: &str) -> bool {
    shared.index.read().unwrap().definitions(name).next().is_some()
}

fn state(text: &str) -> Snapshot {
    Document::open(Language::Rust, 0, text).snapshot()
}

#[test]
fn a_folder_that_is_moved_or_made_brings_its_files() {
    let (_folder, root, shared) = folder(&[("src/a/one.rs", "fn one() {}"), ("src/a/deep/two.rs", "fn two() {}")]);
    fs::rename(root.join("src/a"), root.join("src/b")).unwrap();
    shared.update(&root, &root.join("src/a"));
    assert!(paths(&shared).is_empty());
    write(&root, "src/b/.gitignore", "three.rs\n");
    write(&root, "src/b/three.rs", "fn three() {}");
    shared.update(&root, &root.join("src/b"));
    assert_eq!(paths(&shared), ["src/b/deep/two.rs", "src/b/one.rs"]);
    write(&root, "node_modules/x/a.rs", "fn x() {}");
    shared.update(&root, &root.join("node_modules"));
    shared.update(&root, &root.join("node_modules/x"));
    assert_eq!(paths(&shared).len(), 2);
}

#[test]
fn no_more_files_are_taken_in_than_a_scan_takes() {
    let (_folder, root, shared) = folder(&[("a.rs", "fn a() {}")]);
    let shared = Shared {
        limits: Limits { files: 1, ..Limits::default() },
        index: RwLock::new(std::mem::take(&mut shared.index.write().unwrap())),
        ..Shared::default()
    };
    write(&root, "a.rs", "fn other() {}");
    write(&root, "b.rs", "fn b() {}");
    shared.update(&root, &root.join("a.rs"));
    shared.update(&root, &root.join("b.rs"));
    assert_eq!(paths(&shared), ["a.rs"]);
    assert!(defines(&shared, "other"));
}

#[test]
fn a_scan_leaves_what_is_open_as_it_is_in_the_editor() {
    let (_folder, root, shared) = folder(&[("a.rs", "fn saved() {}")]);
    shared.overlay(&root, &root.join("a.rs"), &state("fn typed() {}"));
    shared.overlay(&root, &root.join("new.rs"), &state("fn unsaved() {}"));
    shared.scan(&root);
    assert!(defines(&shared, "typed") && defines(&shared, "unsaved") && !defines(&shared, "saved"));
    // But what is to be ignored from now on is.
    write(&root, ".gitignore", "new.rs\n");
    shared.rules.forget();
    shared.scan(&root);
    assert_eq!(paths(&shared), ["a.rs"]);
}

#[test]
fn what_rests_is_indexed_though_other_files_do_not() {
    let (_folder, root, shared) = folder(&[("a.rs", "fn saved() {}")]);
    let (jobs, queue) = mpsc::channel();
    let (worker, again) = (Arc::clone(&shared), jobs.clone());
    let thread = std::thread::spawn(move || work(&worker, &queue, &again));
    jobs.send(Job::Edited(root.clone(), root.join("a.rs"), state("fn typed() {}"))).unwrap();
    let busy = Instant::now();
    while !defines(&shared, "typed") && busy.elapsed() < REST * 20 {
        jobs.send(Job::Changed(root.clone(), Changed::Paths([root.join("server.log")].into()))).unwrap();
        std::thread::sleep(REST / 4);
    }
    assert!(defines(&shared, "typed"), "a log is written to, and nothing else is looked at");
    drop((jobs, thread));
}
