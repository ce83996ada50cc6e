//! The HTTP surface of the daemon, and of `pilotlight serve`: who has it, how long, and what ends it.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    hand_over::newer,
    home::{Buffer, Home, is_gone, kill, soon, until},
};

/// A port that was free a moment ago.
fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A home whose daemon listens for HTTP.
fn home(address: &str) -> Home {
    Home::new(&format!("[http]\nlisten = {address:?}\n"))
}

/// Posts to `/completion`; the answer's body.
async fn complete(address: &str) -> String {
    post(address, r#"{"prompt":"x =","n_predict":2}"#).await
}

async fn post(address: &str, body: &str) -> String {
    let mut answer = String::new();
    soon(ask(address, body).await.read_to_string(&mut answer)).await.unwrap();
    answer
}

async fn ask(address: &str, body: &str) -> TcpStream {
    let head = format!(
        "POST /completion HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all((head + body).as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn whoever_uses_it_by_http_keeps_it_and_whoever_only_looks_does_not() {
    let address = free();
    let home = Home::new(&format!("[daemon]\nidle-exit-seconds = 2\n[http]\nlisten = {address:?}\n"));
    let editor = home.editor(&[], Value::Null).await;
    let daemon = home.daemon().await;
    editor.close().await;
    for _ in 0..20 {
        let answer = complete(&address).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("tokens_predicted"), "{answer}");
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    assert_eq!(home.daemon().await, daemon, "five seconds later");
    // `status` looks, again and again.
    until("the daemon ends", async || home.daemons().await.is_empty() && is_gone(daemon)).await;
    assert!(home.log().contains("nobody needed it for a while"), "{}", home.log());
}

#[tokio::test]
async fn a_hand_over_hands_http_over_too() {
    let address = free();
    let mut home = home(&address);
    let old_editor = home.editor(&[], Value::Null).await;
    assert!(complete(&address).await.contains("tokens_predicted"));
    let old = home.daemon().await;
    home.binary = newer(&home, "newer", Duration::from_secs(3600));
    let new_editor = home.editor(&[], Value::Null).await;
    // The old one has an editor still.
    until("the new one has the port", async || {
        TcpStream::connect(&address).await.is_ok() && home.log().matches("listening for HTTP").count() == 2
    })
    .await;
    assert!(complete(&address).await.contains("tokens_predicted"));
    old_editor.close().await;
    until("the old daemon ends with its last client", async || is_gone(old)).await;
    assert!(complete(&address).await.contains("tokens_predicted"));
    new_editor.close().await;
}

#[tokio::test]
async fn who_is_used_by_http_does_not_make_room_and_the_port_is_had_when_it_has_gone() {
    let address = free();
    let home = home(&address);
    home.write_model("other");
    home.editor(&[], Value::Null).await.close().await;
    let first = home.daemon().await;
    assert!(complete(&address).await.contains("tokens_predicted"));
    // It asks the first one to yield.
    let editor = home.editor(&["--model", "other"], Value::Null).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!is_gone(first));
    assert!(complete(&address).await.contains("tokens_predicted"));
    kill(first, Signal::TERM);
    until("it is gone", async || is_gone(first)).await;
    until("the other has the port", async || TcpStream::connect(&address).await.is_ok()).await;
    assert!(complete(&address).await.contains("tokens_predicted"));
    editor.close().await;
}

#[tokio::test]
async fn what_is_being_answered_by_http_when_it_is_stopped_is_answered() {
    let address = free();
    let home = home(&address);
    let editor = home.editor(&[], Value::Null).await;
    let quick = Buffer::opened(&editor, "b.txt", "y($0");
    assert_eq!(quick.shown(&editor).await, ");");
    let mut stream = ask(&address, r#"{"prompt":"x\nl","n_predict":3000,"stream":true}"#).await;
    let mut answer = vec![0; 256];
    soon(stream.read_exact(&mut answer)).await.unwrap();
    let (_, stopped) = tokio::join!(soon(stream.read_to_end(&mut answer)), home.run(&["stop"]));
    assert!(stopped.1, "{}", stopped.0);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"tokens_predicted\":3000"), "{answer}");
    editor.close().await;
}

#[tokio::test]
async fn serve_ends_at_the_second_signal_whoever_holds_it() {
    let address = free();
    let home = Home::new("");
    let mut serve = home.command(&["serve", "--listen", &address]).spawn().unwrap();
    until("it listens", async || TcpStream::connect(&address).await.is_ok()).await;
    // It is asked, and sent no body.
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /completion HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(complete(&address).await.contains("tokens_predicted"));
    let process = i32::try_from(serve.id().unwrap()).unwrap();
    kill(process, Signal::INT);
    until("it listens no more", async || TcpStream::connect(&address).await.is_err()).await;
    assert!(serve.try_wait().unwrap().is_none(), "it waits for who is being answered");
    kill(process, Signal::INT);
    assert!(soon(serve.wait()).await.unwrap().success());
}

#[tokio::test]
async fn an_address_that_is_none_is_told_to_the_editor_and_by_status_and_doctor() {
    let home = home("8012");
    let mut editor = home.editor(&[], Value::Null).await;
    let said = editor.next("window/logMessage").await.to_string();
    assert!(said.contains("http.listen: cannot listen at 8012") && said.contains("HTTP is not"), "{said}");
    let (status, _) = home.run(&["status"]).await;
    assert!(status.contains("HTTP         none: http.listen"), "{status}");
    editor.close().await;
    let (doctor, well) = home.run(&["doctor"]).await;
    assert!(!well && doctor.contains("✗ settings") && doctor.contains("http.listen: expected an address"), "{doctor}");
}

#[tokio::test]
async fn a_setting_that_cannot_be_taken_costs_a_command_that_one_and_the_doctor_says_so() {
    let home = Home::new("[completion]\nmax-token = 3\nmin-confidence = 7\n");
    let (doctor, well) = home.run(&["doctor"]).await;
    assert!(!well && doctor.contains("All is well") == well, "{doctor}");
    for wrong in ["completion.max-token is unknown", "completion.min-confidence: expected 0 to 1, found 7"] {
        assert!(doctor.contains(wrong), "{wrong}: {doctor}");
    }
    let (bench, well) = home.run(&["index", "."]).await;
    assert!(well, "{bench}");
    let (said, well) = home.run(&["--model", "x.gguf", "stop"]).await;
    assert!(!well && said.contains("not for this command"), "{said}");
}
