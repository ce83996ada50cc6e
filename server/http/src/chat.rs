//! OpenAI's chat, with tools.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use pilotlight_assist::{Limits, Report};
use pilotlight_engine::Priority;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    Body, Failure, Surface,
    answer::{Running, sampling},
    choices::{finish, usage},
    given,
    metrics::now,
    tools::Reader,
};

/// `POST /v1/chat/completions`. Messages and tools stay as they were sent: templates write tools in the order of their fields.
#[derive(Debug, Deserialize)]
pub(crate) struct Chat {
    messages: Box<RawValue>,
    tools: Option<Box<RawValue>>,
    tool_choice: Option<Value>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    #[serde(default, deserialize_with = "given::seed")]
    seed: Option<u64>,
    n: Option<usize>,
    #[serde(default, deserialize_with = "given::stops")]
    stop: Vec<String>,
    #[serde(default, deserialize_with = "given::null")]
    stream: bool,
}

/// Where a client does not say.
const USUAL_LENGTH: usize = 4096;

/// The next answer of a conversation.
pub(crate) async fn completions(surface: Surface, body: Body<Chat>) -> Result<Response, Failure> {
    let Body(asked) = body;
    if asked.n.is_some_and(|n| n != 1) {
        return Err(Failure::bad_request("expected `n` of 1: others are not served"));
    }
    let tools = match asked.tool_choice.as_ref() {
        Some(choice) if choice == "none" => None,
        None => asked.tools,
        Some(choice) if choice == "auto" => asked.tools,
        Some(other) => {
            return Err(Failure::bad_request(format!("tool_choice: expected \"auto\" or \"none\", found {other}")));
        }
    };
    let tools = tools.as_ref().map(|tools| tools.get()).filter(|tools| !matches!(*tools, "null" | "[]"));
    let limits = Limits {
        max_tokens: asked.max_completion_tokens.or(asked.max_tokens).unwrap_or(USUAL_LENGTH),
        sampling: sampling(asked.temperature, asked.top_p, asked.seed)?,
        stop: asked.stop,
        priority: Priority::Action,
    };
    let running = surface.chat(asked.messages.get(), tools, limits).await?;
    let id = surface.metrics.id("chatcmpl");
    let reader = Reader::new(tools.is_some(), &id);
    if asked.stream { Ok(events(running, reader, id)) } else { whole(running, reader, id).await }
}

async fn whole(mut running: Running, mut reader: Reader, id: String) -> Result<Response, Failure> {
    let mut content = String::new();
    while let Some(piece) = running.next().await? {
        content += &reader.take(&piece);
    }
    let (rest, calls) = reader.end();
    content += &rest;
    let report = running.report();
    let mut message = json!({ "role": "assistant", "content": content });
    if !calls.is_empty() {
        message["content"] = if content.is_empty() { Value::Null } else { json!(content) };
        message["tool_calls"] = json!(calls);
    }
    Ok(Json(json!({
        "id": id,
        "object": "chat.completion",
        "created": now(),
        "model": running.model,
        "choices": [{ "index": 0, "message": message, "finish_reason": ended(&report, !calls.is_empty()) }],
        "usage": usage(&report),
    }))
    .into_response())
}

fn events(running: Running, mut reader: Reader, id: String) -> Response {
    let head = json!({ "id": id, "object": "chat.completion.chunk", "created": now(), "model": running.model });
    let chunk = move |delta: Value, finish: Option<&str>| {
        let mut body = head.clone();
        body["choices"] = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
        body
    };
    let mut first = Some(chunk(json!({ "role": "assistant", "content": "" }), None));
    running.events(move |running: &Running, piece: Option<String>| {
        let mut chunks: Vec<Value> = first.take().into_iter().collect();
        let (text, calls) = match &piece {
            Some(piece) => (reader.take(piece), Vec::new()),
            None => reader.end(),
        };
        if !text.is_empty() {
            chunks.push(chunk(json!({ "content": text }), None));
        }
        for (at, call) in calls.iter().enumerate() {
            let mut call = json!(call);
            call["index"] = json!(at);
            chunks.push(chunk(json!({ "tool_calls": [call] }), None));
        }
        if piece.is_none() {
            let report = running.report();
            let mut last = chunk(json!({}), Some(ended(&report, !calls.is_empty())));
            last["usage"] = usage(&report);
            chunks.push(last);
        }
        let done = piece.is_none().then(|| "[DONE]".to_owned());
        chunks.iter().map(Value::to_string).chain(done).collect()
    })
}

/// Why it ended, in OpenAI's words.
fn ended(report: &Report, calls: bool) -> &'static str {
    if calls { "tool_calls" } else { finish(report) }
}
