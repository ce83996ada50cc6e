//! The house rules that a machine can hold: allowed edges between rooms, module headers, where `unsafe` may live.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The allowed edges (ARCHITECTURE.md, "Rooms"), package by package.
const EDGES: &[(&str, &[&str])] = &[
    ("pilotlight", &["pilotlight-lsp", "pilotlight-http", "pilotlight-assist", "pilotlight-engine"]),
    ("pilotlight-lsp", &["pilotlight-assist"]),
    ("pilotlight-http", &["pilotlight-assist", "pilotlight-engine"]),
    ("pilotlight-assist", &["pilotlight-context", "pilotlight-syntax", "pilotlight-engine"]),
    ("pilotlight-context", &["pilotlight-syntax"]),
    ("pilotlight-engine", &["pilotlight-kernels", "pilotlight-ember"]),
    ("pilotlight-syntax", &[]),
    ("pilotlight-kernels", &[]),
    ("pilotlight-ember", &[]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Files of the tree with one of `extensions`, as git lists them, so that what is ignored does not count.
fn files(extensions: &[&str]) -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let files: Vec<PathBuf> = String::from_utf8(listed.stdout)
        .unwrap()
        .lines()
        .map(|line| root().join(line))
        .filter(|path| path.extension().is_some_and(|found| extensions.iter().any(|wanted| found == *wanted)))
        .filter(|path| path.exists())
        .collect();
    assert!(!files.is_empty(), "no files with extensions {extensions:?}");
    files
}

/// `cargo metadata`, without the network.
fn metadata(arguments: &[&str]) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_rust_that_is_asked_for_builds_what_is_depended_on() {
    let number = |version: &str| -> Vec<u32> {
        version.split('.').chain(["0"]).take(3).map(|part| part.parse().unwrap()).collect()
    };
    // Of other hosts' packages there may be none here.
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = metadata(&["--filter-platform", host]);
    let packages = metadata["packages"].as_array().unwrap();
    let own =
        packages.iter().find(|package| package["name"] == "pilotlight").unwrap()["rust_version"].as_str().unwrap();
    for package in packages {
        if let Some(asked) = package["rust_version"].as_str() {
            assert!(number(asked) <= number(own), "{} asks for Rust {asked}, the workspace for {own}", package["name"]);
        }
    }
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("({own} or later)")), "README.md says which Rust: {own}");
}

#[test]
fn rooms_use_only_the_allowed_edges() {
    let metadata = metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().unwrap();
    let found: BTreeMap<&str, BTreeSet<&str>> = packages
        .iter()
        .filter(|package| package["name"] != "pilotlight-tests")
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap();
            // Development dependencies count too: a test that needs a forbidden room belongs in tests/.
            let rooms =
                dependencies.iter().map(|d| d["name"].as_str().unwrap()).filter(|name| name.starts_with("pilotlight"));
            (package["name"].as_str().unwrap(), rooms.collect())
        })
        .collect();
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), allowed.keys().collect::<Vec<_>>(), "the rooms themselves changed");
    for (from, to) in found {
        let forbidden: Vec<_> = to.difference(&allowed[from]).collect();
        assert!(forbidden.is_empty(), "{from} must not depend on {forbidden:?} (see ARCHITECTURE.md)");
    }
}

#[test]
fn every_module_opens_by_saying_what_it_is() {
    let bare: Vec<_> = files(&["rs"])
        .into_iter()
        // Query fixtures are sources to be parsed, not modules.
        .filter(|path| !path.starts_with(root().join("queries")))
        .filter(|path| !fs::read_to_string(path).unwrap().trim_start().starts_with("//!"))
        .collect();
    assert!(bare.is_empty(), "no //! at the top of {bare:#?}");
}

#[test]
fn no_module_is_called_mod_and_none_is_too_long_to_read() {
    for path in files(&["rs", "cu", "lua", "ts", "py"]) {
        assert_ne!(path.file_name().unwrap(), "mod.rs", "{}: use foo.rs beside foo/", path.display());
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 800, "{} has {lines} lines: what is it two of?", path.display());
    }
}

#[test]
fn files_that_the_pages_name_exist() {
    for page in ["README.md", "ARCHITECTURE.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let named = text.split(['`', '(', ')']).filter(|word| {
            let known = ["server/", "kernels/", "queries/", "editors/", "tests/", ".ci/"];
            known.iter().any(|room| word.starts_with(room)) && !word.contains([' ', '<', '{', '*', '\n'])
        });
        for name in named {
            let path = root().join(name.split('#').next().unwrap());
            assert!(path.exists(), "{page} names {name}, which is not there");
        }
    }
}
