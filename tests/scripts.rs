//! Servers of llama.cpp's shape that answer by a script, for the tests of several packages.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

#[path = "../server/engine/src/remote/tests/fault.rs"]
pub(crate) mod fault;

use fault::{FaultServer, closed, event, open, say};

/// A server whose model chats: it says `answer` of a conversation's number, and why it ends; nothing where there is none.
pub(crate) fn talker(
    finish: &'static str,
    answer: impl Fn(usize) -> Option<String> + Send + Sync + 'static,
) -> FaultServer {
    let asked = AtomicUsize::new(0);
    FaultServer::start(move |seen, stream| {
        let body = match seen.path.as_str() {
            "/props" => {
                let settings = json!({ "n_ctx": 16384 });
                json!({ "default_generation_settings": settings, "model_path": "far.gguf", "chat_template": "x" })
            }
            "/tokenize" => json!({ "tokens": [1, 2] }),
            "/v1/chat/completions" => {
                if let Some(text) = answer(asked.fetch_add(1, Ordering::Relaxed)) {
                    let piece = json!({ "choices": [{ "delta": { "content": text }, "finish_reason": null }] });
                    let end = json!({ "choices": [{ "delta": {}, "finish_reason": finish }], "usage": { "prompt_tokens": 9 } });
                    open(stream);
                    let _ = [&piece.to_string(), &end.to_string(), "[DONE]"].map(|data| event(stream, data));
                } else {
                    closed(stream);
                }
                return;
            }
            _ => json!({}),
        };
        say(stream, 200, "", &body.to_string());
    })
}
