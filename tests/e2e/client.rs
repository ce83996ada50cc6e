//! A server in this process and an editor's side to it: real JSON-RPC frames over a pipe. The base of every test of the protocol.
//!
//! A [`TestServer`] fails its test when it is dropped with a request unanswered, or with a complaint of the server (`window/logMessage`,
//! `window/showMessage`, an error that belongs to no request) that the test has not looked at.

use std::{sync::mpsc as gate, time::Duration};

use pilotlight_assist::{Assistant, Options as AssistOptions, Workspace};
use pilotlight_lsp::{
    Options,
    client::{Client, ClientError, Pending},
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::model::{self, Markers};

/// Nothing takes this long: a test that waits longer waits for nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a test can choose.
pub(crate) struct Setup {
    /// The client's `initializationOptions`.
    pub(crate) given: Value,
    /// The client's capabilities.
    pub(crate) capabilities: Value,
    pub(crate) options: Options,
    pub(crate) assist: AssistOptions,
    /// Holds the model's loading up until the sender is dropped.
    pub(crate) gate: Option<gate::Receiver<()>>,
    /// The model's prompt format.
    pub(crate) markers: Markers,
    /// Loading fails.
    pub(crate) no_model: bool,
    /// In the place of one over a model of its own.
    pub(crate) assistant: Option<Assistant>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            given: Value::Null,
            capabilities: json!({ "textDocument": { "inlineCompletion": {} } }),
            options: Options::default(),
            assist: AssistOptions::default(),
            gate: None,
            markers: model::EMBER,
            no_model: false,
            assistant: None,
        }
    }
}

/// A running server with one client.
pub(crate) struct TestServer {
    pub(crate) client: Client,
    pub(crate) assistant: Assistant,
    /// The answer to `initialize`.
    pub(crate) initialized: Value,
    serving: JoinHandle<std::io::Result<()>>,
    messages: mpsc::UnboundedReceiver<Value>,
    /// Messages that came while another was waited for.
    passed: Vec<Value>,
    /// The model's files.
    _folder: tempfile::TempDir,
}

impl TestServer {
    /// A server that is initialized.
    pub(crate) async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// The same, set up otherwise.
    pub(crate) async fn with(setup: Setup) -> Self {
        let initialize = json!({
            "processId": null,
            "rootUri": null,
            "capabilities": &setup.capabilities,
            "initializationOptions": &setup.given,
        });
        let mut server = Self::raw(setup);
        server.initialized = server.request("initialize", initialize).await.unwrap();
        server.notify("initialized", json!({}));
        server
    }

    /// A server that has heard nothing yet.
    pub(crate) fn raw(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let Setup { assist, options, gate, markers, no_model, assistant, .. } = setup;
        if let Some(assistant) = assistant {
            return Self::over(assistant, options, folder);
        }
        let path = folder.path().to_owned();
        let assistant = Assistant::new(assist, "markov", move || {
            if let Some(gate) = gate {
                // Nothing is ever sent: the wait ends when the test drops its end.
                let _ = gate.recv();
            }
            if no_model { model::missing(&path) } else { model::load(&path, markers) }
        });
        Self::over(assistant, options, folder)
    }

    /// Another client's connection to the same assistant.
    pub(crate) fn beside(&self) -> Self {
        let other = self.assistant.for_client(Workspace::default());
        Self::over(other, Options::default(), tempfile::tempdir().unwrap())
    }

    fn over(assistant: Assistant, options: Options, folder: tempfile::TempDir) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (read, write) = tokio::io::split(theirs);
        let serving =
            tokio::spawn(pilotlight_lsp::serve(assistant.clone(), options, CancellationToken::new(), read, write));
        let (read, write) = tokio::io::split(ours);
        let (client, messages) = Client::listening(read, write);
        Self { client, assistant, initialized: Value::Null, serving, messages, passed: Vec::new(), _folder: folder }
    }

    /// Sends a request at once; its future must be awaited.
    pub(crate) fn ask(&self, method: &str, params: Value) -> Pending {
        self.client.request(method, params)
    }

    /// A request and its result.
    pub(crate) async fn request(&self, method: &str, params: Value) -> Result<Value, ClientError> {
        soon(self.ask(method, params)).await
    }

    pub(crate) fn notify(&self, method: &str, params: Value) {
        self.client.notify(method, params).into_inner().unwrap();
    }

    /// Waits for the next notification `method`, and gives its parameters.
    pub(crate) async fn next(&mut self, method: &str) -> Value {
        let wanted = |message: &Value| message["method"] == method;
        let message = match self.passed.iter().position(wanted) {
            Some(at) => self.passed.remove(at),
            None => loop {
                let message = soon(self.messages.recv()).await.unwrap();
                if wanted(&message) {
                    break message;
                }
                self.passed.push(message);
            },
        };
        message["params"].clone()
    }

    /// The text of the server's next complaint.
    pub(crate) async fn complaint(&mut self) -> String {
        self.next("window/logMessage").await["message"].as_str().unwrap().to_owned()
    }

    /// The next error that answers no request of the client.
    pub(crate) async fn stray(&mut self) -> Value {
        loop {
            if let Some(at) = self.passed.iter().position(|message| !message["error"].is_null()) {
                return self.passed.remove(at);
            }
            self.passed.push(soon(self.messages.recv()).await.unwrap());
        }
    }

    /// The code of the next error that has no request at all.
    pub(crate) async fn stray_error(&mut self) -> i64 {
        let error = self.stray().await;
        assert_eq!(error["id"], Value::Null);
        error["error"]["code"].as_i64().unwrap()
    }

    /// Fails if the server has complained of something that the test did not look at.
    pub(crate) fn no_complaints(&mut self) {
        while let Ok(message) = self.messages.try_recv() {
            self.passed.push(message);
        }
        let quiet = |message: &Value| message["method"] == "didChangeStatus";
        self.passed.retain(|message| !quiet(message));
        assert!(self.passed.is_empty(), "the server said what the test did not look at: {:#?}", self.passed);
    }

    /// Says `shutdown` and `exit`, and gives what [`pilotlight_lsp::serve`] ended with.
    pub(crate) async fn close(mut self) -> std::io::Result<()> {
        assert_eq!(self.request("shutdown", Value::Null).await, Ok(Value::Null));
        self.notify("exit", Value::Null);
        self.ended().await
    }

    /// Closes the pipe without a word.
    pub(crate) async fn hang_up(&mut self) -> std::io::Result<()> {
        self.client = Client::new(tokio::io::empty(), tokio::io::sink());
        self.ended().await
    }

    /// Waits for the end of the connection.
    pub(crate) async fn ended(&mut self) -> std::io::Result<()> {
        soon(&mut self.serving).await.unwrap()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.serving.abort();
        if std::thread::panicking() {
            return;
        }
        let unanswered = self.client.unanswered();
        assert!(unanswered.is_empty() || self.serving.is_finished(), "unanswered: {unanswered:?}");
        self.no_complaints();
    }
}

/// `future`, which is expected to be quick.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("an answer in time")
}

/// A document as the editor has it, written with `$0` at the cursor. Positions are counted in UTF-16 unless `encoding` says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Buffer {
    pub(crate) uri: String,
    pub(crate) text: String,
    pub(crate) cursor: usize,
    pub(crate) version: i32,
    pub(crate) language: &'static str,
    pub(crate) encoding: &'static str,
}

impl Buffer {
    pub(crate) fn new(name: &str, fixture: &str) -> Self {
        let cursor = fixture.find("$0").unwrap();
        let language = if name.ends_with(".rs") { "rust" } else { "plaintext" };
        Self {
            uri: format!("file:///work/{name}"),
            text: fixture.replacen("$0", "", 1),
            cursor,
            version: 1,
            language,
            encoding: "utf-16",
        }
    }

    pub(crate) fn named(&self) -> Value {
        json!({ "uri": self.uri })
    }

    pub(crate) fn open(&self, server: &TestServer) {
        let document =
            json!({ "uri": self.uri, "languageId": self.language, "version": self.version, "text": self.text });
        server.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub(crate) fn close(&self, server: &TestServer) {
        server.notify("textDocument/didClose", json!({ "textDocument": self.named() }));
    }

    /// Saves, text included: the server complains if its own text is another.
    pub(crate) fn save(&self, server: &TestServer) {
        server.notify("textDocument/didSave", json!({ "textDocument": self.named(), "text": self.text }));
    }

    /// Where byte `offset` is.
    pub(crate) fn position(&self, offset: usize) -> Value {
        let before = &self.text[..offset];
        let line = before.matches('\n').count();
        let on_line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        let character = match self.encoding {
            "utf-8" => on_line.len(),
            "utf-16" => on_line.encode_utf16().count(),
            _ => on_line.chars().count(),
        };
        json!({ "line": line, "character": character })
    }

    /// The byte of a position; past the line's end it is the line's end.
    pub(crate) fn offset(&self, position: &Value) -> usize {
        let number = |name: &str| usize::try_from(position[name].as_u64().unwrap()).unwrap();
        let start: usize = self.text.split_inclusive('\n').take(number("line")).map(str::len).sum();
        let mut left = number("character");
        let line = self.text[start..].split('\n').next().unwrap();
        let width = |c: char| match self.encoding {
            "utf-8" => c.len_utf8(),
            "utf-16" => c.len_utf16(),
            _ => 1,
        };
        let taken = line.chars().take_while(|c| {
            let fits = left >= width(*c);
            left -= if fits { width(*c) } else { left };
            fits
        });
        start + taken.map(char::len_utf8).sum::<usize>()
    }

    /// Replaces bytes `start..end` by `text`, here and in the server, and puts the cursor behind it.
    pub(crate) fn replace(&mut self, server: &TestServer, start: usize, end: usize, text: &str) {
        let range = json!({ "start": self.position(start), "end": self.position(end) });
        self.text.replace_range(start..end, text);
        self.cursor = start + text.len();
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        let changes = json!([{ "range": range, "text": text }]);
        server.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    /// Types at the cursor.
    pub(crate) fn type_text(&mut self, server: &TestServer, text: &str) {
        self.replace(server, self.cursor, self.cursor, text);
    }

    /// The parameters of a request for ghost text at the cursor.
    pub(crate) fn here(&self) -> Value {
        json!({
            "textDocument": { "uri": self.uri, "version": self.version },
            "position": self.position(self.cursor),
            "context": { "triggerKind": 2 },
        })
    }

    /// Asks for ghost text at the cursor.
    pub(crate) fn ask(&self, server: &TestServer) -> Pending {
        server.ask("textDocument/inlineCompletion", self.here())
    }

    /// The ghost text at the cursor: the one item, or null.
    pub(crate) async fn ghost(&self, server: &TestServer) -> Value {
        let mut items = soon(self.ask(server)).await.unwrap();
        let items = items.as_array_mut().unwrap();
        assert!(items.len() <= 1, "{items:?}");
        items.pop().unwrap_or_default()
    }

    /// Asks for ghost text, and fails unless the answer is this error.
    pub(crate) async fn ghost_error(&self, server: &TestServer, message: &str) {
        let error = soon(self.ask(server)).await.unwrap_err();
        assert_eq!(error.to_string(), format!("textDocument/inlineCompletion: {message} (-32602)"));
    }

    /// The text with the item's edit made, `⟦…⟧` around what is new; `nothing` for null.
    pub(crate) fn with(&self, item: &Value) -> String {
        let (range, text) = match item.get("textEdit") {
            Some(edit) => (&edit["range"], &edit["newText"]),
            None => (&item["range"], &item["insertText"]),
        };
        let Some(text) = text.as_str() else { return "nothing".to_owned() };
        let (start, end) = (self.offset(&range["start"]), self.offset(&range["end"]));
        format!("{}⟦{text}⟧{}", &self.text[..start], &self.text[end..])
    }

    /// Why the last answer for this document is what it is.
    pub(crate) async fn why(&self, server: &TestServer) -> Value {
        server.request("pilotlight/explain", json!({ "textDocument": self.named() })).await.unwrap()
    }
}

/// Opens `fixture` in a server and gives it with the ghost text at `$0` in it.
pub(crate) async fn check(name: &str, fixture: &str) -> String {
    let server = TestServer::start().await;
    let buffer = Buffer::new(name, fixture);
    buffer.open(&server);
    let item = buffer.ghost(&server).await;
    server.close().await.unwrap();
    buffer.with(&item)
}
