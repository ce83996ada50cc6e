//! An existing server in the model's place: what an editor sees of it, and of its absence.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use pilotlight_assist::{Assistant, CompletionRequest, Limits, Options, Status, Trigger, syntax::Language};
use pilotlight_engine::{Engine, EngineOptions, ModelSource, Priority, RemoteOptions, Sampling};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::client::soon;

/// A server in the shape of llama.cpp's that writes the prompts itself and always says the same; while it is broken it closes each connection. It keeps what it was asked.
struct Said {
    url: String,
    works: Arc<AtomicBool>,
    asked: Arc<std::sync::Mutex<String>>,
}

async fn server(works: bool) -> Said {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (works, asked) = (Arc::new(AtomicBool::new(works)), Arc::default());
    let (working, log) = (Arc::clone(&works), Arc::clone(&asked));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if working.load(Ordering::SeqCst) {
                tokio::spawn(answer(stream, Arc::clone(&log)));
            }
        }
    });
    Said { url, works, asked }
}

async fn answer(mut stream: TcpStream, log: Arc<std::sync::Mutex<String>>) {
    let Some(request) = read(&mut stream).await else { return };
    let body = match request.split(' ').nth(1).unwrap() {
        "/props" => r#"{"default_generation_settings":{"n_ctx":2048},"model_path":"far.gguf"}"#,
        "/tokenize" => r#"{"tokens":[1,2]}"#,
        "/infill" | "/completion" => {
            log.lock().unwrap().push_str(&request);
            "data: {\"content\":\"far()\",\"stop\":false}\n\ndata: {\"content\":\"\",\"stop\":true}\n\n"
        }
        _ => "{}",
    };
    say(&mut stream, body).await;
}

/// A server of llama.cpp's shape with a model that chats and fills no holes: with `infill` it knows none of our tokens and is asked to fill them itself.
async fn talker(infill: bool) -> Said {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<std::sync::Mutex<String>>::default();
    let log = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(request) = read(&mut stream).await else { continue };
            let path = request.split(' ').nth(1).unwrap();
            *log.lock().unwrap() += &format!("{path}\n");
            let known = !infill && request.contains("<|endoftext|>") && request.contains(r#""parse_special":true"#);
            let body = match path {
                "/props" => {
                    r#"{"default_generation_settings":{"n_ctx":2048},"model_path":"far.gguf","chat_template":"x"}"#
                }
                "/tokenize" if known => r#"{"tokens":[5]}"#,
                "/tokenize" => r#"{"tokens":[1,2]}"#,
                "/v1/chat/completions" => {
                    "data: {\"choices\":[{\"delta\":{\"content\":\"far away\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
                }
                "/infill" => {
                    let refusal = "HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                    let _ = stream.write_all(refusal.as_bytes()).await;
                    continue;
                }
                _ => "{}",
            };
            say(&mut stream, body).await;
        }
    });
    Said { url, works: Arc::default(), asked }
}

/// A whole answer.
pub(crate) async fn say(stream: &mut TcpStream, body: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// A whole request, with its head.
pub(crate) async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 65536];
    let whole = |request: &[u8]| {
        let text = String::from_utf8_lossy(request).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        text.find("\r\n\r\n").is_some_and(|end| request.len() >= end + 4 + length)
    };
    while !whole(&request) {
        match stream.read(&mut buffer).await {
            Ok(read @ 1..) => request.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
    Some(String::from_utf8(request).unwrap())
}

pub(crate) fn assistant(url: &str) -> Assistant {
    let remote = RemoteOptions { url: url.to_owned(), ..RemoteOptions::default() };
    let options = EngineOptions { remote, ..EngineOptions::default() };
    let markers = pilotlight_assist::markers("auto").unwrap();
    Assistant::over_server(
        Options::default(),
        url,
        move || Engine::connect(&options, &markers),
        || Engine::load(&ModelSource::Ember),
    )
}

/// What stands at `$0` of a document, and why nothing does.
async fn complete(assistant: &Assistant, name: &str, text: &str) -> (String, Option<String>) {
    let cursor = text.find("$0").unwrap();
    let document = pilotlight_assist::DocumentId::from(name);
    assistant.open(document.clone(), None, Language::Python, 0, &text.replacen("$0", "", 1));
    let snapshot = assistant.snapshot(&document).unwrap();
    let request = CompletionRequest { document, cursor, snapshot, trigger: Trigger::Invoked };
    let outcome = assistant.complete(request, Default::default()).await;
    (outcome.completion.map(|it| it.text).unwrap_or_default(), outcome.explanation.nothing_because)
}

const TEXT: &str = "import far\n\npassword = 'aK9xQ2mZ7pL4vB8n'\n\n\ndef near():\n    return $0\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_and_sees_no_secret() {
    let server = server(true).await;
    let assistant = assistant(&server.url);
    assert_eq!(complete(&assistant, "a.py", TEXT).await, ("far()".to_owned(), None));
    let asked = server.asked.lock().unwrap().clone();
    assert!(asked.contains("import far") && asked.contains("password = '****"), "{asked}");
    assert!(!asked.contains("aK9xQ2mZ7pL4vB8n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_the_built_in_model_answers() {
    let server = server(true).await;
    let assistant = assistant(&server.url);
    assert_eq!(complete(&assistant, "a.py", TEXT).await.0, "far()");

    // It goes: this very keystroke is answered by the other, and the status says why.
    server.works.store(false, Ordering::SeqCst);
    let (text, why) = complete(&assistant, "b.py", "def add(left, right):\n    return left + $0\n").await;
    assert!(text != "far()" && !why.unwrap_or_default().contains("server"), "{text}");
    let mut status = assistant.status();
    let now = soon(status.wait_for(|status| matches!(status, Status::Degraded { .. }))).await.unwrap().clone();
    let Status::Degraded { message, model } = now else { panic!() };
    let expected = format!("the llama.cpp server at {}: ", server.url);
    assert!(
        message.starts_with(&expected) && message.ends_with("The built-in model answers until it is back"),
        "{message}"
    );
    assert_eq!(&model, &assistant.engine().await.unwrap().info().name);

    // It comes back.
    server.works.store(true, Ordering::SeqCst);
    soon(status.wait_for(|status| matches!(status, Status::Ready { model } if model == "far"))).await.unwrap();
    assert_eq!(complete(&assistant, "c.py", TEXT).await.0, "far()");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_never_there_is_found_when_it_comes() {
    let server = server(false).await;
    let assistant = assistant(&server.url);
    let mut status = assistant.status();
    soon(status.wait_for(|status| matches!(status, Status::Degraded { .. }))).await.unwrap();
    server.works.store(true, Ordering::SeqCst);
    soon(status.wait_for(|status| matches!(status, Status::Ready { model } if model == "far"))).await.unwrap();
    assert_eq!(complete(&assistant, "a.py", TEXT).await.0, "far()");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_gone_on_with_has_no_secret_either() {
    let server = server(true).await;
    let assistant = assistant(&server.url);
    let prompt = TEXT.split("$0").next().unwrap();
    let limits = Limits { max_tokens: 8, sampling: Sampling::Greedy, stop: Vec::new(), priority: Priority::Typing };
    let mut written = assistant.continue_text(prompt, limits).await.unwrap();
    while let Ok(Some(_)) = written.next().await {}
    let asked = server.asked.lock().unwrap().clone();
    assert!(asked.contains("import far") && asked.contains("password = '****"), "{asked}");
    assert!(!asked.contains("aK9xQ2mZ7pL4vB8n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_chats_does_and_the_built_in_model_completes() {
    for infill in [false, true] {
        let server = talker(infill).await;
        let assistant = assistant(&server.url);
        // At first the built-in model may not be loaded yet.
        let answered = async {
            for n in 0.. {
                let text = "def add(left, right):\n    return left + $0\n";
                let (_, because) = complete(&assistant, &format!("{n}.py"), text).await;
                if !because.unwrap_or_default().contains("server") {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        soon(answered).await;
        let limits = Limits { max_tokens: 8, sampling: Sampling::Greedy, stop: Vec::new(), priority: Priority::Action };
        let mut answer = assistant.chat(r#"[{"role":"user","content":"x"}]"#, None, limits).await.unwrap();
        assert_eq!(answer.next().await.unwrap().as_deref(), Some("far away"));
        assert_eq!(assistant.talks_as().await.as_deref(), Some("far"));
        let mut status = assistant.status();
        let ready = soon(status.wait_for(|status| matches!(status, Status::Ready { .. }))).await.unwrap().clone();
        assert!(matches!(&ready, Status::Ready { model } if model != "far"), "{ready:?}");
        let asked = server.asked.lock().unwrap().clone();
        assert_eq!(asked.contains("/infill"), infill, "{asked}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_keeps_nobody_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let begun = std::time::Instant::now();
    let assistant = assistant(&url);
    let (_, because) = complete(&assistant, "a.py", TEXT).await;
    assert!(!because.unwrap_or_default().contains("server"));
    // Before it is given up (`stall-seconds`).
    assert!(begun.elapsed() < std::time::Duration::from_secs(14), "{:?}", begun.elapsed());
    let status = assistant.status().borrow().clone();
    assert!(
        matches!(&status, Status::Degraded { message, .. } if message.contains("has not answered yet")),
        "{status:?}"
    );
}
