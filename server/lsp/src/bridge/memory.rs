//! What a new daemon must be told so that it knows what the old one knew: how the client introduced itself, and its open documents as it has them now.

use pilotlight_assist::syntax::{Change, Document, Language, PositionEncoding};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use tokio_util::bytes::Bytes;
use tower_lsp::gen_lsp_types::{
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, PositionEncodingKind,
};

use crate::{
    notifications::did_change::{self, Changed},
    position,
    session::since_whole,
};

/// The id under which `initialize` is said again: no client's, as it is answered to nobody.
pub(super) const AGAIN: &str = "pilotlight-bridge";

/// The client's side of the conversation, as far as it must be repeated.
#[derive(Debug)]
pub(super) struct Memory {
    initialize: Option<Bytes>,
    /// The answer to it has come.
    pub(super) agreed: bool,
    initialized: Option<Bytes>,
    encoding: PositionEncoding,
    /// Changes of the workspace's folders, in order.
    folders: Vec<Bytes>,
    /// The last of each.
    configuration: Option<Bytes>,
    /// In the order of opening.
    open: Vec<Open>,
}

/// An open document.
#[derive(Debug)]
struct Open {
    uri: String,
    /// The client's own name for it.
    language: String,
    /// Its text, without a tree.
    document: Document,
    /// The version that it was opened with.
    since: i32,
    /// Its text when it was opened or its changes were last carried, as the daemon says, with the version: what changed since may wait to be carried.
    carried: (i32, String),
    /// What others last reported of it.
    diagnostics: Option<Bytes>,
    /// The edit that could not be applied: the new daemon must not trust the text either.
    broken: Option<Bytes>,
}

/// The parameters of [`super::SETTLED`].
#[derive(Deserialize)]
struct Settled {
    uri: String,
    version: i32,
    text: String,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            initialize: None,
            agreed: false,
            initialized: None,
            encoding: PositionEncoding::default(),
            folders: Vec::new(),
            configuration: None,
            open: Vec::new(),
        }
    }

    /// Takes note of a message of the client.
    pub(super) fn hear(&mut self, method: &str, params: Option<&RawValue>, body: &Bytes) {
        match method {
            "initialize" if !self.agreed => self.initialize = Some(body.clone()),
            "initialized" => self.initialized = Some(body.clone()),
            "workspace/didChangeWorkspaceFolders" => self.folders.push(body.clone()),
            "workspace/didChangeConfiguration" => self.configure(params, body),
            "textDocument/didOpen" => self.open(params),
            "textDocument/didChange" => self.change(params, body),
            "textDocument/didSave" => self.save(params),
            "textDocument/didClose" => self.close(params),
            "pilotlight/didChangeDiagnostics" => self.diagnosed(params, body),
            _ => {}
        }
    }

    /// Takes note of the answer to `initialize`.
    pub(super) fn agree(&mut self, response: &[u8]) {
        self.agreed = true;
        let response: Value = serde_json::from_slice(response).unwrap_or_default();
        let encoding = response.pointer("/result/capabilities/positionEncoding");
        let kind = encoding.and_then(|kind| PositionEncodingKind::deserialize(kind).ok());
        self.encoding = position::negotiate(kind.as_slice());
    }

    /// What is no settings is not remembered in place of those that are.
    fn configure(&mut self, params: Option<&RawValue>, body: &Bytes) {
        let params: Value = read(params).unwrap_or_default();
        if !params["settings"].is_null() {
            self.configuration = Some(body.clone());
        }
    }

    // What is not told here is told by the daemon, to which the same messages go.

    fn open(&mut self, params: Option<&RawValue>) {
        let Some(DidOpenTextDocumentParams { text_document: document }) = read(params) else { return };
        let (uri, language) = (document.uri.0, String::from(document.language_id));
        // A second opening replaces the first: the text is what counts here.
        self.open.retain(|open| open.uri != uri);
        let (since, carried) = (document.version, (document.version, document.text));
        let document = Document::open(Language::Plain, since, &carried.1);
        self.open.push(Open { uri, language, document, since, carried, diagnostics: None, broken: None });
    }

    fn opened(&mut self, uri: Option<&str>) -> Option<&mut Open> {
        self.open.iter_mut().find(|open| Some(open.uri.as_str()) == uri)
    }

    fn diagnosed(&mut self, params: Option<&RawValue>, body: &Bytes) {
        let params: Value = read(params).unwrap_or_default();
        if let Some(open) = self.opened(did_change::uri_in(&params)) {
            open.diagnostics = Some(body.clone());
        }
    }

    /// What the daemon takes for carried is not to be offered by the next one. It may have said so of the document as it was before it was closed and opened again.
    pub(super) fn settled(&mut self, params: Option<&RawValue>) {
        let Some(Settled { uri, version, text }) = read(params) else { return };
        let of_this_opening = |open: &&mut Open| (open.since..=open.document.snapshot().version()).contains(&version);
        if let Some(open) = self.opened(Some(&uri)).filter(of_this_opening) {
            open.carried = (version, text);
        }
    }

    fn change(&mut self, params: Option<&RawValue>, body: &Bytes) {
        let params: Value = read(params).unwrap_or_default();
        let encoding = self.encoding;
        let Some(open) = self.opened(did_change::uri_in(&params)) else { return };
        let changed = did_change::read(params).is_ok_and(|Changed { version, changes, .. }| {
            let whole = since_whole(&changes);
            let version = version.unwrap_or_else(|| open.document.snapshot().version());
            (open.broken.is_none() || whole.is_some())
                && open.document.edit(version, whole.unwrap_or(&changes), encoding).is_ok()
        });
        if changed {
            open.broken = None;
        } else {
            open.broken.get_or_insert_with(|| body.clone());
        }
    }

    fn save(&mut self, params: Option<&RawValue>) {
        let Some(DidSaveTextDocumentParams { text_document, text: Some(text) }) = read(params) else { return };
        let Some(open) = self.opened(Some(&text_document.uri.0)) else { return };
        open.broken = None;
        let snapshot = open.document.snapshot();
        if *snapshot.rope() != *text {
            // A whole text can be put in the place of any.
            let _ = open.document.edit(snapshot.version(), &[Change { span: None, text }], PositionEncoding::default());
        }
    }

    fn close(&mut self, params: Option<&RawValue>) {
        let Some(DidCloseTextDocumentParams { text_document }) = read(params) else { return };
        self.open.retain(|open| open.uri != text_document.uri.0);
    }

    /// The messages that bring a new daemon to where the old one was.
    pub(super) fn replay(&self) -> Vec<Bytes> {
        let Some(initialize) = &self.initialize else { return Vec::new() };
        // While the client still waits for the answer, it is asked as it was.
        let mut messages = vec![if self.agreed { self.initialize_again(initialize) } else { initialize.clone() }];
        messages.extend(self.initialized.clone());
        messages.extend(self.folders.iter().cloned());
        messages.extend(self.configuration.clone());
        for Open { uri, language, document, carried: (version, text), diagnostics, broken, .. } in &self.open {
            let now = document.snapshot();
            let document = json!({ "uri": uri, "languageId": language, "version": version, "text": text });
            messages.push(notification("textDocument/didOpen", &json!({ "textDocument": document })));
            if *now.rope() != text.as_str() || now.version() != *version {
                let document = json!({ "uri": uri, "version": now.version() });
                let changes = json!([{ "text": now.rope().to_string() }]);
                let params = json!({ "textDocument": document, "contentChanges": changes });
                messages.push(notification("textDocument/didChange", &params));
            }
            messages.extend(broken.clone());
            messages.extend(diagnostics.clone());
        }
        messages
    }

    /// The client goes on counting positions as was agreed with the first daemon: nothing else is offered to the next.
    fn initialize_again(&self, initialize: &[u8]) -> Bytes {
        let mut message: Value = serde_json::from_slice(initialize).unwrap_or_default();
        message["id"] = json!(AGAIN);
        let general = &mut message["params"]["capabilities"]["general"];
        if !general.is_object() {
            *general = json!({});
        }
        general["positionEncodings"] = json!([position::kind(self.encoding)]);
        body(&message)
    }
}

fn notification(method: &str, params: &Value) -> Bytes {
    body(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
}

fn body(message: &Value) -> Bytes {
    Bytes::from(message.to_string())
}

fn read<T: DeserializeOwned>(params: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(params?.get()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hear(memory: &mut Memory, method: &str, params: &Value) {
        let message = body(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
        let params = RawValue::from_string(params.to_string()).unwrap();
        memory.hear(method, Some(&params), &message);
    }

    fn replayed(memory: &Memory) -> Vec<Value> {
        memory.replay().iter().map(|body| serde_json::from_slice(body).unwrap()).collect()
    }

    fn change(memory: &mut Memory, uri: &str, version: i32, (line, column): (u32, u32), text: &str) {
        let at = json!({ "line": line, "character": column });
        let changes = json!([{ "range": { "start": at, "end": at }, "text": text }]);
        let document = json!({ "uri": uri, "version": version });
        hear(memory, "textDocument/didChange", &json!({ "textDocument": document, "contentChanges": changes }));
    }

    fn open(memory: &mut Memory, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "befunge", "version": 1, "text": text });
        hear(memory, "textDocument/didOpen", &json!({ "textDocument": document }));
    }

    #[test]
    fn a_new_daemon_gets_the_text_as_it_is_and_counts_as_was_agreed() {
        // The column of `x` in "é𝄞x", by each way to count.
        for (agreed, column) in [("utf-8", 6), ("utf-16", 3), ("utf-32", 2)] {
            let mut memory = Memory::new();
            let general = json!({ "positionEncodings": ["utf-8", "utf-16", "utf-32"], "markdown": { "parser": "x" } });
            let params = json!({ "capabilities": { "general": general }, "rootUri": "file:///w" });
            let asked = json!({ "jsonrpc": "2.0", "id": 7, "method": "initialize", "params": params });
            memory.hear("initialize", None, &body(&asked));
            assert_eq!(replayed(&memory), [asked]);
            memory.agree(
                json!({ "id": 7, "result": { "capabilities": { "positionEncoding": agreed } } }).to_string().as_bytes(),
            );
            hear(&mut memory, "initialized", &json!({}));
            open(&mut memory, "file:///a", "é𝄞x");
            open(&mut memory, "file:///b", "gone");
            change(&mut memory, "file:///a", 2, (0, column), "ß");
            hear(&mut memory, "textDocument/didClose", &json!({ "textDocument": { "uri": "file:///b" } }));

            let said = replayed(&memory);
            let methods: Vec<_> = said.iter().map(|message| message["method"].as_str().unwrap()).collect();
            let text = ["textDocument/didOpen", "textDocument/didChange"];
            assert_eq!(methods, [&["initialize", "initialized"], &text[..]].concat());
            assert_eq!(said[0]["id"], AGAIN);
            assert_eq!(said[0]["params"]["rootUri"], "file:///w");
            let general = &said[0]["params"]["capabilities"]["general"];
            assert_eq!(*general, json!({ "positionEncodings": [agreed], "markdown": { "parser": "x" } }));
            let document = json!({ "uri": "file:///a", "languageId": "befunge", "version": 1, "text": "é𝄞x" });
            assert_eq!(said[2]["params"]["textDocument"], document, "{agreed}");
            let changed =
                json!({ "textDocument": { "uri": "file:///a", "version": 2 }, "contentChanges": [{ "text": "é𝄞ßx" }] });
            assert_eq!(said[3]["params"], changed, "{agreed}");
        }
    }

    #[test]
    fn what_waits_to_be_carried_waits_on_and_what_was_carried_does_not() {
        let mut memory = Memory::new();
        memory.hear("initialize", None, &body(&json!({ "id": 1, "method": "initialize", "params": {} })));
        memory.agree(br#"{"id":1,"result":{}}"#);
        open(&mut memory, "file:///a", "one");
        change(&mut memory, "file:///a", 2, (0, 0), "t");
        let notes = json!({ "textDocument": { "uri": "file:///a" }, "diagnostics": [] });
        hear(&mut memory, "pilotlight/didChangeDiagnostics", &notes);
        let said = replayed(&memory);
        assert_eq!(said[1]["params"]["textDocument"]["text"], "one");
        assert_eq!(said[2]["params"]["contentChanges"], json!([{ "text": "tone" }]));
        assert_eq!(said[3]["params"], notes);
        let settle = |memory: &mut Memory, version: i32, text: &str| {
            let params = json!({ "uri": "file:///a", "version": version, "text": text });
            memory.settled(Some(&RawValue::from_string(params.to_string()).unwrap()));
            replayed(memory)
        };
        let said = settle(&mut memory, 2, "tone");
        assert_eq!(said[1]["params"]["textDocument"]["text"], "tone");
        assert_eq!((said.len(), &said[2]["params"]), (3, &notes));
        // Something of it waits still.
        let said = settle(&mut memory, 2, "on");
        assert_eq!(said[1]["params"]["textDocument"]["text"], "on");
        assert_eq!(said[2]["params"]["contentChanges"], json!([{ "text": "tone" }]));
        // Closed and opened again, with another text, before the daemon has said what it took for carried.
        hear(&mut memory, "textDocument/didClose", &json!({ "textDocument": { "uri": "file:///a" } }));
        open(&mut memory, "file:///a", "from git");
        let said = settle(&mut memory, 7, "tone");
        assert_eq!((said.len(), &said[1]["params"]["textDocument"]["text"]), (2, &json!("from git")));
        // VS Code counts anew, Neovim on.
        let document = json!({ "uri": "file:///a", "languageId": "befunge", "version": 9, "text": "from git" });
        hear(&mut memory, "textDocument/didOpen", &json!({ "textDocument": document }));
        assert_eq!(settle(&mut memory, 7, "tone")[1]["params"]["textDocument"]["text"], "from git");
    }

    #[test]
    fn no_settings_do_not_replace_those_that_were_said() {
        let mut memory = Memory::new();
        memory.hear("initialize", None, &body(&json!({ "id": 1, "method": "initialize", "params": {} })));
        memory.agree(br#"{"id":1,"result":{}}"#);
        for settings in [json!({}), json!({ "lsp": {} }), Value::Null] {
            hear(&mut memory, "workspace/didChangeConfiguration", &json!({ "settings": settings }));
        }
        let said = replayed(&memory);
        assert_eq!((said.len(), &said[1]["params"]["settings"]), (2, &json!({ "lsp": {} })));
    }

    #[test]
    fn what_could_not_be_applied_is_said_again_until_the_text_is_whole() {
        let mut memory = Memory::new();
        memory.hear("initialize", None, &body(&json!({ "id": 1, "method": "initialize", "params": {} })));
        memory.agree(br#"{"id":1,"result":{}}"#);
        open(&mut memory, "file:///a", "one");
        change(&mut memory, "file:///a", 2, (9, 0), "?");
        change(&mut memory, "file:///a", 3, (0, 0), "later");
        let said = replayed(&memory);
        assert_eq!(said[1]["params"]["textDocument"]["text"], "one");
        // The first of them: it is the one that was the end of certainty.
        assert_eq!(said[2]["params"]["textDocument"]["version"], 2);
        assert_eq!(said.len(), 3);
        hear(&mut memory, "textDocument/didSave", &json!({ "textDocument": { "uri": "file:///a" }, "text": "two" }));
        let said = replayed(&memory);
        assert_eq!((said.len(), &said[2]["params"]["contentChanges"]), (3, &json!([{ "text": "two" }])));
        // What is not a document's, or no message at all, is nothing to remember.
        hear(&mut memory, "textDocument/didChange", &json!({ "contentChanges": 7 }));
        hear(&mut memory, "textDocument/didOpen", &json!(["x"]));
        memory.hear("textDocument/didClose", None, &body(&json!({})));
        assert_eq!(replayed(&memory).len(), 3);
    }
}
