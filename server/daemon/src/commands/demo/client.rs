//! The editor's side of `pilotlight try`: a real LSP client, as small as it can be.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use pilotlight_assist::{Explanation, syntax::Language};
use pilotlight_lsp::client::Client;
use serde_json::{Value, json};
use tokio::io::DuplexStream;

use super::script::Script;

/// An editor with one open file, its cursor behind what was typed last.
pub(super) struct Editor {
    client: Client,
    uri: String,
    version: i32,
    /// The cursor: a line, and what stands on it up to the cursor.
    line: usize,
    before: String,
}

/// What the server said to one keystroke.
pub(super) struct Answer {
    pub(super) ghost: Option<String>,
    pub(super) explanation: Explanation,
    /// From the keystroke to the answer.
    pub(super) took: Duration,
}

impl Editor {
    /// Initializes the server and opens the script's text.
    pub(super) async fn start(pipe: DuplexStream, path: PathBuf, language: Language, script: &Script) -> Result<Self> {
        let (read, write) = tokio::io::split(pipe);
        let client = Client::new(read, write);
        let uri = format!("file://{}", path.display().to_string().replace(' ', "%20"));
        let capabilities = json!({ "general": { "positionEncodings": ["utf-8", "utf-16"] }, "textDocument": { "inlineCompletion": {} } });
        let folder = std::env::current_dir()?;
        client
            .request(
                "initialize",
                json!({
                    "processId": std::process::id(),
                    "clientInfo": { "name": "pilotlight try" },
                    "rootUri": format!("file://{}", folder.display()),
                    "capabilities": capabilities,
                }),
            )
            .await?;
        client.notify("initialized", json!({})).await?;
        let document = json!({ "uri": uri, "languageId": language.id(), "version": 0, "text": script.text });
        client.notify("textDocument/didOpen", json!({ "textDocument": document })).await?;
        Ok(Self { client, uri, version: 0, line: script.line, before: String::new() })
    }

    /// Types `key` and asks for ghost text; `None` where no answer came by `deadline` (the request is then cancelled).
    pub(super) async fn press(&mut self, key: &str, deadline: Instant) -> Result<Option<Answer>> {
        let pressed = Instant::now();
        let at = json!({ "line": self.line, "character": self.before.len() });
        self.version += 1;
        let change = json!({ "range": { "start": at, "end": at }, "text": key });
        let document = json!({ "uri": self.uri, "version": self.version });
        self.client
            .notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }))
            .await?;
        match key.strip_prefix('\n') {
            Some(indentation) => {
                self.line += 1;
                self.before = indentation.to_owned();
            }
            None => self.before.push_str(key),
        }
        let ask = self.client.request(
            "textDocument/inlineCompletion",
            json!({
                "textDocument": { "uri": self.uri },
                "position": { "line": self.line, "character": self.before.len() },
                "context": { "triggerKind": 2 },
            }),
        );
        // Dropping the request's future cancels it at the server.
        let Ok(answer) = tokio::time::timeout_at(deadline.into(), ask).await else { return Ok(None) };
        let answer = answer?;
        let took = pressed.elapsed();
        let items = answer.get("items").unwrap_or(&answer);
        let ghost = items.get(0).and_then(|item| item.get("insertText")).and_then(Value::as_str).map(str::to_owned);
        let explanation =
            self.client.request("pilotlight/explain", json!({ "textDocument": { "uri": self.uri } })).await?;
        let explanation =
            serde_json::from_value(explanation).map_err(|error| anyhow!("pilotlight/explain: {error}"))?;
        Ok(Some(Answer { ghost, explanation, took }))
    }

    /// The cursor's line up to the cursor.
    pub(super) fn line(&self) -> &str {
        &self.before
    }

    /// Shuts the server down.
    pub(super) async fn close(self) -> Result<()> {
        self.client.request("shutdown", Value::Null).await?;
        self.client.notify("exit", Value::Null).await?;
        Ok(())
    }
}
