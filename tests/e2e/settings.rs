//! Settings as a client meets them: where they come from, which of them holds, and what becomes of those that cannot be taken.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::client::{Buffer, Setup, TestServer};

/// A server whose client has these folders open.
async fn in_folders(roots: &[&Path], given: Value) -> TestServer {
    let server = TestServer::raw(Setup::default());
    let folders: Vec<_> =
        roots.iter().map(|root| json!({ "uri": format!("file://{}", root.display()), "name": "x" })).collect();
    let params = json!({
        "capabilities": { "textDocument": { "inlineCompletion": {} } },
        "workspaceFolders": folders,
        "initializationOptions": given,
    });
    server.request("initialize", params).await.unwrap();
    server.notify("initialized", json!({}));
    server
}

fn file(root: &Path) -> Buffer {
    let uri = format!("file://{}/a.txt", root.display());
    Buffer { uri, ..Buffer::new("a.txt", "x =$0") }
}

/// What is suggested in a file of that folder.
async fn ghost(server: &TestServer, root: &Path) -> String {
    let buffer = file(root);
    buffer.open(server);
    let item = buffer.ghost(server).await;
    buffer.close(server);
    item["insertText"].as_str().unwrap_or("nothing").to_owned()
}

fn configure(server: &TestServer, settings: Value) {
    server.notify("workspace/didChangeConfiguration", json!({ "settings": settings }));
}

#[tokio::test]
async fn each_folder_has_its_own_and_names_nothing_that_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, off) = (folder.path().join("plain"), folder.path().join("off"));
    for root in [&plain, &off] {
        fs::create_dir(root).unwrap();
    }
    let settings = off.join(".pilotlight.toml");
    fs::write(&settings, "[completion]\nenabled = false\nwarp = 9\n[engine]\nmodel = \"/bin/sh\"\n").unwrap();
    let mut server = in_folders(&[&plain, &off], Value::Null).await;
    let (refused, unknown) = (server.complaint().await, server.complaint().await);
    let name = settings.display();
    assert!(refused.starts_with(&format!("{name}: [engine] is refused: ")), "{refused}");
    assert!(unknown.starts_with(&format!("{name}: completion.warp is unknown and ignored")), "{unknown}");
    assert_eq!(ghost(&server, &plain).await, " 1;");
    assert_eq!(ghost(&server, &off).await, "nothing");
    assert_eq!(ghost(&server, folder.path()).await, " 1;");
    // The editor's settings lie over the folder's.
    configure(&server, json!({ "completion": { "enabled": true } }));
    assert_eq!(ghost(&server, &off).await, " 1;");
    configure(&server, json!({}));
    assert_eq!(ghost(&server, &off).await, "nothing");
    // Saved, it is read again.
    fs::write(&settings, "[completion]\nenabled = true\n").unwrap();
    let document = json!({ "uri": format!("file://{name}"), "languageId": "toml", "version": 1, "text": "" });
    server.notify("textDocument/didOpen", json!({ "textDocument": document }));
    server.notify("textDocument/didSave", json!({ "textDocument": { "uri": format!("file://{name}") } }));
    assert_eq!(ghost(&server, &off).await, " 1;");
    server.close().await.unwrap();
}

#[tokio::test]
async fn the_editors_hold_from_the_next_request_on() {
    let folder = tempfile::tempdir().unwrap();
    let given = json!({ "completion": { "disabledLanguages": ["plaintext"] } });
    let mut server = in_folders(&[folder.path()], given).await;
    assert_eq!(ghost(&server, folder.path()).await, "nothing");
    // What is no settings is no change, and what is said again replaces what was said before.
    configure(&server, Value::Null);
    assert_eq!(ghost(&server, folder.path()).await, "nothing");
    configure(&server, json!({ "pilotlight": { "completion": { "maxTokens": 2 } }, "other": { "enabled": false } }));
    assert_eq!(ghost(&server, folder.path()).await, "nothing", "two tokens end in the middle of it");
    configure(&server, json!({ "pilotlight": { "completion": { "maxTokens": 8 } } }));
    assert_eq!(ghost(&server, folder.path()).await, " 1;");
    configure(&server, json!({ "pilotlight": { "lsp": { "completionMenu": "always" } } }));
    assert_eq!(server.complaint().await, "the settings under `lsp` hold from the next start of the server on");
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_language_is_switched_off_by_the_clients_name_for_it_or_ours() {
    let folder = tempfile::tempdir().unwrap();
    let given = json!({ "completion": { "disabledLanguages": ["Markdown", "sh", "javascript"] } });
    let server = in_folders(&[folder.path()], given).await;
    for (language, off) in
        [("markdown", true), ("sh", true), ("javascriptreact", true), ("shellscript", false), ("plaintext", false)]
    {
        let buffer = Buffer { language, ..file(folder.path()) };
        buffer.open(&server);
        let ghost = buffer.ghost(&server).await;
        let why = buffer.why(&server).await["nothing_because"].clone();
        let told = why.as_str().unwrap_or_default().contains("completion.disabled-languages");
        assert_eq!((ghost.is_null() && told), off, "{language}: {ghost} {why}");
        buffer.close(&server);
    }
    server.close().await.unwrap();
}
