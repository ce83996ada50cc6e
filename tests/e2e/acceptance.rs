//! What became of a completion: commands, and the notifications of Copilot's clients. What reaches the assistant is seen in the log.

use serde_json::{Value, json};

use crate::{
    client::{Buffer, TestServer},
    log::Log,
};

async fn command(server: &TestServer, command: &str, arguments: Value) -> Result<Value, String> {
    let params = json!({ "command": command, "arguments": arguments });
    server.request("workspace/executeCommand", params).await.map_err(|error| error.to_string())
}

/// `x @𝄞!`: the ghost text is 3 UTF-16 units and 5 bytes.
async fn shown() -> (TestServer, Buffer, Value, u64) {
    let server = TestServer::start().await;
    let buffer = Buffer::new("a.txt", "x @$0");
    buffer.open(&server);
    let item = buffer.ghost(&server).await;
    let id = item["command"]["arguments"][0].as_u64().unwrap();
    (server, buffer, item, id)
}

#[tokio::test]
async fn commands_say_what_became_of_it() {
    let log = Log::start();
    let (server, _, item, id) = shown().await;
    assert_eq!(command(&server, item["command"]["command"].as_str().unwrap(), json!([id])).await, Ok(Value::Null));
    assert_eq!(command(&server, "pilotlight.acceptPart", json!([id, 2])).await, Ok(Value::Null));
    assert_eq!(command(&server, "pilotlight.dismiss", json!([id])).await, Ok(Value::Null));
    // Too old to be known: no reason for an error.
    assert_eq!(command(&server, "pilotlight.acceptPart", json!([99, 2])).await, Ok(Value::Null));
    let what = log.field("what");
    assert_eq!(what, ["Whole", "Partial { bytes: 4 }", "Dismissed"]);
    server.close().await.unwrap();
}

#[tokio::test]
async fn notifications_of_copilots_clients_do_too() {
    let log = Log::start();
    let (mut server, buffer, item, _) = shown().await;
    server.notify("textDocument/didFocus", json!({ "textDocument": buffer.named() }));
    server.notify("textDocument/didFocus", json!({}));
    server.notify("textDocument/didShowCompletion", json!({ "item": item }));
    for length in [1, 2, 3, 300] {
        let params = json!({ "item": item, "acceptedLength": length });
        server.notify("textDocument/didPartiallyAcceptCompletion", params);
    }
    server.notify("textDocument/didShowCompletion", json!({ "item": { "insertText": "x" } }));
    assert_eq!(server.complaint().await, "`textDocument/didShowCompletion`: missing field `command`; ignored");
    let partial = |bytes: usize| format!("Partial {{ bytes: {bytes} }}");
    // Half of a surrogate pair is nothing.
    let expected = ["Shown".to_owned(), partial(0), partial(4), partial(5), partial(5)];
    assert_eq!(log.field("what"), expected);
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_a_dismissed_completion_said_is_not_kept() {
    let (server, mut buffer, _, id) = shown().await;
    command(&server, "pilotlight.dismiss", json!([id])).await.unwrap();
    for _ in 0..2 {
        assert_eq!(buffer.ghost(&server).await, Value::Null);
        let why = buffer.why(&server).await;
        assert_eq!((&why["kept"], &why["nothing_because"]), (&json!(false), &json!("it was dismissed here")));
        buffer.type_text(&server, "𝄞");
    }
    server.close().await.unwrap();
}

#[tokio::test]
async fn what_was_taken_and_undone_comes_by_key_only_until_something_else_is_edited() {
    let server = TestServer::start().await;
    let mut buffer = Buffer::new("a.txt", "y\nx @$0");
    buffer.open(&server);
    let item = buffer.ghost(&server).await;
    let id = item["command"]["arguments"][0].as_u64().unwrap();
    let cursor = buffer.cursor;
    let taken = |buffer: &mut Buffer| buffer.replace(&server, cursor, cursor, "𝄞!");
    let undo = |buffer: &mut Buffer| buffer.replace(&server, cursor, cursor + "𝄞!".len(), "");
    taken(&mut buffer);
    command(&server, "pilotlight.accept", json!([id])).await.unwrap();
    undo(&mut buffer);
    assert_eq!(buffer.ghost(&server).await, Value::Null);
    assert_eq!(buffer.why(&server).await["nothing_because"], "it was taken here, and undone");
    let by_key = |buffer: &Buffer| {
        let mut params = buffer.here();
        params["context"]["triggerKind"] = json!(1);
        params
    };
    let asked = server.request("textDocument/inlineCompletion", by_key(&buffer)).await.unwrap();
    assert_eq!(asked[0]["insertText"], "𝄞!", "{asked}");
    // What was asked for is kept, as ever.
    assert_eq!(buffer.ghost(&server).await["insertText"], "𝄞!");
    let id = asked[0]["command"]["arguments"][0].as_u64().unwrap();
    command(&server, "pilotlight.dismiss", json!([id])).await.unwrap();
    assert_eq!(buffer.ghost(&server).await, Value::Null);
    buffer.replace(&server, 0, 1, "z");
    buffer.cursor = cursor;
    assert_eq!(buffer.ghost(&server).await["insertText"], "𝄞!");
    server.close().await.unwrap();
}

#[tokio::test]
async fn wrong_commands_are_told_what_is_right() {
    let (server, ..) = shown().await;
    for (name, arguments, message) in [
        ("pilotlight.fly", json!([]), "unknown command `pilotlight.fly`: expected one of pilotlight.accept, "),
        ("pilotlight.accept", json!([]), "pilotlight.accept: expected the arguments [id]: "),
        ("pilotlight.accept", json!(["x"]), "pilotlight.accept: expected the arguments [id]: "),
        ("pilotlight.accept", json!([-1]), "pilotlight.accept: expected the arguments [id]: "),
        ("pilotlight.acceptPart", json!([1]), "pilotlight.acceptPart: expected the arguments [id, length]: "),
        ("pilotlight.status", json!([1]), "pilotlight.status: expected the arguments []: "),
    ] {
        let error = command(&server, name, arguments).await.unwrap_err();
        assert!(error.contains(message) && error.ends_with("(-32602)"), "{error}");
    }
    server.close().await.unwrap();
}
