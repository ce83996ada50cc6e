//! Code actions: a definition is changed by hand, and its uses follow.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::client::{Buffer, Setup, TestServer, uri};

const GEO: &str = "pub fn $0area(width: u32, height: u64) -> u64 { height }\n";
const LIB: &str = "mod geo;\n// area\nfn one() -> u64 { geo::area(1, 2) }\n";

/// A workspace with both files, of which the first is open.
struct Project {
    server: TestServer,
    geo: Buffer,
    lib: String,
    folder: tempfile::TempDir,
}

pub(crate) async fn server(folder: &Path, capabilities: Value) -> TestServer {
    let server = TestServer::with(Setup { capabilities, ..Setup::default() }).await;
    server.enters(folder);
    server
}

pub(crate) fn everything() -> Value {
    json!({
        "textDocument": { "inlineCompletion": {}, "codeAction": { "resolveSupport": { "properties": ["edit"] } } },
        "workspace": { "workspaceEdit": { "documentChanges": true, "changeAnnotationSupport": {} } },
    })
}

impl Project {
    async fn new(capabilities: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let geo = Buffer::in_folder(&root, "geo.rs", GEO);
        fs::write(root.join("lib.rs"), LIB).unwrap();
        let server = server(&root, capabilities).await;
        geo.open(&server);
        Self { server, geo, lib: uri(&root.join("lib.rs")), folder }
    }

    /// Replaces `old` in the open file.
    fn change(&mut self, old: &str, new: &str) {
        let start = self.geo.text.find(old).unwrap();
        self.geo.replace(&self.server, start, start + old.len(), new);
    }

    async fn actions(&self) -> Vec<Value> {
        self.at("(width").await
    }

    /// The actions where this stands.
    async fn at(&self, text: &str) -> Vec<Value> {
        self.geo.actions(&self.server, self.geo.text.find(text).unwrap()).await
    }
}

#[tokio::test]
async fn a_changed_name_is_carried() {
    let mut project = Project::new(everything()).await;
    assert_eq!(project.server.initialized["capabilities"]["codeActionProvider"]["resolveProvider"], true);
    assert_eq!(project.actions().await, [Value::Null; 0], "nothing has changed");
    project.change("area", "surface");
    let end = project.geo.actions(&project.server, project.geo.text.trim_end().len()).await;
    let mut actions = project.actions().await;
    assert_eq!(actions, end, "wherever the cursor is on the line");
    let action = actions.pop().unwrap();
    assert_eq!(action["title"], "Carry this change to its 2 uses in 1 file, 1 of them to look at first");
    assert_eq!(action["kind"], "refactor.rewrite.propagate");
    assert_eq!(action["edit"], Value::Null, "it comes later");
    let action = project.server.request("codeAction/resolve", action).await.unwrap();
    let range = |line: u32, start: u32| json!({ "start": { "line": line, "character": start }, "end": { "line": line, "character": start + 4 } });
    let expected = json!({
        "documentChanges": [{
            "textDocument": { "uri": project.lib, "version": null },
            "edits": [
                { "range": range(1, 3), "newText": "surface", "annotationId": "in a comment" },
                { "range": range(2, 23), "newText": "surface" },
            ],
        }],
        "changeAnnotations": {
            "in a comment": { "label": "To look at", "description": "in a comment", "needsConfirmation": true },
        },
    });
    assert_eq!(action["edit"], expected);
    // Once it is done there is nothing more to carry.
    let carried = json!({ "command": action["command"]["command"], "arguments": action["command"]["arguments"] });
    project.server.request("workspace/executeCommand", carried).await.unwrap();
    assert_eq!(project.actions().await, [Value::Null; 0]);
    project.server.close().await.unwrap();
}

#[tokio::test]
async fn a_new_argument_is_written_by_the_model_and_looked_at_first() {
    let mut project = Project::new(everything()).await;
    let engine = project.server.assistant.engine().await.unwrap().clone();
    project.change("height: u64", "height: u64, depth: u8");
    let action = project.actions().await.pop().unwrap();
    assert_eq!(action["title"], "Carry this change to its 1 use in 1 file, 1 of them to look at first");
    assert_eq!(engine.figures().requests.completed, 0, "nothing is written for what is only offered");
    let action = project.server.request("codeAction/resolve", action).await.unwrap();
    let at = json!({ "line": 2, "character": 32 });
    let why = "the model wrote the new argument `depth`";
    // What the model has behind a space, as far as it is an argument.
    let expected = json!([{ "range": { "start": at, "end": at }, "newText": ", 1", "annotationId": why }]);
    assert_eq!(action["edit"]["documentChanges"][0]["edits"], expected, "{action}");
    assert_eq!(action["edit"]["changeAnnotations"][why]["needsConfirmation"], true);
    project.server.close().await.unwrap();
}

#[tokio::test]
async fn what_a_client_cannot_have_confirmed_is_not_promised_but_named() {
    let mut asks_nothing = everything();
    asks_nothing["workspace"]["workspaceEdit"]["changeAnnotationSupport"] = Value::Null;
    let mut project = Project::new(asks_nothing.clone()).await;
    project.change("area", "surface");
    let action = project.actions().await.remove(0);
    assert_eq!(action["title"], "Carry this change to its 1 use in 1 file");
    let action = project.server.request("codeAction/resolve", action).await.unwrap();
    assert_eq!(action["edit"]["documentChanges"][0]["edits"].as_array().unwrap().len(), 1);
    let left = project.server.complaint().await;
    assert!(left.starts_with("What is left to do by hand:\n") && left.ends_with("lib.rs:2: in a comment"), "{left}");
    project.server.close().await.unwrap();

    // Only doubtful ones, and an argument that a model would write.
    for (old, new) in [("area", "surface"), ("height: u64", "height: u64, depth: u8")] {
        let mut project = Project::new(asks_nothing.clone()).await;
        let lib = if old == "area" { "mod geo;\n// area\n" } else { LIB };
        fs::write(project.folder.path().join("lib.rs"), lib).unwrap();
        project.server.assistant.engine().await.unwrap();
        project.change(old, new);
        assert_eq!(project.actions().await, [Value::Null; 0], "{old}");
        project.server.close().await.unwrap();
    }
}

#[tokio::test]
async fn an_action_for_a_text_that_moved_on_is_refused() {
    let mut project = Project::new(everything()).await;
    project.change("area", "surface");
    let action = project.actions().await.remove(0);
    project.change("height }", "height + 1 }");
    let error = project.server.request("codeAction/resolve", action).await.unwrap_err();
    assert_eq!(error.to_string(), "codeAction/resolve: the document has been edited since: ask again (-32801)");
    let again = project.actions().await.remove(0);
    assert!(project.server.request("codeAction/resolve", again).await.is_ok());
    let error = project.server.request("codeAction/resolve", json!({ "title": "x" })).await.unwrap_err();
    assert!(error.to_string().ends_with("(-32602)"), "{error}");
    project.server.close().await.unwrap();
}

#[tokio::test]
async fn a_plain_client_gets_what_is_certain_at_once() {
    let mut project = Project::new(json!({ "textDocument": { "inlineCompletion": {} } })).await;
    project.change("width: u32, height: u64", "height: u64, width: u32");
    let actions = project.at("width").await;
    let edits = &actions[0]["edit"]["changes"][&project.lib];
    let texts: Vec<&str> = edits.as_array().unwrap().iter().map(|edit| edit["newText"].as_str().unwrap()).collect();
    assert_eq!(texts, ["2, 1"]);
    let only = json!({ "diagnostics": [], "only": ["quickfix"] });
    assert_eq!(project.geo.actions_for(&project.server, 8, only).await, [Value::Null; 0]);
    project.server.close().await.unwrap();
}

#[tokio::test]
async fn one_change_of_two_is_carried_and_the_other_waits() {
    let mut project = Project::new(everything()).await;
    fs::write(project.folder.path().join("lib.rs"), format!("{LIB}fn two() -> u8 {{ geo::side() }}\n")).unwrap();
    let second = "pub fn side() -> u8 { 4 }\n";
    let end = project.geo.text.len();
    project.geo.replace(&project.server, end, end, second);
    let all = json!({ "command": "pilotlight.carried", "arguments": [project.geo.uri] });
    project.server.request("workspace/executeCommand", all).await.unwrap();
    project.change("area", "surface");
    project.change("side", "edge");
    let (mut first, second) = (project.at("surface").await, project.at("edge").await);
    assert_eq!(second.len(), 1);
    let action = project.server.request("codeAction/resolve", first.remove(0)).await.unwrap();
    let command = json!({ "command": "pilotlight.carried", "arguments": action["command"]["arguments"] });
    project.server.request("workspace/executeCommand", command).await.unwrap();
    let (first, second) = (project.at("surface").await, project.at("edge").await);
    assert_eq!((first.len(), second.len()), (0, 1), "{first:?}");
    project.server.close().await.unwrap();
}

#[tokio::test]
async fn what_is_ignored_is_not_read() {
    let mut project = Project::new(everything()).await;
    fs::write(project.folder.path().join(".gitignore"), "lib.rs\n").unwrap();
    project.change("area", "surface");
    assert_eq!(project.actions().await, [Value::Null; 0]);
    project.server.close().await.unwrap();
}

#[tokio::test]
async fn the_next_edit_is_offered_one_at_a_time() {
    let mut project = Project::new(everything()).await;
    let mut lib = Buffer::new("lib.rs", &format!("{LIB}fn two() -> u64 {{ geo::area(3, 4) }}\n$0"));
    lib.uri = project.lib.clone();
    lib.version = 7;
    lib.open(&project.server);
    let ask = async |project: &Project, version: i32| {
        let at = json!({ "line": 0, "character": 0 });
        let document = json!({ "uri": project.geo.uri, "version": version });
        let params = json!({ "textDocument": document, "position": at });
        project.server.request("textDocument/copilotInlineEdit", params).await.unwrap()["edits"].clone()
    };
    assert_eq!(ask(&project, 1).await, json!([]));
    project.change("area", "surface");
    assert_eq!(ask(&project, 1).await, json!([]), "for another version there is none");
    let mut offered = Vec::new();
    for _ in 0..2 {
        let edits = ask(&project, 2).await;
        let [edit] = &edits.as_array().unwrap()[..] else { panic!("expected one edit, found {edits}") };
        assert_eq!(edit["textDocument"], json!({ "uri": lib.uri, "version": lib.version }));
        let (start, end) = (lib.offset(&edit["range"]["start"]), lib.offset(&edit["range"]["end"]));
        lib.replace(&project.server, start, end, edit["text"].as_str().unwrap());
        let command = json!({ "command": edit["command"]["command"], "arguments": edit["command"]["arguments"] });
        project.server.request("workspace/executeCommand", command).await.unwrap();
        offered.push(edit["range"]["start"]["line"].clone());
    }
    assert_eq!(offered, [2, 3]);
    assert_eq!(ask(&project, 2).await, json!([]));
    assert_eq!(lib.text.matches("surface").count(), 2);
    project.server.close().await.unwrap();
}
