//! The bridge adds nothing to the wire and takes nothing from it: order, bad frames, exit statuses.

use std::process::Stdio;

use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::home::{Buffer, Home, kill, soon, until};

#[tokio::test]
async fn edits_arrive_in_their_order_whatever_happens_to_the_daemon() {
    let home = Home::new("");
    let mut editor = home.editor(&[], json!({ "completion": { "lookAhead": false } })).await;
    let mut dice = StdRng::seed_from_u64(7);
    let mut buffer = Buffer::opened(&editor, "a.txt", "a line\n\nanother$0\n");
    let mut asked = Vec::new();
    for step in 0..600 {
        let start = dice.random_range(0..=buffer.text.len());
        let end = (start + dice.random_range(0..4)).min(buffer.text.len());
        let text = ["", "a", "bc\n", "= ", "(((", "\n"][dice.random_range(0..6)];
        buffer.replace(&editor, start, end, text);
        if step % 7 == 0 {
            asked.push(buffer.ask(&editor));
        }
        if step % 300 == 150 {
            // So that the bridge is in the middle of things, and not only the pipe.
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            // The first time it may be starting still.
            until("there is a daemon", async || home.daemons().await.len() == 1).await;
            kill(home.daemon().await, Signal::KILL);
        }
        if step % 50 == 49 {
            tokio::task::yield_now().await;
        }
    }
    for ask in asked {
        // One answer each: a suggestion, nothing, or "ask again".
        if let Err(error) = soon(ask).await {
            assert!(error.to_string().ends_with("(-32802)"), "{error}");
        }
    }
    // A text that is not the editor's would be complained of here.
    buffer.save(&editor);
    let end = buffer.text.len();
    buffer.replace(&editor, end, end, "\nz =");
    assert_eq!(buffer.shown(&editor).await, " 1;");
    let said = editor.said();
    assert!(said.is_empty(), "{said:#?}");
    editor.close().await;
}

/// What the server says to `input`, frame by frame, and whether it ended well.
async fn say(home: &Home, arguments: &[&str], input: &[u8]) -> (Vec<Value>, bool) {
    let mut command = home.command(&[&["lsp"], arguments].concat());
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    stdin.write_all(input).await.unwrap();
    let mut stdout = process.stdout.take().unwrap();
    let mut output = String::new();
    soon(stdout.read_to_string(&mut output)).await.unwrap();
    let well = soon(process.wait()).await.unwrap().success();
    drop(stdin);
    let (mut bodies, mut rest): (Vec<Value>, _) = (Vec::new(), output.as_str());
    while !rest.is_empty() {
        let (length, frames) = rest.strip_prefix("Content-Length: ").unwrap().split_once("\r\n\r\n").unwrap();
        let (body, frames) = frames.split_at(length.parse().unwrap());
        bodies.push(serde_json::from_str(body).unwrap());
        rest = frames;
    }
    // When the status comes is nobody's promise.
    bodies.retain(|body| body["method"] != "didChangeStatus");
    // And each is known by its id: what the bridge refuses itself may overtake the daemon's answers.
    bodies.sort_by_key(Value::to_string);
    (bodies, well)
}

#[tokio::test]
async fn bad_input_gets_the_answers_that_it_gets_without_a_bridge() {
    let home = Home::new("");
    let frame = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let initialize = frame(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#);
    let bodies = [
        "{",
        "[1]",
        "7",
        r#"{"jsonrpc":"2.0","id":2,"method":7}"#,
        r#"{"jsonrpc":"1.0","id":3,"method":"shutdown"}"#,
        r#"{"jsonrpc":"2.0","id":1.5,"method":"shutdown"}"#,
        r#"{"jsonrpc":"2.0","id":"x","method":"unknown/method"}"#,
        r#"{"jsonrpc":"2.0","id":5,"result":null}"#,
        r#"{"jsonrpc":"2.0","method":"unknown/notification","params":{}}"#,
        r#"{"jsonrpc":"2.0","id":6,"method":"textDocument/inlineCompletion","params":{}}"#,
    ];
    let bad: String = bodies.iter().map(|body| frame(body)).collect();
    let end = frame(r#"{"jsonrpc":"2.0","id":9,"method":"shutdown"}"#) + &frame(r#"{"jsonrpc":"2.0","method":"exit"}"#);
    let garbage = "Content-Length: two\r\n\r\nhello\r\n\r\n";
    for (input, ends_well) in [
        (format!("{initialize}{bad}{end}"), true),
        (format!("{bad}{initialize}{end}"), true),
        (format!("{initialize}{garbage}{end}"), true),
        (format!("{initialize}{}", frame(r#"{"jsonrpc":"2.0","method":"exit"}"#)), false),
    ] {
        let (with, without) =
            (say(&home, &[], input.as_bytes()).await, say(&home, &["--standalone"], input.as_bytes()).await);
        assert_eq!(with.1, ends_well, "{input}");
        assert_eq!(with, without, "{input}");
        assert!(!with.0.is_empty());
    }
}
