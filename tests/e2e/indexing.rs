//! The workspace's index, as far as an editor sees it.

use std::fs;

use pilotlight_assist::{Options as AssistOptions, options::CompletionOptions};
use serde_json::json;

use crate::client::{Buffer, Setup, TestServer, uri};

/// Enough that a scan is not over before the first look at how far it is.
const FILES: usize = 600;

#[tokio::test(flavor = "multi_thread")]
async fn a_long_scan_shows_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let body: String = (0..40).map(|n| format!("pub fn f{n}(a: u8) -> u8 {{ let b = a + {n}; b * 2 }}\n")).collect();
    for n in 0..FILES {
        fs::write(root.join(format!("m{n}.rs")), &body).unwrap();
    }
    let completion = CompletionOptions { repository_tokens: Some(100), ..CompletionOptions::default() };
    let mut server = TestServer::with(Setup {
        capabilities: json!({ "textDocument": { "inlineCompletion": {} }, "window": { "workDoneProgress": true } }),
        assist: AssistOptions { completion, ..AssistOptions::default() },
        ..Setup::default()
    })
    .await;
    server.enters(&root);
    let mut buffer = Buffer::new("m0.rs", "fn f() {\n    let x =$0\n}\n");
    buffer.uri = uri(&root.join("m0.rs"));
    buffer.open(&server);
    let ghost = buffer.ghost(&server).await;
    assert_eq!(ghost["insertText"], " 1;", "nobody waits for the index");

    let token = server.next("window/workDoneProgress/create").await["token"].clone();
    let (mut kinds, mut last) = (Vec::new(), 0);
    while kinds.last().is_none_or(|kind| kind != "end") {
        let told = server.next("$/progress").await;
        assert_eq!(told["token"], token);
        let value = &told["value"];
        let percentage = value["percentage"].as_u64().unwrap_or(last);
        assert!((last..=100).contains(&percentage), "it goes forward: {last}, then {value}");
        last = percentage;
        kinds.push(value["kind"].as_str().unwrap().to_owned());
        if value["kind"] == "end" {
            assert_eq!(value["message"], format!("{FILES} files"));
        }
    }
    assert_eq!(kinds[0], "begin");
    assert!(kinds[1..kinds.len() - 1].iter().all(|kind| kind == "report") && kinds.len() > 2, "{kinds:?}");
    server.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_another_file_is_offered_once_the_workspace_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let like = |name: &str, line: &str| {
        format!(
            "fn {name}(app: &mut App) {{\n    let handler = load(\"{name}\");\n    {line}\n    app.enable_logging();\n}}\n"
        )
    };
    fs::write(root.join(".gitignore"), "hidden.rs\n").unwrap();
    fs::write(root.join("users.rs"), like("users", "app.register(handler);")).unwrap();
    fs::write(root.join("hidden.rs"), like("hidden", "app.reveal(handler);")).unwrap();
    let server = TestServer::start().await;
    server.enters(&root);
    let mut buffer = Buffer::new("orders.rs", &like("orders", "app.re$0"));
    buffer.uri = uri(&root.join("orders.rs"));
    buffer.open(&server);
    // The first question has the folder indexed, and nobody waits for that. A place that has been looked for is not looked for again until something changes around it.
    let mut ghost = buffer.ghost(&server).await;
    while ghost.is_null() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        let at = buffer.cursor + 1;
        buffer.replace(&server, 3, 3, "x");
        buffer.cursor = at;
        ghost = buffer.ghost(&server).await;
    }
    assert_eq!(ghost["insertText"], "gister(handler);");
    assert_eq!(buffer.why(&server).await["recalled"]["path"], "users.rs");
    let mut hidden = Buffer::new("others.rs", &like("others", "app.rev$0"));
    hidden.uri = uri(&root.join("others.rs"));
    hidden.open(&server);
    assert!(hidden.ghost(&server).await.is_null(), "what .gitignore excludes is nobody's guess");
    server.close().await.unwrap();
}
