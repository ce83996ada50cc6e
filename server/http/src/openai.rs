//! OpenAI's completions.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use pilotlight_assist::Report;
use pilotlight_engine::Finish;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Failure, Surface,
    answer::{Ask, Running, What, limits, sampling},
    metrics::now,
    stop,
};

/// `GET /v1/models`.
pub(crate) async fn models(State(surface): State<Surface>) -> Result<Json<Value>, Failure> {
    let model = surface.model().await?;
    Ok(Json(json!({
        "object": "list",
        "data": [{ "id": model, "object": "model", "created": now(), "owned_by": "pilotlight" }],
    })))
}

/// `POST /v1/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct Completions {
    prompt: String,
    suffix: Option<String>,
    max_tokens: Option<usize>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    seed: Option<i64>,
    n: Option<usize>,
    #[serde(default)]
    echo: bool,
    #[serde(default, deserialize_with = "stop::list")]
    stop: Vec<String>,
    #[serde(default)]
    stream: bool,
}

/// Goes on with a prompt, or fills the hole before a suffix.
pub(crate) async fn completions(
    State(surface): State<Surface>,
    body: Result<Json<Completions>, JsonRejection>,
) -> Result<Response, Failure> {
    let Json(asked) = body?;
    if asked.n.is_some_and(|n| n != 1) || asked.echo {
        return Err(Failure::bad_request("expected `n` of 1 and no `echo`: others are not served"));
    }
    let limits =
        limits(asked.max_tokens.unwrap_or(128), sampling(asked.temperature, asked.top_p, asked.seed)?, asked.stop);
    let running = surface.start(Ask { what: What::of(asked.prompt, asked.suffix), limits }).await?;
    let (id, created) = (surface.metrics.id("cmpl"), now());
    let head = json!({ "id": id, "object": "text_completion", "created": created, "model": running.model });
    let with = move |text: &str, finish: Option<&str>| {
        let mut body = head.clone();
        body["choices"] = json!([{ "index": 0, "text": text, "finish_reason": finish, "logprobs": null }]);
        body
    };
    if asked.stream {
        let piece = with.clone();
        return Ok(running.events(
            move |_, text| piece(&text, None),
            move |running: &Running| {
                let mut last = with("", Some(finish(&running.report())));
                last["usage"] = usage(&running.report());
                vec![last.to_string(), "[DONE]".to_owned()]
            },
        ));
    }
    let (text, report) = running.whole().await?;
    let mut body = with(&text, Some(finish(&report)));
    body["usage"] = usage(&report);
    Ok(Json(body).into_response())
}

/// As OpenAI and Mistral name it.
pub(crate) fn finish(report: &Report) -> &'static str {
    if report.finish == Some(Finish::Length) { "length" } else { "stop" }
}

/// As OpenAI and Mistral count it.
pub(crate) fn usage(report: &Report) -> Value {
    let prompt = report.reused + report.prefilled;
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": report.decoded,
        "total_tokens": prompt + report.decoded,
        "prompt_tokens_details": { "cached_tokens": report.reused },
    })
}
