//! Chat, for clients that bring the whole conversation (the HTTP surface): the model's own template writes the prompt.

use std::{borrow::Cow, sync::Arc, time::Instant};

use pilotlight_context::secrets;
use pilotlight_engine::chat::ChatError;
use serde_json::Value;

use crate::{
    Assistant,
    generation::{Asked, Generation, Limits},
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChatFailure {
    /// There is no model, or none yet.
    #[error("{0}")]
    Unavailable(String),
    /// The model does not chat.
    #[error("{0}")]
    NoTemplate(String),
    /// The messages cannot be said to it.
    #[error(transparent)]
    Messages(#[from] ChatError),
    /// They are longer than its context.
    #[error(
        "the conversation has {tokens} tokens: expected at most {most}, the model's context less what may be answered"
    )]
    TooLong {
        /// Of the prompt.
        tokens: usize,
        /// There is room for.
        most: usize,
    },
}

impl Assistant {
    /// Writes the next answer of a conversation. `messages` and `tools` are JSON as OpenAI's clients send it; what looks like a secret in them is masked. The special tokens that a
    /// model calls tools with are spelled out in the answer.
    ///
    /// # Errors
    ///
    /// See [`ChatFailure`].
    pub async fn chat(&self, messages: &str, tools: Option<&str>, limits: Limits) -> Result<Generation, ChatFailure> {
        self.chat_drafting(messages, tools, "", limits).await
    }

    /// The same where the answer is expected to be `draft`, more or less: it comes the sooner, and is no other.
    pub(crate) async fn chat_drafting(
        &self,
        messages: &str,
        tools: Option<&str>,
        draft: &str,
        mut limits: Limits,
    ) -> Result<Generation, ChatFailure> {
        let started = Instant::now();
        let engine = self.talker().await.map_err(ChatFailure::Unavailable)?;
        let chat = engine.chat().map_err(ChatFailure::NoTemplate)?;
        let prompt = chat.encode(engine.tokenizer(), &masked(messages), tools)?;
        let (tokens, context) = (prompt.len(), engine.info().context_length);
        if tokens >= context {
            return Err(ChatFailure::TooLong { tokens, most: context });
        }
        limits.max_tokens = limits.max_tokens.min(context - tokens);
        let spelled = Arc::clone(engine.tokenizer());
        let draft = engine.tokenizer().encode(draft);
        let prompt = Asked { prompt, draft, ..Asked::default() };
        let generation = Generation::of(engine, prompt, chat.stops().to_vec(), &[], limits, self.session(), started);
        Ok(generation.spelling(spelled))
    }
}

/// The messages without their secrets; as they are where there is none, and where they are no JSON, which is told elsewhere.
fn masked(messages: &str) -> Cow<'_, str> {
    let Ok(mut value) = serde_json::from_str(messages) else { return Cow::Borrowed(messages) };
    if mask(&mut value) { Cow::Owned(value.to_string()) } else { Cow::Borrowed(messages) }
}

/// Masks every text in `value`; gives whether there was a secret.
fn mask(value: &mut Value) -> bool {
    match value {
        Value::String(text) => {
            let Cow::Owned(masked) = secrets::masked(text) else { return false };
            // A call's arguments are JSON in a text, and stay that.
            *text = match serde_json::from_str::<Value>(text) {
                Ok(mut inner @ Value::Object(_)) => {
                    mask(&mut inner);
                    inner.to_string()
                }
                _ => masked,
            };
            true
        }
        Value::Array(all) => all.iter_mut().fold(false, |masked, value| mask(value) | masked),
        Value::Object(all) => all.values_mut().fold(false, |masked, value| mask(value) | masked),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_json_stays_json() {
        let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
        let plain = r#"[{"role":"user","content":"b","a":1}]"#;
        assert!(matches!(masked(plain), Cow::Borrowed(_)));
        let arguments = serde_json::json!({ "token": secret }).to_string();
        let messages =
            serde_json::json!([{ "content": format!("x\ntoken = \"{secret}\"\n") }, { "arguments": arguments }]);
        let told = masked(&messages.to_string()).into_owned();
        assert!(!told.contains(secret), "{told}");
        let value: Value = serde_json::from_str(&told).unwrap_or_default();
        let inner: Value = serde_json::from_str(value[1]["arguments"].as_str().unwrap_or_default()).unwrap_or_default();
        assert!(inner["token"].as_str().is_some_and(|token| token.contains("***")), "{told}");
    }
}
