//! What each kind of server is asked, and how its answers are read.

use serde_json::Value;

use super::*;

/// A server that answers each path with a document, and `path` with a stream of lines.
fn server(documents: Vec<(&'static str, Value)>, path: &'static str, lines: &'static [&'static str]) -> FaultServer {
    FaultServer::start(move |seen, stream| {
        if seen.path == path {
            open(stream);
            for line in lines {
                let _ = std::io::Write::write_all(stream, format!("{line}\n\n").as_bytes());
            }
        } else if seen.path == "/tokenize" {
            let known = seen.body["prompt"].as_str() != Some("<|end|>");
            say(stream, 200, "", if known { r#"{"count":1,"tokens":[77]}"# } else { r#"{"count":2,"tokens":[1,2]}"# });
        } else {
            match documents.iter().find(|(path, _)| *path == seen.path) {
                Some((_, document)) => say(stream, 200, "", &document.to_string()),
                None => say(stream, 404, "", r#"{"detail":"Not Found"}"#),
            }
        }
    })
}

/// Two sides, for a server that writes the prompt.
fn sides(engine: &Engine) -> Request {
    let tokenizer = engine.tokenizer();
    let mut prompt: Vec<u32> = tokenizer.special(crate::remote::SUFFIX_PART).into_iter().collect();
    prompt.extend(tokenizer.encode("\nend <|fim_suffix|>"));
    prompt.extend(tokenizer.special(crate::remote::PREFIX_PART));
    prompt.extend(tokenizer.encode("begin "));
    let sampling = Sampling::TopP { temperature: 0.5, top_p: 0.75, seed: 3 };
    Request { prompt, max_tokens: 8, sampling, ..Request::default() }
}

const COMPLETION: [&str; 5] = [
    r#"data: {"choices":[{"text":"a","logprobs":{"token_logprobs":[-0.25]},"finish_reason":null}]}"#,
    ": a comment",
    r#"data: {"choices":[{"text":"b","logprobs":{"token_logprobs":[-0.5]},"finish_reason":"length"}]}"#,
    r#"data: {"choices":[],"usage":{"prompt_tokens":90,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":64}}}"#,
    "data: [DONE]",
];

#[test]
fn vllm() {
    let models = json!({ "data": [{ "id": "Qwen/Q", "owned_by": "vllm", "max_model_len": 4096 }] });
    let server = server(vec![("/v1/models", models)], "/v1/completions", &COMPLETION);
    // The address as it is given to others.
    let engine = connect(server.url() + "/v1/");
    assert_eq!((engine.info().name.as_str(), engine.info().context_length), ("Qwen/Q", 4096));
    assert!(engine.info().backend.starts_with("the vLLM server at http://127.0.0.1:"));
    assert_eq!(engine.tokenizer().special("<|end|>"), None);
    let answer = collect(engine.submit(asked(&engine)));
    assert_eq!((answer.text.as_str(), &answer.logprobs[..]), ("ab", &[-0.25, -0.5][..]));
    assert_eq!(answer.done.unwrap().finish, Finish::Length);
    let body = &server.seen("/v1/completions")[0].body;
    // One text: what spells a marker has a blank in it.
    assert_eq!(body["prompt"], "<|fim_prefix|>a < |fim_suffix|> b<|fim_suffix|>");
    assert_eq!((&body["stop_token_ids"], &body["add_special_tokens"]), (&json!([77]), &json!(false)));
    assert_eq!((&body["temperature"], &body["model"]), (&json!(0), &json!("Qwen/Q")));
    assert_eq!(body["repetition_penalty"], json!(1.0));
}

/// As llama.cpp's server has: a thread belongs to a connection until that is closed.
#[test]
fn a_server_of_few_threads_is_not_asked_for_more() {
    static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let server = FaultServer::start(|seen, stream| {
        if seen.path == "/tokenize" {
            MOST.fetch_max(UNDER_WAY.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(5));
            UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
        }
        if !llama_cpp(seen, stream) {
            say(stream, 404, "", "");
        }
    });
    let markers = ["<a>", "<b>", "<c>", "<|fim_prefix|>", "<d>", "<e>", "<f>", "<g>", "<h>", "<i>"];
    let engine = Engine::connect(&options(server.url(), |_| ()), &markers).unwrap();
    assert!(engine.tokenizer().special("<|fim_prefix|>").is_some());
    let most = MOST.load(Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most} at once");
}

/// `pilotlight serve` is one: it has a `/tokenize`, of llama.cpp's shape.
#[test]
fn what_is_said_to_be_vllm_and_tells_no_tokens_is_asked_with_prefix_and_suffix() {
    for status in [400, 404, 422] {
        let server = FaultServer::start(move |seen, stream| match seen.path.as_str() {
            "/v1/models" => say(stream, 200, "", &json!({ "data": [{ "id": "ember" }] }).to_string()),
            "/v1/completions" => {
                open(stream);
                for line in COMPLETION {
                    let _ = std::io::Write::write_all(stream, format!("{line}\n\n").as_bytes());
                }
            }
            _ => say(stream, status, "", "missing field `content`"),
        });
        let named = options(server.url(), |remote| remote.kind = RemoteKind::Vllm);
        let engine = Engine::connect(&named, &MARKERS).unwrap();
        assert_eq!(collect(engine.submit(sides(&engine))).text, "ab");
        let body = &server.seen("/v1/completions")[0].body;
        assert_eq!((&body["prompt"], &body["suffix"]), (&json!("begin "), &json!("\nend <|fim_suffix|>")));
        assert!(body.get("stop_token_ids").is_none());
    }
    // One that lets nobody in is not that.
    let closed = FaultServer::start(|seen, stream| match seen.path.as_str() {
        "/v1/models" => say(stream, 200, "", &json!({ "data": [{ "id": "ember" }] }).to_string()),
        _ => say(stream, 401, "", "no"),
    });
    let named = options(closed.url(), |remote| remote.kind = RemoteKind::Vllm);
    assert!(Engine::connect(&named, &MARKERS).unwrap_err().to_string().contains("401"));
}

#[test]
fn a_tokenizer_of_our_own_makes_prompts_exact() {
    let models = json!({ "data": [{ "id": "q", "owned_by": "vllm" }] });
    let server = server(vec![("/v1/models", models)], "/v1/completions", &COMPLETION);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokenizer.json");
    std::fs::write(&file, crate::fixture::tokenizer_json().to_string()).unwrap();
    let engine = Engine::connect(&options(server.url(), |remote| remote.tokenizer = Some(file)), &MARKERS).unwrap();
    assert_eq!(engine.bytes_per_token(), None);
    let prompt = engine.tokenizer().encode("int x = 1;");
    collect(engine.submit(Request { prompt: prompt.clone(), max_tokens: 1, ..Request::default() }));
    assert_eq!(server.seen("/v1/completions")[0].body["prompt"], json!(prompt));
}

#[test]
fn openai() {
    let models = json!({ "data": [{ "id": "one" }, { "id": "two" }] });
    let server = server(vec![("/v1/models", models)], "/v1/completions", &COMPLETION);
    let two = options(server.url(), |remote| remote.model = "two".to_owned());
    let engine = Engine::connect(&two, &MARKERS).unwrap();
    assert_eq!(collect(engine.submit(sides(&engine))).text, "ab");
    let body = &server.seen("/v1/completions")[0].body;
    assert_eq!((&body["prompt"], &body["suffix"]), (&json!("begin "), &json!("\nend <|fim_suffix|>")));
    assert_eq!((&body["model"], &body["temperature"], &body["seed"]), (&json!("two"), &json!(0.5), &json!(3)));

    // A format that is named is believed.
    let named = options(server.url(), |remote| remote.format = "mine".to_owned());
    let engine = Engine::connect(&named, &MARKERS).unwrap();
    assert_eq!(collect(engine.submit(asked(&engine))).text, "ab");
    let body = &server.seen("/v1/completions")[1].body;
    assert_eq!(body["prompt"], "<|fim_prefix|>a < |fim_suffix|> b<|fim_suffix|>");
    assert_eq!(body["stop"], json!(["<|fim_prefix|>"]));

    let three = options(server.url(), |remote| remote.model = "three".to_owned());
    let message = Engine::connect(&three, &MARKERS).unwrap_err().to_string();
    assert!(message.ends_with("expected it to have three, found one, two"), "{message}");
}

#[test]
fn mistral() {
    let lines = [
        r#"data: {"choices":[{"delta":{"role":"assistant","content":"a"},"finish_reason":null}]}"#,
        r#"data: {"choices":[{"delta":{"content":"b"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7}}"#,
        "data: [DONE]",
    ];
    let lines: &'static [&'static str] = Box::leak(Box::new(lines));
    let server = server(vec![], "/v1/fim/completions", lines);
    let mistral = options(server.url(), |remote| remote.kind = RemoteKind::Mistral);
    let engine = Engine::connect(&mistral, &MARKERS).unwrap();
    let answer = collect(engine.submit(sides(&engine)));
    assert_eq!((answer.text.as_str(), answer.done.unwrap().finish), ("ab", Finish::Stop));
    // It does not tell how likely they were.
    assert!(answer.logprobs.iter().all(|it| it.is_nan()));
    let body = &server.seen("/v1/fim/completions")[0].body;
    assert_eq!((&body["model"], &body["random_seed"]), (&json!("codestral-latest"), &json!(3)));
    assert_eq!((&body["prompt"], &body["suffix"]), (&json!("begin "), &json!("\nend <|fim_suffix|>")));
}

const GENERATED: [&str; 3] = [
    r#"{"response":"a","done":false}"#,
    r#"{"response":"b","done":false}"#,
    r#"{"response":"","done":true,"done_reason":"stop","prompt_eval_count":9,"prompt_eval_duration":2000000}"#,
];

#[test]
fn ollama() {
    let documents = |tokens: Value| {
        let info =
            json!({ "general.architecture": "qwen2", "qwen2.context_length": 32768, "tokenizer.ggml.tokens": tokens });
        vec![
            ("/api/version", json!({ "version": "0.9" })),
            ("/api/tags", json!({ "models": [{ "name": "coder:1.5b" }] })),
            ("/api/show", json!({ "model_info": info })),
        ]
    };
    let told = server(documents(json!(["a", "<|fim_prefix|>", "<|fim_suffix|>"])), "/api/generate", &GENERATED);
    let engine = connect(told.url());
    assert_eq!((engine.info().name.as_str(), engine.info().context_length), ("coder:1.5b", 8192));
    let answer = collect(engine.submit(asked(&engine)));
    assert_eq!((answer.text.as_str(), answer.prefill.unwrap().prefilled), ("ab", 7));
    let body = &told.seen("/api/generate")[0].body;
    assert_eq!((&body["raw"], &body["options"]["num_ctx"]), (&json!(true), &json!(8192)));
    assert_eq!(body["prompt"], "<|fim_prefix|>a < |fim_suffix|> b<|fim_suffix|>");
    assert_eq!(body["options"]["stop"], json!(["<|fim_prefix|>"]));
    assert_eq!(body["options"]["repeat_penalty"], json!(1.0));

    // Where it does not tell its vocabulary, its own template writes the prompt.
    let silent = server(documents(Value::Null), "/api/generate", &GENERATED);
    let engine = connect(silent.url());
    assert_eq!(collect(engine.submit(sides(&engine))).text, "ab");
    let body = &silent.seen("/api/generate")[0].body;
    assert_eq!((&body["prompt"], &body["suffix"]), (&json!("begin "), &json!("\nend <|fim_suffix|>")));
    assert!(body.get("raw").is_none());
}

/// Its OpenAI endpoint takes neither option: it would cut a long conversation without a word, and write no line twice.
#[test]
fn ollama_is_asked_in_its_own_words_to_chat_too() {
    let info = json!({ "general.architecture": "qwen2", "qwen2.context_length": 32768 });
    let documents = vec![
        ("/api/version", json!({ "version": "0.9" })),
        ("/api/tags", json!({ "models": [{ "name": "coder:1.5b" }] })),
        ("/api/show", json!({ "model_info": info, "capabilities": ["completion"], "template": "{{ .Messages }}" })),
    ];
    let lines = &[
        r#"{"message":{"role":"assistant","content":"a"},"done":false}"#,
        r#"{"message":{"role":"assistant","content":"b"},"done":true,"done_reason":"stop","prompt_eval_count":7}"#,
    ];
    let server = server(documents, "/api/chat", lines);
    let engine = Engine::connect(&options(server.url(), |remote| remote.chat = Some(true)), &MARKERS).unwrap();
    let messages = json!([{ "role": "user", "content": "write" }]).to_string();
    let prompt = engine.chat().unwrap().encode(engine.tokenizer(), &messages, None).unwrap();
    assert_eq!(collect(engine.submit(Request { prompt, max_tokens: 8, ..Request::default() })).text, "ab");
    let body = &server.seen("/api/chat")[0].body;
    assert_eq!(body["messages"], json!([{ "role": "user", "content": "write" }]));
    assert_eq!((&body["options"]["num_ctx"], &body["options"]["repeat_penalty"]), (&json!(8192), &json!(1.0)));
}
