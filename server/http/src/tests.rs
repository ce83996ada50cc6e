//! The wires, by a real client over loopback, on the built-in model.

#![allow(clippy::unwrap_used)]

mod access;
mod chat;
mod limits;
mod status;

use std::{
    net::SocketAddr,
    sync::LazyLock,
    time::{Duration, Instant},
};

use pilotlight_assist::{Assistant, syntax::Language};
use pilotlight_engine::{Engine, ModelSource};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{Activity, Options, Tokens, router};

const PREFIX: &str = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return ";
const SUFFIX: &str = "\n\n\nprint(add(1, 2))\n";

/// One engine for all tests: loading it is the slow part.
static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::load(&ModelSource::Ember).unwrap());

fn assistant() -> Assistant {
    Assistant::new(pilotlight_assist::Options::default(), "ember", || Ok(ENGINE.clone()))
}

struct Server {
    address: SocketAddr,
    client: Client,
}

impl Server {
    async fn start(assistant: Assistant, options: Options, tokens: Tokens) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = router(assistant, &options, tokens, Activity::default());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, client: Client::new() }
    }

    async fn plain() -> Self {
        Self::start(assistant(), Options::default(), Tokens::default()).await
    }

    async fn send(&self, path: &str, body: &Value) -> Response {
        self.client.post(format!("http://{}{path}", self.address)).json(body).send().await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let response = self.send(path, &body).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}: {}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    async fn get(&self, path: &str) -> String {
        let response = self.client.get(format!("http://{}{path}", self.address)).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }
}

/// The data of server-sent events.
fn events(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

#[tokio::test]
async fn every_wire_writes_the_same_text_into_the_same_hole() {
    let server = Server::plain().await;
    let infill =
        server.post("/infill", json!({ "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 8 })).await;
    let text = infill["content"].as_str().unwrap();
    assert!(!text.is_empty());
    assert_eq!(infill["tokens_predicted"], infill["timings"]["predicted_n"]);

    let hole = json!({ "prompt": PREFIX, "suffix": SUFFIX, "max_tokens": 8, "temperature": 0 });
    let openai = server.post("/v1/completions", hole.clone()).await;
    assert_eq!(openai["choices"][0]["text"], text);
    let mistral = server.post("/v1/fim/completions", hole).await;
    assert_eq!(mistral["choices"][0]["message"]["content"], text);
    let ollama = json!({ "prompt": PREFIX, "suffix": SUFFIX, "stream": false, "options": { "num_predict": 8 } });
    assert_eq!(server.post("/api/generate", ollama).await["response"], text);
    // As Zed spells it out for a model of Qwen's family, whichever is loaded.
    let spelled = format!("<|fim_prefix|>{PREFIX}<|fim_suffix|>{SUFFIX}<|fim_middle|>");
    let zed = server.post("/v1/completions", json!({ "prompt": spelled, "max_tokens": 8 })).await;
    assert_eq!(zed["choices"][0]["text"], text);
    // The same prompt each time: nothing but its last token was computed again.
    assert_eq!(
        zed["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap() + 1,
        zed["usage"]["prompt_tokens"].as_u64().unwrap()
    );
}

#[tokio::test]
async fn pieces_are_the_whole() {
    let server = Server::plain().await;
    let ask = |stream: bool| json!({ "prompt": PREFIX, "suffix": SUFFIX, "max_tokens": 12, "stream": stream });
    for path in ["/v1/completions", "/v1/fim/completions"] {
        let whole = server.post(path, ask(false)).await["choices"][0].clone();
        let text = server.send(path, &ask(true)).await.text().await.unwrap();
        let events = events(&text);
        assert_eq!(events.last(), Some(&"[DONE]"));
        let choices: Vec<Value> = events[..events.len() - 1]
            .iter()
            .map(|event| serde_json::from_str::<Value>(event).unwrap()["choices"][0].clone())
            .collect();
        let piece =
            |choice: &Value| choice["text"].as_str().or(choice["delta"]["content"].as_str()).unwrap().to_owned();
        let expected = whole["text"].as_str().or(whole["message"]["content"].as_str()).unwrap();
        assert_eq!(choices.iter().map(piece).collect::<String>(), expected, "{path}");
        assert_eq!(choices.last().unwrap()["finish_reason"], whole["finish_reason"]);
    }
    let lines = server
        .send("/api/generate", &json!({ "prompt": PREFIX, "suffix": SUFFIX, "options": { "num_predict": 12 } }))
        .await
        .text()
        .await
        .unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 1 && lines.last().unwrap()["done"] == true);
}

#[tokio::test]
async fn a_stream_tells_what_it_costs_where_that_is_asked_for() {
    let server = Server::plain().await;
    let ask = |timings: bool| json!({ "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 4, "stream": true, "timings_per_token": timings });
    let whole = server.post("/infill", json!({ "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 4 })).await;
    for timings in [true, false] {
        let text = server.send("/infill", &ask(timings)).await.text().await.unwrap();
        let first: Value = serde_json::from_str(events(&text)[0]).unwrap();
        assert_eq!(first["stop"], false, "{first}");
        let cost = |name: &str| first["timings"][name].as_u64();
        let prompt = cost("prompt_n").zip(cost("cache_n")).map(|(computed, reused)| computed + reused);
        assert_eq!(prompt, whole["tokens_evaluated"].as_u64().filter(|_| timings), "{first}");
    }
}

#[tokio::test]
async fn a_stop_ends_the_text_before_it() {
    let server = Server::plain().await;
    let ask = |stop: Value| json!({ "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 16, "stop": stop });
    let whole = server.post("/infill", ask(json!([]))).await["content"].as_str().unwrap().to_owned();
    let (at, stop) = whole.char_indices().nth(1).map(|(at, c)| (at, c.to_string())).unwrap();
    let cut = server.post("/infill", ask(json!(stop))).await;
    assert_eq!(cut["content"], whole[..at.min(whole.find(&stop).unwrap())]);
    assert_eq!(cut["stop_type"], "eos");
}

#[tokio::test]
async fn a_text_that_is_open_in_an_editor_is_completed_as_that_file_is() {
    let assistant = assistant();
    let text = format!("import sys\n\n\n{PREFIX}{SUFFIX}");
    assistant.open("file:///w/sums.py".into(), Some("/w/sums.py".into()), Language::Python, 0, &text);
    let server = Server::start(assistant.clone(), Options::default(), Tokens::default()).await;
    let snapshot = assistant.snapshot(&"file:///w/sums.py".into()).unwrap();
    let request = pilotlight_assist::CompletionRequest {
        document: "file:///w/sums.py".into(),
        cursor: "import sys\n\n\n".len() + PREFIX.len(),
        snapshot,
        trigger: pilotlight_assist::Trigger::Invoked,
    };
    let outcome = assistant.complete(request, Default::default()).await;
    let prompt = outcome.explanation.reused + outcome.explanation.prefilled;
    // A part of the file, as a client with a window of its own sends it.
    let part = server.post("/infill", json!({ "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 4 })).await;
    assert_eq!(part["tokens_evaluated"].as_u64().unwrap() as usize, prompt);
    assert_eq!(part["timings"]["prompt_n"], 1, "{part}");
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let server =
        Server::start(assistant(), Options { body_limit_bytes: 1000, ..Options::default() }, Tokens::default()).await;
    for (path, body, status, told) in [
        ("/v1/completions", json!({}), 422, "prompt"),
        ("/v1/completions", json!({ "prompt": "a", "temperature": -1 }), 400, "temperature: expected 0 to 5, found -1"),
        ("/v1/completions", json!({ "prompt": "a", "n": 3 }), 400, "`n` of 1"),
        ("/v1/completions", json!({ "prompt": ["a", "b"] }), 422, "expected one prompt, found 2"),
        ("/v1/fim/completions", json!({ "prompt": 3 }), 422, "invalid type"),
        ("/api/generate", json!({ "prompt": "a", "suffix": "b", "options": { "top_p": 0 } }), 400, "top_p"),
        ("/completion", json!({ "prompt": "x".repeat(2000) }), 413, "limit"),
        ("/nowhere", json!({}), 404, "no such path"),
    ] {
        let response = server.send(path, &body).await;
        assert_eq!(response.status().as_u16(), status, "{path} {body}");
        let body: Value = response.json().await.unwrap();
        // Ollama's clients read a text there.
        let error = if path.starts_with("/api/") { &body["error"] } else { &body["error"]["message"] };
        assert!(error.as_str().is_some_and(|error| error.contains(told)), "{path}: {body}");
    }
    // What Ollama's own documentation sends says that it is a form; what a page sends says so too, and where it comes from.
    let form = || {
        let request = server.client.post(format!("http://{}/api/generate", server.address));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(r#"{"prompt":"def f():","options":{"num_predict":1}}"#)
    };
    assert_eq!(form().send().await.unwrap().status(), 200);
    assert_eq!(form().header("origin", "https://example.org").send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn what_heals_the_cut_word_is_none_of_the_tokens_asked_for() {
    let server = Server::plain().await;
    let body = json!({ "prompt": "def f():\n    retu", "suffix": "\n", "max_tokens": 1 });
    let one = server.post("/v1/completions", body).await;
    assert_ne!(one["choices"][0]["text"], "", "{one}");
    assert_eq!(one["usage"]["completion_tokens"], 1);
}

#[tokio::test]
async fn without_a_seed_each_answer_is_another() {
    let server = Server::plain().await;
    let ask = async |seed: Value| {
        // A list of one is one.
        let body = json!({ "prompt": ["def f():\n"], "max_tokens": 64, "temperature": 2, "seed": seed });
        server.post("/v1/completions", body).await["choices"][0]["text"].clone()
    };
    assert_eq!(ask(json!(7)).await, ask(json!(7)).await);
    assert_eq!(ask(json!(u64::MAX)).await, ask(json!(u64::MAX)).await);
    for any in [Value::Null, json!(-1)] {
        assert_ne!(ask(any.clone()).await, ask(any).await);
    }
}

#[tokio::test]
async fn a_client_that_goes_away_frees_the_engine() {
    let server = Server::plain().await;
    let cancelled = async || {
        let metrics = server.get("/metrics").await;
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("pilotlight_http_generations_total{finish=\"cancelled\"} "));
        line.map_or(0, |count| count.parse::<u32>().unwrap())
    };
    for (stream, expected) in [(true, 1), (false, 2)] {
        let began = Instant::now();
        let mut seed = 0;
        // The model may come to an end by itself before the client has gone: then another seed.
        while cancelled().await < expected {
            assert!(began.elapsed() < Duration::from_secs(30), "stream: {stream}");
            let asked =
                json!({ "prompt": "def f():\n", "max_tokens": 1500, "temperature": 2, "seed": seed, "stream": stream });
            let request = server.client.post(format!("http://{}/v1/completions", server.address)).json(&asked).send();
            let _ =
                tokio::time::timeout(Duration::from_millis(60), async { request.await.unwrap().text().await }).await;
            tokio::time::sleep(Duration::from_millis(60)).await;
            seed += 1;
        }
    }
}
