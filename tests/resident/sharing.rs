//! One daemon for all: who starts it, who shares it, what they do not share, and how long it stays.

use rustix::process::{Pid, Signal};
use serde_json::{Value, json};

use crate::home::{Buffer, Home, is_gone, kill, pid, until};

#[tokio::test]
async fn ten_bridges_at_once_make_one_daemon() {
    let home = Home::new("");
    let editors: Vec<_> = (0..10).map(|_| home.start(&[])).collect();
    let root = home.path("work");
    futures::future::join_all(editors.iter().map(|editor| editor.initialize(Value::Null, &root))).await;
    for (number, editor) in editors.iter().enumerate() {
        let buffer = Buffer::opened(editor, "a.txt", &format!("{number} y($0"));
        assert_eq!(buffer.shown(editor).await, ");");
    }
    let daemons = home.daemons().await;
    assert_eq!(daemons.len(), 1, "{daemons:#?}");
    assert_eq!(daemons[0]["connections"].as_array().unwrap().len(), 10);
    assert_eq!(daemons[0]["workspaces"], json!([home.path("work")]));
    // Those that came second to the lock have gone, without having listened.
    until("one process", async || home.daemon_processes() == [pid(&daemons[0])]).await;
    assert_eq!(home.log().matches(" listening ").count(), 1, "{}", home.log());
    for editor in editors {
        editor.close().await;
    }
}

#[tokio::test]
async fn the_same_file_in_two_editors_is_two_texts_and_two_settings() {
    let home = Home::new("");
    let one = home.editor(&[], Value::Null).await;
    let mut two = home.editor(&[], json!({ "completion": { "disabledLanguages": ["plaintext"] } })).await;
    assert_eq!(home.daemons().await.len(), 1);
    let mut mine = Buffer::opened(&one, "a.txt", "x =$0");
    let mut theirs = Buffer::opened(&two, "a.txt", "y($0");
    for _ in 0..20 {
        mine.type_text(&one, "=");
        theirs.type_text(&two, "(");
    }
    // What Eglot sends to whoever it has no settings for.
    two.notify("workspace/didChangeConfiguration", json!({ "settings": {} }));
    assert_eq!(mine.shown(&one).await, " 1;");
    assert_eq!(theirs.shown(&two).await, "nothing");
    let why = theirs.why(&two).await["nothing_because"].as_str().unwrap().to_owned();
    assert!(why.contains("switched off for plaintext"), "{why}");
    // The settings of one change, and not the other's.
    two.notify("workspace/didChangeConfiguration", json!({ "settings": { "pilotlight": {} } }));
    one.notify(
        "workspace/didChangeConfiguration",
        json!({ "settings": { "pilotlight": { "completion": { "enabled": false } } } }),
    );
    assert_eq!(theirs.shown(&two).await, ");");
    mine.type_text(&one, "=");
    assert_eq!(mine.shown(&one).await, "nothing");
    mine.save(&one);
    theirs.save(&two);
    one.close().await;
    assert_eq!(theirs.shown(&two).await, ");");
    assert_eq!(two.said(), [Value::Null; 0]);
    two.close().await;
}

#[tokio::test]
async fn it_outlives_the_editor_that_started_it() {
    let home = Home::new("");
    let editor = home.editor(&[], Value::Null).await;
    let daemon = home.daemon().await;
    let group = Pid::from_raw(editor.pid()).unwrap();
    assert_eq!(rustix::process::getpgid(Some(group)).unwrap(), group);
    // As an editor's terminal does when it is closed.
    rustix::process::kill_process_group(group, Signal::KILL).unwrap();
    let next = home.editor(&[], Value::Null).await;
    assert_eq!(home.daemon().await, daemon);
    let session = rustix::process::getsid(Some(Pid::from_raw(daemon).unwrap())).unwrap();
    assert_eq!(session.as_raw_nonzero().get(), daemon);
    next.close().await;
}

#[tokio::test]
async fn idle_it_ends_and_never_while_a_client_is_connected() {
    let home = Home::new("[daemon]\nidle-exit-seconds = 1\n");
    let editor = home.editor(&[], Value::Null).await;
    let daemon = home.daemon().await;
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert_eq!(home.daemon().await, daemon);
    editor.close().await;
    until("the daemon ends", async || is_gone(daemon)).await;
    assert!(home.sockets().is_empty());
    assert!(home.log().contains("nobody needed it for a while"), "{}", home.log());
    let (text, well) = home.run(&["status"]).await;
    assert!(!well && text.starts_with("No daemon is running."), "{text}");
}

#[tokio::test]
async fn settings_of_another_version_are_taken_as_far_as_they_are_known() {
    let home = Home::new("");
    let mut command = home.command(&["daemon", "--handed"]);
    let mut daemon = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let settings = json!({
        "engine": { "model": home.path("model"), "threads": 1, "warp": 9 },
        "daemon": { "idle-exit-seconds": i64::MAX },
        "completion": { "max-tokens": "many" },
        "later": {},
    });
    let mut stdin = daemon.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, settings.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    until("it listens", async || {
        assert!(daemon.try_wait().unwrap().is_none(), "it has ended");
        home.daemons().await.len() == 1
    })
    .await;
    let editor = home.editor(&[], Value::Null).await;
    assert_eq!(home.daemons().await[0]["connections"].as_array().unwrap().len(), 1);
    editor.close().await;
    // With its last client gone it waits for ages, and is there.
    assert_eq!(Some(home.daemon().await), daemon.id().map(|id| i32::try_from(id).unwrap()));
}

#[tokio::test]
async fn another_model_is_another_daemon_and_an_idle_one_makes_room() {
    let home = Home::new("");
    home.write_model("other");
    let one = home.editor(&[], Value::Null).await;
    let first = home.daemon().await;
    // The model may be named from wherever the editor is.
    let two = home.editor(&["--model", "other"], Value::Null).await;
    let daemons = home.daemons().await;
    let mut pids: Vec<_> = daemons.iter().map(pid).collect();
    assert_eq!(pids.len(), 2, "{daemons:#?}");
    pids.retain(|pid| *pid != first);
    let again = home.editor(&["--model", home.path("other").to_str().unwrap()], Value::Null).await;
    assert_eq!(home.daemons().await.len(), 2);
    two.close().await;
    again.close().await;
    assert!(!is_gone(pids[0]));
    // A third model: nobody uses the second any more.
    home.write_model("third");
    let three = home.editor(&["--model", "third"], Value::Null).await;
    until("the idle one ends", async || is_gone(pids[0])).await;
    assert!(!is_gone(first));
    assert_eq!(home.daemons().await.len(), 2);
    one.close().await;
    three.close().await;
}

#[tokio::test]
async fn standalone_needs_no_daemon() {
    let home = Home::new("");
    let editor = home.editor(&["--standalone"], Value::Null).await;
    let buffer = Buffer::opened(&editor, "a.txt", "y($0");
    assert_eq!(buffer.shown(&editor).await, ");");
    assert!(home.daemons().await.is_empty() && home.daemon_processes().is_empty());
    editor.close().await;
}

#[tokio::test]
async fn stop_ends_it_in_good_order_and_the_next_request_starts_another() {
    let home = Home::new("");
    let mut editor = home.editor(&[], Value::Null).await;
    let mut buffer = Buffer::opened(&editor, "a.txt", "x =$0");
    assert_eq!(buffer.shown(&editor).await, " 1;");
    let daemon = home.daemon().await;
    let (text, well) = home.run(&["stop"]).await;
    assert!(well && text.contains(&format!("process {daemon}\n  one editor is connected")), "{text}");
    // Its connections are closed in the course of its end: a moment before there is no such process.
    until("it is gone", async || is_gone(daemon)).await;
    assert!(home.sockets().is_empty());
    // Edits alone start nothing.
    buffer.type_text(&editor, " 1; y(");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(home.daemon_processes().is_empty());
    assert_eq!(buffer.shown(&editor).await, ");");
    let another = home.daemon().await;
    assert_ne!(another, daemon);
    buffer.save(&editor);
    assert_eq!(editor.said(), [Value::Null; 0]);
    // What an editor has no more need for is not started for its farewell.
    home.run(&["stop"]).await;
    editor.close().await;
    until("the other is gone", async || is_gone(another)).await;
    assert!(home.daemon_processes().is_empty());
    let (text, well) = home.run(&["stop"]).await;
    assert_eq!((text.as_str(), well), ("No daemon is running.\n", true));
}

#[tokio::test]
async fn signals_end_it_in_good_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new("");
        let editor = home.editor(&[], json!({ "completion": { "maxTokens": 3000 } })).await;
        let quick = Buffer::opened(&editor, "b.txt", "y($0");
        assert_eq!(quick.shown(&editor).await, ");");
        // A long answer: it is waited for.
        let buffer = Buffer::opened(&editor, "a.txt", "x\nl$0");
        let daemon = home.daemon().await;
        let ask = buffer.ask(&editor);
        until("the answer is under way", async || home.daemons().await[0]["state"] == "busy").await;
        kill(daemon, signal);
        let answer = crate::home::soon(ask).await;
        assert!(answer.is_ok(), "{answer:?}");
        until("the daemon ends", async || is_gone(daemon)).await;
        assert!(home.sockets().is_empty());
        assert!(home.log().contains(" ended\n"), "{}", home.log());
        editor.close().await;
    }
}

#[tokio::test]
async fn status_says_what_there_is() {
    let home = Home::new("");
    let editor = home.editor(&[], Value::Null).await;
    let buffer = Buffer::opened(&editor, "a.txt", "x =$0");
    buffer.shown(&editor).await;
    let daemons = home.daemons().await;
    let daemon = &daemons[0];
    assert_eq!(daemon["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(daemon["connections"][0]["pid"], editor.pid());
    assert_eq!(daemon["workspaces"], json!([home.path("work")]));
    assert!(daemon["socket"].as_str().unwrap().starts_with(home.path("run").to_str().unwrap()));
    assert!(daemon["model"].as_str().is_some_and(|model| !model.is_empty()), "{daemon:#}");
    assert!(["ready", "busy"].contains(&daemon["state"].as_str().unwrap()), "{daemon:#}");
    assert!(daemon["memory_bytes"].as_u64().unwrap() > 1 << 20, "{daemon:#}");
    let cache = &daemon["figures"]["cache"];
    assert!(cache["tokens"].as_u64().unwrap() > 0 && cache["pages_used"].as_u64().unwrap() > 0, "{daemon:#}");
    assert!(daemon["uptime_seconds"].is_u64() && daemon["idle_exit_seconds"] == 1800);
    let (text, well) = home.run(&["status"]).await;
    assert!(well && text.contains("connections  1\n") && text.contains("idle exit    after 30 min"), "{text}");
    assert!(text.contains("\n  KV cache     ") && text.contains("\n  requests     "), "{text}");
    assert!(text.contains("\n  looked ahead "), "{text}");
    editor.close().await;
}

#[tokio::test]
async fn the_built_in_model_says_once_how_to_get_a_larger_one() {
    let home = Home::new("");
    let mut editor = home.editor(&["--model", "ember"], Value::Null).await;
    let told = editor.next("window/logMessage").await;
    assert_eq!(told["type"], 3);
    let message = told["message"].as_str().unwrap();
    let config = home.path("config/pilotlight/config.toml");
    assert!(message.contains("the built-in model is small") && message.contains(config.to_str().unwrap()), "{message}");
    // Not again when the daemon was.
    kill(home.daemon().await, Signal::KILL);
    let buffer = Buffer::opened(&editor, "a.txt", "y($0");
    buffer.shown(&editor).await;
    editor.close().await;
}
