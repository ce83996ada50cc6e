//! What a machine does to a daemon and its user: full disks, other environments, hung processes, logouts, files with errors.

use std::{
    fs,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::home::{Buffer, Editor, Home, kill, pid, soon, until};

#[tokio::test]
async fn a_log_that_cannot_be_written_ends_nothing() {
    let home = Home::new("");
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let mut daemon = home.command(&["daemon"]);
    let mut daemon = daemon.env("PILOTLIGHT_LOG", "a=b=c").stderr(full()).spawn().unwrap();
    until("it listens", async || home.sockets().len() == 1 || daemon.try_wait().unwrap().is_some()).await;
    assert_eq!(home.daemon().await, i32::try_from(daemon.id().unwrap()).unwrap());
    fs::write(home.path("a.rs"), "x =\n").unwrap();
    for (place, code) in [("a.rs:1:4", 0), ("none.rs:1:1", 1)] {
        let mut complete = home.command(&["complete", place]);
        complete.env("PILOTLIGHT_LOG", "info").stdin(Stdio::null()).stdout(Stdio::null()).stderr(full());
        assert_eq!(soon(complete.status()).await.unwrap().code(), Some(code), "{place}");
    }
}

#[tokio::test]
async fn a_log_that_an_older_daemon_left_long_is_put_aside() {
    let home = Home::new("");
    let log = home.path("state/pilotlight/daemon.log");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::write(&log, vec![b'.'; 9 << 20]).unwrap();
    let editor = home.editor(&[], Value::Null).await;
    until("it is emptied", async || fs::metadata(&log).unwrap().len() < 1 << 20).await;
    assert!(fs::metadata(log.with_extension("log.1")).unwrap().len() >= 9 << 20);
    editor.close().await;
}

#[tokio::test]
async fn each_editor_asks_with_its_own_key() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = seen.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 1 << 16];
            let read = stream.read(&mut request).await.unwrap_or_default();
            record.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
            let _ = stream.write_all(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
        }
    });
    let home = Home::new(&format!("[engine.remote]\nurl = {url:?}\nkind = \"openai\"\nkey-env = \"CUSTOMER\"\n"));
    let asked_with = |key: &str| seen.lock().unwrap().iter().any(|request| request.contains(&format!("Bearer {key}")));
    let mut editors = Vec::new();
    for key in ["key-of-a", "key-of-b"] {
        let mut command = home.command(&["lsp"]);
        command.env("CUSTOMER", key);
        let editor = Home::start_by(command);
        editor.initialize(Value::Null, &home.path("work")).await;
        editors.push(editor);
        until(key, async || asked_with(key)).await;
    }
    assert_eq!(home.daemons().await.len(), 2);
    // Nothing of them is in a name or the log.
    assert!(!home.log().contains("key-of"), "{}", home.log());
}

#[tokio::test]
async fn a_hung_daemon_is_named_and_the_others_answer() {
    let home = Home::new("");
    let editors = [home.editor(&[], Value::Null).await, home.editor(&["--threads", "2"], Value::Null).await];
    let daemons = home.daemons().await;
    assert_eq!(daemons.len(), 2);
    // The first in order, so that it is asked before the other.
    let (hung, well) = (pid(&daemons[0]), pid(&daemons[1]));
    let process = rustix::process::Pid::from_raw(hung).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    for (command, expected) in [
        ("status", format!("process {well}, up")),
        ("stop", format!("stopped pilotlight {}, process {well}", env!("CARGO_PKG_VERSION"))),
    ] {
        let (text, ended_well) = home.run(&[command]).await;
        assert!(!ended_well && text.contains(&expected), "{text}");
        assert!(text.contains(&format!("process {hung} gave no answer")), "{text}");
    }
    kill(hung, Signal::KILL);
    drop(editors);
}

#[tokio::test]
async fn after_a_logout_and_a_login_the_daemon_is_found_again() {
    let home = Home::new("");
    let login = home.path("login");
    let log_in = || {
        fs::create_dir(&login).unwrap();
        fs::set_permissions(&login, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    };
    log_in();
    let command = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env_remove("PILOTLIGHT_RUNTIME_DIR").env("XDG_RUNTIME_DIR", &login).env("TMPDIR", home.path("home"));
        command.stderr(Stdio::null()).stdout(Stdio::null());
        command
    };
    fs::create_dir_all(home.path("home")).unwrap();
    let mut daemon = command(&["daemon"]).spawn().unwrap();
    let found = async || soon(command(&["status"]).status()).await.unwrap().success();
    until("it is there", found).await;
    fs::remove_dir_all(&login).unwrap();
    // It looks every two seconds.
    tokio::time::sleep(Duration::from_secs(5)).await;
    log_in();
    until("it is there again", found).await;
    daemon.start_kill().unwrap();
}

#[tokio::test]
async fn settings_that_cannot_be_read_are_told_and_switch_suggestions_off() {
    // What stands above the mistake is not known either. Without one, all is offered.
    for (settings, shown, offered) in
        [("[actions]\nenabled = false\n[completion\n", "nothing", 0), ("[actions]\nenabled = true\n", " 1;", 1)]
    {
        let home = Home::new("");
        fs::write(home.path("config/pilotlight/config.toml"), settings).unwrap();
        let given = json!({ "completion": { "enabled": true } });
        let mut editor = home.start(&["--model", home.path("model").to_str().unwrap()]);
        editor.initialize(given, &home.path("work")).await;
        if offered == 0 {
            let of_the_file =
                |message: &Value| message["params"]["message"].as_str().is_some_and(|it| it.contains("config.toml"));
            let told = editor.message(of_the_file).await["params"]["message"].to_string();
            assert!(told.contains("not read") && told.contains("Suggestions are off"), "{told}");
        }
        // While the model loads nothing is offered, whatever the settings say.
        while editor.next("didChangeStatus").await["message"].as_str().unwrap().starts_with("loading") {}
        let buffer = Buffer::opened(&editor, "a.txt", "x =$0");
        assert_eq!(buffer.shown(&editor).await, shown);
        let body = Buffer::opened(&editor, "b.rs", "fn area() -> u32 {\n    todo!()$0\n}\n");
        let at = body.position(body.cursor);
        let range = json!({ "start": at, "end": at });
        let params = json!({ "textDocument": body.named(), "range": range, "context": { "diagnostics": [] } });
        let actions = editor.request("textDocument/codeAction", params).await.unwrap();
        assert_eq!(actions.as_array().unwrap().len(), offered, "{actions}");
        editor.said();
        editor.close().await;
        // Whoever is no editor has it as an error.
        if offered == 0 {
            assert!(!home.run(&["doctor"]).await.1);
        }
    }
}

#[tokio::test]
async fn a_change_that_waits_to_be_carried_outlives_the_daemon() {
    let home = Home::new("");
    let editor = home.editor(&[], Value::Null).await;
    let text = "fn $0area(w: u32) -> u32 {\n    w\n}\nfn main() {\n    area(2);\n    area(3);\n}\n";
    let mut buffer = Buffer::in_folder(&home.path("work"), "a.rs", text);
    buffer.open(&editor);
    buffer.replace(&editor, buffer.cursor, buffer.cursor + "area".len(), "surface");
    let uri = buffer.uri;
    assert_eq!(offered(&editor, &uri).await, 1);
    for _ in 0..2 {
        kill(home.daemon().await, Signal::KILL);
        assert_eq!(offered(&editor, &uri).await, 1);
    }
    // What was carried is not offered again.
    let carried = json!({ "command": "pilotlight.carried", "arguments": [uri] });
    editor.request("workspace/executeCommand", carried).await.unwrap();
    assert_eq!(offered(&editor, &uri).await, 0);
    kill(home.daemon().await, Signal::KILL);
    assert_eq!(offered(&editor, &uri).await, 0);
}

#[tokio::test]
async fn a_change_that_was_carried_by_hand_is_not_offered_by_the_next_daemon() {
    let home = Home::new("");
    let work = home.path("work");
    let editor = home.start(&[]);
    let edits = json!({ "documentChanges": true, "changeAnnotationSupport": {} });
    editor.initialize_as(Value::Null, &work, json!({ "workspace": { "workspaceEdit": edits } })).await;
    let opened = |name: &str, text: &str| {
        let buffer = Buffer::in_folder(&work, name, text);
        buffer.open(&editor);
        buffer
    };
    let mut a = opened("a.rs", "pub fn $0area(width: u32, depth: u32) -> u32 {\n    width * 2 + depth\n}\n");
    let mut b = opened("b.rs", "mod a;\nfn main() {\n    a::area($010, 20);\n}\n");
    let start = a.text.find("width").unwrap();
    a.replace(&editor, start, start + "width: u32, depth: u32".len(), "depth: u32, width: u32");
    assert_eq!(offered(&editor, &a.uri).await, 1);
    b.replace(&editor, b.cursor, b.cursor + "10, 20".len(), "20, 10");
    let save = |buffer: &Buffer| {
        fs::write(work.join(buffer.uri.rsplit('/').next().unwrap()), &buffer.text).unwrap();
        buffer.save(&editor);
    };
    save(&a);
    // Until then it is, to be confirmed.
    until("it is settled", async || offered(&editor, &a.uri).await == 0).await;
    save(&b);
    b.close(&editor);
    assert_eq!(offered(&editor, &a.uri).await, 0);
    kill(home.daemon().await, Signal::KILL);
    assert_eq!(offered(&editor, &a.uri).await, 0);
}

/// How many changes can be carried.
async fn offered(editor: &Editor, uri: &str) -> usize {
    let at = json!({ "line": 0, "character": 5 });
    let params = json!({ "textDocument": { "uri": uri }, "range": { "start": at, "end": at }, "context": { "diagnostics": [] } });
    loop {
        match editor.request("textDocument/codeAction", params.clone()).await {
            Err(error) if error.to_string().ends_with("ask again (-32802)") => {}
            answered => {
                let actions = answered.unwrap();
                let carries = |action: &&Value| action["title"].as_str().unwrap().starts_with("Carry");
                return actions.as_array().map_or(0, |actions| actions.iter().filter(carries).count());
            }
        }
    }
}
