//! The remote engine against servers that do what they should, and against one that does not.
#![allow(clippy::unwrap_used)]

mod chat;
pub(crate) mod fault;
mod health;
mod kinds;

use std::{
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use super::{PREFIX_PART, RemoteKind, RemoteOptions, SUFFIX_PART};
use crate::{Done, Engine, EngineOptions, Event, Finish, Prefill, Priority, Request, Sampling};
use fault::{FaultServer, Seen, closed, event, open, say};

const MARKERS: [&str; 3] = ["<|fim_prefix|>", "<|fim_suffix|>", "<|end|>"];

/// What an answer came to.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    logprobs: Vec<f32>,
    prefill: Option<Prefill>,
    done: Option<Done>,
    failed: Option<String>,
}

fn collect(mut events: UnboundedReceiver<Event>) -> Answer {
    let mut answer = Answer::default();
    while let Some(event) = events.blocking_recv() {
        match event {
            Event::Prefilled(prefill) => assert!(answer.prefill.replace(prefill).is_none(), "twice"),
            Event::Token(token) => {
                assert!(answer.prefill.is_some(), "a token before the prompt");
                answer.text += std::str::from_utf8(&token.bytes).unwrap();
                answer.logprobs.push(token.logprob);
            }
            Event::Done(done) => answer.done = Some(done),
            Event::Failed(message) => answer.failed = Some(message),
        }
    }
    answer
}

fn options(url: String, change: impl FnOnce(&mut RemoteOptions)) -> EngineOptions {
    let mut remote = RemoteOptions { url, stall_seconds: 2, ..RemoteOptions::default() };
    change(&mut remote);
    EngineOptions { remote, ..EngineOptions::default() }
}

fn connect(url: String) -> Engine {
    Engine::connect(&options(url, |_| ()), &MARKERS).unwrap()
}

/// The questions about itself, as llama.cpp's server answers them; false if it is none of these.
fn llama_cpp(seen: &Seen, stream: &mut TcpStream) -> bool {
    let answer = match seen.path.as_str() {
        "/props" => {
            json!({ "default_generation_settings": { "n_ctx": 2048 }, "model_path": "/models/some-coder.gguf" })
        }
        "/health" => json!({ "status": "ok" }),
        "/tokenize" => {
            let name = seen.body["content"].as_str().unwrap();
            let id = ["<|fim_prefix|>", "<|fim_suffix|>"].iter().position(|known| *known == name);
            match id.filter(|_| seen.body["parse_special"] == true) {
                Some(id) => json!({ "tokens": [id + 7] }),
                None => json!({ "tokens": vec![1; name.len()] }),
            }
        }
        _ => return false,
    };
    say(stream, 200, "", &answer.to_string());
    true
}

/// llama.cpp's server whose completions are `answer`'s.
fn completing(answer: impl Fn(&Seen, &mut TcpStream) + Send + Sync + 'static) -> FaultServer {
    FaultServer::start(move |seen, stream| {
        if !llama_cpp(seen, stream) {
            answer(seen, stream);
        }
    })
}

fn token(text: &str) -> String {
    json!({
        "content": text,
        "stop": false,
        "timings": { "cache_n": 3, "prompt_n": 2, "prompt_ms": 1.5 },
        "completion_probabilities": [{ "token": text, "logprob": -0.5 }],
    })
    .to_string()
}

const END: &str =
    r#"{"content":"","stop":true,"stop_type":"eos","timings":{"cache_n":3,"prompt_n":2,"prompt_ms":1.5}}"#;

fn well(stream: &mut TcpStream) {
    open(stream);
    event(stream, &token("né"));
    event(stream, &token(" b"));
    event(stream, END);
}

/// Prefix, a text with a look-alike, suffix.
fn asked(engine: &Engine) -> Request {
    let tokenizer = engine.tokenizer();
    let mut prompt = vec![tokenizer.special("<|fim_prefix|>").unwrap()];
    prompt.extend(tokenizer.encode("a <|fim_suffix|> b"));
    prompt.extend(tokenizer.special("<|fim_suffix|>"));
    let stop = vec![tokenizer.special("<|fim_prefix|>").unwrap()];
    Request { prompt, stop, max_tokens: 8, ..Request::default() }
}

#[test]
fn markers_are_ids_and_text_stays_text() {
    let server = completing(|_, stream| well(stream));
    let engine = connect(server.url());
    assert_eq!((engine.info().name.as_str(), engine.info().context_length), ("some-coder", 2048));
    // What its vocabulary lacks is not there to write prompts with.
    assert_eq!(engine.tokenizer().special("<|end|>"), None);
    let answer = collect(engine.submit(asked(&engine)));
    assert_eq!((answer.text.as_str(), &answer.logprobs[..]), ("né b", &[-0.5, -0.5][..]));
    assert_eq!(answer.done.unwrap().finish, Finish::Stop);
    let prefill = answer.prefill.unwrap();
    assert_eq!((prefill.reused, prefill.prefilled), (3, 2));
    let body = &server.seen("/completion")[0].body;
    assert_eq!(body["prompt"], json!([7, "a <", "|fim_suffix|> b", 8]));
    assert_eq!((&body["stop"], &body["n_predict"], &body["top_k"]), (&json!(["<|fim_prefix|>"]), &json!(8), &json!(1)));
    assert_eq!(engine.figures().requests.completed, 1);
    assert!(engine.ailing().unwrap().borrow().is_none());
}

#[test]
fn giving_up_closes_the_connection() {
    let (told, closings) = std::sync::mpsc::channel();
    let told = std::sync::Mutex::new(told);
    let server = completing(move |_, stream| {
        open(stream);
        event(stream, &token("a"));
        told.lock().unwrap().send(closed(stream)).unwrap();
    });
    let engine = connect(server.url());
    // By its token, and by nobody listening.
    let cancel = CancellationToken::new();
    let mut events = engine.submit(Request { cancel: cancel.clone(), ..asked(&engine) });
    while !matches!(events.blocking_recv(), Some(Event::Token(_))) {}
    cancel.cancel();
    assert_eq!(collect(events).done.unwrap().finish, Finish::Cancelled);
    assert!(closings.recv().unwrap());
    let mut events = engine.submit(asked(&engine));
    while !matches!(events.blocking_recv(), Some(Event::Token(_))) {}
    drop(events);
    assert!(closings.recv().unwrap());
    assert!(engine.ailing().unwrap().borrow().is_none());
}

#[test]
fn what_passes_is_asked_again() {
    for status in [429, 500, 503] {
        let tries = AtomicUsize::new(0);
        let server = completing(move |_, stream| match tries.fetch_add(1, Ordering::SeqCst) {
            0 => say(stream, status, "retry-after: 0\r\n", r#"{"error":{"message":"busy"}}"#),
            1 => drop(stream.shutdown(std::net::Shutdown::Both)),
            _ => well(stream),
        });
        let engine = connect(server.url());
        let answer = collect(engine.submit(asked(&engine)));
        assert_eq!((answer.text.as_str(), answer.failed), ("né b", None), "{status}");
        assert_eq!(server.seen("/completion").len(), 3);
        assert!(engine.ailing().unwrap().borrow().is_none());
    }
}

/// One way to fail.
type Fault = fn(&mut TcpStream);

/// Each fault, what the person is told, and whether others cannot be served either.
const FAULTS: [(&str, Fault, &str, bool); 12] = [
    ("later", |s| say(s, 429, "retry-after: 3600\r\n", "slow down"), "/completion: HTTP 429: slow down", true),
    ("broken", |s| say(s, 500, "", r#"{"error":"out of memory"}"#), "/completion: HTTP 500: out of memory", true),
    (
        "refusal",
        |s| say(s, 400, "", r#"{"error":{"message":"bad\nfield"}}"#),
        "/completion: HTTP 400: bad field",
        false,
    ),
    ("key", |s| say(s, 401, "", r#"{"message":"no key"}"#), "/completion: HTTP 401: no key", true),
    ("elsewhere", |s| say(s, 307, "location: http://127.0.0.1:1/\r\n", ""), "/completion: HTTP 307", true),
    ("page", |s| say(s, 200, "", "<html>"), "its answer ended in the middle", true),
    (
        "no JSON",
        |s| {
            open(s);
            event(s, "{\"content\": nonsense}");
        },
        "its answer broke off or is no JSON (expected ident",
        true,
    ),
    (
        "no UTF-8",
        |s| {
            open(s);
            drop(std::io::Write::write_all(s, b"data: {\"content\":\"\xff\xfe\"}\n\n"));
        },
        "not UTF-8 from byte 18",
        true,
    ),
    (
        "half",
        |s| {
            open(s);
            event(s, &token("a"));
        },
        "its answer ended in the middle",
        true,
    ),
    (
        "half a line",
        |s| {
            open(s);
            drop(std::io::Write::write_all(s, b"data: {\"content\":\"a"));
        },
        "its answer broke off or is no JSON (EOF",
        true,
    ),
    (
        "error within",
        |s| {
            open(s);
            event(s, &token("a"));
            event(s, r#"{"error":{"message":"slot lost"}}"#);
        },
        "slot lost",
        true,
    ),
    (
        "silence",
        |s| {
            open(s);
            event(s, &token("a"));
            closed(s);
        },
        "it stalls: nothing for 2 s",
        true,
    ),
];

#[test]
fn each_fault_is_told_and_none_is_shown_as_text() {
    std::thread::scope(|scope| {
        for (name, fault, told, ailing) in FAULTS {
            scope.spawn(move || {
                let server = completing(move |_, stream| fault(stream));
                let engine = connect(server.url());
                let answer = collect(engine.submit(asked(&engine)));
                let message = answer.failed.unwrap_or_else(|| panic!("{name}: {:?}", answer.done));
                assert!(
                    message.starts_with(&format!("the llama.cpp server at {}: ", server.url())),
                    "{name}: {message}"
                );
                assert!(message.contains(told), "{name}: {message}");
                let now = engine.ailing().unwrap().borrow().clone();
                assert_eq!(now.is_some(), ailing, "{name}: {now:?}");
                assert_eq!(engine.figures().requests.failed, 1);
            });
        }
    });
}

#[test]
fn slow_headers_are_waited_for_no_longer_than_the_silence() {
    let server = completing(|_, stream| assert!(closed(stream)));
    let engine = connect(server.url());
    let message = collect(engine.submit(asked(&engine))).failed.unwrap();
    assert!(message.ends_with("no answer within 2 s"), "{message}");
}

#[test]
fn the_time_limit_ends_an_answer_with_what_it_has() {
    let server = completing(|seen, stream| {
        open(stream);
        if seen.body["n_predict"] == 8 {
            event(stream, &token("a"));
        }
        while event(stream, "") {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let mut options = options(server.url(), |_| ());
    options.time_limits.typing = 1;
    let engine = Engine::connect(&options, &MARKERS).unwrap();
    let answer = collect(engine.submit(asked(&engine)));
    assert_eq!((answer.text.as_str(), answer.done.unwrap().finish), ("a", Finish::TimeLimit));
    let message = collect(engine.submit(Request { max_tokens: 9, ..asked(&engine) })).failed.unwrap();
    assert!(message.ends_with("no answer within 1 s (engine.time-limits)"), "{message}");
}

#[test]
fn what_cannot_be_reached_or_is_no_such_server_is_told() {
    let failure = |options: &EngineOptions| Engine::connect(options, &MARKERS).unwrap_err().to_string();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{gone}");
    let message = failure(&options(url.clone(), |_| ()));
    assert!(message.starts_with(&format!("the server at {url}: no connection (")), "{message}");
    let other = FaultServer::start(|_, stream| say(stream, 404, "", "nothing here"));
    assert!(failure(&options(other.url(), |_| ())).contains("answers to none of /props (llama.cpp), "));
    for (url, told) in [
        ("localhost:8080", "engine setting `remote.url`: expected an address such as"),
        ("ftp://x", "found the scheme `ftp`"),
        ("http://me:secret@localhost", "expected no name and no key in it"),
    ] {
        let message = failure(&options(url.to_owned(), |_| ()));
        assert!(message.contains(told) && !message.contains("secret"), "{message}");
    }
}

#[test]
fn the_key_is_sent_and_never_told() {
    let server = FaultServer::start(|seen, stream| {
        if !seen.head.contains("authorization: bearer not-to-be-told\r\n") {
            say(stream, 401, "", r#"{"error":{"message":"Invalid key"}}"#);
        } else if !llama_cpp(seen, stream) {
            well(stream);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let with_file = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Engine::connect(&options(server.url(), |remote| remote.key_file = Some(file.clone())), &MARKERS)
    };
    let engine = with_file("\nnot-to-be-told\n").unwrap();
    assert_eq!(collect(engine.submit(asked(&engine))).text, "né b");
    assert!(!format!("{engine:?}").contains("not-to-be-told"));
    // What is computed ahead may cost money: it is left.
    let ahead = collect(engine.submit(Request { priority: Priority::Warming, ..asked(&engine) }));
    assert_eq!(ahead.done.unwrap().finish, Finish::Cancelled);

    let message = with_file("wrong\n").unwrap_err().to_string();
    assert!(message.ends_with("/props: HTTP 401: Invalid key"), "{message}");
    assert!(
        with_file("a\nb\n").unwrap_err().to_string().contains("key: expected a key on one line, found several lines")
    );
    let unset = options(server.url(), |remote| remote.key_env = "PILOTLIGHT_NO_SUCH_KEY".to_owned());
    let message = Engine::connect(&unset, &MARKERS).unwrap_err().to_string();
    assert!(message.contains("PILOTLIGHT_NO_SUCH_KEY is not set"), "{message}");
}

#[test]
fn a_renewed_key_is_read_again() {
    let good = Arc::new(Mutex::new("bearer one\r\n"));
    let wanted = Arc::clone(&good);
    let server = FaultServer::start(move |seen, stream| {
        if seen.head.contains(*wanted.lock().unwrap()) {
            if !llama_cpp(seen, stream) {
                well(stream);
            }
        } else {
            say(stream, 401, "", "");
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "one").unwrap();
    let engine =
        Engine::connect(&options(server.url(), |remote| remote.key_file = Some(file.clone())), &MARKERS).unwrap();
    assert_eq!(collect(engine.submit(asked(&engine))).text, "né b");
    // The server's key changes first: that is told. With the file's, the very next requests are answered.
    *good.lock().unwrap() = "bearer two\r\n";
    assert!(collect(engine.submit(asked(&engine))).failed.unwrap().contains("HTTP 401"));
    std::fs::write(&file, "two").unwrap();
    for answer in [engine.submit(asked(&engine)), engine.submit(asked(&engine))] {
        assert_eq!(collect(answer).text, "né b");
    }
    // While it is written (its text is gone then), and where it is a pipe that nobody writes to, the key is the last one.
    std::fs::write(&file, "").unwrap();
    assert_eq!(collect(engine.submit(asked(&engine))).text, "né b");
    std::fs::remove_file(&file).unwrap();
    #[cfg(unix)]
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    for answer in [engine.submit(asked(&engine)), engine.submit(asked(&engine))] {
        assert_eq!(collect(answer).text, "né b");
    }
    assert!(engine.ailing().unwrap().borrow().is_none());
}

#[test]
fn tokens_are_counted_as_the_server_counts() {
    let server = completing(|_, stream| {
        open(stream);
        event(stream, r#"{"content":"a","stop":false,"timings":{"cache_n":0,"prompt_n":1000,"prompt_ms":1}}"#);
        event(stream, END);
    });
    let engine = connect(server.url());
    assert_eq!(engine.bytes_per_token(), Some(3.0));
    let prompt = engine.tokenizer().encode(&"x".repeat(4500));
    collect(engine.submit(Request { prompt: prompt.clone(), max_tokens: 1, ..Request::default() }));
    assert_eq!(engine.bytes_per_token(), Some(4.5));
    // One of 2024 tells what it computed, and at the end what the prompt had.
    let old = completing(|_, stream| {
        open(stream);
        event(stream, r#"{"content":"a","stop":false,"timings":{"prompt_n":100,"prompt_ms":1}}"#);
        event(stream, r#"{"content":"","stop":true,"tokens_evaluated":1500,"timings":{"prompt_n":100}}"#);
    });
    let old = connect(old.url());
    let asked = old.tokenizer().encode(&"x".repeat(4500));
    collect(old.submit(Request { prompt: asked, max_tokens: 1, ..Request::default() }));
    assert_eq!(old.bytes_per_token(), Some(3.0));
    // A small difference moves no window.
    let shorter = prompt[..4100].to_vec();
    collect(engine.submit(Request { prompt: shorter, max_tokens: 1, ..Request::default() }));
    assert_eq!(engine.bytes_per_token(), Some(4.5));
    let long = collect(engine.submit(Request { prompt: prompt.repeat(3), max_tokens: 1, ..Request::default() }));
    assert!(long.failed.unwrap().contains("the prompt has about 3000 tokens: expected at most 2048, its context"));
}
