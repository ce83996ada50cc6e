//! `pilotlight refactor`, and `fix`, as a person runs them: the real binary in a folder of its own.
#![allow(clippy::unwrap_used)]

mod fix;
#[allow(dead_code)]
#[path = "../scripts.rs"]
mod scripts;

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

const GEO: &str = "pub fn area(width: u32, height: u64) -> u64 { height }\n";
const LIB: &str = "mod geo;\n// area\nfn one() -> u64 { geo::area(1, 2) }\n";

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        project.write("work/geo.rs", GEO);
        project.write("work/lib.rs", LIB);
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        self.pilotlight("refactor", arguments, "")
    }

    /// Exit status, standard output, standard error.
    fn pilotlight(&self, command: &str, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pilotlight"))
            .arg(command)
            .args(arguments)
            .current_dir(self.path("work"))
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may not read any.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

const DIFF: &str = "--- a/lib.rs\n+++ b/lib.rs\n@@ -1,3 +1,3 @@\n mod geo;\n // area\n-fn one() -> u64 { geo::area(1, 2) }\n+fn one() -> u64 { geo::size(2, 1) }\n";

#[test]
fn a_change_made_by_hand_is_carried() {
    let project = Project::new();
    project.write("before.rs", GEO);
    project.write("work/geo.rs", "pub fn size(height: u64, width: u32) -> u64 { height }\n");
    let arguments = ["propagate", "geo.rs", "--before", "../before.rs"];
    let (status, diff, told) = project.run(&arguments);
    assert_eq!((status, diff.as_str()), (0, DIFF), "{told}");
    assert!(told.contains("lib.rs:2: in a comment"), "{told}");
    assert_eq!(project.text("work/lib.rs"), LIB, "it is only shown");
    let (status, document, _) = project.run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(status, 0);
    assert!(document.contains("\"doubt\": \"in a comment\""), "{document}");
    let (_, _, told) = project.run(&[&arguments[..], &["--write", "--all"]].concat());
    assert!(told.contains("1 file written"), "{told}");
    assert_eq!(project.text("work/lib.rs"), "mod geo;\n// size\nfn one() -> u64 { geo::size(2, 1) }\n");
    // Of a name nothing is left to carry.
    assert_eq!(project.run(&arguments).0, 1);
}

#[test]
fn a_change_since_a_commit_is_carried() {
    let project = Project::new();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(project.path("work")).args(["-c", "user.name=x", "-c", "user.email=x@x"]);
        assert!(command.args(arguments).output().unwrap().status.success(), "git {arguments:?}");
    };
    git(&["init", "-q"]);
    let (status, _, told) = project.run(&["propagate", "geo.rs"]);
    assert_eq!(status, 2);
    assert!(told.contains("or name the earlier text with --before FILE"), "{told}");
    git(&["add", "."]);
    git(&["commit", "-qm", "x"]);
    assert_eq!(project.run(&["propagate", "geo.rs"]).0, 1, "nothing has changed");
    project.write("work/geo.rs", &GEO.replace("width: u32, ", ""));
    let (status, diff, told) = project.run(&["propagate", "geo.rs"]);
    assert_eq!(status, 0, "{told}");
    assert!(diff.contains("+fn one() -> u64 { geo::area(2) }"), "{diff}");
}

#[test]
fn a_name_is_changed_everywhere() {
    let project = Project::new();
    let (status, diff, told) = project.run(&["rename", "geo.rs:1:8", "size"]);
    assert_eq!(status, 0, "{told}");
    for line in ["+pub fn size(width: u32, height: u64) -> u64 { height }", "+fn one() -> u64 { geo::size(1, 2) }"] {
        assert!(diff.contains(line), "{diff}");
    }
    for (arguments, error) in [
        (["rename", "geo.rs:1:1", "size"], "there is no definition's name here"),
        (["rename", "geo.rs:1:8", "1x"], "expected a name for `area`, found \"1x\""),
        (["rename", "geo.rs:9:1", "x"], "geo.rs:9:1"),
        (["rename", "none.rs:1:1", "x"], "none.rs"),
        (["rename", "geo.rs", "x"], "expected FILE:LINE:COL"),
    ] {
        let (status, out, told) = project.run(&arguments);
        assert_eq!((status, out.as_str()), (2, ""), "{arguments:?}");
        assert!(told.contains(error), "{told}");
    }
    assert_eq!(project.text("work/geo.rs"), GEO);
}

#[test]
fn the_model_writes_what_is_still_to_be_written() {
    let project = Project::new();
    project.write("work/todo.rs", "/// Adds two numbers.\nfn add(left: i32, right: i32) -> i32 {\n    todo!()\n}\n");
    let (status, list, told) = project.run(&["list", "todo.rs:3:5"]);
    assert_eq!(status, 0, "{told}");
    assert!(list.starts_with("write-body "), "{list}");
    // Ember's answer is what it is; it changes nothing but the body, or it says why there is none.
    let (status, diff, told) = project.run(&["do", "write-body", "todo.rs:3:5"]);
    match status {
        0 => assert!(diff.contains("-    todo!()\n+    "), "{diff}"),
        _ => assert!(status == 2 && told.contains("nothing is changed: "), "{told}"),
    }
    let (status, _, told) = project.run(&["do", "fly", "todo.rs:3:5"]);
    assert_eq!(status, 2);
    assert!(told.contains("expected an action that is offered here (write-body), found \"fly\""), "{told}");
    assert_eq!(project.run(&["list", "geo.rs:1:1"]).0, 1, "there is nothing to write");
    let (_, _, told) = project.run(&["list", "todo.rs:3:5", "--to", "1:1"]);
    assert!(told.contains("expected --to behind todo.rs:3:5, found 1:1"), "{told}");
}
