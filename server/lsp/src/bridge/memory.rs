//! What a new daemon must be told so that it knows what the old one knew: how the client introduced itself, and its open documents as it has them now.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use pilotlight_assist::{
    DocumentError, DocumentId,
    syntax::{Change, Document, Language, PositionEncoding, Snapshot},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json, value::RawValue};
use tokio_util::bytes::Bytes;
use tower_lsp::gen_lsp_types::{
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams, PositionEncodingKind,
};

use crate::{
    notifications::did_change,
    position,
    session::{Documents, Texts},
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
    focus: Option<Bytes>,
    documents: Documents<Ropes>,
    /// Open documents in the order of opening, with the client's own names for their languages.
    open: Vec<(String, String)>,
    /// The edit that could not be applied, by document: the new daemon must not trust the text either.
    broken: HashMap<String, Bytes>,
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
            focus: None,
            documents: Documents::new(Ropes::default()),
            open: Vec::new(),
            broken: HashMap::new(),
        }
    }

    /// Takes note of a message of the client.
    pub(super) fn hear(&mut self, method: &str, params: Option<&RawValue>, body: &Bytes) {
        match method {
            "initialize" if !self.agreed => self.initialize = Some(body.clone()),
            "initialized" => self.initialized = Some(body.clone()),
            "workspace/didChangeWorkspaceFolders" => self.folders.push(body.clone()),
            "workspace/didChangeConfiguration" => self.configuration = Some(body.clone()),
            "textDocument/didFocus" => self.focus = Some(body.clone()),
            "textDocument/didOpen" => self.open(params),
            "textDocument/didChange" => self.change(params, body),
            "textDocument/didSave" => self.save(params),
            "textDocument/didClose" => self.close(params),
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

    // What is not told here is told by the daemon, to which the same messages go.

    fn open(&mut self, params: Option<&RawValue>) {
        let Some(DidOpenTextDocumentParams { text_document: document }) = read(params) else { return };
        let (uri, language) = (document.uri.0, String::from(document.language_id));
        // A second opening replaces the first: the text is what counts here.
        let _ = self.documents.open(&uri, &language, document.version, &document.text);
        self.broken.remove(&uri);
        self.open.retain(|(open, _)| *open != uri);
        self.open.push((uri, language));
    }

    fn change(&mut self, params: Option<&RawValue>, body: &Bytes) {
        let params: Value = read(params).unwrap_or_default();
        let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).map(str::to_owned);
        let changed = did_change::apply(&self.documents, params, self.encoding);
        let Some(uri) = uri.filter(|uri| self.open.iter().any(|(open, _)| open == uri)) else { return };
        if changed.is_ok() {
            self.broken.remove(&uri);
        } else {
            self.broken.entry(uri).or_insert_with(|| body.clone());
        }
    }

    fn save(&mut self, params: Option<&RawValue>) {
        let Some(DidSaveTextDocumentParams { text_document, text: Some(text) }) = read(params) else { return };
        let _ = self.documents.save(&text_document.uri.0, Some(&text));
        self.broken.remove(&text_document.uri.0);
    }

    fn close(&mut self, params: Option<&RawValue>) {
        let Some(DidCloseTextDocumentParams { text_document }) = read(params) else { return };
        let _ = self.documents.close(&text_document.uri.0);
        self.broken.remove(&text_document.uri.0);
        self.open.retain(|(open, _)| *open != text_document.uri.0);
    }

    /// The messages that bring a new daemon to where the old one was.
    pub(super) fn replay(&self) -> Vec<Bytes> {
        let Some(initialize) = &self.initialize else { return Vec::new() };
        // While the client still waits for the answer, it is asked as it was.
        let mut messages = vec![if self.agreed { self.initialize_again(initialize) } else { initialize.clone() }];
        messages.extend(self.initialized.clone());
        messages.extend(self.folders.iter().cloned());
        messages.extend(self.configuration.clone());
        for (uri, language) in &self.open {
            let Ok(current) = self.documents.current(uri) else { continue };
            let (version, text) = (current.snapshot.version(), current.snapshot.rope().to_string());
            let document = json!({ "uri": uri, "languageId": language, "version": version, "text": text });
            let params = json!({ "textDocument": document });
            messages.push(body(&json!({ "jsonrpc": "2.0", "method": "textDocument/didOpen", "params": params })));
            messages.extend(self.broken.get(uri).cloned());
        }
        messages.extend(self.focus.clone());
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

fn body(message: &Value) -> Bytes {
    Bytes::from(message.to_string())
}

fn read<T: DeserializeOwned>(params: Option<&RawValue>) -> Option<T> {
    serde_json::from_str(params?.get()).ok()
}

/// Texts without trees.
#[derive(Debug, Default)]
struct Ropes {
    // A std mutex: the one task of the bridge takes it for one edit at a time.
    documents: Mutex<HashMap<DocumentId, Document>>,
}

impl Ropes {
    fn documents(&self) -> MutexGuard<'_, HashMap<DocumentId, Document>> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Texts for Ropes {
    fn open(&self, id: DocumentId, _: Option<PathBuf>, _: Language, version: i32, text: &str) {
        self.documents().insert(id, Document::open(Language::Plain, version, text));
    }

    fn change(
        &self,
        id: &DocumentId,
        version: i32,
        changes: &[Change],
        encoding: PositionEncoding,
    ) -> Result<(), DocumentError> {
        let mut documents = self.documents();
        let document = documents.get_mut(id).ok_or_else(|| DocumentError::NotOpen(id.clone()))?;
        document.edit(version, changes, encoding).map_err(|error| DocumentError::Edit { document: id.clone(), error })
    }

    fn snapshot(&self, id: &DocumentId) -> Result<Snapshot, DocumentError> {
        self.documents().get(id).map(Document::snapshot).ok_or_else(|| DocumentError::NotOpen(id.clone()))
    }

    fn close(&self, id: &DocumentId) -> Result<(), DocumentError> {
        self.documents().remove(id).map(drop).ok_or_else(|| DocumentError::NotOpen(id.clone()))
    }
}
