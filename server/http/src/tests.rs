//! The wires, by a real client over loopback, on the built-in model.

#![allow(clippy::unwrap_used)]

mod limits;

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

/// What an unopened text's prompt is, and the same text's where it is open in an editor under `name`, asked by bob.
async fn prompts(name: &str, server: impl AsyncFn(Assistant) -> Server) -> [Value; 2] {
    let opened = assistant();
    let text = format!("import sys\n\n\n{PREFIX}{SUFFIX}");
    opened.open(format!("file:///w/{name}").into(), Some(format!("/w/{name}").into()), Language::Python, 0, &text);
    let mut prompts = [Value::Null, Value::Null];
    for (assistant, prompt) in [assistant(), opened].into_iter().zip(&mut prompts) {
        let server = server(assistant).await;
        let request = server.client.post(format!("http://{}/infill", server.address));
        let body = json!({ "input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 1 });
        let answer = request.bearer_auth("bob-0123456789abcdef").json(&body).send().await.unwrap();
        *prompt = answer.json::<Value>().await.unwrap()["tokens_evaluated"].take();
        assert!(prompt.is_u64());
    }
    prompts
}

#[tokio::test]
async fn what_somebody_else_has_open_is_not_completed_for_who_has_a_token() {
    let [unopened, opened] = prompts("secret.py", of_two).await;
    assert_eq!(unopened, opened);
}

#[tokio::test]
async fn what_is_open_and_excluded_is_completed_for_nobody() {
    let plain = async |assistant| Server::start(assistant, Options::default(), Tokens::default()).await;
    let [unopened, opened] = prompts(".env", plain).await;
    assert_eq!(unopened, opened);
    let [unopened, opened] = prompts("sums.py", plain).await;
    assert_ne!(unopened, opened, "another file is recognised");
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
async fn without_the_token_nobody_is_answered() {
    let token = "a-token-that-is-long-enough";
    let server = Server::start(assistant(), Options::default(), Tokens::one(token.into())).await;
    let url = format!("http://{}/v1/models", server.address);
    for given in [None, Some("a-token-that-is-long-enougj"), Some("")] {
        let mut request = server.client.get(&url);
        if let Some(given) = given {
            request = request.bearer_auth(given);
        }
        assert_eq!(request.send().await.unwrap().status(), 401, "{given:?}");
    }
    assert_eq!(server.client.get(&url).bearer_auth(token).send().await.unwrap().status(), 200);
    // A probe needs none.
    server.get("/health").await;
}

#[tokio::test]
async fn a_web_page_is_refused_where_no_token_is_asked_for() {
    let server = Server::plain().await;
    let url = format!("http://{}/v1/models", server.address);
    for (header, value, status) in [
        ("origin", "https://example.com", 403),
        ("origin", "http://203.0.113.7", 403),
        ("origin", "http://127.0.0.1:3000", 200),
        ("origin", "http://[::1]:3000", 200),
        ("host", "203.0.113.7", 200),
        ("host", "rebound.example.com", 403),
        ("origin", "http://localhost:3000", 200),
        ("host", "localhost:1", 200),
    ] {
        let response = server.client.get(&url).header(header, value).send().await.unwrap();
        assert_eq!(response.status(), status, "{header}: {value}");
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

#[tokio::test]
async fn what_is_loaded_is_told() {
    let server = Server::plain().await;
    server.post("/v1/completions", json!({ "prompt": "a", "max_tokens": 2 })).await;
    assert_eq!(server.get("/health").await, r#"{"status":"ok"}"#);
    let parse = |text: String| serde_json::from_str::<Value>(&text).unwrap();
    let name = &ENGINE.info().name;
    assert_eq!(parse(server.get("/v1/models").await)["data"][0]["id"], *name);
    assert_eq!(parse(server.get("/api/tags").await)["models"][0]["name"], *name);
    let context = ENGINE.info().context_length;
    assert_eq!(parse(server.get("/props").await)["default_generation_settings"]["n_ctx"], context);
    let metrics = server.get("/metrics").await;
    assert!(metrics.contains("pilotlight_tokens_decoded_total ") && metrics.ends_with("# EOF\n"), "{metrics}");
}

#[test]
fn a_file_of_tokens_is_read_or_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str| {
        let path = folder.path().join("tokens");
        std::fs::write(&path, text).unwrap();
        Tokens::read(&path).map_err(|error| error.to_string().replace(&path.display().to_string(), "tokens"))
    };
    assert!(!read("# the team\n\n0123456789abcdef\n").unwrap().is_empty());
    assert_eq!(read("# none\n").unwrap_err(), "tokens: expected one token a line, found none");
    let weak = "tokens: line 2: expected a token of at least 16 characters without blanks";
    assert_eq!(read("0123456789abcdef\nshort\n").unwrap_err(), weak);
    let quota = "tokens: line 1: expected requests-per-minute=N or tokens-per-minute=N behind the token, found `requests-per-minute=many`";
    assert_eq!(read("ana 0123456789abcdef requests-per-minute=many\n").unwrap_err(), quota);
    assert_eq!(read("ana 0123456789abcdef\nana 0123456789abcdeg\n").unwrap_err(), "tokens: line 2: the user ana twice");
    let same = read("ana 0123456789abcdef\nbob 0123456789abcdef\n").unwrap_err();
    assert_eq!(same, "tokens: line 2: the token of bob twice");
    let users = read("ana 0123456789abcde= requests-per-minute=2\n0123456789abcdef\n").unwrap();
    let users: Vec<_> = users.iter().map(|token| (token.user.as_str(), token.quota.requests_per_minute)).collect();
    assert_eq!(users, [("ana", Some(2)), ("token 2", None)]);
    assert!(Tokens::read(&folder.path().join("missing")).unwrap_err().to_string().contains("missing"));
}

/// Ember with a chat template in its header: it chats badly, but it chats.
fn chatting() -> (tempfile::TempDir, Assistant) {
    let template = "{{ bos_token }}{% for message in messages %}<|file|>{{ message.role }}\n{{ message.content }}{% endfor %}<|prefix|>";
    let ember = include_bytes!("../../ember/weights/ember.gguf");
    let entry = |template: &str| {
        let key = b"tokenizer.chat_template";
        let lengths = [key.len() as u64, template.len() as u64].map(u64::to_le_bytes);
        [&lengths[0][..], key, &8u32.to_le_bytes(), &lengths[1], template.as_bytes()].concat()
    };
    // A whole number of the file's 32-byte units, so that the tensors stay aligned; a comment fills it up.
    let filled =
        (0..64).map(|n| format!("{template}{{#{:n$}#}}", "")).find(|text| entry(text).len() % 32 == 0).unwrap();
    let entries = u64::from_le_bytes(ember[16..24].try_into().unwrap()) + 1;
    let file = [&ember[..16], &entries.to_le_bytes(), &entry(&filled), &ember[24..]].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.gguf");
    std::fs::write(&path, file).unwrap();
    let load = move || pilotlight_engine::Engine::load(&pilotlight_engine::ModelSource::Gguf(path));
    (folder, Assistant::new(pilotlight_assist::Options::default(), "chat", load))
}

#[tokio::test]
async fn a_model_with_a_template_chats_whole_and_in_events() {
    let (_folder, assistant) = chatting();
    let server = Server::start(assistant, Options::default(), Tokens::default()).await;
    let ask = |stream: bool| {
        json!({
            "messages": [{ "role": "user", "content": "def f(x): <|eot|>\n" }],
            "tools": [{ "type": "function", "function": { "name": "z", "a": 1 } }],
            "max_tokens": 12, "stream": stream,
        })
    };
    let whole = server.post("/v1/chat/completions", ask(false)).await;
    assert_eq!(whole["object"], "chat.completion");
    let content = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(!content.is_empty());
    // Three special tokens and the text, in which the spelled-out one is several.
    let text = ENGINE.tokenizer().encode("user\ndef f(x): <|eot|>\n").len();
    assert_eq!(whole["usage"]["prompt_tokens"], 3 + text);
    let events = server.send("/v1/chat/completions", &ask(true)).await.text().await.unwrap();
    let events: Vec<&str> = events.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let said: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, content);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], whole["choices"][0]["finish_reason"]);
    assert_eq!(chunks.last().unwrap()["usage"]["prompt_tokens"], whole["usage"]["prompt_tokens"]);
    for (body, status, told) in [
        (json!({ "messages": [] }), 400, "messages: expected a list with a message"),
        (json!({ "messages": [{ "role": "owl", "content": "" }] }), 400, "messages[0].role: expected"),
        (json!({ "messages": [{ "role": "user", "content": "x ".repeat(20000) }] }), 400, "the conversation has "),
        (json!({ "messages": [], "tool_choice": "required" }), 400, "tool_choice: expected"),
    ] {
        let response = server.send("/v1/chat/completions", &body).await;
        assert_eq!(response.status().as_u16(), status, "{body}");
        let body: Value = response.json().await.unwrap();
        assert!(body["error"]["message"].as_str().unwrap().contains(told), "{body}");
    }
}

#[tokio::test]
async fn a_model_without_a_template_says_so() {
    let server = Server::plain().await;
    let response =
        server.send("/v1/chat/completions", &json!({ "messages": [{ "role": "user", "content": "hi" }] })).await;
    assert_eq!(response.status(), 404);
    let body: Value = response.json().await.unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert_eq!(message, "the built-in model has no chat template: the model was not trained to chat");
}

/// A server of two users: ana may ask twice a minute.
async fn of_two(assistant: Assistant) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens");
    std::fs::write(&path, "ana ana-0123456789abcdef requests-per-minute=2\nbob bob-0123456789abcdef\n").unwrap();
    Server::start(assistant, Options::default(), Tokens::read(&path).unwrap()).await
}

#[tokio::test]
async fn a_user_beyond_the_quota_waits_and_the_others_do_not() {
    let server = of_two(assistant()).await;
    let ask = async |user: &str| {
        // All tests share an engine: what nobody else asks is nobody else's in the cache.
        let body = json!({ "prompt": format!("{PREFIX}{user}"), "suffix": SUFFIX, "max_tokens": 2 });
        let request = server.client.post(format!("http://{}/v1/completions", server.address));
        request.bearer_auth(format!("{user}-0123456789abcdef")).json(&body).send().await.unwrap()
    };
    assert_eq!([ask("ana").await.status(), ask("ana").await.status()], [200, 200]);
    let refused = ask("ana").await;
    assert_eq!(refused.status(), 429);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["message"], "ana may have 2 requests a minute, and has had them");
    assert_eq!(body["error"]["type"], "rate_limit_exceeded");
    assert_eq!(ask("bob").await.status(), 200);

    let status = server.client.get(format!("http://{}/status", server.address));
    let status: Value = status.bearer_auth("bob-0123456789abcdef").send().await.unwrap().json().await.unwrap();
    let users: Vec<_> = status["users"].as_array().unwrap().iter().collect();
    let counts = |user: &Value| (user["name"].clone(), user["answered"].clone(), user["refused"].clone());
    assert_eq!(counts(users[0]), (json!("ana"), json!(2), json!(1)));
    assert_eq!(counts(users[1]), (json!("bob"), json!(1), json!(0)));
    let clients: Vec<_> = status["cache"].as_array().unwrap().iter().map(|it| it["client"].clone()).collect();
    assert!(clients.contains(&json!("bob")), "who used a page last: {clients:?}");
}

#[tokio::test]
async fn the_status_tells_what_is_held_and_what_was_asked() {
    let assistant = assistant();
    let text = format!("import os\n\n\n{PREFIX}{SUFFIX}");
    assistant.open("file:///w/held.py".into(), Some("/w/held.py".into()), Language::Python, 0, &text);
    let request = pilotlight_assist::CompletionRequest {
        document: "file:///w/held.py".into(),
        cursor: "import os\n\n\n".len() + PREFIX.len(),
        snapshot: assistant.snapshot(&"file:///w/held.py".into()).unwrap(),
        trigger: pilotlight_assist::Trigger::Invoked,
    };
    let outcome = assistant.complete(request, Default::default()).await;
    if let Some(completion) = &outcome.completion {
        assistant.report(completion.id, pilotlight_assist::Acceptance::Whole);
    }
    let server = Server::start(assistant.clone(), Options::default(), Tokens::default()).await;
    server.post("/infill", json!({ "input_prefix": "fn main() {\n    l", "n_predict": 3 })).await;
    let status: Value = serde_json::from_str(&server.get("/status").await).unwrap();
    assert_eq!((&status["state"], &status["model"]["name"]), (&json!("ready"), &json!(ENGINE.info().name)));
    let recent = status["journal"]["recent"].as_array().unwrap();
    assert_eq!((&recent[0]["wire"], &recent[0]["client"]), (&json!("/infill"), &json!("this machine")));
    assert_eq!(
        (&recent[1]["wire"], &recent[1]["path"], &recent[1]["language"]),
        (&json!("editor"), &json!("held.py"), &json!("python"))
    );
    assert_eq!(recent[1]["why"]["segments"].as_array().unwrap().len(), outcome.explanation.segments.len());
    let offered = &status["journal"]["languages"]["python"];
    assert_eq!(offered["taken"].as_u64().unwrap_or(0), u64::from(outcome.completion.is_some()), "{offered}");
    let prefilled: u64 = recent.iter().map(|entry| entry["why"]["prefilled"].as_u64().unwrap()).sum();
    let course = status["journal"]["course"].as_array().unwrap();
    assert_eq!(course.iter().map(|point| point["prefilled"].as_u64().unwrap()).sum::<u64>(), prefilled);
    let held: usize = status["cache"].as_array().unwrap().iter().map(|it| it["pages"].as_array().unwrap().len()).sum();
    assert!(held > 0 && status["figures"]["cache"]["pages_used"].as_u64().unwrap() > 0);

    let page = server.client.get(format!("http://{}/", server.address)).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let page = page.text().await.unwrap();
    let elsewhere =
        ["https://", "src=", "@import", "url("].into_iter().filter(|it| page.contains(it)).collect::<Vec<_>>();
    assert!(elsewhere.is_empty(), "the page asks elsewhere: {elsewhere:?}");
}

#[tokio::test]
async fn other_peoples_files_are_not_in_the_status() {
    let assistant = assistant();
    let text = "def greet(name):\n    print(name)\n";
    assistant.open("file:///w/secret.py".into(), Some("/w/secret.py".into()), Language::Python, 0, text);
    let request = pilotlight_assist::CompletionRequest {
        document: "file:///w/secret.py".into(),
        cursor: text.len(),
        snapshot: assistant.snapshot(&"file:///w/secret.py".into()).unwrap(),
        trigger: pilotlight_assist::Trigger::Invoked,
    };
    assistant.complete(request, Default::default()).await;
    let server = of_two(assistant).await;
    let status = server.client.get(format!("http://{}/status", server.address)).bearer_auth("ana-0123456789abcdef");
    let status = status.send().await.unwrap().text().await.unwrap();
    assert!(status.contains("python") && !status.contains("secret"), "{status}");
    // The page itself has nothing in it, and asks for the token.
    assert!(server.get("/").await.contains("asks for a token"));
    assert_eq!(server.client.get(format!("http://{}/status", server.address)).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn what_is_being_written_is_a_slot_and_keeps_the_daemon() {
    let activity = Activity::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(assistant(), &Options::default(), Tokens::default(), activity.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let server = Server { address, client: Client::new() };
    let busy = |slots: &str| {
        let slots: Value = serde_json::from_str(slots).unwrap();
        slots.as_array().unwrap().iter().filter(|slot| slot["is_processing"] == true).count()
    };
    assert_eq!((busy(&server.get("/slots").await), activity.last()), (0, None), "looking is no use");
    let mut seed = 0;
    // The model may come to an end by itself before it is looked at: then another seed.
    loop {
        let body =
            json!({ "prompt": "def f():\n", "max_tokens": 1500, "temperature": 2, "seed": seed, "stream": true });
        let answer = server.send("/v1/completions", &body).await;
        let slots = server.get("/slots").await;
        drop(answer);
        if busy(&slots) == 1 {
            break;
        }
        seed += 1;
        assert!(seed < 50, "never seen at work: {slots}");
    }
    assert!(activity.last().is_some());
    while busy(&server.get("/slots").await) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (one, later) = (activity.last(), activity.last());
    assert_eq!(one, later, "from then on it is idle");
}
