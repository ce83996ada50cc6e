//! Files that are to stay out of every prompt get no completions, and are told why.

use std::{fs, path::Path};

use pilotlight_assist::{Options, options::CompletionOptions};
use serde_json::{Value, json};

use crate::client::{Buffer, Setup, TestServer};

/// Opens `path` and asks at its end: the answer, and why.
async fn ask(server: &TestServer, path: &Path) -> (Value, Value) {
    let uri = format!("file://{}", path.display());
    let document = json!({ "uri": uri, "languageId": "plaintext", "version": 0, "text": "x =" });
    server.notify("textDocument/didOpen", json!({ "textDocument": document }));
    let place = json!({ "textDocument": { "uri": uri }, "position": { "line": 0, "character": 3 }, "context": { "triggerKind": 1 } });
    let answer = server.request("textDocument/inlineCompletion", place).await.unwrap();
    let why = server.request("pilotlight/explain", json!({ "textDocument": { "uri": uri } })).await.unwrap();
    (answer, why["nothing_because"].clone())
}

#[tokio::test]
async fn completions_are_off_in_files_that_are_excluded() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start().await;
    fs::write(folder.path().join(".aiexclude"), "private/\n").unwrap();
    fs::write(folder.path().join(".pilotlightignore"), "*.own\n").unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    for (name, reason) in [
        (".env", "credentials"),
        ("id_rsa", "credentials"),
        ("private/a.txt", ".aiexclude excludes it"),
        ("b.own", ".pilotlightignore excludes it"),
    ] {
        let (answer, why) = ask(&server, &folder.path().join(name)).await;
        assert!(answer.is_null() || answer["items"] == json!([]) || answer == json!([]), "{name}: {answer}");
        assert!(why.as_str().unwrap_or_default().contains(reason), "{name}: {why}");
    }
    let (_, why) = ask(&server, &folder.path().join("open.txt")).await;
    assert_eq!(why, Value::Null);
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_name_is_judged_whatever_the_scheme() {
    let completion = CompletionOptions { repository_tokens: Some(400), ..CompletionOptions::default() };
    for (uri, closed) in [
        ("untitled:/ws/.env", true),
        ("untitled:.env", true),
        ("scp://host//app/%2Eenv", true),
        ("file://server/share/.env", true),
        ("untitled:/ws/notes", false),
    ] {
        let assist = Options { completion: completion.clone(), ..Options::default() };
        let server = TestServer::with(Setup { assist, ..Setup::default() }).await;
        let mut secret = Buffer { uri: uri.to_owned(), ..Buffer::new("", "A=1\nB$0") };
        secret.open(&server);
        secret.type_text(&server, "_OF_MINE =");
        let ghost = secret.ghost(&server).await;
        let why = secret.why(&server).await["nothing_because"].clone();
        assert_eq!(ghost.is_null(), closed, "{uri}: {ghost}");
        assert_eq!(why.as_str().unwrap_or_default().contains("credentials"), closed, "{uri}: {why}");
        // Nor is what was done in it shown in another file's prompt.
        let mut other = Buffer::new("a.txt", "x$0");
        other.open(&server);
        other.type_text(&server, " =");
        other.ghost(&server).await;
        let why = other.why(&server).await;
        let told = why["segments"].as_array().unwrap().iter().any(|segment| segment["source"] == "edit");
        assert_eq!(told, !closed, "{uri}: {why}");
        server.close().await.unwrap();
    }
}
