//! Mistral's fill in the middle.

use axum::{
    Json,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
};
use pilotlight_assist::Fill;
use serde::Deserialize;
use serde_json::json;

use crate::{
    Failure, Surface,
    answer::{Ask, Running, What, limits, sampling},
    metrics::now,
    openai::{finish, usage},
    stop,
};

/// `POST /v1/fim/completions`.
#[derive(Debug, Deserialize)]
pub(crate) struct Fim {
    prompt: String,
    suffix: Option<String>,
    max_tokens: Option<usize>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    random_seed: Option<i64>,
    #[serde(default, deserialize_with = "stop::list")]
    stop: Vec<String>,
    #[serde(default)]
    stream: bool,
}

/// Fills the hole between prompt and suffix.
pub(crate) async fn fim(
    State(surface): State<Surface>,
    body: Result<Json<Fim>, JsonRejection>,
) -> Result<Response, Failure> {
    let Json(asked) = body?;
    let limits = limits(
        asked.max_tokens.unwrap_or(128),
        sampling(asked.temperature, asked.top_p, asked.random_seed)?,
        asked.stop,
    );
    let fill = Fill { prefix: asked.prompt, suffix: asked.suffix.unwrap_or_default(), ..Fill::default() };
    let running = surface.start(Ask { what: What::Fill(fill), limits }).await?;
    let head = json!({ "id": surface.metrics.id("fim"), "created": now(), "model": running.model });
    if asked.stream {
        let chunk = move |text: &str, finish: Option<&str>| {
            let mut body = head.clone();
            body["object"] = json!("chat.completion.chunk");
            body["choices"] =
                json!([{ "index": 0, "delta": { "role": "assistant", "content": text }, "finish_reason": finish }]);
            body
        };
        let each = chunk.clone();
        return Ok(running.events(
            move |_, text| each(&text, None),
            move |running: &Running| {
                let mut last = chunk("", Some(finish(&running.report())));
                last["usage"] = usage(&running.report());
                vec![last.to_string(), "[DONE]".to_owned()]
            },
        ));
    }
    let (text, report) = running.whole().await?;
    let mut body = head;
    body["object"] = json!("chat.completion");
    let message = json!({ "role": "assistant", "content": text, "tool_calls": null });
    body["choices"] = json!([{ "index": 0, "message": message, "finish_reason": finish(&report) }]);
    body["usage"] = usage(&report);
    Ok(Json(body).into_response())
}
