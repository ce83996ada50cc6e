//! An existing server in the model's place: what an editor sees of it, and of its absence.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use pilotlight_assist::{Assistant, CompletionRequest, Limits, Options, Status, Trigger, syntax::Language};
use pilotlight_engine::{Engine, EngineOptions, ModelSource, Priority, RemoteOptions, Sampling};
use tokio::net::TcpListener;

use crate::{
    client::soon,
    scripts::fault::{FaultServer, event, open, say},
};

/// A server in the shape of llama.cpp's that writes the prompts itself and always says the same; while it is broken it closes each connection.
fn server(works: &Arc<AtomicBool>) -> FaultServer {
    let works = Arc::clone(works);
    FaultServer::start(move |seen, stream| {
        if !works.load(Ordering::SeqCst) {
            return;
        }
        let body = match seen.path.as_str() {
            "/props" => r#"{"default_generation_settings":{"n_ctx":2048},"model_path":"far.gguf"}"#,
            "/tokenize" => r#"{"tokens":[1,2]}"#,
            "/infill" | "/completion" => {
                open(stream);
                event(stream, r#"{"content":"far()","stop":false}"#);
                event(stream, r#"{"content":"","stop":true}"#);
                return;
            }
            _ => "{}",
        };
        say(stream, 200, "", body);
    })
}

fn working() -> FaultServer {
    server(&Arc::new(AtomicBool::new(true)))
}

/// What it was asked to go on with.
fn asked(server: &FaultServer) -> String {
    let asked = [server.seen("/infill"), server.seen("/completion")].concat();
    asked.iter().map(|seen| seen.body.to_string()).collect()
}

/// A server of llama.cpp's shape with a model that chats and fills no holes: with `infill` it knows none of our tokens and is asked to fill them itself.
fn talker(infill: bool) -> FaultServer {
    FaultServer::start(move |seen, stream| {
        let known = !infill && seen.body["content"] == "<|endoftext|>" && seen.body["parse_special"] == true;
        let body = match seen.path.as_str() {
            "/props" => r#"{"default_generation_settings":{"n_ctx":2048},"model_path":"far.gguf","chat_template":"x"}"#,
            "/tokenize" if known => r#"{"tokens":[5]}"#,
            "/tokenize" => r#"{"tokens":[1,2]}"#,
            "/v1/chat/completions" => {
                open(stream);
                event(stream, r#"{"choices":[{"delta":{"content":"far away"},"finish_reason":"stop"}]}"#);
                event(stream, "[DONE]");
                return;
            }
            "/infill" => return say(stream, 501, "", ""),
            _ => "{}",
        };
        say(stream, 200, "", body);
    })
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
    let server = working();
    let assistant = assistant(&server.url());
    assert_eq!(complete(&assistant, "a.py", TEXT).await, ("far()".to_owned(), None));
    let asked = asked(&server);
    assert!(asked.contains("import far") && asked.contains("password = '****"), "{asked}");
    assert!(!asked.contains("aK9xQ2mZ7pL4vB8n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_the_built_in_model_answers() {
    let works = Arc::new(AtomicBool::new(true));
    let server = server(&works);
    let assistant = assistant(&server.url());
    assert_eq!(complete(&assistant, "a.py", TEXT).await.0, "far()");

    // It goes: this very keystroke is answered by the other, and the status says why.
    works.store(false, Ordering::SeqCst);
    let (text, why) = complete(&assistant, "b.py", "def add(left, right):\n    return left + $0\n").await;
    assert!(text != "far()" && !why.unwrap_or_default().contains("server"), "{text}");
    let mut status = assistant.status();
    let now = soon(status.wait_for(|status| matches!(status, Status::Degraded { .. }))).await.unwrap().clone();
    let Status::Degraded { message, model } = now else { panic!() };
    let expected = format!("the llama.cpp server at {}: ", server.url());
    assert!(
        message.starts_with(&expected) && message.ends_with("The built-in model answers until it is back"),
        "{message}"
    );
    assert_eq!(&model, &assistant.engine().await.unwrap().info().name);

    // It comes back.
    works.store(true, Ordering::SeqCst);
    soon(status.wait_for(|status| matches!(status, Status::Ready { model } if model == "far"))).await.unwrap();
    assert_eq!(complete(&assistant, "c.py", TEXT).await.0, "far()");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_never_there_is_found_when_it_comes() {
    let works = Arc::new(AtomicBool::new(false));
    let server = server(&works);
    let assistant = assistant(&server.url());
    let mut status = assistant.status();
    soon(status.wait_for(|status| matches!(status, Status::Degraded { .. }))).await.unwrap();
    works.store(true, Ordering::SeqCst);
    soon(status.wait_for(|status| matches!(status, Status::Ready { model } if model == "far"))).await.unwrap();
    assert_eq!(complete(&assistant, "a.py", TEXT).await.0, "far()");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_gone_on_with_has_no_secret_either() {
    let server = working();
    let assistant = assistant(&server.url());
    let prompt = TEXT.split("$0").next().unwrap();
    let limits = Limits { max_tokens: 8, sampling: Sampling::Greedy, stop: Vec::new(), priority: Priority::Typing };
    let mut written = assistant.continue_text(prompt, limits).await.unwrap();
    while let Ok(Some(_)) = written.next().await {}
    let asked = asked(&server);
    assert!(asked.contains("import far") && asked.contains("password = '****"), "{asked}");
    assert!(!asked.contains("aK9xQ2mZ7pL4vB8n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_chats_does_and_the_built_in_model_completes() {
    for infill in [false, true] {
        let server = talker(infill);
        let assistant = assistant(&server.url());
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
        assert_eq!(!server.seen("/infill").is_empty(), infill);
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
