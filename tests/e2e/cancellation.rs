//! Every request gets one answer: also one that is cancelled, superseded or left behind by an edit; and its work stops.

use std::{sync::mpsc, time::Duration};

use pilotlight_assist::{Options as AssistOptions, Status, options::CompletionOptions};
use serde_json::{Value, json};

use crate::client::{Buffer, Setup, TestServer, soon};

/// A server whose model does not come before the gate is dropped: requests wait.
async fn held() -> (TestServer, mpsc::Sender<()>) {
    let (gate, held) = mpsc::channel();
    (TestServer::with(Setup { gate: Some(held), ..Setup::default() }).await, gate)
}

/// A server whose model goes on for a long time after `l`.
async fn slow() -> TestServer {
    let completion = CompletionOptions { max_tokens: 12_000, look_ahead: false, ..CompletionOptions::default() };
    let assist = AssistOptions { completion, ..AssistOptions::default() };
    TestServer::with(Setup { assist, ..Setup::default() }).await
}

async fn busy(server: &TestServer, busy: bool) {
    let mut status = server.assistant.status();
    soon(status.wait_for(|status| matches!(status, Status::Busy { .. }) == busy)).await.unwrap();
}

#[tokio::test]
async fn a_newer_request_and_an_edit_take_over() {
    let (server, gate) = held().await;
    let mut buffer = Buffer::new("a.txt", "x =$0");
    let other = Buffer::new("b.txt", "y($0");
    buffer.open(&server);
    other.open(&server);
    let (first, second, beside) = (buffer.ask(&server), buffer.ask(&server), other.ask(&server));
    assert_eq!(soon(first).await, Ok(json!([])));
    buffer.type_text(&server, " ");
    assert_eq!(soon(second).await, Ok(json!([])));
    let why = buffer.why(&server).await["nothing_because"].as_str().unwrap().to_owned();
    assert!(why.contains("superseded"), "{why}");
    let third = buffer.ask(&server);
    drop(gate);
    assert_eq!(buffer.with(&soon(third).await.unwrap()[0]), "x = ⟦1;⟧");
    // Another document's request is nobody's business.
    assert_eq!(other.with(&soon(beside).await.unwrap()[0]), "y(⟦);⟧");
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_cancelled_request_is_answered_as_cancelled() {
    let (server, gate) = held().await;
    let buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    // The client numbers its requests from 1: `initialize`.
    let ask = buffer.ask(&server);
    server.notify("$/cancelRequest", json!({ "id": 2 }));
    let error = soon(ask).await.unwrap_err();
    assert_eq!(error.to_string(), "textDocument/inlineCompletion: Canceled (-32800)");
    drop(buffer.ask(&server));
    while !server.client.unanswered().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Nothing is left of it.
    drop(gate);
    assert_eq!(buffer.with(&buffer.ghost(&server).await), "x =⟦ 1;⟧");
    server.close().await.unwrap();
}

#[tokio::test]
async fn the_engine_stops_when_nobody_waits_any_more() {
    for how in ["cancel", "edit", "close", "newer"] {
        let server = slow().await;
        let mut buffer = Buffer::new("a.txt", "x\nl$0");
        buffer.open(&server);
        let ask = buffer.ask(&server);
        busy(&server, true).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        let stopped = std::time::Instant::now();
        match how {
            "cancel" => drop(ask),
            "edit" => {
                buffer.type_text(&server, "=");
                assert_eq!(soon(ask).await, Ok(json!([])));
            }
            "close" => {
                buffer.close(&server);
                assert_eq!(soon(ask).await, Ok(json!([])));
            }
            _ => {
                buffer.cursor = 1;
                let newer = buffer.ask(&server);
                assert_eq!(soon(ask).await, Ok(json!([])));
                assert_eq!(soon(newer).await, Ok(json!([])));
            }
        }
        busy(&server, false).await;
        // The whole answer would be 12,000 tokens.
        assert!(stopped.elapsed() < Duration::from_secs(5), "{how}: {:?}", stopped.elapsed());
        while !server.client.unanswered().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.close().await.unwrap();
    }
}

#[tokio::test]
async fn other_requests_do_not_wait_for_a_slow_one() {
    let (server, gate) = held().await;
    let buffers: Vec<_> = (0..20).map(|i| Buffer::new(&format!("{i}.txt"), "x =$0")).collect();
    let asks: Vec<_> = buffers
        .iter()
        .map(|buffer| {
            buffer.open(&server);
            buffer.ask(&server)
        })
        .collect();
    assert_eq!(server.request("pilotlight/explain", json!({})).await, Ok(Value::Null));
    drop(gate);
    for (buffer, ask) in buffers.iter().zip(asks) {
        assert_eq!(buffer.with(&soon(ask).await.unwrap()[0]), "x =⟦ 1;⟧");
    }
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_request_under_way_at_the_end_does_not_hold_it_up() {
    let (mut server, gate) = held().await;
    let buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    let ask = buffer.ask(&server);
    server.request("shutdown", Value::Null).await.unwrap();
    server.notify("exit", Value::Null);
    server.ended().await.unwrap();
    soon(ask).await.unwrap_err();
    drop(gate);
}
