//! `pilotlight fix` as a person runs it, over a server that chats by a script.

use serde_json::{Value, json};

use super::{Project, scripts::talker};

const LIB: &str = "pub fn add(a: u32, b: u32) -> u32 {\n    a + c\n}\n";

/// The address of a chat server that always says this.
fn server(answer: &'static str) -> String {
    talker("stop", move |_| Some(answer.to_owned())).url()
}

/// Exit status, standard output, standard error.
fn fix(project: &Project, url: Option<&str>, arguments: &[&str], input: &str) -> (i32, String, String) {
    let remote = url.map(|url| format!("engine.remote.url={url}"));
    let set = remote.iter().flat_map(|remote| ["--set", remote]);
    project.pilotlight("fix", &arguments.iter().copied().chain(set).collect::<Vec<_>>(), input)
}

const GOOD: &str = "<<<<<<< SEARCH\n    a + c\n=======\n    a + b\n>>>>>>> REPLACE";

#[test]
fn what_cargo_says_is_mended() {
    let project = Project::new();
    project.write("work/add.rs", LIB);
    let url = server(GOOD);
    let span = json!({ "is_primary": true, "file_name": "add.rs", "line_start": 2, "line_end": 2, "column_start": 9, "column_end": 10, "label": null });
    let message = json!({ "level": "error", "message": "cannot find value `c`", "children": [], "spans": [span] });
    let input = json!({ "reason": "compiler-message", "message": message }).to_string() + "\n";
    let (status, diff, told) = fix(&project, Some(&url), &[], &input);
    assert_eq!(status, 0, "{told}");
    assert!(diff.starts_with("--- a/add.rs\n+++ b/add.rs\n") && diff.contains("-    a + c\n+    a + b\n"), "{diff}");
    assert_eq!(project.text("work/add.rs"), LIB, "it is only shown");
    let arguments = ["add.rs:2:9", "--message", "cannot find value `c`", "--json"];
    let (_, document, _) = fix(&project, Some(&url), &arguments, "");
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["files"][0]["edits"][0]["text"], "    a + b");
    let (_, _, told) = fix(&project, Some(&url), &["--write"], &input);
    assert!(told.contains("1 file written"), "{told}");
    assert_eq!(project.text("work/add.rs"), LIB.replace("a + c", "a + b"));
}

#[test]
fn what_cannot_be_mended_is_told() {
    let project = Project::new();
    project.write("work/add.rs", LIB);
    let place = ["add.rs:2:9", "--message", "cannot find value `c`"];
    // Ember only fills holes.
    let (status, out, told) = fix(&project, None, &place, "");
    assert_eq!((status, out.as_str()), (2, ""));
    assert!(
        told.contains("ember") && told.contains("does not do what it is told: name a model with a chat template"),
        "{told}"
    );
    let (status, out, told) = fix(&project, Some(&server("I would rather not.")), &place, "");
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(told.contains("add.rs:2: nothing is changed: the model's answer cannot be read, twice"), "{told}");
    let url = server(GOOD);
    let (status, _, told) = fix(&project, Some(&url), &[], "nonsense");
    assert!(status == 2 && told.contains("expected diagnostics as JSON"), "{told}");
    let (status, _, told) = fix(&project, Some(&url), &[], "[]");
    assert!(status == 1 && told.contains("nothing is wrong"), "{told}");
    // Outside of the folder nothing is changed.
    project.write("other.rs", LIB);
    let outside = json!([{ "path": "../other.rs", "line": 2, "column": 9, "message": "no" }]).to_string();
    let (status, out, told) = fix(&project, Some(&url), &["--folder", "."], &outside);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(told.contains("it is not under"), "{told}");
}
