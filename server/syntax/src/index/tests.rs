//! The index in memory, and folders made by the tests: what is found, what is left out, what bad input does.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::Path,
    sync::{RwLock, atomic::AtomicBool},
};

mod ignored;

use proptest::prelude::*;

use super::*;
use crate::{Document, Language};
use scan::{Updated, scan, update};

fn of(language: Language, text: &str) -> Facts<String> {
    facts(&Document::open(language, 0, text).snapshot())
}

/// A folder of `files`, and its index.
fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, RwLock<Index>) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    (folder, RwLock::default())
}

fn write(root: &Path, path: &str, text: &str) {
    let full = root.join(path);
    fs::create_dir_all(full.parent().unwrap()).unwrap();
    fs::write(full, text).unwrap();
}

fn run(root: &Path, index: &RwLock<Index>) -> ScanReport {
    scan(root, Limits::default(), index, None, &|_, _| {}, &AtomicBool::new(false))
}

fn paths(index: &RwLock<Index>) -> Vec<String> {
    let mut paths: Vec<String> = index.read().unwrap().files().map(|(_, file)| file.path.to_string()).collect();
    paths.sort();
    paths
}

fn defined_in(index: &Index, name: &str) -> Vec<String> {
    let mut files: Vec<String> =
        index.definitions(name).map(|(id, _)| index.file(id).unwrap().path.to_string()).collect();
    files.sort();
    files
}

#[test]
fn facts_have_signatures_bodies_and_documentation() {
    let text = "use a::b;\n\n/// Says hello.\n#[inline]\npub fn hello(n: u8) -> u8 {\n    other(n)\n}\n\nstruct Deep { x: Far }\n";
    let facts = of(Language::Rust, text);
    let hello = &facts.definitions[0];
    let part = |from: u32, to: u32| &text[from as usize..to as usize];
    assert_eq!(hello.name, "hello");
    assert_eq!(part(hello.lead, hello.start), "/// Says hello.\n#[inline]\n");
    assert_eq!(part(hello.start, hello.body), "pub fn hello(n: u8) -> u8 ");
    assert_eq!(part(hello.body, hello.end), "{\n    other(n)\n}");
    let names: Vec<&str> = facts.uses.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Far", "inline", "other"], "no locals, no definitions, no imports");
    assert_eq!((facts.imports[0].module.as_str(), facts.imports[0].name.as_deref()), ("a", Some("b")));
    let field = facts.definitions.iter().find(|definition| definition.name == "x").unwrap();
    assert_eq!(facts.definitions[field.parent.unwrap() as usize].name, "Deep");
}

#[test]
fn bodies_are_found_in_every_language() {
    for (language, text, name) in [
        (Language::Python, "@deco\ndef f(a):\n    return a\n", "f"),
        (Language::JavaScript, "export const f = (a) => {\n  return a;\n};\n", "f"),
        (Language::TypeScript, "export class f<T> {\n  x: T;\n}\n", "f"),
        (Language::Go, "package a\n\nfunc f(a int) int {\n\treturn a\n}\n", "f"),
        (Language::C, "int f(int a) {\n    return a;\n}\n", "f"),
        (Language::Cpp, "int A::f(int a) {\n    return a;\n}\n", "f"),
        (Language::Java, "class A {\n    int f(int a) {\n        return a;\n    }\n}\n", "f"),
    ] {
        let facts = of(language, text);
        let found = facts.definitions.iter().find(|definition| definition.name == name);
        let found = found.unwrap_or_else(|| panic!("{language:?}: {:?}", facts.definitions));
        assert!(found.start < found.body && found.body < found.end, "{language:?}: {found:?}");
        assert!(!text[found.start as usize..found.body as usize].contains("return"), "{language:?}");
    }
}

#[test]
fn what_is_changed_or_removed_is_found_so() {
    let mut index = Index::default();
    let root = index.root_id(Path::new("/w"));
    index.put(root, "a.rs", Stamp::default(), of(Language::Rust, "fn alpha() { gamma_ray() }"));
    index.put(root, "b.rs", Stamp::default(), of(Language::Rust, "fn beta() { gamma_ray() }"));
    assert_eq!(defined_in(&index, "alpha"), ["a.rs"]);
    assert_eq!(index.containing("gamma_ray").len(), 2);
    assert_eq!(index.containing("ray").len(), 2, "a part of a name");
    index.put(root, "a.rs", Stamp::default(), of(Language::Rust, "fn delta() {}"));
    assert!(defined_in(&index, "alpha").is_empty());
    assert_eq!(defined_in(&index, "delta"), ["a.rs"]);
    assert_eq!(index.containing("gamma_ray").len(), 1);
    assert!(index.remove(root, "b.rs") && !index.remove(root, "b.rs"));
    assert_eq!((index.len(), index.containing("gamma_ray").len()), (1, 0));
    assert_eq!(index.remove_under(root, ""), 1);
    assert!(index.is_empty());
}

#[test]
fn a_definition_may_stand_behind_wide_characters_far_into_its_line() {
    let props = "export interface UserProfileProps { firstName: string;\u{3000}lastName: string }\n";
    let facts = of(Language::TypeScript, props);
    let last = facts.definitions.iter().find(|fact| fact.name == "lastName").unwrap();
    assert_eq!((last.lead, last.start as usize), (last.start, props.find("lastName").unwrap()));
    let packed = format!("call({});\u{FEFF}function f(){{}}\n", "1, ".repeat(20));
    assert!(of(Language::JavaScript, &packed).definitions.iter().any(|fact| fact.name == "f"));
}

#[test]
fn what_fails_in_one_file_costs_that_file_alone() {
    let failed: Result<u8, Exclusion> = scan::file::guarded("a.rs", || panic!("an error in a grammar"));
    assert_eq!(failed, Err(Exclusion::Failed));
    assert_eq!(scan::file::guarded("a.rs", || 1), Ok(1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However files come, change and go: the index answers as one that is made anew of what is left.
    #[test]
    fn an_index_that_was_changed_equals_a_new_one(steps in prop::collection::vec((0u8..5, 0u8..4, 0u8..8), 1..40)) {
        let mut changed = Index::default();
        let root = changed.root_id(Path::new("/w"));
        let mut left = std::collections::BTreeMap::new();
        for (file, what, name) in steps {
            let path = format!("f{file}.rs");
            if what == 0 {
                prop_assert_eq!(changed.remove(root, &path), left.remove(&path).is_some());
            } else {
                let text = format!("fn name_{name}() {{ call_{what}(other_{file}) }}");
                changed.put(root, &path, Stamp::default(), of(Language::Rust, &text));
                left.insert(path, text);
            }
        }
        let mut fresh = Index::default();
        let root = fresh.root_id(Path::new("/w"));
        for (path, text) in &left {
            fresh.put(root, path, Stamp::default(), of(Language::Rust, text));
        }
        prop_assert_eq!(changed.len(), fresh.len());
        for word in (0..8).flat_map(|n| [format!("name_{n}"), format!("call_{n}"), format!("other_{n}"), "other".into()]) {
            prop_assert_eq!(defined_in(&changed, &word), defined_in(&fresh, &word));
            prop_assert_eq!(changed.containing(&word).len(), fresh.containing(&word).len(), "{}", word);
        }
    }
}

#[cfg(unix)]
#[test]
fn what_a_scan_leaves_out_no_update_takes_in() {
    let (folder, index) = workspace(&[
        ("a.rs", "fn alpha() {}"),
        ("made/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55"),
        ("made/deep/b.rs", "fn beta() {}"),
    ]);
    std::os::unix::fs::symlink(folder.path().join("a.rs"), folder.path().join("link.rs")).unwrap();
    run(folder.path(), &index);
    for path in ["link.rs", "made/deep/b.rs"] {
        assert!(update(&index, 0, path, 1 << 20).is_err(), "{path}");
    }
    assert_eq!(paths(&index), ["a.rs"]);
}

#[test]
fn what_nobody_wrote_by_hand_is_left_out_and_counted() {
    let minified = format!("function a(){{{}}}", "b();".repeat(1000));
    let large = "fn a() {}\n".repeat(60_000);
    let (folder, index) = workspace(&[
        ("src/own.rs", "fn own() {}"),
        ("src/gen.rs", "// @generated by a tool\nfn gen() {}"),
        ("web/a.min.js", "a()"),
        ("web/b.js", &minified),
        ("node_modules/x/index.js", "function x() {}"),
        ("vendor/y/y.go", "package y"),
        ("big.rs", &large),
        ("notes.md", "words"),
        ("id_rsa", "x"),
        ("deploy/server.key", "x"),
    ]);
    fs::write(folder.path().join("bin.rs"), b"fn a() {}\0\xff").unwrap();
    let report = run(folder.path(), &index);
    assert_eq!(paths(&index), ["src/own.rs"]);
    let counts: Vec<(&str, usize)> = report.left_out.into_iter().collect();
    assert_eq!(
        counts,
        [("binary", 1), ("credentials", 2), ("generated", 1), ("large", 1), ("minified", 2), ("other languages", 1)]
    );
}

#[cfg(unix)]
#[test]
fn loops_of_links_unreadable_folders_and_strange_names_leave_the_rest() {
    use std::os::unix::{ffi::OsStrExt, fs::PermissionsExt};
    let (folder, index) = workspace(&[("a/own.rs", "fn own() {}"), ("closed/x.rs", "fn x() {}")]);
    let root = folder.path();
    std::os::unix::fs::symlink(root, root.join("a/loop")).unwrap();
    std::os::unix::fs::symlink(root.join("a/own.rs"), root.join("a/link.rs")).unwrap();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"na\xffme.rs")), "fn x() {}").unwrap();
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let report = run(root, &index);
    fs::set_permissions(root.join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(report.left_out.get("names that are not UTF-8"), Some(&1));
    let found = paths(&index);
    // Whoever may read everything (root) reads the closed folder too.
    assert!(found == ["a/own.rs"] || found == ["a/own.rs", "closed/x.rs"], "{found:?}");
    if found.len() == 1 {
        assert_eq!(report.left_out.get("unreadable"), Some(&1));
    }
}

#[test]
fn a_huge_file_is_not_read_and_deep_nesting_is_survived() {
    let (folder, index) = workspace(&[("own.rs", "fn own() {}")]);
    // Sparse: 200 MB that nobody has to write.
    fs::File::create(folder.path().join("huge.rs")).unwrap().set_len(200 << 20).unwrap();
    let deep = format!("int deep(void) {{\n{}{}}}\n", "(\n".repeat(10_000), ")\n".repeat(10_000));
    write(folder.path(), "deep.c", &deep);
    write(folder.path(), "unclosed.rs", &"{\n".repeat(10_000));
    let report = run(folder.path(), &index);
    assert_eq!(report.left_out.get("large"), Some(&1));
    assert_eq!(paths(&index), ["deep.c", "own.rs", "unclosed.rs"]);
    let found = index.read().unwrap();
    assert_eq!(defined_in(&found, "own"), ["own.rs"]);
}

#[test]
fn more_files_than_allowed_are_counted_and_left_out() {
    let (folder, index) = workspace(&[]);
    for number in 0..50 {
        write(folder.path(), &format!("f{number:02}.py"), "def f():\n    pass\n");
    }
    let limits = Limits { files: 20, ..Limits::default() };
    let report = scan(folder.path(), limits, &index, None, &|_, _| {}, &AtomicBool::new(false));
    assert_eq!((report.files, report.left_out.get("past the limit of files")), (20, Some(&30)));
}

#[test]
fn one_file_is_updated_and_the_others_stay() {
    let (folder, index) = workspace(&[("a.rs", "fn alpha() {}"), ("b.rs", "fn beta() {}")]);
    run(folder.path(), &index);
    assert_eq!(update(&index, 0, "a.rs", 1 << 20), Ok(Updated::Same));
    write(folder.path(), "a.rs", "fn other() {}");
    assert_eq!(update(&index, 0, "a.rs", 1 << 20), Ok(Updated::Indexed));
    assert_eq!(defined_in(&index.read().unwrap(), "other"), ["a.rs"]);
    assert_eq!(defined_in(&index.read().unwrap(), "beta"), ["b.rs"]);
    fs::remove_file(folder.path().join("a.rs")).unwrap();
    assert!(matches!(update(&index, 0, "a.rs", 1 << 20), Err(Exclusion::Unreadable(_))));
    assert_eq!(paths(&index), ["b.rs"]);
    // A scan finds out by itself too.
    write(folder.path(), "c.rs", "fn gamma() {}");
    fs::remove_file(folder.path().join("b.rs")).unwrap();
    run(folder.path(), &index);
    assert_eq!(paths(&index), ["c.rs"]);
}

#[test]
fn an_open_document_stands_before_the_disk() {
    let (folder, index) = workspace(&[("a.rs", "fn alpha() {}")]);
    run(folder.path(), &index);
    let open = Document::open(Language::Rust, 0, "fn typed() {}").snapshot();
    scan::overlay(&index, 0, "a.rs", &open);
    assert_eq!(defined_in(&index.read().unwrap(), "typed"), ["a.rs"]);
    // Once closed without saving, the disk's text counts again.
    assert_eq!(update(&index, 0, "a.rs", 1 << 20), Ok(Updated::Indexed));
    assert_eq!(defined_in(&index.read().unwrap(), "alpha"), ["a.rs"]);
}

#[test]
fn the_cache_is_believed_only_where_nothing_changed() {
    let (folder, index) = workspace(&[("a.rs", "/// A.\nfn alpha() { beta() }"), ("b.rs", "fn beta() {}")]);
    let root = folder.path();
    run(root, &index);
    let file = root.join("cache/index.bin");
    cache::save(&index.read().unwrap(), root, &file).unwrap();
    let again = || {
        let index = RwLock::default();
        let cached = cache::load(root, &file);
        let report = scan(root, Limits::default(), &index, cached, &|_, _| {}, &AtomicBool::new(false));
        (report.indexed, report.reused, index)
    };
    let (indexed, reused, warm) = again();
    assert_eq!((indexed, reused), (0, 2));
    assert_eq!(defined_in(&warm.read().unwrap(), "alpha"), ["a.rs"]);
    assert_eq!(warm.read().unwrap().containing("beta").len(), 2);
    write(root, "b.rs", "fn changed() {}");
    let (indexed, reused, warm) = again();
    assert_eq!((indexed, reused), (1, 1));
    assert_eq!(defined_in(&warm.read().unwrap(), "changed"), ["b.rs"]);
    // Damage, and the cache of another folder, are no cache.
    let mut bytes = fs::read(&file).unwrap();
    assert!(cache::load(Path::new("/elsewhere"), &file).is_none());
    for at in [0, bytes.len() / 2, bytes.len() - 1] {
        bytes[at] ^= 0x55;
        fs::write(&file, &bytes).unwrap();
        assert!(cache::load(root, &file).is_none(), "a flipped byte at {at}");
        bytes[at] ^= 0x55;
    }
    fs::write(&file, &bytes[..bytes.len() / 3]).unwrap();
    assert!(cache::load(root, &file).is_none());
}

#[test]
fn a_watch_tells_what_changed() {
    let (folder, _) = workspace(&[("a.rs", "fn alpha() {}")]);
    let root = folder.path().canonicalize().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let watch = watch::Watch::start(&root, move |changed| _ = sender.send(changed)).unwrap();
    write(&root, "a.rs", "fn beta() {}");
    let changed = receiver.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    assert!(matches!(&changed, watch::Changed::Paths(paths) if paths.contains(&root.join("a.rs"))), "{changed:?}");
    drop(watch);
    // The thread ends with it.
    assert!(receiver.recv_timeout(std::time::Duration::from_secs(20)).is_err());
}

#[test]
fn files_are_found_by_what_they_may_be_called() {
    for (left, right) in [
        ("a/window.rs", "b/window_test.rs"),
        ("x/test_api.py", "x/api.py"),
        ("V.h", "v.cpp"),
        ("src/UserTest.java", "src/User.java"),
    ] {
        assert_eq!(stem(left), stem(right));
    }
    assert_eq!(stem("a/mod.rs"), "");
    let mut index = Index::default();
    let root = index.root_id(Path::new("/w"));
    let id = index.put(root, "server/syntax/src/lib.rs", Stamp::default(), of(Language::Rust, "fn a() {}"));
    assert_eq!(index.named("syntax"), [id]);
    index.remove(root, "server/syntax/src/lib.rs");
    assert!(index.named("syntax").is_empty());
}
