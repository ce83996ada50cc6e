//! What becomes of the index while files and open documents change.
#![allow(clippy::unwrap_used)]

use std::{fs, sync::atomic::AtomicBool};

use pilotlight_syntax::{Document, Language, index::watch::Changed};

use super::{worker::REST, *};

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
    let thread = std::thread::spawn(move || Worker::new(&worker, &again).run(&queue));
    jobs.send(Job::Edited(root.clone(), root.join("a.rs"), state("fn typed() {}"))).unwrap();
    let busy = Instant::now();
    while !defines(&shared, "typed") && busy.elapsed() < REST * 20 {
        jobs.send(Job::Changed(root.clone(), Changed::Paths([root.join("server.log")].into()))).unwrap();
        std::thread::sleep(REST / 4);
    }
    assert!(defines(&shared, "typed"), "a log is written to, and nothing else is looked at");
    drop((jobs, thread));
}

#[tokio::test]
async fn a_folder_made_anew_at_its_path_is_scanned_and_heard_again() {
    let (_folder, root, _) = folder(&[("a.rs", "fn first() {}")]);
    let indexing = Indexing::new();
    indexing.ready(&root).await;
    assert!(defines(&indexing.shared, "first"));
    for number in 0..2 {
        fs::remove_dir_all(&root).unwrap();
        // Noticed while there is nothing, and not noticed at all.
        if number == 0 {
            eventually("what is gone", || paths(&indexing.shared).is_empty());
        }
        write(&root, "b.rs", &format!("fn second{number}() {{}}"));
        indexing.ready(&root).await;
        assert!(defines(&indexing.shared, &format!("second{number}")));
        eventually("what is gone", || paths(&indexing.shared) == ["b.rs"]);
        write(&root, "c.rs", &format!("fn third{number}() {{}}"));
        eventually("what was written later", || defines(&indexing.shared, &format!("third{number}")));
    }
}

#[tokio::test]
async fn where_changes_are_not_heard_what_relies_on_the_index_scans_again() {
    let (_folder, root, _) = folder(&[("a.rs", "fn a() {}")]);
    let indexing = Indexing::new();
    indexing.ready(&root).await;
    let asked = |deaf: bool, ago: Duration| {
        let mut roots = lock(&indexing.shared.roots);
        let known = roots.get_mut(&root).unwrap();
        let before = Instant::now().checked_sub(ago).unwrap();
        known.deaf = deaf;
        indexing.shared.scanned.send_modify(|scanned| _ = scanned.insert(root.clone(), (known.asked, before)));
        known.asked
    };
    assert_eq!(asked(false, FRESH * 2), 1);
    indexing.ready(&root).await;
    assert_eq!(asked(true, Duration::ZERO), 1);
    indexing.ready(&root).await;
    assert_eq!(asked(true, FRESH * 2), 1);
    indexing.ready(&root).await;
    assert_eq!(asked(true, Duration::ZERO), 2);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_folders_that_a_scan_enters_are_watched_and_only_while_a_client_has_them() {
    let (_folder, root, _) = folder(&[("src/a.rs", "fn a() {}"), ("node_modules/x/b.rs", "fn b() {}")]);
    write(&root, ".gitignore", "made/\n");
    write(&root, "made/deep/c.rs", "fn c() {}");
    let linger = Duration::from_millis(400);
    let indexing = Indexing::with(Shared { linger, ..Shared::default() });
    let workspace = Workspace::new(crate::options::Options::default(), [root.clone()]);
    let client = Arc::new(RwLock::new(Arc::new(workspace)));
    indexing.serve(Arc::downgrade(&client));
    indexing.ready(&root).await;
    assert!(watched(&root) && watched(&root.join("src")));
    write(&root, "new/deep/d.rs", "fn d() {}");
    eventually("a new folder", || watched(&root.join("new/deep")) && defines(&indexing.shared, "d"));
    write(&root, "new/deep/e.rs", "fn e() {}");
    eventually("a file in it", || defines(&indexing.shared, "e"));
    for closed in ["node_modules", "node_modules/x", "made", "made/deep"] {
        assert!(!watched(&root.join(closed)), "{closed}");
    }
    std::thread::sleep(linger * 2);
    assert!(watched(&root));
    drop(client);
    eventually("it is let go", || !watched(&root) && paths(&indexing.shared).is_empty());
    indexing.ready(&root).await;
    assert_eq!(paths(&indexing.shared).len(), 3);
}

/// Whether this process has a watch on a folder.
#[cfg(target_os = "linux")]
fn watched(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = format!(" ino:{:x} ", fs::metadata(folder).unwrap().ino());
    let descriptors = fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    descriptors.filter_map(|entry| fs::read_to_string(entry.path()).ok()).any(|info| info.contains(&inode))
}

fn eventually(what: &str, is: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
