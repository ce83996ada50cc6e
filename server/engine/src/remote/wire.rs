//! What each kind of server is asked, and how its answers read.

mod chat;
mod llama_cpp;
mod mistral;
mod ollama;
mod openai;

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    Failure, Found, RemoteKind,
    prompt::{Part, defused},
};
use crate::{Finish, Sampling};

/// vLLM's `repetition_penalty` and Ollama's `repeat_penalty`, whose defaults (of the model's `generation_config.json`, and 1.1) are others, at temperature 0 too. Code repeats itself by nature.
const UNPENALISED: f32 = 1.0;

/// One request, whatever the wire.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) parts: Vec<Part<'a>>,
    /// The prompt as the model's own token ids, where its tokenizer is here.
    pub(crate) ids: Option<&'a [u32]>,
    pub(crate) max_tokens: usize,
    /// Names of the special tokens that end the text.
    pub(crate) stops: Vec<&'a str>,
    pub(crate) sampling: &'a Sampling,
    /// All special tokens that may be named.
    pub(crate) names: &'a HashMap<u32, String>,
}

impl Question<'_> {
    /// Whether it is a conversation.
    pub(crate) fn is_chat(&self) -> bool {
        chat::is_asked(self)
    }
}

/// What a piece of an answer says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// The mean logarithm of the probabilities of the text's tokens, where it tells.
    pub(crate) logprob: Option<f32>,
    pub(crate) prompt: Option<PromptCost>,
    pub(crate) finish: Option<Finish>,
}

/// What the prompt cost the server.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PromptCost {
    pub(crate) reused: usize,
    pub(crate) prefilled: usize,
    /// All of the prompt, where the server tells that.
    pub(crate) tokens: Option<usize>,
    pub(crate) millis: f64,
}

/// The path and the body that ask `question`.
pub(crate) fn ask(found: &Found, question: &Question<'_>) -> Result<(&'static str, Value), Failure> {
    match found.kind {
        RemoteKind::Ollama => ollama::ask(found, question),
        _ if question.is_chat() => chat::ask(found, question),
        RemoteKind::LlamaCpp => llama_cpp::ask(found, question),
        RemoteKind::Mistral => mistral::ask(found, question),
        RemoteKind::Vllm | RemoteKind::Openai | RemoteKind::Auto => openai::ask(found, question),
    }
}

/// One piece of the answer (`chat`: to a conversation); `None` for one that says nothing.
pub(crate) fn read(kind: RemoteKind, chat: bool, line: &str) -> Result<Option<Said>, Failure> {
    if line == "[DONE]" {
        return Ok(None);
    }
    let value: Value = serde_json::from_str(line)
        .map_err(|error| Failure::passing(format!("its answer broke off or is no JSON ({error})")))?;
    // An error in the middle of an answer that began well; what has a plain code and message is llama.cpp's.
    let error = value.get("error").filter(|error| !error.is_null()).or_else(|| value.get("code").and(Some(&value)));
    if let Some(error) = error {
        let message = error.get("message").and_then(Value::as_str).or(error.as_str());
        return Err(Failure::passing(message.unwrap_or("it reports an error without a message")));
    }
    Ok(Some(match kind {
        RemoteKind::Ollama => ollama::read(&value),
        _ if chat => chat::read(&value),
        RemoteKind::LlamaCpp => llama_cpp::read(&value),
        RemoteKind::Mistral => mistral::read(&value),
        RemoteKind::Vllm | RemoteKind::Openai | RemoteKind::Auto => openai::read(&value),
    }))
}

/// The whole prompt as one text, special tokens spelled out.
fn spelled(question: &Question<'_>) -> String {
    let spell = |part: &Part<'_>| match part {
        Part::Special(name) => (*name).to_owned(),
        Part::Text(text) => defused(text, question.names).into_owned(),
    };
    question.parts.iter().map(spell).collect()
}

/// Temperature and nucleus, as all but llama.cpp name them; `seed` is the seed's name.
fn sampling(body: &mut Value, sampling: &Sampling, seed_name: &str) {
    match *sampling {
        Sampling::Greedy => body["temperature"] = json!(0),
        Sampling::TopP { temperature, top_p, seed } => {
            body["temperature"] = json!(temperature);
            body["top_p"] = json!(top_p);
            body[seed_name] = json!(seed & 0x7fff_ffff);
        }
    }
}

/// OpenAI's words for an end.
fn finish(reason: Option<&Value>) -> Option<Finish> {
    match reason?.as_str()? {
        "length" | "model_length" => Some(Finish::Length),
        _ => Some(Finish::Stop),
    }
}

/// OpenAI's `usage`.
fn usage(value: &Value) -> Option<PromptCost> {
    let count = |place: &str| Some(value.pointer(place)?.as_u64()? as usize);
    let prompt = count("/usage/prompt_tokens")?;
    let reused = count("/usage/prompt_tokens_details/cached_tokens").unwrap_or(0).min(prompt);
    Some(PromptCost { reused, prefilled: prompt - reused, tokens: Some(prompt), millis: 0.0 })
}
