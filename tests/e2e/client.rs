//! A server in this process and an editor's side to it: real JSON-RPC frames over a pipe. The base of every test of the protocol.
//!
//! A [`TestServer`] fails its test when it is dropped with a request unanswered, or with a complaint of the server (`window/logMessage`,
//! `window/showMessage`, an error that belongs to no request) that the test has not looked at.

use std::{
    ops::{Deref, DerefMut},
    sync::mpsc as gate,
};

use pilotlight_assist::{Assistant, Options as AssistOptions, Workspace};
use pilotlight_lsp::{Options, client::Client};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) use crate::editor::{Buffer, soon, uri};
use crate::{
    editor::Talk,
    model::{self, Markers},
};

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
    talk: Talk,
    pub(crate) assistant: Assistant,
    /// The answer to `initialize`.
    pub(crate) initialized: Value,
    serving: JoinHandle<std::io::Result<()>>,
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
        Self { talk: Talk::new(read, write), assistant, initialized: Value::Null, serving, _folder: folder }
    }

    /// The text of the server's next complaint.
    pub(crate) async fn complaint(&mut self) -> String {
        self.next("window/logMessage").await["message"].as_str().unwrap().to_owned()
    }

    /// The next error that answers no request of the client.
    pub(crate) async fn stray(&mut self) -> Value {
        self.message(|message| !message["error"].is_null()).await
    }

    /// The code of the next error that has no request at all.
    pub(crate) async fn stray_error(&mut self) -> i64 {
        let error = self.stray().await;
        assert_eq!(error["id"], Value::Null);
        error["error"]["code"].as_i64().unwrap()
    }

    /// Fails if the server has complained of something that the test did not look at.
    pub(crate) fn no_complaints(&mut self) {
        let said = self.said();
        assert!(said.is_empty(), "the server said what the test did not look at: {said:#?}");
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

impl Deref for TestServer {
    type Target = Talk;

    fn deref(&self) -> &Talk {
        &self.talk
    }
}

impl DerefMut for TestServer {
    fn deref_mut(&mut self) -> &mut Talk {
        &mut self.talk
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

/// Opens `fixture` in a server and gives it with the ghost text at `$0` in it.
pub(crate) async fn check(name: &str, fixture: &str) -> String {
    let server = TestServer::start().await;
    let buffer = Buffer::opened(&server, name, fixture);
    let item = buffer.ghost(&server).await;
    server.close().await.unwrap();
    buffer.with(&item)
}
