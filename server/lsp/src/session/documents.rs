//! A client's open documents, under the client's own names for them, and whether our text of each is still the client's.
//!
//! An edit that cannot be applied leaves the two texts different, and every later range would be wrong by an unknown distance. So nothing is guessed: the document
//! is marked, completions are off for it with that reason, and only its whole text (by a change without a range, a save, or a new `didOpen`) mends it.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use pilotlight_assist::{
    Assistant, DocumentError, DocumentId, Origin,
    syntax::{Change, Language, PositionEncoding, Snapshot},
};

use crate::uri;

/// Tells apart the connections that share an assistant: two editors may have the same file open, with different text.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

/// What a notification about a document could not do.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Problem {
    #[error("`textDocument/didChange`: {0}; ignored")]
    Unreadable(String),
    #[error("{0} is not open: send textDocument/didOpen first")]
    NotOpen(String),
    #[error("{0} was open already: its text is replaced")]
    Reopened(String),
    #[error(
        "{uri}: an edit cannot be applied ({because}). Completions are off for this file until its whole text comes: save it, or open it again"
    )]
    Lost { uri: String, because: String },
    /// Told when it was lost: not again for every edit since.
    #[error("{0} is out of sync: the edit is left out")]
    StillLost(String),
    #[error("{0}: the text that was saved is not the one that the edits made; the saved one is taken")]
    Diverged(String),
}

/// A document as a request finds it.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) id: DocumentId,
    pub(crate) snapshot: Snapshot,
    /// Why its text is not to be trusted, if so.
    pub(crate) lost: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Documents {
    assistant: Assistant,
    connection: u64,
    // A std mutex: one thread at a time takes messages in, and holds it for one edit at most.
    open: Mutex<HashMap<String, Open>>,
}

#[derive(Debug)]
struct Open {
    id: DocumentId,
    lost: Option<String>,
}

impl Documents {
    pub(crate) fn new(assistant: Assistant) -> Self {
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        Self { assistant, connection, open: Mutex::default() }
    }

    fn open_ones(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a document; one that is open already is replaced.
    pub(crate) fn open(&self, uri: &str, language: &str, version: i32, text: &str) -> Result<(), Problem> {
        let (path, language_id) = (uri::to_path(uri), language.to_owned());
        let language = match (Language::from_id(language), &path) {
            // An id that is not known here may still be a file that is; but plain text by its name was somebody's choice.
            (Language::Plain, Some(path)) if language_id != Language::Plain.id() => Language::from_path(path),
            (language, _) => language,
        };
        let id = DocumentId::from(format!("{}/{uri}", self.connection));
        let origin = Origin { path, name: Some(uri::to_name(uri)), language, language_id };
        self.assistant.open_as(id.clone(), origin, version, text);
        match self.open_ones().insert(uri.to_owned(), Open { id, lost: None }) {
            Some(_) => Err(Problem::Reopened(uri.to_owned())),
            None => Ok(()),
        }
    }

    /// Applies a batch of changes, all or none. Without a `version` the document keeps its own.
    pub(crate) fn change(
        &self,
        uri: &str,
        version: Option<i32>,
        changes: &[Change],
        encoding: PositionEncoding,
    ) -> Result<(), Problem> {
        let mut open = self.open_ones();
        let document = open.get_mut(uri).ok_or_else(|| Problem::NotOpen(uri.to_owned()))?;
        let whole = since_whole(changes);
        if document.lost.is_some() && whole.is_none() {
            return Err(Problem::StillLost(uri.to_owned()));
        }
        let version = match version {
            Some(version) => version,
            None => self.snapshot(uri, document)?.version(),
        };
        let changed = self.assistant.change(&document.id, version, whole.unwrap_or(changes), encoding);
        document.lost = changed.as_ref().err().map(because);
        changed.map_err(|error| Problem::Lost { uri: uri.to_owned(), because: because(&error) })
    }

    /// Marks a document whose edit could not even be read.
    pub(crate) fn lose(&self, uri: &str, because: String) -> Problem {
        match self.open_ones().get_mut(uri) {
            Some(document) => {
                document.lost = Some(because.clone());
                Problem::Lost { uri: uri.to_owned(), because }
            }
            None => Problem::NotOpen(uri.to_owned()),
        }
    }

    /// Compares our text with what was saved, and takes that if they differ.
    pub(crate) fn save(&self, uri: &str, text: Option<&str>) -> Result<(), Problem> {
        let mut open = self.open_ones();
        let document = open.get_mut(uri).ok_or_else(|| Problem::NotOpen(uri.to_owned()))?;
        let Some(text) = text else { return Ok(()) };
        let snapshot = self.snapshot(uri, document)?;
        let same = *snapshot.rope() == *text;
        let was_lost = document.lost.take().is_some();
        if same {
            return Ok(());
        }
        let whole = [Change { span: None, text: text.to_owned() }];
        self.assistant
            .change(&document.id, snapshot.version(), &whole, PositionEncoding::default())
            .map_err(|error| Problem::Lost { uri: uri.to_owned(), because: because(&error) })?;
        if was_lost { Ok(()) } else { Err(Problem::Diverged(uri.to_owned())) }
    }

    /// Forgets a document.
    pub(crate) fn close(&self, uri: &str) -> Result<(), Problem> {
        let document = self.open_ones().remove(uri).ok_or_else(|| Problem::NotOpen(uri.to_owned()))?;
        self.assistant.close(&document.id).map_err(|_| Problem::NotOpen(uri.to_owned()))
    }

    /// The document as it is now.
    pub(crate) fn current(&self, uri: &str) -> Result<Current, Problem> {
        let open = self.open_ones();
        let document = open.get(uri).ok_or_else(|| Problem::NotOpen(uri.to_owned()))?;
        let snapshot = self.snapshot(uri, document)?;
        Ok(Current { id: document.id.clone(), snapshot, lost: document.lost.clone() })
    }

    fn snapshot(&self, uri: &str, document: &Open) -> Result<Snapshot, Problem> {
        self.assistant.snapshot(&document.id).map_err(|_| Problem::NotOpen(uri.to_owned()))
    }
}

impl Drop for Documents {
    /// The client is gone: what it left open is closed, and what was being computed for it is cancelled.
    fn drop(&mut self) {
        for (uri, document) in self.open_ones().drain() {
            if let Err(error) = self.assistant.close(&document.id) {
                tracing::debug!(uri, %error, "at the connection's end");
            }
        }
    }
}

/// The client's name for the document of that id.
pub(crate) fn uri_of_document(id: &DocumentId) -> &str {
    id.split_once('/').map_or(&**id, |(_, uri)| uri)
}

/// The changes from the last whole text on, if there is one: nothing before it matters, nor what was lost.
pub(crate) fn since_whole(changes: &[Change]) -> Option<&[Change]> {
    changes.iter().rposition(|change| change.span.is_none()).map(|at| &changes[at..])
}

/// The reason alone: the assistant's name for the document is not the client's.
fn because(error: &DocumentError) -> String {
    match error {
        DocumentError::NotOpen(_) => "it is not open".to_owned(),
        DocumentError::Edit { error, .. } => error.to_string(),
    }
}
