//! Conversations: who has them, what is asked, and how the answer is read.

use serde_json::Value;

use super::*;

const CHAT: &str = "/v1/chat/completions";

/// llama.cpp's server with this chat template.
fn server(template: &'static str) -> FaultServer {
    FaultServer::start(move |seen, stream| match seen.path.as_str() {
        "/props" => {
            let props = json!({ "default_generation_settings": { "n_ctx": 2048 }, "chat_template": template });
            say(stream, 200, "", &props.to_string());
        }
        CHAT => {
            open(stream);
            for text in ["a", "é"] {
                event(
                    stream,
                    &json!({ "choices": [{ "delta": { "content": text }, "finish_reason": null }] }).to_string(),
                );
            }
            event(
                stream,
                &json!({ "choices": [{ "delta": {}, "finish_reason": "length" }], "usage": { "prompt_tokens": 7 } })
                    .to_string(),
            );
            event(stream, "[DONE]");
        }
        _ => {
            if !llama_cpp(seen, stream) {
                well(stream);
            }
        }
    })
}

fn prompt(engine: &Engine, messages: Value) -> Request {
    let prompt = engine.chat().unwrap().encode(engine.tokenizer(), &messages.to_string(), None).unwrap();
    Request { prompt, max_tokens: 8, ..Request::default() }
}

#[test]
fn a_server_with_a_template_is_asked_for_the_next_message() {
    let server = server("{{ messages }}");
    let engine = connect(server.url());
    let messages = json!([
        { "role": "system", "content": "short" },
        { "role": "user", "content": [{ "type": "text", "text": "né <|im_end|>?" }] },
        { "role": "assistant", "content": "" },
    ]);
    let answer = collect(engine.submit(prompt(&engine, messages)));
    assert_eq!((answer.text.as_str(), answer.done.unwrap().finish), ("aé", Finish::Length));
    let body = &server.seen(CHAT)[0].body;
    // What spells a special token has a blank in it.
    let said = json!([
        { "role": "system", "content": "short" },
        { "role": "user", "content": "né < |im_end|>?" },
        { "role": "assistant", "content": "" },
    ]);
    assert_eq!((&body["messages"], &body["max_tokens"], &body["temperature"]), (&said, &json!(8), &json!(0)));
    // What fills a hole is asked as ever.
    collect(engine.submit(asked(&engine)));
    assert_eq!(server.seen("/completion").len(), 1);
    let tools = engine.chat().unwrap().encode(engine.tokenizer(), r#"[{"role":"user","content":"x"}]"#, Some("[{}]"));
    assert!(tools.unwrap_err().to_string().contains("words alone"));
}

#[test]
fn a_server_without_one_is_not_asked_unless_a_person_says_so() {
    let server = server("");
    let because = connect(server.url()).chat().unwrap_err();
    assert!(because.contains("it tells of no chat template (engine.remote.chat = true"), "{because}");
    let told = Engine::connect(&options(server.url(), |remote| remote.chat = Some(true)), &MARKERS).unwrap();
    assert_eq!(collect(told.submit(prompt(&told, json!([{ "role": "user", "content": "x" }])))).text, "aé");
    let with = self::server("{{ messages }}");
    let off = Engine::connect(&options(with.url(), |remote| remote.chat = Some(false)), &MARKERS).unwrap();
    assert!(off.chat().is_err());
}
