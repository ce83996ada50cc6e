//! OpenAI's `/v1/chat/completions`, which every kind of server speaks (Ollama's leaves no word in its options: it is asked elsewhere): it writes the prompt from messages.

use serde_json::{Value, json};

use super::{Failure, Found, Question, Said, UNPENALISED, finish, sampling, usage};
use crate::remote::{
    RemoteKind,
    prompt::{ASSISTANT_PART, Part, SYSTEM_PART, USER_PART, defused},
};

/// The role that a marker begins a message of.
fn role(marker: &str) -> Option<&'static str> {
    match marker {
        SYSTEM_PART => Some("system"),
        USER_PART => Some("user"),
        ASSISTANT_PART => Some("assistant"),
        _ => None,
    }
}

/// Whether a prompt is a conversation.
pub(super) fn is_asked(question: &Question<'_>) -> bool {
    matches!(question.parts.first(), Some(Part::Special(marker)) if role(marker).is_some())
}

/// The conversation as every server takes it.
pub(super) fn messages(question: &Question<'_>) -> Result<Vec<Value>, Failure> {
    let mut messages: Vec<(&str, String)> = Vec::new();
    for part in &question.parts {
        match part {
            Part::Special(marker) => match role(marker) {
                Some(role) => messages.push((role, String::new())),
                None => return Err(Failure::other(format!("a message has the marker {marker}: expected text"))),
            },
            Part::Text(text) => {
                if let Some((_, content)) = messages.last_mut() {
                    content.push_str(&defused(text, question.names));
                }
            }
        }
    }
    Ok(messages.into_iter().map(|(role, content)| json!({ "role": role, "content": content })).collect())
}

pub(super) fn ask(found: &Found, question: &Question<'_>) -> Result<(&'static str, Value), Failure> {
    let mut body = json!({
        "model": found.model,
        "messages": messages(question)?,
        "max_tokens": question.max_tokens.max(1),
        "stream": true,
    });
    let mistral = found.kind == RemoteKind::Mistral;
    if found.kind == RemoteKind::Vllm {
        body["repetition_penalty"] = json!(UNPENALISED);
    }
    if !mistral {
        body["stream_options"] = json!({ "include_usage": true });
    }
    sampling(&mut body, question.sampling, if mistral { "random_seed" } else { "seed" });
    Ok(("/v1/chat/completions", body))
}

pub(super) fn read(value: &Value) -> Said {
    let choice = value.pointer("/choices/0");
    Said {
        text: choice.and_then(|choice| choice.pointer("/delta/content")?.as_str()).unwrap_or_default().to_owned(),
        logprob: None,
        prompt: usage(value),
        finish: finish(choice.and_then(|choice| choice.get("finish_reason"))),
    }
}
