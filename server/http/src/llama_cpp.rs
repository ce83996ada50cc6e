//! llama.cpp's server, as far as llama.vim, llama.vscode and the like need it.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use pilotlight_assist::{Fill, Report, Status};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Body, Failure, Surface,
    activity::Task,
    answer::{Ask, Running, What, limits, sampling},
    choices::cut,
    given,
};

/// `GET /health`.
pub(crate) async fn health(surface: Surface) -> Response {
    match &*surface.assistant.status().borrow() {
        Status::Loading { model } => Failure::unavailable(format!("loading {model}")).into_response(),
        Status::Failed { message } => Failure::unavailable(message.clone()).into_response(),
        Status::Ready { .. } | Status::Busy { .. } | Status::Degraded { .. } => {
            Json(json!({ "status": "ok" })).into_response()
        }
    }
}

/// `GET /props`.
pub(crate) async fn props(surface: Surface) -> Result<Json<Value>, Failure> {
    let info = surface.assistant.engine().await.map_err(Failure::unavailable)?.info();
    Ok(Json(json!({
        "default_generation_settings": { "n_ctx": info.context_length },
        "model_path": info.name,
        "chat_template": "",
        "build_info": concat!("pilotlight ", env!("CARGO_PKG_VERSION")),
    })))
}

/// `GET /slots`: a slot for each text that is being written here, and one that is free, for there is always room for another.
pub(crate) async fn slots(surface: Surface) -> Result<Json<Value>, Failure> {
    let info = surface.assistant.engine().await.map_err(Failure::unavailable)?.info();
    let slot = |id: usize, task: Option<(u64, Task)>| {
        let (number, max_tokens, decoded) =
            task.as_ref().map_or((-1, 0, 0), |(number, task)| (*number as i64, task.max_tokens, task.decoded));
        let remaining = max_tokens.saturating_sub(decoded);
        json!({
            "id": id,
            "id_task": number,
            "n_ctx": info.context_length,
            "speculative": true,
            "is_processing": task.is_some(),
            "params": { "n_predict": max_tokens },
            "next_token": { "has_next_token": remaining > 0, "has_new_line": false, "n_remain": remaining, "n_decoded": decoded },
        })
    };
    let tasks = surface.activity.tasks().into_iter().map(Some).chain([None]);
    Ok(Json(tasks.enumerate().map(|(id, task)| slot(id, task)).collect()))
}

/// What both completions have in common. Fields that only tune llama.cpp's own cache and samplers are read past.
#[derive(Debug, Deserialize)]
struct Common {
    #[serde(default, deserialize_with = "given::null")]
    prompt: String,
    n_predict: Option<i64>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    #[serde(default, deserialize_with = "given::seed")]
    seed: Option<u64>,
    #[serde(default, deserialize_with = "given::stops")]
    stop: Vec<String>,
    #[serde(default, deserialize_with = "given::null")]
    stream: bool,
    /// What it has cost so far, with each piece of a stream.
    #[serde(default, deserialize_with = "given::null")]
    timings_per_token: bool,
    /// Of the answer only these, as paths such as `timings/prompt_n`, each under its path as its name.
    #[serde(default, deserialize_with = "given::null")]
    response_fields: Vec<String>,
}

/// `POST /infill`.
#[derive(Debug, Deserialize)]
pub(crate) struct Infill {
    #[serde(default, deserialize_with = "given::null")]
    input_prefix: String,
    #[serde(default, deserialize_with = "given::null")]
    input_suffix: String,
    #[serde(default, deserialize_with = "given::null")]
    input_extra: Vec<Extra>,
    #[serde(flatten)]
    common: Common,
}

#[derive(Debug, Deserialize)]
struct Extra {
    #[serde(default)]
    filename: String,
    text: String,
}

/// Fills a hole.
pub(crate) async fn infill(surface: Surface, body: Body<Infill>) -> Result<Response, Failure> {
    let Body(Infill { input_prefix, input_suffix, input_extra, mut common }) = body;
    // `prompt` is the cursor's line up to the cursor.
    let prefix = input_prefix + &std::mem::take(&mut common.prompt);
    let extra = input_extra.into_iter().map(|extra| (extra.filename, extra.text)).collect();
    let fill = Fill { prefix, suffix: input_suffix, extra, ..Fill::default() };
    answer(surface, What::Fill(fill), common).await
}

/// `POST /completion`.
pub(crate) async fn completion(surface: Surface, body: Body<Value>) -> Result<Response, Failure> {
    let Body(body) = body;
    let mut common: Common =
        serde_json::from_value(body).map_err(|error| Failure::bad_request(format!("the request: {error}")))?;
    let prompt = std::mem::take(&mut common.prompt);
    answer(surface, What::of(prompt, None), common).await
}

async fn answer(surface: Surface, what: What, common: Common) -> Result<Response, Failure> {
    // llama.cpp's -1: as much as there is room for. Code is shorter than that.
    let max_tokens = common.n_predict.map_or(128, |n| usize::try_from(n).unwrap_or(512));
    let sampling = sampling(common.temperature, common.top_p, common.seed)?;
    let stop = common.stop;
    let running = surface.start(Ask { what, limits: limits(max_tokens, sampling, stop) }).await?;
    if common.stream {
        return Ok(running.events(move |running: &Running, piece: Option<String>| {
            let report = running.report();
            let event = match piece {
                Some(piece) if common.timings_per_token => {
                    json!({ "content": piece, "stop": false, "timings": timings(&report) })
                }
                Some(piece) => json!({ "content": piece, "stop": false }),
                None => only(&common.response_fields, last("", &running.model, &report)),
            };
            vec![event.to_string()]
        }));
    }
    let model = running.model.clone();
    let (text, report) = running.whole().await?;
    Ok(Json(only(&common.response_fields, last(&text, &model, &report))).into_response())
}

/// What `fields` name of an answer; all where they name nothing.
fn only(fields: &[String], answer: Value) -> Value {
    if fields.is_empty() {
        return answer;
    }
    let named = |field: &String| Some((field.clone(), answer.pointer(&format!("/{field}"))?.clone()));
    Value::Object(fields.iter().filter_map(named).collect())
}

fn last(text: &str, model: &str, report: &Report) -> Value {
    let kind = if cut(report) { "limit" } else { "eos" };
    json!({
        "content": text,
        "stop": true,
        "stop_type": kind,
        "model": model,
        "tokens_predicted": report.decoded,
        "tokens_evaluated": report.reused + report.prefilled,
        "tokens_cached": report.reused,
        "truncated": false,
        "timings": timings(report),
    })
}

fn timings(report: &Report) -> Value {
    let per_second = |tokens: usize, millis: f64| if millis > 0.0 { tokens as f64 * 1e3 / millis } else { 0.0 };
    let per_token = |tokens: usize, millis: f64| if tokens > 0 { millis / tokens as f64 } else { 0.0 };
    json!({
        "prompt_n": report.prefilled,
        "prompt_ms": report.millis.prefill,
        "prompt_per_token_ms": per_token(report.prefilled, report.millis.prefill),
        "prompt_per_second": per_second(report.prefilled, report.millis.prefill),
        "predicted_n": report.decoded,
        "predicted_ms": report.millis.decode,
        "predicted_per_token_ms": per_token(report.decoded, report.millis.decode),
        "predicted_per_second": per_second(report.decoded, report.millis.decode),
        "cache_n": report.reused,
    })
}

/// `POST /tokenize`.
#[derive(Debug, Deserialize)]
pub(crate) struct Tokenize {
    content: String,
}

/// The tokens of plain text.
pub(crate) async fn tokenize(surface: Surface, body: Body<Tokenize>) -> Result<Json<Value>, Failure> {
    let Body(Tokenize { content }) = body;
    let engine = surface.assistant.engine().await.map_err(Failure::unavailable)?;
    if engine.bytes_per_token().is_some() {
        return Err(Failure::not_found(
            "the model and its tokenizer are elsewhere: ask the server that engine.remote.url names",
        ));
    }
    Ok(Json(json!({ "tokens": engine.tokenizer().encode(&content) })))
}
