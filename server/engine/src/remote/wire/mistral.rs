//! Mistral's `/v1/fim/completions`: prefix and suffix; the server writes the prompt.

use serde_json::{Value, json};

use super::{Failure, Found, Question, Said, finish, sampling, usage};
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
    let choice = value.pointer("/choices/0");
    Said {
        text: choice.and_then(|choice| choice.pointer("/delta/content")?.as_str()).unwrap_or_default().to_owned(),
        logprob: None,
        prompt: usage(value),
        finish: finish(choice.and_then(|choice| choice.get("finish_reason"))),
    }
}
