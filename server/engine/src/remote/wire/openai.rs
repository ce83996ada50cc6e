//! OpenAI's `/v1/completions`, which vLLM and most others speak: a prompt of token ids or text, or prefix and `suffix`.

use serde_json::{Value, json};

use super::{Failure, Found, Question, Said, UNPENALISED, finish, sampling, spelled, usage};
use crate::remote::{RemoteKind, prompt::two_sides};

/// OpenAI takes no more.
const MOST_STOPS: usize = 4;

pub(super) fn ask(found: &Found, question: &Question<'_>) -> Result<(&'static str, Value), Failure> {
    let vllm = found.kind == RemoteKind::Vllm;
    let mut body = json!({
        "model": found.model,
        // None at all is refused.
        "max_tokens": question.max_tokens.max(1),
        "stream": true,
        "stream_options": { "include_usage": true },
        "logprobs": 1,
    });
    sampling(&mut body, question.sampling, "seed");
    if vllm {
        body["repetition_penalty"] = json!(UNPENALISED);
        body["stream_options"]["continuous_usage_stats"] = json!(true);
        // The format says what begins a prompt.
        body["add_special_tokens"] = json!(false);
        let ids: Vec<u32> = question.stops.iter().filter_map(|name| found.id(name)).collect();
        body["stop_token_ids"] = json!(ids);
    } else if !question.stops.is_empty() {
        body["stop"] = json!(question.stops[..question.stops.len().min(MOST_STOPS)]);
    }
    if found.server_writes {
        let (prefix, suffix) = two_sides(&question.parts)?;
        (body["prompt"], body["suffix"]) = (json!(prefix), json!(suffix));
    } else {
        body["prompt"] = match question.ids {
            Some(ids) if vllm => json!(ids),
            _ => json!(spelled(question)),
        };
    }
    Ok(("/v1/completions", body))
}

pub(super) fn read(value: &Value) -> Said {
    let choice = value.pointer("/choices/0");
    let logprobs: Vec<f32> = choice
        .and_then(|choice| choice.pointer("/logprobs/token_logprobs")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|logprob| Some(logprob.as_f64()? as f32))
        .collect();
    Said {
        text: choice.and_then(|choice| choice["text"].as_str()).unwrap_or_default().to_owned(),
        logprob: (!logprobs.is_empty()).then(|| logprobs.iter().sum::<f32>() / logprobs.len() as f32),
        prompt: usage(value),
        finish: finish(choice.and_then(|choice| choice.get("finish_reason"))),
    }
}
