//! Conversations, where the model has a template for them.

use super::*;

/// Ember with a chat template in its header: it chats badly, but it chats.
fn chatting() -> (tempfile::TempDir, Assistant) {
    let template = "{{ bos_token }}{% for message in messages %}<|file|>{{ message.role }}\n{{ message.content }}{% endfor %}<|prefix|>";
    let ember = include_bytes!("../../../ember/weights/ember.gguf");
    let entry = |template: &str| {
        let key = b"tokenizer.chat_template";
        let lengths = [key.len() as u64, template.len() as u64].map(u64::to_le_bytes);
        [&lengths[0][..], key, &8u32.to_le_bytes(), &lengths[1], template.as_bytes()].concat()
    };
    // A whole number of the file's 32-byte units, so that the tensors stay aligned; a comment fills it up.
    let filled =
        (0..64).map(|n| format!("{template}{{#{:n$}#}}", "")).find(|text| entry(text).len() % 32 == 0).unwrap();
    let entries = u64::from_le_bytes(ember[16..24].try_into().unwrap()) + 1;
    let file = [&ember[..16], &entries.to_le_bytes(), &entry(&filled), &ember[24..]].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chat.gguf");
    std::fs::write(&path, file).unwrap();
    let load = move || pilotlight_engine::Engine::load(&pilotlight_engine::ModelSource::Gguf(path));
    (folder, Assistant::new(pilotlight_assist::Options::default(), "chat", load))
}

#[tokio::test]
async fn a_model_with_a_template_chats_whole_and_in_events() {
    let (_folder, assistant) = chatting();
    let server = Server::start(assistant, Options::default(), Tokens::default()).await;
    let ask = |stream: bool| {
        json!({
            "messages": [{ "role": "user", "content": "def f(x): <|eot|>\n" }],
            "tools": [{ "type": "function", "function": { "name": "z", "a": 1 } }],
            "max_tokens": 12, "stream": stream,
        })
    };
    let whole = server.post("/v1/chat/completions", ask(false)).await;
    assert_eq!(whole["object"], "chat.completion");
    let content = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(!content.is_empty());
    // Three special tokens and the text, in which the spelled-out one is several.
    let text = ENGINE.tokenizer().encode("user\ndef f(x): <|eot|>\n").len();
    assert_eq!(whole["usage"]["prompt_tokens"], 3 + text);
    let events = server.send("/v1/chat/completions", &ask(true)).await.text().await.unwrap();
    let events: Vec<&str> = events.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> =
        events[..events.len() - 1].iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let said: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(said, content);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], whole["choices"][0]["finish_reason"]);
    assert_eq!(chunks.last().unwrap()["usage"]["prompt_tokens"], whole["usage"]["prompt_tokens"]);
    for (body, status, told) in [
        (json!({ "messages": [] }), 400, "messages: expected a list with a message"),
        (json!({ "messages": [{ "role": "owl", "content": "" }] }), 400, "messages[0].role: expected"),
        (json!({ "messages": [{ "role": "user", "content": "x ".repeat(20000) }] }), 400, "the conversation has "),
        (json!({ "messages": [], "tool_choice": "required" }), 400, "tool_choice: expected"),
    ] {
        let response = server.send("/v1/chat/completions", &body).await;
        assert_eq!(response.status().as_u16(), status, "{body}");
        let body: Value = response.json().await.unwrap();
        assert!(body["error"]["message"].as_str().unwrap().contains(told), "{body}");
    }
}

#[tokio::test]
async fn a_model_without_a_template_says_so() {
    let server = Server::plain().await;
    let response =
        server.send("/v1/chat/completions", &json!({ "messages": [{ "role": "user", "content": "hi" }] })).await;
    assert_eq!(response.status(), 404);
    let body: Value = response.json().await.unwrap();
    let message = body["error"]["message"].as_str().unwrap();
    assert_eq!(message, "the built-in model has no chat template: the model was not trained to chat");
}
