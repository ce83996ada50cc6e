//! `initialize` to `exit`.

use serde_json::{Value, json};

use crate::client::{Buffer, Setup, TestServer};

#[tokio::test]
async fn it_says_what_it_can() {
    let server = TestServer::start().await;
    let answer = &server.initialized;
    let kinds = &answer["capabilities"]["codeActionProvider"]["codeActionKinds"];
    assert_eq!(kinds[0], "refactor.rewrite.propagate");
    assert_eq!(answer["serverInfo"], json!({ "name": "pilotlight", "version": env!("CARGO_PKG_VERSION") }));
    assert_eq!(
        answer["capabilities"],
        json!({
            "positionEncoding": "utf-16",
            "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": true } },
            "inlineCompletionProvider": true,
            "codeActionProvider": { "codeActionKinds": kinds, "resolveProvider": true },
            "executeCommandProvider": {
                "commands": ["pilotlight.accept", "pilotlight.acceptPart", "pilotlight.dismiss", "pilotlight.status", "pilotlight.carried", "pilotlight.takeEdit", "pilotlight.dismissEdit", "pilotlight.act", "pilotlight.rewrite"],
            },
            "workspace": { "workspaceFolders": { "supported": true, "changeNotifications": true } },
        })
    );
    server.close().await.unwrap();
}

#[tokio::test]
async fn positions_are_counted_as_agreed() {
    for (offered, agreed) in [
        (json!(["utf-16", "utf-8"]), "utf-8"),
        (json!(["utf-32", "utf-16"]), "utf-32"),
        (json!(["utf-16"]), "utf-16"),
        (json!(["ebcdic"]), "utf-16"),
        (Value::Null, "utf-16"),
    ] {
        let capabilities = json!({ "general": { "positionEncodings": offered } });
        let server = TestServer::with(Setup { capabilities, ..Setup::default() }).await;
        assert_eq!(server.initialized["capabilities"]["positionEncoding"], agreed);
        let mut buffer = Buffer { encoding: agreed, ..Buffer::new("a.txt", "aé𝄞 x$0 𝄞\nnext") };
        buffer.open(&server);
        buffer.type_text(&server, "𝄞é=");
        let item = buffer.ghost(&server).await;
        assert_eq!(buffer.with(&item), "aé𝄞 x𝄞é=⟦ 1;⟧ 𝄞\nnext", "{agreed}");
        assert_eq!(item["range"]["start"], buffer.position(buffer.cursor));
        buffer.save(&server);
        server.close().await.unwrap();
    }
}

#[tokio::test]
async fn settings_that_it_does_not_know_are_told_and_do_no_harm() {
    let lsp = json!({ "completionMenu": "always", "statusNotifications": 7 });
    let given = json!({ "lsp": lsp, "warp": 9, "engine": { "model": "/x" }, "editorInfo": { "name": "x" } });
    let mut server = TestServer::with(Setup { given, ..Setup::default() }).await;
    for expected in [
        "the editor's settings: lsp.statusNotifications: invalid type: integer `7`, expected a boolean; ignored",
        "the editor's settings: engine is for the user's config.toml and the command line to set; ignored",
        "the editor's settings: warp is unknown and ignored; expected one of actions, completion",
    ] {
        assert_eq!(server.complaint().await, expected);
    }
    assert!(server.initialized["capabilities"]["completionProvider"].is_object());
    server.close().await.unwrap();
}

#[tokio::test]
async fn nothing_works_before_initialize_and_after_shutdown() {
    let server = TestServer::raw(Setup::default());
    let buffer = Buffer::new("a.txt", "x =$0");
    let early = server.request("textDocument/inlineCompletion", buffer.here()).await.unwrap_err();
    assert!(early.to_string().ends_with("(-32002)"), "{early}");
    // Dropped, as LSP says: not open later.
    buffer.open(&server);
    server.request("initialize", json!({ "capabilities": {} })).await.unwrap();
    let again = server.request("initialize", json!({ "capabilities": {} })).await.unwrap_err();
    assert!(again.to_string().ends_with("(-32600)"), "{again}");
    let closed = server.request("textDocument/inlineCompletion", buffer.here()).await.unwrap_err();
    assert!(closed.to_string().contains("file:///work/a.txt is not open"), "{closed}");
    server.request("shutdown", Value::Null).await.unwrap();
    let late = server.request("textDocument/inlineCompletion", buffer.here()).await.unwrap_err();
    assert!(late.to_string().ends_with("(-32600)"), "{late}");
}

#[tokio::test]
async fn exit_without_shutdown_is_a_failure_and_so_is_nothing_else() {
    let mut server = TestServer::start().await;
    server.notify("exit", Value::Null);
    let error = server.ended().await.unwrap_err();
    assert_eq!(error.to_string(), "the client said `exit` without `shutdown`");

    let server = TestServer::start().await;
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_connection_and_its_documents() {
    let mut server = TestServer::start().await;
    let other = server.beside();
    other.request("initialize", json!({ "capabilities": {} })).await.unwrap();
    let (mine, theirs) = (Buffer::new("a.txt", "x =$0"), Buffer::new("a.txt", "y($0"));
    mine.open(&server);
    theirs.open(&other);
    // The same name, and each its own text.
    assert_eq!(mine.with(&mine.ghost(&server).await), "x =⟦ 1;⟧");
    assert_eq!(theirs.with(&theirs.ghost(&other).await), "y(⟦);⟧");
    assert!(format!("{:?}", server.assistant).contains("documents: 2"), "{:?}", server.assistant);
    drop(other);
    while !format!("{:?}", server.assistant).contains("documents: 1") {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    server.hang_up().await.unwrap();
    assert!(format!("{:?}", server.assistant).contains("documents: 0"), "{:?}", server.assistant);
}

#[tokio::test]
async fn prompts_name_files_from_the_workspaces_folders() {
    let server = TestServer::raw(Setup::default());
    let folder = |path: &str| json!({ "uri": format!("file://{path}"), "name": "x" });
    let folders =
        json!({ "capabilities": {}, "rootUri": "file:///elsewhere", "workspaceFolders": [folder("/work/a%20b")] });
    server.request("initialize", folders).await.unwrap();
    let named = async |server: &TestServer, name: &str| {
        let buffer = Buffer::new(name, "x =$0");
        buffer.open(server);
        buffer.ghost(server).await;
        let path = buffer.why(server).await["segments"][0]["path"].clone();
        buffer.close(server);
        path
    };
    assert_eq!(named(&server, "a%20b/src/c.txt").await, "src/c.txt");
    assert_eq!(named(&server, "d/e.txt").await, "e.txt");
    let event = json!({ "event": { "added": [folder("/work/d")], "removed": [folder("/work/a%20b")] } });
    server.notify("workspace/didChangeWorkspaceFolders", event);
    assert_eq!(named(&server, "d/src/e.txt").await, "src/e.txt");
    assert_eq!(named(&server, "a%20b/src/c.txt").await, "c.txt");
    server.close().await.unwrap();
}
