//! llama.cpp's server: `/completion` with a prompt of ids and texts, `/infill` where it writes the prompt.

use serde_json::{Value, json};

use super::{Failure, Found, PromptCost, Question, Said};
use crate::{
    Finish, Sampling,
    remote::prompt::{Part, disjoined, two_sides},
};

pub(super) fn ask(found: &Found, question: &Question<'_>) -> Result<(&'static str, Value), Failure> {
    let mut body = json!({
        "n_predict": question.max_tokens,
        "stream": true,
        "cache_prompt": true,
        "n_probs": 1,
        "timings_per_token": true,
        "stop": question.stops,
        // Else special tokens that do not end a text are left out of it unseen.
        "preserved_tokens": question.stops,
    });
    if !found.model.is_empty() {
        body["model"] = json!(found.model);
    }
    match *question.sampling {
        Sampling::Greedy => {
            body["samplers"] = json!(["top_k"]);
            body["top_k"] = json!(1);
        }
        Sampling::TopP { temperature, top_p, seed } => {
            body["samplers"] = json!(["temperature", "top_p"]);
            (body["temperature"], body["top_p"], body["seed"]) = (json!(temperature), json!(top_p), json!(seed as u32));
        }
    }
    if found.server_writes {
        let (prefix, suffix) = two_sides(&question.parts)?;
        (body["input_prefix"], body["input_suffix"], body["prompt"]) = (json!(prefix), json!(suffix), json!(""));
        return Ok(("/infill", body));
    }
    body["prompt"] = match question.ids {
        Some(ids) => json!(ids),
        None => Value::Array(mixed(found, question)?),
    };
    Ok(("/completion", body))
}

/// Special tokens as ids, texts as texts: each text is tokenised by itself, and what spells a special token out stands in two.
fn mixed(found: &Found, question: &Question<'_>) -> Result<Vec<Value>, Failure> {
    let mut prompt = Vec::new();
    for part in &question.parts {
        match part {
            Part::Special(name) => match found.id(name) {
                Some(id) => prompt.push(json!(id)),
                None => return Err(Failure::other(format!("the server's vocabulary has no {name}"))),
            },
            Part::Text(text) => prompt.extend(disjoined(text, question.names).into_iter().map(Value::from)),
        }
    }
    if !prompt.iter().any(Value::is_number) {
        // A list of texts alone would be so many prompts.
        return Ok(vec![json!(prompt.iter().filter_map(Value::as_str).collect::<String>())]);
    }
    Ok(prompt)
}

pub(super) fn read(value: &Value) -> Said {
    let count = |place: &str| value.pointer(place).and_then(Value::as_u64).map(|n| n as usize);
    let logprobs: Vec<f32> = value["completion_probabilities"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|token| Some(token.get("logprob")?.as_f64()? as f32))
        .collect();
    let finish = (value["stop"] == true).then(|| match value["stop_type"].as_str() {
        Some("limit") => Finish::Length,
        _ => Finish::Stop,
    });
    let reused = count("/timings/cache_n");
    let prompt = count("/timings/prompt_n").map(|prefilled| PromptCost {
        reused: reused.unwrap_or(0),
        prefilled,
        // Servers before September 2025 tell what they computed, and only at the end what the prompt had.
        tokens: reused.map(|reused| reused + prefilled).or_else(|| count("/tokens_evaluated")),
        millis: value.pointer("/timings/prompt_ms").and_then(Value::as_f64).unwrap_or(0.0),
    });
    Said {
        text: value["content"].as_str().unwrap_or_default().to_owned(),
        logprob: (!logprobs.is_empty()).then(|| logprobs.iter().sum::<f32>() / logprobs.len() as f32),
        prompt,
        finish,
    }
}
