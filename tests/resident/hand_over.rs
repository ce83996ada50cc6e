//! Builds of several ages at once.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};

use crate::home::{Buffer, Home, is_gone, pid, until};

/// The same binary, written `later`.
pub(crate) fn newer(home: &Home, name: &str, later: Duration) -> std::path::PathBuf {
    let path = home.path(name);
    fs::copy(&home.binary, &path).unwrap();
    fs::File::options().append(true).open(&path).unwrap().set_modified(SystemTime::now() + later).unwrap();
    path
}

#[tokio::test]
async fn an_older_daemon_serves_its_clients_to_the_end_and_takes_no_more() {
    let mut home = Home::new("");
    let mut old_editor = home.editor(&[], Value::Null).await;
    let mut old_buffer = Buffer::opened(&old_editor, "a.txt", "x =$0");
    assert_eq!(old_buffer.shown(&old_editor).await, " 1;");
    let old = home.daemon().await;

    let newer = newer(&home, "newer", Duration::from_secs(3600));
    let old_binary = std::mem::replace(&mut home.binary, newer);
    let new_editor = home.editor(&[], Value::Null).await;
    let new_buffer = Buffer::opened(&new_editor, "a.txt", "y($0");
    assert_eq!(new_buffer.shown(&new_editor).await, ");");
    let daemons = home.daemons().await;
    let (retired, taking): (Vec<_>, Vec<_>) = daemons.iter().partition(|daemon| daemon["retired"] == true);
    assert_eq!((retired.len(), taking.len()), (1, 1), "{daemons:#?}");
    assert_eq!(pid(retired[0]), old);
    let new = pid(taking[0]);
    assert_eq!(retired[0]["connections"].as_array().unwrap().len(), 1);

    // The old editor noticed nothing; an old bridge that comes now takes the newer daemon.
    old_buffer.type_text(&old_editor, " 1;f(");
    assert_eq!(old_buffer.shown(&old_editor).await, ");");
    old_buffer.save(&old_editor);
    assert_eq!(old_editor.said(), [Value::Null; 0]);
    home.binary = old_binary;
    let late = home.editor(&[], Value::Null).await;
    let connections = |daemons: &[Value], process: i32| {
        let daemon = daemons.iter().find(|daemon| pid(daemon) == process).unwrap();
        daemon["connections"].as_array().unwrap().len()
    };
    let daemons = home.daemons().await;
    assert_eq!((daemons.len(), connections(&daemons, new)), (2, 2));

    old_editor.close().await;
    until("the old daemon ends with its last client", async || is_gone(old)).await;
    assert_eq!(home.daemon().await, new);
    late.close().await;
    new_editor.close().await;
}

#[tokio::test]
async fn an_old_bridge_whose_daemon_dies_goes_on_with_the_newer_one() {
    let mut home = Home::new("");
    let mut old_editor = home.editor(&[], Value::Null).await;
    let mut buffer = Buffer::opened(&old_editor, "a.txt", "x$0");
    let old = home.daemon().await;
    home.binary = newer(&home, "newer", Duration::from_secs(3600));
    let new_editor = home.editor(&[], Value::Null).await;
    buffer.type_text(&old_editor, " =");
    crate::home::kill(old, rustix::process::Signal::KILL);
    assert_eq!(buffer.shown(&old_editor).await, " 1;");
    assert_eq!(home.daemon().await, home.daemon_processes()[0]);
    assert_eq!(old_editor.said(), [Value::Null; 0]);
    old_editor.close().await;
    new_editor.close().await;
}

#[tokio::test]
async fn a_later_version_is_newer_than_any_build_and_an_idle_daemon_ends_at_once() {
    let home = Home::new("");
    let editor = home.editor(&[], Value::Null).await;
    let daemon = home.daemon().await;
    let socket = home.sockets().remove(0);
    let greet = |version: &str, written: u64| -> Value {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let hello = json!({ "want": "lsp", "build": { "version": version, "written": written } });
        writeln!(stream, "{hello}").unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    };
    assert_eq!(greet("0.0.9", u64::MAX)["welcome"]["pid"], daemon);
    until("the caller has gone again", async || home.daemons().await[0]["connections"].as_array().unwrap().len() == 1)
        .await;
    editor.close().await;
    let retired = greet("99.0.0", 0);
    assert_eq!(retired["retired"]["build"]["version"], env!("CARGO_PKG_VERSION"));
    until("it ends", async || is_gone(daemon)).await;
    assert!(home.sockets().is_empty());
}

#[tokio::test]
async fn a_model_that_was_missing_is_found_by_the_next_editor() {
    let home = Home::new("");
    let arguments = ["--model", "qwen2.5-coder-0.5b"];
    let mut early = home.editor(&arguments, Value::Null).await;
    let said = early.next("window/showMessage").await.to_string();
    assert!(said.contains("pilotlight models pull qwen2.5-coder-0.5b"), "{said}");
    let failed = home.daemon().await;
    // Who comes at once does not start it again.
    let mut other = home.editor(&arguments, Value::Null).await;
    other.next("window/showMessage").await;
    other.close().await;
    assert_eq!(home.daemon().await, failed);

    // Pulled, as far as the store can tell.
    let pulled = "home/.cache/pilotlight/models/qwen2.5-coder-0.5b";
    home.write_model(pulled);
    let manifest = json!({ "name": "qwen2.5-coder-0.5b", "repository": "", "revision": "", "commit": "", "files": [] });
    fs::write(home.path(pulled).join("pilotlight.json"), manifest.to_string()).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut late = home.editor(&arguments, Value::Null).await;
    let buffer = Buffer::opened(&late, "a.txt", "x =$0");
    assert_eq!(buffer.shown(&late).await, " 1;");
    late.said();
    late.close().await;
    // What the first editor has, it keeps.
    assert!(!is_gone(failed));
    early.close().await;
    until("the first daemon ends with its last client", async || is_gone(failed)).await;
}

#[tokio::test]
async fn a_key_that_was_not_in_the_environment_is_found_by_the_next_editor() {
    let home = Home::new("[engine.remote]\nurl = \"http://127.0.0.1:1\"\nkey-env = \"PILOTLIGHT_TEST_KEY\"\n");
    let mut early = home.editor(&[], Value::Null).await;
    let said = early.next("window/showMessage").await.to_string();
    assert!(said.contains("PILOTLIGHT_TEST_KEY is not set"), "{said}");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut command = home.command(&["lsp"]);
    command.env("PILOTLIGHT_TEST_KEY", "key");
    let mut late = Home::start_by(command);
    late.initialize(Value::Null, &home.path("work")).await;
    // Nobody listens there; but that is another matter.
    let said = late.next("window/showMessage").await.to_string();
    assert!(said.contains("no connection"), "{said}");
    for mut editor in [early, late] {
        editor.said();
        editor.close().await;
    }
}
