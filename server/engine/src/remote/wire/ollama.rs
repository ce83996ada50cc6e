//! Ollama's `/api/generate` (a raw prompt, or prefix and `suffix` for its own template) and `/api/chat`: both take its own options.

use serde_json::{Value, json};

use super::{Failure, Found, PromptCost, Question, Said, UNPENALISED, chat, finish, sampling, spelled};
use crate::remote::prompt::two_sides;

pub(super) fn ask(found: &Found, question: &Question<'_>) -> Result<(&'static str, Value), Failure> {
    // Its default context is short, and what is longer is cut without a word. Another length with each request would load the model anew each time.
    let mut options = json!({
        "num_predict": question.max_tokens.max(1),
        "num_ctx": found.context,
        "repeat_penalty": UNPENALISED,
        "stop": question.stops,
    });
    sampling(&mut options, question.sampling, "seed");
    let mut body = json!({ "model": found.model, "stream": true, "options": options });
    if question.is_chat() {
        body["messages"] = json!(chat::messages(question)?);
        return Ok(("/api/chat", body));
    }
    if found.server_writes {
        let (prefix, suffix) = two_sides(&question.parts)?;
        (body["prompt"], body["suffix"]) = (json!(prefix), json!(suffix));
    } else {
        (body["prompt"], body["raw"]) = (json!(spelled(question)), json!(true));
    }
    Ok(("/api/generate", body))
}

pub(super) fn read(value: &Value) -> Said {
    let done = value["done"] == true;
    let text = value.pointer("/message/content").or_else(|| value.get("response")).and_then(Value::as_str);
    let prompt = value["prompt_eval_count"].as_u64().map(|prefilled| PromptCost {
        reused: 0,
        prefilled: prefilled as usize,
        tokens: Some(prefilled as usize),
        millis: value["prompt_eval_duration"].as_f64().unwrap_or(0.0) / 1e6,
    });
    Said {
        text: text.unwrap_or_default().to_owned(),
        logprob: None,
        prompt,
        finish: if done { finish(value.get("done_reason").or(Some(&json!("stop")))) } else { None },
    }
}
