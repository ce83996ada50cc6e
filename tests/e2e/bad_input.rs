//! Bad input: the right error, the server lives on, and no document is harmed.

use serde_json::{Value, json};

use crate::client::{Buffer, Setup, TestServer};

fn frame(body: &str) -> String {
    format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

/// A server with an open document, and a proof afterwards that both are as before.
async fn unharmed(test: impl AsyncFnOnce(&mut TestServer)) {
    let mut server = TestServer::start().await;
    let buffer = Buffer::new("a.txt", "x =$0");
    buffer.open(&server);
    test(&mut server).await;
    buffer.save(&server);
    assert_eq!(buffer.with(&buffer.ghost(&server).await), "x =⟦ 1;⟧");
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_is_no_json_rpc_is_told_and_survived() {
    unharmed(async |server| {
        for (bytes, code) in [
            (frame("{"), -32700),
            (frame("not json"), -32700),
            (frame("\u{fffd}"), -32700),
            (frame(&"[".repeat(10_000)), -32700),
            (frame("[]"), -32600),
            (frame("7"), -32600),
            (frame(r#"{"jsonrpc":"2.0"}"#), -32600),
            (frame(r#"{"jsonrpc":"1.0","method":"textDocument/didClose"}"#), -32600),
            (frame(r#"{"jsonrpc":"2.0","method":7}"#), -32600),
            ("Content-Length: many\r\n\r\n".to_owned(), -32700),
            ("Content-Length: 123456789012345678901234567890\r\n\r\n".to_owned(), -32700),
            ("X-Nothing: 1\r\n\r\n".to_owned(), -32700),
            ("GET / HTTP/1.1\r\n\r\n".to_owned(), -32700),
            ("\0\r\n\r\n".to_owned(), -32700),
        ] {
            server.client.write(bytes.clone());
            // A good frame ends the search for one.
            server.notify("textDocument/didFocus", json!({}));
            assert_eq!(server.stray_error().await, code, "{bytes:?}");
        }
        server.client.write(b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc".to_vec());
        assert_eq!(server.stray_error().await, -32700);
    })
    .await;
}

#[tokio::test]
async fn a_bad_request_is_answered_under_its_id() {
    unharmed(async |server| {
        server.client.write(frame(r#"{"jsonrpc":"1.0","id":"me","method":"x"}"#));
        let error = server.stray().await;
        assert_eq!((&error["id"], &error["error"]["code"]), (&json!("me"), &json!(-32600)));
        // Responses to nothing are nothing.
        server.client.write(frame(r#"{"jsonrpc":"2.0","id":99,"result":null}"#));
        server.client.write(frame(r#"{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}"#));
    })
    .await;
}

#[tokio::test]
async fn unknown_methods() {
    unharmed(async |server| {
        for method in ["textDocument/hover", "$/unheard", "", "initialize/x"] {
            let error = server.request(method, json!({})).await.unwrap_err();
            assert!(error.to_string().ends_with("(-32601)"), "{error}");
        }
        server.notify("textDocument/didDream", json!({}));
        assert_eq!(
            server.complaint().await,
            "`textDocument/didDream` is not a notification that this server knows; ignored"
        );
        // A request without an id cannot be answered.
        server.notify("textDocument/inlineCompletion", json!({}));
        assert_eq!(
            server.complaint().await,
            "`textDocument/inlineCompletion` is not a notification that this server knows; ignored"
        );
        // A notification with an id can.
        let error =
            server.request("textDocument/didClose", json!({ "textDocument": { "uri": "file:///work/a.txt" } })).await;
        assert!(error.unwrap_err().to_string().ends_with("(-32600)"));
        // Whoever does not know these may be silent about them.
        server.notify("$/setTrace", json!({ "value": "off" }));
        server.notify("$/cancelRequest", json!({ "id": "nobody" }));
        server.notify("$/cancelRequest", json!("what"));
    })
    .await;
}

#[tokio::test]
async fn wrong_parameters() {
    unharmed(async |server| {
        for method in ["textDocument/inlineCompletion", "textDocument/completion", "workspace/executeCommand", "pilotlight/explain"] {
            for params in [json!({ "textDocument": 7, "command": 7, "id": "x" }), json!([1]), Value::Null] {
                let error = server.request(method, params).await.unwrap_err();
                assert!(error.to_string().ends_with("(-32602)"), "{error}");
            }
        }
        for (method, params, complaint) in [
            ("textDocument/didOpen", json!({ "textDocument": { "uri": 1 } }), "`textDocument/didOpen`: invalid type: integer `1`, expected a string; ignored"),
            ("textDocument/didClose", json!([]), "`textDocument/didClose`: invalid length 0, expected struct DidCloseTextDocumentParams with 1 element; ignored"),
            ("textDocument/didChange", json!({}), "`textDocument/didChange`: missing field `textDocument`; ignored"),
            ("textDocument/didSave", Value::Null, "`textDocument/didSave` came without params; ignored"),
        ] {
            server.notify(method, params);
            assert_eq!(server.complaint().await, complaint);
        }
    })
    .await;
}

#[tokio::test]
async fn initialize_that_cannot_be_read_can_be_said_again() {
    let server = TestServer::raw(Setup::default());
    let error = server.request("initialize", json!({ "capabilities": 7 })).await.unwrap_err();
    assert!(error.to_string().ends_with("(-32602)"), "{error}");
    server.request("initialize", json!({ "capabilities": {} })).await.unwrap();
    server.close().await.unwrap();
}
