//! One client's connection: what was agreed with it, its documents, and what it was answered.

mod calls;
mod documents;
mod recent;

use std::sync::{
    Arc, Mutex, MutexGuard, OnceLock, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use pilotlight_assist::{Acceptance, Assistant, CompletionId, syntax::PositionEncoding};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_lsp::gen_lsp_types::MessageType;

use crate::{
    capabilities::Profile,
    options::Options,
    settings::{Layers, Settings},
    uri,
    wire::Outgoing,
};
use calls::Calls;
pub(crate) use documents::{Current, Documents, Problem, since_whole, uri_of_document};
pub(crate) use recent::{Answer, Inserted, Recent};

/// What the methods share. Notifications change it one after another, in the order of arrival; requests read it before their first await.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) assistant: Assistant,
    pub(crate) outgoing: Outgoing,
    /// Agreed at `initialize`.
    pub(crate) profile: Arc<OnceLock<Profile>>,
    /// Tripped by the client's `initialized`.
    pub(crate) initialized: CancellationToken,
    pub(crate) documents: Documents,
    pub(crate) calls: Calls,
    /// To be told once.
    pub(crate) hint: Option<String>,
    /// The other side is a bridge.
    pub(crate) bridged: bool,
    /// Why the last answer was empty, if it was.
    pub(crate) nothing: watch::Sender<Option<String>>,
    // Std mutexes: held for a look or a push, never across an await.
    recent: Mutex<Recent>,
    layers: Mutex<Layers>,
    shut_down: AtomicBool,
}

impl Session {
    pub(crate) fn new(assistant: Assistant, mut settings: Settings, outgoing: Outgoing) -> Self {
        let (hint, bridged) = (settings.hint.take(), settings.bridged);
        let layers = Layers::new(settings, assistant.workspace().options.clone());
        Self {
            documents: Documents::new(assistant.clone()),
            assistant,
            outgoing,
            calls: Calls::default(),
            profile: Arc::default(),
            hint,
            bridged,
            nothing: watch::Sender::new(None),
            initialized: CancellationToken::new(),
            recent: Mutex::default(),
            layers: Mutex::new(layers),
            shut_down: AtomicBool::new(false),
        }
    }

    /// What positions are counted in.
    pub(crate) fn encoding(&self) -> PositionEncoding {
        self.profile.get().map(|profile| profile.encoding).unwrap_or_default()
    }

    /// Whether suggestions go into the completion menu.
    pub(crate) fn menu(&self) -> bool {
        self.profile.get().is_some_and(|profile| profile.menu)
    }

    /// What was answered lately.
    pub(crate) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the client (`window/logMessage`) and our log of something that went wrong and could not be answered.
    pub(crate) fn complain(&self, message: &str) {
        tracing::warn!("{message}");
        self.outgoing.notify("window/logMessage", json!({ "type": MessageType::Warning, "message": message }));
    }

    /// Adds and removes workspace folders by their URIs; those that name no file are left out.
    pub(crate) fn change_roots<'a>(
        &self,
        added: impl IntoIterator<Item = &'a str>,
        removed: impl IntoIterator<Item = &'a str>,
    ) {
        let removed: Vec<_> = removed.into_iter().filter_map(uri::to_path).collect();
        self.change_settings(|layers| layers.change_roots(added.into_iter().filter_map(uri::to_path), &removed));
    }

    /// Changes a layer of the settings, and gives this room's as they are then; the other rooms' hold from the next request on.
    pub(crate) fn change_settings(&self, change: impl FnOnce(&mut Layers)) -> Options {
        let mut layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut layers);
        let composed = layers.compose();
        drop(layers);
        for warning in composed.warnings {
            self.complain(&warning);
        }
        if self.profile.get().is_some_and(|profile| profile.options != composed.lsp) {
            self.complain("the settings under `lsp` hold from the next start of the server on");
        }
        self.assistant.set_workspace(composed.workspace);
        composed.lsp
    }

    /// A file was saved: it may be a folder's settings.
    pub(crate) fn saved(&self, uri: &str) {
        let layers = self.layers.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = uri::to_path(uri).is_some_and(|path| layers.reads(&path));
        drop(layers);
        if settings {
            self.change_settings(|_| {});
        }
    }

    /// Passes on what became of a completion.
    pub(crate) fn report(&self, id: CompletionId, what: Acceptance) {
        self.assistant.report(id, what);
    }

    /// Passes on that the first `length` UTF-16 units of what was inserted for completion `id` were taken; unknown ids are too old to matter.
    pub(crate) fn report_partial(&self, id: CompletionId, length: usize) {
        let bytes = self.recent().bytes_taken(id, length);
        match bytes {
            Some(bytes) => self.assistant.report(id, Acceptance::Partial { bytes }),
            None => tracing::debug!(id = id.0, "part of an unknown completion was accepted"),
        }
    }

    pub(crate) fn shut_down(&self) {
        self.shut_down.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.shut_down.load(Ordering::Relaxed)
    }
}
