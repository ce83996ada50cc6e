//! An editor's side of a connection: what it says, what it is told, and the documents as it has them. Two test programs take it in, each uses a part of it.
#![allow(dead_code)]

use std::{fs, path::Path, time::Duration};

use pilotlight_lsp::client::{Client, ClientError, Pending};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

/// Nothing takes this long: a test that waits longer waits for nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Requests, notifications, and what the server said meanwhile.
pub(crate) struct Talk {
    pub(crate) client: Client,
    messages: mpsc::UnboundedReceiver<Value>,
    /// Messages that came while another was waited for.
    passed: Vec<Value>,
}

impl Talk {
    pub(crate) fn new(
        read: impl AsyncRead + Send + Unpin + 'static,
        write: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        let (client, messages) = Client::listening(read, write);
        Self { client, messages, passed: Vec::new() }
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

    /// A folder becomes one of the workspace's.
    pub(crate) fn enters(&self, root: &Path) {
        let added = json!([{ "uri": uri(root), "name": "work" }]);
        self.notify("workspace/didChangeWorkspaceFolders", json!({ "event": { "added": added, "removed": [] } }));
    }

    /// Waits for the next notification `method`, and gives its parameters.
    pub(crate) async fn next(&mut self, method: &str) -> Value {
        self.message(|message| message["method"] == method).await["params"].take()
    }

    /// The next message that is `wanted`.
    pub(crate) async fn message(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            if let Some(at) = self.passed.iter().position(&wanted) {
                return self.passed.remove(at);
            }
            self.passed.push(soon(self.messages.recv()).await.unwrap());
        }
    }

    /// Everything that the server said unasked and nobody has looked at, but its status.
    pub(crate) fn said(&mut self) -> Vec<Value> {
        while let Ok(message) = self.messages.try_recv() {
            self.passed.push(message);
        }
        self.passed.retain(|message| message["method"] != "didChangeStatus");
        std::mem::take(&mut self.passed)
    }
}

/// `future`, which is expected to be quick.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("an answer in time")
}

pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
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

    /// A file that is in `folder` too.
    pub(crate) fn in_folder(folder: &Path, name: &str, fixture: &str) -> Self {
        let path = folder.join(name);
        let buffer = Self { uri: uri(&path), ..Self::new(name, fixture) };
        fs::create_dir_all(folder).unwrap();
        fs::write(path, &buffer.text).unwrap();
        buffer
    }

    /// The same, open.
    pub(crate) fn opened(editor: &Talk, name: &str, fixture: &str) -> Self {
        let buffer = Self::new(name, fixture);
        buffer.open(editor);
        buffer
    }

    pub(crate) fn named(&self) -> Value {
        json!({ "uri": self.uri })
    }

    pub(crate) fn open(&self, editor: &Talk) {
        let document =
            json!({ "uri": self.uri, "languageId": self.language, "version": self.version, "text": self.text });
        editor.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    pub(crate) fn close(&self, editor: &Talk) {
        editor.notify("textDocument/didClose", json!({ "textDocument": self.named() }));
    }

    /// Saves, text included: the server complains if its own text is another.
    pub(crate) fn save(&self, editor: &Talk) {
        editor.notify("textDocument/didSave", json!({ "textDocument": self.named(), "text": self.text }));
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
    pub(crate) fn replace(&mut self, editor: &Talk, start: usize, end: usize, text: &str) {
        let range = json!({ "start": self.position(start), "end": self.position(end) });
        self.text.replace_range(start..end, text);
        self.cursor = start + text.len();
        self.version += 1;
        let document = json!({ "uri": self.uri, "version": self.version });
        let changes = json!([{ "range": range, "text": text }]);
        editor.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    /// Types at the cursor.
    pub(crate) fn type_text(&mut self, editor: &Talk, text: &str) {
        self.replace(editor, self.cursor, self.cursor, text);
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
    pub(crate) fn ask(&self, editor: &Talk) -> Pending {
        editor.ask("textDocument/inlineCompletion", self.here())
    }

    /// The ghost text at the cursor: the one item, or null.
    pub(crate) async fn ghost(&self, editor: &Talk) -> Value {
        let mut items = soon(self.ask(editor)).await.unwrap();
        let items = items.as_array_mut().unwrap();
        assert!(items.len() <= 1, "{items:?}");
        items.pop().unwrap_or_default()
    }

    /// The ghost text's words at the cursor; `nothing` if there is none. Asks again where that is the answer.
    pub(crate) async fn shown(&self, editor: &Talk) -> String {
        let items = loop {
            match soon(self.ask(editor)).await {
                Err(error) if error.to_string().ends_with("ask again (-32802)") => {}
                answered => break answered.unwrap(),
            }
        };
        items[0]["insertText"].as_str().unwrap_or("nothing").to_owned()
    }

    /// Asks for ghost text, and fails unless the answer is this error.
    pub(crate) async fn ghost_error(&self, editor: &Talk, message: &str) {
        let error = soon(self.ask(editor)).await.unwrap_err();
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

    /// The parameters of a request for the code actions at byte `at`.
    pub(crate) fn asking(&self, at: usize, context: Value) -> Value {
        let at = self.position(at);
        json!({ "textDocument": self.named(), "range": { "start": at, "end": at }, "context": context })
    }

    /// The code actions at byte `at`.
    pub(crate) async fn actions(&self, editor: &Talk, at: usize) -> Vec<Value> {
        self.actions_for(editor, at, json!({ "diagnostics": [] })).await
    }

    /// The same, with this in the context.
    pub(crate) async fn actions_for(&self, editor: &Talk, at: usize, context: Value) -> Vec<Value> {
        let actions = editor.request("textDocument/codeAction", self.asking(at, context)).await.unwrap();
        actions.as_array().unwrap().clone()
    }

    /// The text with the edits of a `WorkspaceEdit` made, which is for this document alone; `⟦…⟧` around what is new.
    pub(crate) fn made(&self, edit: &Value) -> String {
        let [document] = &edit["documentChanges"].as_array().unwrap()[..] else { panic!("one document: {edit}") };
        assert_eq!(document["textDocument"], json!({ "uri": self.uri, "version": self.version }));
        let mut text = self.text.clone();
        for edit in document["edits"].as_array().unwrap().iter().rev() {
            let range = self.offset(&edit["range"]["start"])..self.offset(&edit["range"]["end"]);
            text.replace_range(range, &format!("⟦{}⟧", edit["newText"].as_str().unwrap()));
        }
        text
    }

    /// Why the last answer for this document is what it is.
    pub(crate) async fn why(&self, editor: &Talk) -> Value {
        editor.request("pilotlight/explain", json!({ "textDocument": self.named() })).await.unwrap()
    }
}
