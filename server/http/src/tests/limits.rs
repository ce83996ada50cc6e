//! What is too long, or takes too long.

use super::*;

#[tokio::test]
async fn a_large_max_tokens_leaves_the_clients_text_in_the_prompt() {
    let server = Server::plain().await;
    let mut prompts = Vec::new();
    for (most, path) in [(12, "/v1/fim/completions"), (4096, "/v1/fim/completions"), (1u64 << 40, "/v1/completions")] {
        // The first word ends it.
        let body = json!({ "prompt": PREFIX, "suffix": SUFFIX, "max_tokens": most, "stop": ["a", " ", "\n"] });
        prompts.push(server.post(path, body).await["usage"]["prompt_tokens"].as_u64().unwrap());
    }
    assert!(prompts.iter().all(|prompt| *prompt == prompts[0]), "{prompts:?}");
}

#[tokio::test]
async fn a_prompt_beyond_the_context_is_the_clients_mistake() {
    let server = Server::plain().await;
    let long = "x = 1\n".repeat(5000);
    for (path, body) in [
        ("/completion", json!({ "prompt": long })),
        ("/v1/completions", json!({ "prompt": long, "max_tokens": 3, "stream": true })),
    ] {
        let response = server.send(path, &body).await;
        let status = response.status();
        let told = response.text().await.unwrap();
        assert!(
            status == 400 && told.contains("tokens: expected at most 4096") && told.contains("invalid_request"),
            "{path}: {status} {told}"
        );
    }
}

#[tokio::test]
async fn what_took_too_long_before_its_first_token_is_an_error() {
    let options = pilotlight_engine::EngineOptions {
        time_limits: pilotlight_engine::TimeLimits { typing: 1, ..Default::default() },
        threads: 1,
        ..Default::default()
    };
    let engine = Engine::load_with(&ModelSource::Ember, &options).unwrap();
    let assistant = Assistant::new(pilotlight_assist::Options::default(), "ember", move || Ok(engine));
    let server = Server::start(assistant, Options::default(), Tokens::default()).await;
    // More than is read in a second: some of them are cut before they have a token.
    let ask = async |number: usize| {
        let prompt = format!("{number}\n{}", "x = 1\n".repeat(800));
        let response = server.send("/completion", &json!({ "prompt": prompt, "n_predict": 2000 })).await;
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let answers = futures::future::join_all((0..24).map(ask)).await;
    let mut late = 0;
    for (status, body) in answers {
        if status == StatusCode::GATEWAY_TIMEOUT {
            late += 1;
            assert!(body["error"]["message"].as_str().unwrap().contains("engine.time-limits"), "{body}");
        } else {
            assert!(status == 200 && body["tokens_predicted"].as_u64().unwrap() > 0, "{status} {body}");
        }
    }
    assert!(late > 0);
}

#[tokio::test]
async fn null_is_as_good_as_nothing() {
    let server = Server::plain().await;
    for (path, body) in [
        ("/v1/completions", json!({ "prompt": "a", "max_tokens": 1, "stream": null, "echo": null })),
        ("/v1/fim/completions", json!({ "prompt": "a", "max_tokens": 1, "stream": null })),
        (
            "/completion",
            json!({ "prompt": "a", "n_predict": 1, "stream": null, "timings_per_token": null, "response_fields": null }),
        ),
        (
            "/infill",
            json!({ "input_prefix": "a", "n_predict": 1, "stream": null, "input_extra": null, "prompt": null }),
        ),
        ("/api/generate", json!({ "prompt": "a", "stream": false, "options": null })),
    ] {
        server.post(path, body).await;
    }
    // The chat's fields are read before it is found that ember has no template.
    let body = json!({ "messages": [{ "role": "user", "content": "a" }], "stream": null });
    assert_eq!(server.send("/v1/chat/completions", &body).await.status(), 404);
}

#[tokio::test]
async fn a_limit_of_ages_is_no_panic() {
    let options = Options { time_limit_seconds: i64::MAX as u64, ..Options::default() };
    let server = Server::start(assistant(), options, Tokens::default()).await;
    server.post("/v1/completions", json!({ "prompt": "a", "max_tokens": 1 })).await;
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = router(assistant(), &Options::default(), Tokens::default(), Activity::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let soon = Duration::from_millis(300);
    let served = tokio::spawn(crate::connections::serve(listener, router, soon, soon, async { _ = stopped.await }));
    for said in ["", "GET /health HTTP/1.1\r\nHo"] {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "held by {said:?}");
    }
    // Nor who announces a body and does not send it, when the end is asked for.
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head =
        "POST /completion HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(20), served).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
