//! Code actions by the loaded model, which fills holes and nothing else: after a blank it writes `1;`.

use std::fs;

use pilotlight_assist::{Options, options::ActionOptions};
use pilotlight_lsp::client::ClientError;
use serde_json::{Value, json};

use crate::{
    actions::{everything, server},
    client::{Buffer, Setup, TestServer, soon},
};

/// The actions at the cursor.
async fn actions(server: &TestServer, buffer: &Buffer) -> Vec<Value> {
    buffer.actions(server, buffer.cursor).await
}

/// What a text that moved on while it was being changed gets: an error, or, where the answer was there before the edit was, an edit that names the older version, which no client applies.
pub(crate) fn refused_or_for_the_older_text(resolved: Result<Value, ClientError>, buffer: &Buffer) {
    match resolved {
        Ok(action) => {
            assert_eq!(action["edit"]["documentChanges"][0]["textDocument"]["version"], json!(buffer.version - 1));
        }
        Err(error) => {
            let message = "codeAction/resolve: the document has been edited since: ask again (-32801)";
            assert_eq!(error.to_string(), message);
        }
    }
}

/// The one action at `$0`, resolved: its title and the text that it makes.
async fn check(fixture: &str) -> (String, String) {
    let server = TestServer::with(Setup { capabilities: everything(), ..Setup::default() }).await;
    let buffer = Buffer::new("a.rs", fixture);
    buffer.open(&server);
    server.assistant.engine().await.unwrap();
    let found = actions(&server, &buffer).await;
    let [action] = &found[..] else { panic!("expected one action, found {found:?}") };
    assert_eq!(action["edit"], Value::Null, "it comes later");
    let resolved = server.request("codeAction/resolve", action.clone()).await.unwrap();
    let made = buffer.made(&resolved["edit"]);
    server.close().await.unwrap();
    (resolved["title"].as_str().unwrap().to_owned(), made)
}

#[tokio::test]
async fn a_body_is_written() {
    let (title, text) = check("fn one() -> u32 {$0}\n").await;
    assert_eq!(title, "Write the body of `one`");
    assert_eq!(text, "fn one() -> u32 {⟦\n    1;\n⟧}\n");
    let (_, text) = check("fn one() -> u32 {\n    // One.\n    to$0do!()\n}\n").await;
    assert_eq!(text, "fn one() -> u32 {\n    // One.\n    ⟦1;⟧\n}\n");
}

#[tokio::test]
async fn what_a_placeholder_stands_for_is_written() {
    let (title, text) = check("fn one() -> u32 {\n    let x = $0todo!();\n    x\n}\n").await;
    assert_eq!(title, "Write what belongs here");
    assert_eq!(text, "fn one() -> u32 {\n    let x = ⟦1⟧;\n    x\n}\n");
}

#[tokio::test]
async fn kinds_that_are_not_asked_for_are_not_offered() {
    let server = TestServer::with(Setup { capabilities: everything(), ..Setup::default() }).await;
    let kinds = &server.initialized["capabilities"]["codeActionProvider"]["codeActionKinds"];
    assert!(kinds.as_array().unwrap().contains(&json!("refactor.rewrite.write-body")), "{kinds}");
    let buffer = Buffer::new("a.rs", "fn one() -> u32 {$0}\n");
    buffer.open(&server);
    server.assistant.engine().await.unwrap();
    for (only, count) in [("quickfix", 0), ("refactor", 1), ("refactor.rewrite.write-body", 1), ("refactor.r", 0)] {
        let context = json!({ "diagnostics": [], "only": [only] });
        let found = buffer.actions_for(&server, buffer.cursor, context).await;
        assert_eq!(found.len(), count, "{only}: {found:?}");
    }
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_model_that_is_not_there_offers_nothing() {
    let mut server = TestServer::with(Setup { capabilities: everything(), no_model: true, ..Setup::default() }).await;
    assert!(server.assistant.engine().await.is_err());
    let buffer = Buffer::new("a.rs", "fn one() -> u32 {$0}\n");
    buffer.open(&server);
    assert_eq!(actions(&server, &buffer).await, [Value::Null; 0]);
    server.next("window/showMessage").await;
    server.close().await.unwrap();
}

#[tokio::test]
async fn an_action_for_a_text_that_moved_on_is_refused() {
    let server = TestServer::with(Setup { capabilities: everything(), ..Setup::default() }).await;
    let mut buffer = Buffer::new("a.rs", "fn one() -> u32 {$0}\n");
    buffer.open(&server);
    server.assistant.engine().await.unwrap();
    let action = actions(&server, &buffer).await.remove(0);
    // While it is being written, and before.
    let resolving = server.ask("codeAction/resolve", action.clone());
    buffer.type_text(&server, " ");
    refused_or_for_the_older_text(soon(resolving).await, &buffer);
    let message = "codeAction/resolve: the document has been edited since: ask again (-32801)";
    let error = server.request("codeAction/resolve", action.clone()).await.unwrap_err();
    assert_eq!(error.to_string(), message);
    let mut other = actions(&server, &buffer).await.remove(0);
    other["data"]["what"]["action"]["id"] = json!("fly");
    let error = server.request("codeAction/resolve", other).await.unwrap_err().to_string();
    assert!(error.contains("expected an action that is offered here (write-body), found \"fly\""), "{error}");
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_is_of_no_use_is_told_and_the_work_can_be_cancelled() {
    let mut capabilities = everything();
    capabilities["window"] = json!({ "workDoneProgress": true });
    let actions_of = |max_tokens| ActionOptions { max_tokens, ..ActionOptions::default() };
    let assist = Options { actions: actions_of(8), ..Options::default() };
    let mut server = TestServer::with(Setup { capabilities, assist, ..Setup::default() }).await;
    // Behind a tab the model says `lolol` for ever.
    let buffer = Buffer::new("a.rs", "fn one() -> u32 {\n\ttodo!()$0\n}\n");
    buffer.open(&server);
    let engine = server.assistant.engine().await.unwrap().clone();
    let action = actions(&server, &buffer).await.remove(0);
    let error = server.request("codeAction/resolve", action.clone()).await.unwrap_err().to_string();
    assert!(error.starts_with("codeAction/resolve: nothing is changed: "), "{error}");
    let token = server.next("window/workDoneProgress/create").await["token"].clone();
    for kind in ["begin", "end"] {
        let progress = server.next("$/progress").await;
        assert_eq!((&progress["token"], progress["value"]["kind"].as_str().unwrap()), (&token, kind));
    }
    // For so long that nothing but the cancellation ends it.
    let mut workspace = (*server.assistant.workspace()).clone();
    workspace.options.actions = actions_of(16000);
    server.assistant.set_workspace(workspace);
    let before = engine.figures().requests.cancelled;
    let resolving = server.ask("codeAction/resolve", action);
    let mut server = server;
    server.next("window/workDoneProgress/create").await;
    drop(resolving);
    assert_eq!(server.next("$/progress").await["value"]["kind"], "begin");
    assert_eq!(server.next("$/progress").await["value"]["kind"], "end");
    soon(async {
        while engine.figures().requests.cancelled == before {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_client_that_cannot_wait_for_edits_is_sent_them() {
    let workspace = json!({ "workspaceEdit": { "documentChanges": true }, "applyEdit": true });
    let capabilities = json!({ "textDocument": { "inlineCompletion": {} }, "workspace": workspace });
    let mut server = TestServer::with(Setup { capabilities, ..Setup::default() }).await;
    let buffer = Buffer::new("a.rs", "fn one() -> u32 {$0}\n");
    buffer.open(&server);
    server.assistant.engine().await.unwrap();
    let action = actions(&server, &buffer).await.remove(0);
    assert_eq!(action["command"]["command"], "pilotlight.act");
    let command = json!({ "command": "pilotlight.act", "arguments": action["command"]["arguments"] });
    assert_eq!(server.request("workspace/executeCommand", command).await, Ok(Value::Null));
    let sent = server.next("workspace/applyEdit").await;
    assert_eq!(sent["label"], "Write the body of `one`");
    assert_eq!(buffer.made(&sent["edit"]), "fn one() -> u32 {⟦\n    1;\n⟧}\n");
    server.close().await.unwrap();
}

#[tokio::test]
async fn an_excluded_file_has_none_and_the_reason_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    fs::write(root.join(".aiexclude"), "a.rs\n").unwrap();
    let mut capabilities = everything();
    capabilities["textDocument"]["codeAction"]["disabledSupport"] = json!(true);
    let server = server(&root, capabilities).await;
    let buffer = Buffer::in_folder(&root, "a.rs", "fn one() -> u32 {$0}\n");
    buffer.open(&server);
    server.assistant.engine().await.unwrap();
    assert_eq!(actions(&server, &buffer).await, [Value::Null; 0]);
    let asked = json!({ "diagnostics": [], "only": ["refactor.rewrite"], "triggerKind": 1 });
    let found = buffer.actions_for(&server, buffer.cursor, asked).await;
    let reason = found[0]["disabled"]["reason"].as_str().unwrap();
    assert!(reason.contains(".aiexclude"), "{reason}");
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_there_is_comes_in_parts_where_the_client_takes_them() {
    let mut server = TestServer::with(Setup { capabilities: everything(), ..Setup::default() }).await;
    let buffer = Buffer::new("a.rs", "fn one() -> u32 {$0}\n");
    buffer.open(&server);
    server.assistant.engine().await.unwrap();
    let mut params = buffer.asking(buffer.cursor, json!({ "diagnostics": [] }));
    params["partialResultToken"] = json!("parts");
    assert_eq!(server.request("textDocument/codeAction", params).await, Ok(json!([])));
    let part = server.next("$/progress").await;
    assert_eq!(part["token"], "parts");
    assert_eq!(part["value"][0]["kind"], "refactor.rewrite.write-body");
    server.close().await.unwrap();
}
