//! Mistral's fill in the middle.

use axum::response::Response;
use pilotlight_assist::Fill;
use serde::Deserialize;
use serde_json::json;

use crate::{
    Body, Failure, Surface,
    answer::{Ask, What, limits, sampling},
    choices::{self, Shape},
    given,
};

/// `POST /v1/fim/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct Fim {
    prompt: String,
    suffix: Option<String>,
    max_tokens: Option<usize>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    #[serde(default, deserialize_with = "given::seed")]
    random_seed: Option<u64>,
    #[serde(default, deserialize_with = "given::stops")]
    stop: Vec<String>,
    #[serde(default, deserialize_with = "given::null")]
    stream: bool,
}

/// Fills the hole between prompt and suffix.
pub(crate) async fn fim(surface: Surface, body: Body<Fim>) -> Result<Response, Failure> {
    let Body(asked) = body;
    let limits = limits(
        asked.max_tokens.unwrap_or(128),
        sampling(asked.temperature, asked.top_p, asked.random_seed)?,
        asked.stop,
    );
    let fill = Fill { prefix: asked.prompt, suffix: asked.suffix.unwrap_or_default(), ..Fill::default() };
    let running = surface.start(Ask { what: What::Fill(fill), limits }).await?;
    let id = surface.metrics.id("fim");
    choices::answer(running, id, asked.stream, WHOLE, PIECE).await
}

const WHOLE: Shape = Shape {
    object: "chat.completion",
    choice: |text, finish| {
        let message = json!({ "role": "assistant", "content": text, "tool_calls": null });
        json!({ "index": 0, "message": message, "finish_reason": finish })
    },
};

const PIECE: Shape = Shape {
    object: "chat.completion.chunk",
    choice: |text, finish| json!({ "index": 0, "delta": { "role": "assistant", "content": text }, "finish_reason": finish }),
};
