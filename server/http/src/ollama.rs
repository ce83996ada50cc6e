//! Ollama's generate, and what its clients ask beside it.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use pilotlight_assist::Report;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Body, Failure, Surface,
    answer::{Ask, Running, What, limits, sampling},
    choices::finish,
    given,
    metrics::timestamp,
};

/// `POST /api/generate`.
#[derive(Debug, Deserialize)]
pub(crate) struct Generate {
    #[serde(default, deserialize_with = "given::null")]
    prompt: String,
    suffix: Option<String>,
    stream: Option<bool>,
    #[serde(default, deserialize_with = "given::null")]
    options: Parameters,
}

#[derive(Debug, Default, Deserialize)]
struct Parameters {
    num_predict: Option<i64>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    #[serde(default, deserialize_with = "given::seed")]
    seed: Option<u64>,
    #[serde(default, deserialize_with = "given::stops")]
    stop: Vec<String>,
}

/// Goes on with a prompt, or fills the hole before a suffix.
pub(crate) async fn generate(surface: Surface, body: Body<Generate>) -> Result<Response, Failure> {
    let Body(Generate { prompt, suffix, stream, options }) = body;
    if prompt.is_empty() && suffix.is_none() {
        // Ollama's clients load a model by an empty prompt.
        let model = surface.model().await?;
        let body =
            json!({ "model": model, "created_at": timestamp(), "response": "", "done": true, "done_reason": "load" });
        return Ok(Json(body).into_response());
    }
    let max_tokens = options.num_predict.map_or(128, |n| usize::try_from(n).unwrap_or(512));
    let limits = limits(max_tokens, sampling(options.temperature, options.top_p, options.seed)?, options.stop);
    // An empty suffix is what clients without one send.
    let suffix = suffix.filter(|suffix| !suffix.is_empty());
    let running = surface.start(Ask { what: What::of(prompt, suffix), limits }).await?;
    if stream.unwrap_or(true) {
        return Ok(running.json_lines(|running: &Running, piece: Option<String>| {
            let model = &running.model;
            let line = match piece {
                Some(piece) => json!({ "model": model, "created_at": timestamp(), "response": piece, "done": false }),
                None => last("", model, &running.report()),
            };
            vec![line.to_string()]
        }));
    }
    let model = running.model.clone();
    let (text, report) = running.whole().await?;
    Ok(Json(last(&text, &model, &report)).into_response())
}

fn last(text: &str, model: &str, report: &Report) -> Value {
    let nanos = |millis: f64| (millis * 1e6) as u64;
    json!({
        "model": model,
        "created_at": timestamp(),
        "response": text,
        "done": true,
        "done_reason": finish(report),
        "total_duration": nanos(report.millis.total),
        "load_duration": 0,
        "prompt_eval_count": report.reused + report.prefilled,
        "prompt_eval_duration": nanos(report.millis.prefill),
        "eval_count": report.decoded,
        "eval_duration": nanos(report.millis.decode),
    })
}

/// `GET /api/tags`.
pub(crate) async fn tags(surface: Surface) -> Result<Json<Value>, Failure> {
    let info = surface.assistant.engine().await.map_err(Failure::unavailable)?.info();
    let details = json!({ "family": info.architecture, "format": "gguf", "parameter_size": size(info.parameters) });
    Ok(Json(json!({
        "models": [{ "name": info.name, "model": info.name, "modified_at": timestamp(), "size": info.bytes, "digest": "", "details": details }],
    })))
}

/// `POST /api/show`.
pub(crate) async fn show(surface: Surface) -> Result<Json<Value>, Failure> {
    let info = surface.assistant.engine().await.map_err(Failure::unavailable)?.info();
    Ok(Json(json!({
        "license": info.licence,
        "details": { "family": info.architecture, "format": "gguf", "parameter_size": size(info.parameters) },
        "model_info": {
            "general.architecture": info.architecture,
            "general.parameter_count": info.parameters,
            format!("{}.context_length", info.architecture): info.context_length,
        },
        "capabilities": ["completion", "insert"],
    })))
}

/// `GET /api/version`.
pub(crate) async fn version() -> Json<Value> {
    Json(json!({ "version": env!("CARGO_PKG_VERSION") }))
}

fn size(parameters: u64) -> String {
    format!("{:.1}M", parameters as f64 / 1e6)
}
