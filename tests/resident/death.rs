//! The daemon dies: what the editor notices of it.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::home::{Buffer, Home, is_gone, kill, soon, until};

#[tokio::test]
async fn killed_in_mid_session_it_is_not_missed() {
    let home = Home::new("");
    let mut editor = home.editor(&[], json!({ "completion": { "lookAhead": false } })).await;
    let mut buffer = Buffer::opened(&editor, "a.txt", "one\ntwo\nx =$0\nlast");
    let other = Buffer::opened(&editor, "b.txt", "y.$0");
    assert_eq!(buffer.shown(&editor).await, " 1;");
    for _ in 0..2 {
        buffer.replace(&editor, 0, 3, "zero\none");
        let at = buffer.text.find("x =").unwrap() + 3;
        let daemon = home.daemon().await;
        kill(daemon, Signal::KILL);
        // The editor goes on typing: some of this finds no daemon.
        buffer.replace(&editor, at, at, " 1;\nf(");
        assert_eq!(buffer.shown(&editor).await, ");");
        assert_eq!(other.shown(&editor).await, "push();");
        assert_ne!(home.daemon().await, daemon);
        buffer.save(&editor);
        buffer.replace(&editor, buffer.text.find("f(").unwrap(), buffer.cursor, "");
    }
    assert_eq!(buffer.why(&editor).await["segments"][0]["path"], "a.txt");
    assert_eq!(editor.said(), [Value::Null; 0]);
    editor.close().await;
}

#[tokio::test]
async fn what_was_asked_is_answered_once_and_may_be_asked_again() {
    let home = Home::new("");
    let mut editor = home.editor(&[], json!({ "completion": { "maxTokens": 12000, "lookAhead": false } })).await;
    let slow = Buffer::opened(&editor, "a.txt", "x\nl$0");
    // The model is there.
    let quick = Buffer::opened(&editor, "b.txt", "y($0");
    assert_eq!(quick.shown(&editor).await, ");");
    let ask = slow.ask(&editor);
    while editor.next("didChangeStatus").await["busy"] != true {}
    kill(home.daemon().await, Signal::KILL);
    let error = soon(ask).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "textDocument/inlineCompletion: `textDocument/inlineCompletion`: the daemon ended before it answered; ask again (-32802)"
    );
    assert_eq!(quick.shown(&editor).await, ");");
    // An answer that came twice would be among these.
    let said = editor.said();
    assert!(said.is_empty(), "{said:#?}");
    assert!(editor.client.unanswered().is_empty());
    editor.close().await;
}

#[tokio::test]
async fn a_text_that_was_lost_stays_lost_until_it_is_whole_again() {
    let home = Home::new("");
    let mut editor = home.editor(&[], Value::Null).await;
    let mut buffer = Buffer::opened(&editor, "a.txt", "x =$0");
    let at = json!({ "line": 7, "character": 0 });
    let changes = json!([{ "range": { "start": at, "end": at }, "text": "?" }]);
    let document = json!({ "uri": "file:///work/a.txt", "version": 2 });
    editor.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    for _ in 0..2 {
        let complaint = editor.next("window/logMessage").await["message"].as_str().unwrap().to_owned();
        assert!(complaint.contains("an edit cannot be applied"), "{complaint}");
        assert_eq!(buffer.shown(&editor).await, "nothing");
        kill(home.daemon().await, Signal::KILL);
        // The next daemon is told of it as the first was, and complains as it did.
    }
    editor.next("window/logMessage").await;
    buffer.save(&editor);
    buffer.type_text(&editor, "=");
    assert_eq!(buffer.shown(&editor).await, " 1;");
    buffer.save(&editor);
    editor.close().await;
}

#[tokio::test]
async fn what_it_leaves_behind_is_no_obstacle() {
    let home = Home::new("");
    let editor = home.editor(&[], Value::Null).await;
    let daemon = home.daemon().await;
    editor.close().await;
    kill(daemon, Signal::KILL);
    until("it is gone", async || is_gone(daemon)).await;
    // The socket and the lock's file are there; nobody is behind them.
    assert_eq!(home.sockets().len(), 1);
    assert!(home.daemons().await.is_empty());
    let editor = home.editor(&[], Value::Null).await;
    assert_ne!(home.daemon().await, daemon);
    assert_eq!(home.sockets().len(), 1);
    editor.close().await;
}

#[tokio::test]
async fn dying_again_and_again_is_told_and_does_not_spin() {
    let home = Home::new("");
    let mut editor = home.editor(&[], Value::Null).await;
    let buffer = Buffer::opened(&editor, "a.txt", "x =$0");
    let mut started = 0;
    let told = loop {
        let said = editor.said();
        if let Some(message) = said.iter().find(|message| message["method"] == "window/showMessage") {
            break message["params"]["message"].as_str().unwrap().to_owned();
        }
        for daemon in home.daemon_processes() {
            kill(daemon, Signal::KILL);
        }
        started = home.log().matches(" a client ").count();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!(told.contains("editing goes on"), "{told}");
    assert!(started <= 4, "{started} daemons");
    // Refused at first, and mended by asking again later.
    until("a suggestion", async || {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        matches!(soon(buffer.ask(&editor)).await, Ok(items) if items[0]["insertText"] == " 1;")
    })
    .await;
    editor.said();
    editor.close().await;
}

#[tokio::test]
async fn an_editor_whose_binary_was_deleted_starts_another() {
    let mut home = Home::new("");
    let copy = home.path("copy");
    std::fs::copy(&home.binary, &copy).unwrap();
    home.binary = copy.clone();
    let editor = home.editor(&[], Value::Null).await;
    let buffer = Buffer::opened(&editor, "a.txt", "x =$0");
    assert_eq!(buffer.shown(&editor).await, " 1;");
    let daemon = home.daemon_processes()[0];
    std::fs::remove_file(&copy).unwrap();
    kill(daemon, Signal::KILL);
    assert_eq!(soon(buffer.shown(&editor)).await, " 1;");
    assert!(!home.log().contains("takes over"), "{}", home.log());
    editor.close().await;
}

#[tokio::test]
async fn a_lost_socket_is_made_again() {
    let home = Home::new("");
    let editor = home.editor(&[], Value::Null).await;
    // As cleaners of temporary files do: the socket alone, then the whole folder.
    for lost in [home.sockets().remove(0), home.path("run")] {
        if lost.is_dir() {
            std::fs::remove_dir_all(&lost).unwrap()
        } else {
            std::fs::remove_file(&lost).unwrap()
        }
        let another = home.editor(&[], Value::Null).await;
        let served = home.daemons().await;
        let served: Vec<_> =
            served.iter().filter(|served| !served["connections"].as_array().unwrap().is_empty()).collect();
        assert_eq!(served.len(), 1, "{served:#?}");
        another.close().await;
    }
    assert_eq!(home.sockets().len(), 1);
    editor.close().await;
}

#[tokio::test]
async fn a_daemon_leaves_its_successors_socket_alone() {
    let home = Home::new("[daemon]\nidle-exit-seconds = 1\n");
    let editor = home.editor(&[], Value::Null).await;
    let first = home.daemon().await;
    rustix::process::kill_process(rustix::process::Pid::from_raw(first).unwrap(), Signal::STOP).unwrap();
    std::fs::remove_dir_all(home.path("run")).unwrap();
    let other = home.editor(&[], Value::Null).await;
    let second = home.daemon().await;
    assert_ne!(first, second);
    kill(first, Signal::CONT);
    let buffer = Buffer::opened(&editor, "a.txt", "x =$0");
    assert_eq!(buffer.shown(&editor).await, " 1;");
    editor.close().await;
    until("the first ends", async || is_gone(first)).await;
    assert_eq!(home.daemon().await, second);
    other.close().await;
}
