//! OpenAI's completions.

use axum::{Json, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Body, Failure, Surface,
    answer::{Ask, What, limits, sampling},
    choices::{self, Shape},
    given,
    metrics::now,
};

/// `GET /v1/models`.
pub(crate) async fn models(surface: Surface) -> Result<Json<Value>, Failure> {
    let model = surface.model().await?;
    Ok(Json(json!({
        "object": "list",
        "data": [{ "id": model, "object": "model", "created": now(), "owned_by": "pilotlight" }],
    })))
}

/// `POST /v1/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct Completions {
    #[serde(deserialize_with = "given::prompt")]
    prompt: String,
    suffix: Option<String>,
    max_tokens: Option<usize>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    #[serde(default, deserialize_with = "given::seed")]
    seed: Option<u64>,
    n: Option<usize>,
    #[serde(default, deserialize_with = "given::null")]
    echo: bool,
    #[serde(default, deserialize_with = "given::stops")]
    stop: Vec<String>,
    #[serde(default, deserialize_with = "given::null")]
    stream: bool,
}

/// Goes on with a prompt, or fills the hole before a suffix.
pub(crate) async fn completions(surface: Surface, body: Body<Completions>) -> Result<Response, Failure> {
    let Body(asked) = body;
    if asked.n.is_some_and(|n| n != 1) || asked.echo {
        return Err(Failure::bad_request("expected `n` of 1 and no `echo`: others are not served"));
    }
    let limits =
        limits(asked.max_tokens.unwrap_or(128), sampling(asked.temperature, asked.top_p, asked.seed)?, asked.stop);
    let running = surface.start(Ask { what: What::of(asked.prompt, asked.suffix), limits }).await?;
    let id = surface.metrics.id("cmpl");
    choices::answer(running, id, asked.stream, TEXT, TEXT).await
}

const TEXT: Shape = Shape {
    object: "text_completion",
    choice: |text, finish| json!({ "index": 0, "text": text, "finish_reason": finish, "logprobs": null }),
};
