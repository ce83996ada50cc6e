//! The status: told from `initialized` on, and when it changes.

use std::sync::mpsc;

use pilotlight_lsp::Options;
use serde_json::{Value, json};

use crate::client::{Buffer, Setup, TestServer};

#[tokio::test]
async fn loading_and_ready_are_told() {
    let (gate, held) = mpsc::channel();
    let mut server = TestServer::with(Setup { gate: Some(held), ..Setup::default() }).await;
    assert_eq!(
        server.next("didChangeStatus").await,
        json!({ "busy": true, "message": "loading markov", "kind": "Normal" })
    );
    drop(gate);
    let ready = server.next("didChangeStatus").await;
    assert_eq!((&ready["busy"], &ready["kind"]), (&json!(false), &json!("Normal")));
    let params = json!({ "command": "pilotlight.status", "arguments": [] });
    assert_eq!(server.request("workspace/executeCommand", params).await.unwrap(), ready);
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_is_told_where_a_person_sees_it() {
    let options = Options { status_notifications: false, ..Options::default() };
    for options in [Options::default(), options] {
        let notifications = options.status_notifications;
        let mut server = TestServer::with(Setup { no_model: true, options, ..Setup::default() }).await;
        let shown = server.next("window/showMessage").await;
        let message = shown["message"].as_str().unwrap();
        assert_eq!(shown["type"], 1);
        assert!(
            message.starts_with("Pilotlight: the model cannot be loaded: ") && message.contains("config.json"),
            "{message}"
        );
        if notifications {
            let mut status = server.next("didChangeStatus").await;
            if status["busy"] == true {
                status = server.next("didChangeStatus").await;
            }
            assert_eq!((&status["busy"], &status["kind"]), (&json!(false), &json!("Error")));
        }
        // Editing goes on.
        let mut buffer = Buffer::new("a.txt", "x =$0");
        buffer.open(&server);
        buffer.type_text(&server, " ");
        assert_eq!(buffer.ghost(&server).await, Value::Null);
        buffer.save(&server);
        server.close().await.unwrap();
    }
}

#[tokio::test]
async fn why_nothing_is_suggested_is_told_and_taken_back() {
    let given = json!({ "completion": { "disabledLanguages": ["plaintext"] } });
    let mut server = TestServer::with(Setup { given, ..Setup::default() }).await;
    let buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    assert_eq!(buffer.ghost(&server).await, Value::Null);
    let told = loop {
        let status = server.next("didChangeStatus").await;
        if let Some(because) = status["nothingBecause"].as_str() {
            break because.to_owned();
        }
    };
    assert_eq!(told, "completions are switched off for plaintext (completion.disabled-languages)");
    let asked = json!({ "command": "pilotlight.status", "arguments": [] });
    let status = server.request("workspace/executeCommand", asked).await.unwrap();
    assert_eq!(status["nothingBecause"], told);
    server.notify("workspace/didChangeConfiguration", json!({ "settings": { "pilotlight": {} } }));
    assert_eq!(buffer.with(&buffer.ghost(&server).await), "x =⟦ 1;⟧");
    while !server.next("didChangeStatus").await["nothingBecause"].is_null() {}
    server.close().await.unwrap();
}
