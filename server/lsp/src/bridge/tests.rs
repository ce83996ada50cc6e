//! A client and the daemons that it loses, over pipes in memory.
#![allow(clippy::unwrap_used)]

use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};

use super::*;

async fn say(stream: &mut (impl AsyncWrite + Unpin), body: &Value) {
    let body = body.to_string();
    stream.write_all(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
}

/// Adds what is read to `said` until that is enough.
async fn hear(stream: &mut (impl AsyncRead + Unpin), said: &mut String, enough: impl Fn(&str) -> bool) {
    let heard = async {
        while !enough(said) {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).await.unwrap();
            said.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
    };
    tokio::time::timeout(Duration::from_secs(20), heard).await.expect("an end");
}

#[tokio::test]
async fn what_a_daemon_began_ends_with_it() {
    let ((mut editor, client), (mut daemon, link)) = (duplex(1 << 16), duplex(1 << 16));
    let (read, write) = split(client);
    let none = || std::future::pending::<Result<DuplexStream, String>>().boxed();
    let passed_on = tokio::spawn(bridge(read, write, link, none));
    for (token, kind) in [("a", "begin"), ("b", "begin"), ("a", "report"), ("a", "end")] {
        let params = json!({ "token": token, "value": { "kind": kind } });
        say(&mut daemon, &json!({ "jsonrpc": "2.0", "method": "$/progress", "params": params })).await;
    }
    drop(daemon);
    let mut said = String::new();
    hear(&mut editor, &mut said, |said| said.matches(r#""kind":"end""#).count() == 2).await;
    assert!(said.rsplit("Content-Length").next().unwrap().contains(r#""token":"b""#), "{said}");
    assert_eq!(said.matches("$/progress").count(), 5, "{said}");
    passed_on.abort();
}

#[tokio::test]
async fn that_there_is_no_daemon_is_told_once() {
    let ((mut editor, client), (daemon, link)) = (duplex(1 << 16), duplex(1 << 16));
    let (read, write) = split(client);
    let none = || async { Err::<DuplexStream, _>("none can be started".to_owned()) }.boxed();
    let passed_on = tokio::spawn(bridge(read, write, link, none));
    drop(daemon);
    let mut said = String::new();
    for asked in 0..2 {
        say(&mut editor, &json!({ "jsonrpc": "2.0", "id": asked, "method": "x" })).await;
        hear(&mut editor, &mut said, |said| said.matches(&SERVER_CANCELLED.to_string()).count() > asked).await;
        // Until it is asked for again.
        tokio::time::sleep(PAUSE).await;
    }
    assert_eq!(said.matches("none can be started").count(), 1, "{said}");
    drop(editor);
    let _ = passed_on.await;
}

/// Daemons that are stopped one after another have not fallen: each was asked to end.
#[tokio::test]
async fn a_daemon_that_says_farewell_has_not_fallen() {
    let ((mut editor, client), (first, link)) = (duplex(1 << 16), duplex(1 << 16));
    let (read, write) = split(client);
    let (started, mut daemons) = tokio::sync::mpsc::unbounded_channel();
    started.send(first).unwrap();
    let connect = move || {
        let (daemon, link) = duplex(1 << 16);
        started.send(daemon).unwrap();
        async { Ok(link) }.boxed()
    };
    let passed_on = tokio::spawn(bridge(read, write, link, connect));
    say(&mut editor, &json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {} })).await;
    let mut said = String::new();
    for asked in 0..4 {
        let mut daemon = tokio::time::timeout(Duration::from_secs(20), daemons.recv()).await.unwrap().unwrap();
        hear(&mut daemon, &mut String::new(), |said| said.contains("initialize")).await;
        if asked < 3 {
            say(&mut daemon, &json!({ "jsonrpc": "2.0", "method": FAREWELL })).await;
            continue;
        }
        say(&mut daemon, &json!({ "jsonrpc": "2.0", "id": 1, "result": {} })).await;
        hear(&mut editor, &mut said, |said| said.contains("result")).await;
    }
    assert!(!said.contains("showMessage") && !said.contains("error"), "{said}");
    passed_on.abort();
}
