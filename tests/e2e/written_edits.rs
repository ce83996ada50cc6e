//! The next edit as a model writes it, over a server that answers by a script: what it is asked, what is offered, and what is not.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use pilotlight_assist::Workspace;
use serde_json::{Value, json};

use crate::{
    actions::everything,
    client::{Buffer, Setup, TestServer},
    model::QWEN,
    remote::assistant,
    scripts::fault::{FaultServer, event, open, say},
};

/// Where the person is.
const CURSOR: &str = "total = 1$0\nlimit = 1\nlast = limit\n";

/// A model that fills and writes next edits.
pub(crate) struct Script {
    server: FaultServer,
    /// What it says: a text, and how it ended.
    pub(crate) answer: Arc<Mutex<(String, &'static str)>>,
}

impl Script {
    pub(crate) fn new() -> Self {
        let answer: Arc<Mutex<(String, &'static str)>> = Arc::default();
        let saying = Arc::clone(&answer);
        let server = FaultServer::start(move |seen, stream| {
            let body = &seen.body;
            let answer = match seen.path.as_str() {
                "/props" => {
                    json!({ "default_generation_settings": { "n_ctx": 8192 }, "model_path": "Sweep-Next-Edit-1.5B.gguf" })
                }
                "/tokenize" => {
                    let token = QWEN.iter().position(|it| body["content"] == *it && body["parse_special"] == true);
                    json!({ "tokens": token.map_or(vec![1, 2], |at| vec![100 + at]) })
                }
                "/completion" => {
                    let (text, end) = saying.lock().unwrap().clone();
                    open(stream);
                    event(stream, &json!({ "content": text, "stop": false }).to_string());
                    event(stream, &json!({ "content": "", "stop": true, "stop_type": end }).to_string());
                    return;
                }
                _ => json!({}),
            };
            say(stream, 200, "", &answer.to_string());
        });
        Self { server, answer }
    }

    /// The prompts that it was asked to go on with.
    pub(crate) fn asked(&self) -> Vec<String> {
        let piece = |part: &Value| match part {
            Value::Number(id) => QWEN[id.as_u64().unwrap() as usize - 100].to_owned(),
            text => text.as_str().unwrap().to_owned(),
        };
        let prompt = |body: &Value| body["prompt"].as_array().unwrap().iter().map(piece).collect();
        self.server.seen("/completion").iter().map(|seen| prompt(&seen.body)).collect()
    }

    /// A person with `a.rs` open in the workspace `root`, and a client of code actions; this script is the model.
    pub(crate) async fn with_open(&self, root: &Path, text: &str) -> (TestServer, Buffer) {
        let assistant = assistant(&self.server.url()).for_client(Workspace::default());
        assistant.engine().await.unwrap();
        let setup = Setup { capabilities: everything(), assistant: Some(assistant), ..Setup::default() };
        let server = TestServer::with(setup).await;
        server.enters(root);
        let buffer = Buffer::in_folder(root, "a.rs", text);
        buffer.open(&server);
        (server, buffer)
    }
}

/// A person who has just made `total = 1` of `total = 0`.
struct Person {
    server: TestServer,
    script: Script,
    buffer: Buffer,
}

impl Person {
    async fn new() -> Self {
        let script = Script::new();
        let assistant = assistant(&script.server.url()).for_client(Workspace::default());
        assistant.engine().await.unwrap();
        let server = TestServer::with(Setup { assistant: Some(assistant), ..Setup::default() }).await;
        let mut buffer = Buffer::new("a.py", &CURSOR.replace("total = 1", "total = 0"));
        buffer.language = "python";
        buffer.open(&server);
        let cursor = buffer.cursor;
        buffer.replace(&server, cursor - 1, cursor, "1");
        Self { server, script, buffer }
    }

    /// What is offered when the model answers so, as the text with it made.
    async fn offered(&self, answer: &str, end: &'static str) -> (String, Value) {
        *self.script.answer.lock().unwrap() = (answer.to_owned(), end);
        let params = json!({
            "textDocument": { "uri": self.buffer.uri, "version": self.buffer.version },
            "position": self.buffer.position(self.buffer.cursor),
        });
        let mut edits = self.server.request("textDocument/copilotInlineEdit", params).await.unwrap()["edits"].clone();
        let edit = edits.as_array_mut().unwrap().pop().unwrap_or_default();
        let shown = self.buffer.with(&json!({ "range": edit["range"], "insertText": edit["text"] }));
        (shown, edit["command"].clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_was_trained_for_it_writes_the_next_edit() {
    let person = Person::new().await;
    let (shown, command) = person.offered("total = 1\nlimit = 2\nlast = limit\n", "eos").await;
    assert_eq!(shown, "total = 1\n⟦limit = 2\n⟧last = limit\n");
    let prompt = person.script.asked().pop().unwrap();
    let expected = "<|file_sep|>a.py.diff\noriginal:\ntotal = 0\nupdated:\ntotal = 1\n\
        <|file_sep|>original/a.py\ntotal = 0\nlimit = 1\nlast = limit\n\
        <|file_sep|>current/a.py\ntotal = 1\nlimit = 1\nlast = limit\n<|file_sep|>updated/a.py\n";
    assert!(prompt.ends_with(expected), "{prompt}");

    // Dismissed, it does not come again.
    let id = command["arguments"][0].clone();
    let dismissed = json!({ "command": "pilotlight.dismissEdit", "arguments": [id] });
    person.server.request("workspace/executeCommand", dismissed).await.unwrap();
    let again = person.offered("total = 1\nlimit = 2\nlast = limit\n", "eos").await;
    assert_eq!(again.0, "nothing");
    person.server.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_should_not_have_written_is_not_offered() {
    let person = Person::new().await;
    for (answer, end, because) in [
        ("total = 1\nlimit = 1\nlast = limit\n", "eos", "nothing changes"),
        ("total = 2\nlimit = 1\nlast = limit\n", "eos", "the line is being typed"),
        ("total = 0\nlimit = 1\nlast = limit\n", "eos", "it undoes what was done"),
        ("total = 1\nlimit = (1\nlast = limit\n", "eos", "a syntax error"),
        ("total = 1\nlimit = 2\nlast", "limit", "it was cut off"),
        ("", "eos", "it says nothing"),
    ] {
        assert_eq!(person.offered(answer, end).await.0, "nothing", "{because}");
    }
    assert_eq!(person.script.asked().len(), 6, "each time it was asked");
    person.server.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_after_a_change_and_shown_no_secret() {
    let mut person = Person::new().await;
    let (server, at) = (&person.server, person.buffer.text.find("last").unwrap());
    person.buffer.replace(server, at, at, "password = 'aK9xQ2mZ7pL4vB8n'\n");
    assert_eq!(person.offered("x = 1\n", "eos").await.0, "nothing");
    assert!(person.script.asked().is_empty(), "what it is not shown it could not write again");

    let script = Script::new();
    let assistant = assistant(&script.server.url()).for_client(Workspace::default());
    assistant.engine().await.unwrap();
    let server = TestServer::with(Setup { assistant: Some(assistant), ..Setup::default() }).await;
    let buffer = Buffer::new("a.py", CURSOR);
    buffer.open(&server);
    let unchanged = Person { server, script, buffer };
    assert_eq!(unchanged.offered("x = 1\n", "eos").await.0, "nothing");
    assert!(unchanged.script.asked().is_empty(), "there is nothing to follow");
    person.server.close().await.unwrap();
    unchanged.server.close().await.unwrap();
}
