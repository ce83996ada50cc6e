//! Places that others can reach: nothing is sent there. The editor is served all the same, and told.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
};

use serde_json::{Value, json};

use crate::home::{Buffer, Editor, Home};

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Served by a process of its own, and told why.
async fn served_alone(home: &Home, mut editor: Editor, because: &str) {
    editor.initialize(Value::Null, &home.path("work")).await;
    let told = editor.next("window/logMessage").await["message"].as_str().unwrap().to_owned();
    assert!(told.contains("no resident daemon can be used") && told.contains(because), "{told}");
    let buffer = Buffer::opened(&editor, "a.txt", "x =$0");
    assert_eq!(buffer.shown(&editor).await, " 1;");
    assert!(home.daemon_processes().is_empty());
    editor.close().await;
}

#[tokio::test]
async fn a_folder_that_others_can_open_is_not_used() {
    let home = Home::new("");
    fs::create_dir(home.path("run")).unwrap();
    for bits in [0o755, 0o710, 0o777] {
        mode(&home.path("run"), bits);
        served_alone(&home, home.start(&[]), &format!("found mode {bits:03o}: `chmod go= ")).await;
        let (text, well) = home.run(&["status"]).await;
        assert!(!well && text.contains("only its owner can use"), "{text}");
    }
}

#[tokio::test]
async fn a_socket_that_others_can_open_or_that_is_none_is_not_used() {
    let home = Home::new("");
    // Where the socket will be.
    home.editor(&[], Value::Null).await.close().await;
    let socket = home.sockets().remove(0);
    home.run(&["stop"]).await;
    {
        let listener = UnixListener::bind(&socket).unwrap();
        listener.set_nonblocking(true).unwrap();
        mode(&socket, 0o666);
        served_alone(&home, home.start(&[]), "expected a socket that only its owner can use, found mode 666").await;
        mode(&socket, 0o600);
        // Only root can give it away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&socket, Some(4242), None).unwrap();
            served_alone(&home, home.start(&[]), "found one of user 4242; nothing is sent to it").await;
        }
        // Nobody as much as knocked.
        assert!(listener.accept().is_err());
    }
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "").unwrap();
    mode(&socket, 0o600);
    served_alone(&home, home.start(&[]), "expected a socket, found something else").await;
}

#[tokio::test]
async fn what_is_no_greeting_is_refused_and_harms_nobody() {
    use std::io::{Read, Write};
    let home = Home::new("");
    let editor = home.editor(&[], Value::Null).await;
    let socket = home.sockets().remove(0);
    for (said, answer) in [
        ("{\"want\":\"tea\"}\n".to_owned(), "refused"),
        ("Content-Length: 2\r\n\r\n{}\n".to_owned(), "refused"),
        (format!("{}\n", json!({ "want": "lsp" })), "refused"),
        (String::new(), ""),
    ] {
        let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
        stream.write_all(said.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        assert!(heard.contains(answer) && heard.is_empty() == answer.is_empty(), "{said:?}: {heard:?}");
    }
    let buffer = Buffer::opened(&editor, "a.txt", "x =$0");
    assert_eq!(buffer.shown(&editor).await, " 1;");
    editor.close().await;
}
