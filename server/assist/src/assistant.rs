//! The one object the surfaces talk to: open documents, and what can be asked of them.

use std::{path::PathBuf, sync::Arc};

use pilotlight_syntax::{Change, Language, PositionEncoding, Snapshot};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Acceptance, CompletionId, CompletionRequest, Outcome, Status};

/// Names a document: the surface's own name for it (LSP's URI, verbatim).
pub type DocumentId = Arc<str>;

/// This room's settings.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Options {}

/// Why something was refused; no document is changed then.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum DocumentError {
    /// Never opened, or closed.
    #[error("{0} is not open: send textDocument/didOpen first")]
    NotOpen(DocumentId),
    /// A bad range.
    #[error("{document}: {error}")]
    Edit {
        /// Which.
        document: DocumentId,
        /// Why.
        error: pilotlight_syntax::EditError,
    },
}

/// Open documents and the engine that completes them. `Clone` is cheap; all methods take `&self` and never block on the engine.
#[derive(Clone, Debug)]
pub struct Assistant {}

impl Assistant {
    /// Opens a document (again: replaces it). `path` is `None` for unsaved buffers.
    pub fn open(&self, _document: DocumentId, _path: Option<PathBuf>, _language: Language, _version: i32, _text: &str) {
        todo!()
    }
    /// Applies a batch of changes in order, all or none, and cancels what was being computed for the document's old state. Synchronous.
    pub fn change(&self, _document: &DocumentId, _version: i32, _changes: &[Change], _encoding: PositionEncoding) -> Result<(), DocumentError> {
        todo!()
    }
    /// Forgets a document.
    pub fn close(&self, _document: &DocumentId) -> Result<(), DocumentError> {
        todo!()
    }
    /// The document's state now.
    pub fn snapshot(&self, _document: &DocumentId) -> Result<Snapshot, DocumentError> {
        todo!()
    }
    /// Ghost text at a cursor. A newer call for the same document supersedes this one, and so does a change or `cancel`: the answer is then empty and says so.
    pub async fn complete(&self, _request: CompletionRequest, _cancel: CancellationToken) -> Outcome {
        todo!()
    }
    /// What became of a completion; unknown ids are ignored.
    pub fn report(&self, _completion: CompletionId, _what: Acceptance) {
        todo!()
    }
    /// Follows the status.
    pub fn status(&self) -> watch::Receiver<Status> {
        todo!()
    }
}
