//! Pilotlight as an editor meets it: the real LSP server over a pipe.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use pilotlight_assist::{Assistant, Explanation, options::Options, syntax::Language};
use pilotlight_engine::{Engine, EngineOptions, ModelInfo};
use pilotlight_lsp::client::Client;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    driver::{Answer, Cost, Part, Peer, View},
    editor::Edit,
};

/// Bytes in the pipe between the editor's side and the server's.
const PIPE: usize = 256 * 1024;
/// The folder that the documents pretend to be in.
const ROOT: &str = "/replay";

/// When the next key comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As soon as the last one is answered: nothing depends on the clock.
    Answers,
    /// As a person types; but never before the last answer.
    Human,
}

/// A server with its client.
pub(crate) struct Server {
    client: Client,
    assistant: Assistant,
    documents: HashMap<String, Mirror>,
    pace: Pace,
    /// When the last key was pressed.
    pressed: Instant,
    /// The item on the screen.
    item: Option<Value>,
    /// Set by every answer: what the server says about it.
    pub(crate) explanation: Explanation,
}

/// A document as the server should have it.
struct Mirror {
    text: String,
    version: i32,
    /// The line at which the last prompt's window began.
    window: Option<usize>,
}

impl Server {
    /// Starts one over `engine`'s model.
    pub(crate) async fn start(engine: EngineOptions, options: Options, pace: Pace) -> Result<Self> {
        let source = engine.source()?;
        let name = engine.model.clone();
        let assistant = Assistant::new(options, &name, move || Engine::load_with(&source, &engine));
        assistant.engine().await.map_err(anyhow::Error::msg)?;
        let (ours, theirs) = tokio::io::duplex(PIPE);
        let (read, write) = tokio::io::split(theirs);
        tokio::spawn(pilotlight_lsp::serve(
            assistant.clone(),
            pilotlight_lsp::Options::default(),
            CancellationToken::new(),
            read,
            write,
        ));
        let (read, write) = tokio::io::split(ours);
        let client = Client::new(read, write);
        let capabilities = json!({
            "general": { "positionEncodings": ["utf-16"] },
            "textDocument": { "inlineCompletion": {} },
        });
        let parameters = json!({
            "processId": null,
            "clientInfo": { "name": "replay" },
            "rootUri": format!("file://{ROOT}"),
            "workspaceFolders": [{ "uri": format!("file://{ROOT}"), "name": "replay" }],
            "capabilities": capabilities,
        });
        client.request("initialize", parameters).await?;
        client.notify("initialized", json!({})).await?;
        let explanation = Explanation::default();
        let (documents, pressed) = (HashMap::new(), Instant::now());
        Ok(Self { client, assistant, documents, pace, pressed, item: None, explanation })
    }

    /// What was loaded.
    pub(crate) async fn model(&self) -> Result<ModelInfo> {
        Ok(self.assistant.engine().await.map_err(anyhow::Error::msg)?.info().clone())
    }

    /// The assistant behind the server.
    pub(crate) fn assistant(&self) -> &Assistant {
        &self.assistant
    }

    fn mirror(&mut self, path: &str) -> Result<&mut Mirror> {
        self.documents.get_mut(path).with_context(|| format!("{path} was never opened"))
    }

    fn item_edit(&self, item: &Value, view: View<'_>) -> Result<Edit> {
        let text = item.get("insertText").and_then(Value::as_str).context("an item without insertText")?.to_owned();
        let range = match item.get("range") {
            None | Some(Value::Null) => view.cursor..view.cursor,
            Some(range) => offset(view.text, &range["start"])?..offset(view.text, &range["end"])?,
        };
        Ok(Edit { range, text })
    }

    fn cost(&mut self, path: &str) -> Result<Option<Cost>> {
        let Explanation { reused, prefilled, decoded, millis, .. } = self.explanation;
        if reused + prefilled == 0 {
            return Ok(None);
        }
        let window =
            self.explanation.segments.iter().find(|segment| segment.source == "prefix").map(|segment| segment.line);
        let moved = std::mem::replace(&mut self.mirror(path)?.window, window) != window;
        let mut before = 0;
        let broken = self.explanation.segments.iter().find(|segment| {
            before += segment.tokens;
            before > reused
        });
        let last = self.explanation.segments.iter().rfind(|segment| segment.source == "prefix");
        let broken = match broken.map(|segment| segment.source.as_str()) {
            Some("prefix") if moved => Part::Window,
            Some("prefix") if broken == last => Part::Tail,
            Some("prefix") => Part::Prefix,
            Some("suffix" | "header") => Part::Suffix,
            _ => Part::Tail,
        };
        Ok(Some(Cost { prefilled, reused, decoded, first_token: millis.first_token, broken }))
    }
}

impl Peer for Server {
    async fn open(&mut self, path: &str, text: &str) -> Result<()> {
        let language = Language::from_path(std::path::Path::new(path));
        let document = json!({ "uri": uri(path), "languageId": language.id(), "version": 0, "text": text });
        self.client.notify("textDocument/didOpen", json!({ "textDocument": document })).await?;
        self.documents.insert(path.to_owned(), Mirror { text: text.to_owned(), version: 0, window: None });
        Ok(())
    }

    async fn focus(&mut self, _from: View<'_>, _to: View<'_>) -> Result<()> {
        Ok(())
    }

    async fn change(&mut self, edits: &[Edit], view: View<'_>) -> Result<()> {
        let mirror = self.mirror(view.path)?;
        mirror.version += 1;
        let mut changes = Vec::new();
        for Edit { range, text } in edits {
            let (start, end) = (position(&mirror.text, range.start), position(&mirror.text, range.end));
            changes.push(json!({ "range": { "start": start, "end": end }, "text": text }));
            mirror.text.replace_range(range.clone(), text);
        }
        if mirror.text != view.text {
            bail!("{}: the edits do not lead to the editor's text", view.path);
        }
        let document = json!({ "uri": uri(view.path), "version": mirror.version });
        let parameters = json!({ "textDocument": document, "contentChanges": changes });
        self.client.notify("textDocument/didChange", parameters).await?;
        Ok(())
    }

    async fn ask(&mut self, view: View<'_>) -> Result<Answer> {
        let document = json!({ "uri": uri(view.path) });
        let parameters = json!({
            "textDocument": document,
            "position": position(view.text, view.cursor),
            "context": { "triggerKind": 2 },
        });
        let asked = Instant::now();
        let answer = self.client.request("textDocument/inlineCompletion", parameters).await?;
        let took = asked.elapsed().as_secs_f64() * 1e3;
        let items = answer.get("items").unwrap_or(&answer);
        self.item = items.get(0).cloned();
        let ghost = self.item.as_ref().map(|item| self.item_edit(item, view)).transpose()?;
        let explanation = self.client.request("pilotlight/explain", json!({ "textDocument": document })).await?;
        self.explanation = serde_json::from_value(explanation).context("pilotlight/explain")?;
        if let Some(item) = &self.item {
            self.client.notify("textDocument/didShowCompletion", json!({ "item": item })).await?;
        }
        Ok(Answer { ghost, cost: self.cost(view.path)?, took })
    }

    async fn accepted(&mut self, taken: &Edit) -> Result<()> {
        let Some(item) = &self.item else { return Ok(()) };
        if item.get("insertText").and_then(Value::as_str) == Some(&taken.text) {
            if let Some(command) = item.get("command") {
                let parameters = json!({ "command": command["command"], "arguments": command["arguments"] });
                self.client.request("workspace/executeCommand", parameters).await?;
            }
        } else {
            let length = taken.text.encode_utf16().count();
            let parameters = json!({ "item": item, "acceptedLength": length });
            self.client.notify("textDocument/didPartiallyAcceptCompletion", parameters).await?;
        }
        Ok(())
    }

    async fn saved(&mut self, view: View<'_>) -> Result<()> {
        self.client.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri(view.path) } })).await?;
        Ok(())
    }

    async fn idle(&mut self, milliseconds: u32, _away: bool) -> Result<()> {
        if self.pace == Pace::Human {
            tokio::time::sleep_until((self.pressed + Duration::from_millis(milliseconds.into())).into()).await;
        }
        self.pressed = Instant::now();
        Ok(())
    }

    async fn close(&mut self, path: &str) -> Result<()> {
        self.documents.remove(path);
        self.client.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } })).await?;
        Ok(())
    }
}

/// The document's URI.
fn uri(path: &str) -> String {
    format!("file://{ROOT}/{path}")
}

/// A byte offset as LSP counts it, by UTF-16 units.
fn position(text: &str, at: usize) -> Value {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[..start].matches('\n').count();
    let character = text[start..at].encode_utf16().count();
    json!({ "line": line, "character": character })
}

fn offset(text: &str, position: &Value) -> Result<usize> {
    let number = |name: &str| position[name].as_u64().with_context(|| format!("a position without {name}: {position}"));
    let (line, character) = (number("line")? as usize, number("character")? as usize);
    let start = match line {
        0 => 0,
        _ => text.match_indices('\n').nth(line - 1).context("a position behind the text's end")?.0 + 1,
    };
    let line = text[start..].split('\n').next().unwrap_or_default();
    let mut units = 0;
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        if units == character {
            return Ok(start + at);
        }
        units += c.len_utf16();
    }
    bail!("a position behind its line's end, or inside a character: {position}")
}
