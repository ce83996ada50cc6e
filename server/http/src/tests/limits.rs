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
