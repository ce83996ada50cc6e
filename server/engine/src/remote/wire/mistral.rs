//! Mistral's `/v1/fim/completions`: prefix and suffix; the server writes the prompt.

use serde_json::{Value, json};

use super::{Failure, Found, Question, Said, chat, sampling};
use crate::remote::prompt::two_sides;

pub(super) fn ask(found: &Found, question: &Question<'_>) -> Result<(&'static str, Value), Failure> {
    let (prefix, suffix) = two_sides(&question.parts)?;
    let mut body = json!({
        "model": found.model,
        "prompt": prefix,
        "suffix": suffix,
        "max_tokens": question.max_tokens.max(1),
        "stream": true,
    });
    sampling(&mut body, question.sampling, "random_seed");
    Ok(("/v1/fim/completions", body))
}

pub(super) fn read(value: &Value) -> Said {
    // As an answer in a conversation.
    chat::read(value)
}
