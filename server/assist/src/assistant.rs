//! The one object the surfaces talk to: open documents, and what can be asked of them.

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use dashmap::DashMap;
use pilotlight_context::sources::Note;
use pilotlight_engine::{Engine, EngineError};
use pilotlight_syntax::{
    Document, Snapshot,
    index::{Exclusion, rules::holds_credentials},
};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Acceptance, CompletionId, Journal, Options, Status, Workspace,
    completion::{Last, Memory, Shown},
    indexing::{IndexProgress, Indexing},
    machine::Machine,
    model::Model,
    next_edit::Offers,
    options::CompletionOptions,
    propagate::Remembered,
    trail::Trail,
};
use ahead::Foresight;
pub use ahead::{Prediction, Predictions};
pub use documents::Origin;

mod ahead;
mod answering;
mod documents;
mod server;

#[cfg(test)]
mod tests;

/// Names a document: the surface's own name for it (LSP's URI, verbatim).
pub type DocumentId = Arc<str>;

/// Documents that may be settled before whoever follows it looks.
const SETTLED: usize = 256;

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

/// Open documents and the engine that completes them. `Clone` is cheap; no method but [`Assistant::complete`] waits for the engine.
#[derive(Clone)]
pub struct Assistant {
    inner: Arc<Inner>,
    /// This client's project.
    workspace: Arc<RwLock<Arc<Workspace>>>,
    // A std mutex: held for a look or a push, never across an await.
    trail: Arc<Mutex<Trail>>,
    offers: Arc<Mutex<Offers>>,
    remembered: Arc<Mutex<Remembered>>,
}

struct Inner {
    documents: DashMap<DocumentId, Open>,
    model: OnceLock<Model>,
    /// The engine, also of a model that chats and fits no fill-in-the-middle format; of a server, where it chats.
    talker: OnceLock<Engine>,
    /// Over a server: the model that answers while the server does not, and why it does.
    spare: OnceLock<Model>,
    trouble: Mutex<Option<String>>,
    status: watch::Sender<Status>,
    /// Completions being computed: the status is busy while there are any.
    working: AtomicUsize,
    next_id: AtomicU64,
    /// Completions for the state after accepting what is shown, and prompts for where the cursor rests.
    accepting: Foresight,
    resting: Foresight,
    machine: Machine,
    indexing: Indexing,
    journal: Journal,
    /// Names documents as they are settled.
    settled: broadcast::Sender<DocumentId>,
}

struct Open {
    document: Document,
    /// Whose it is ([`Assistant::session`]).
    owner: u64,
    /// Its state when its definitions were last as its uses have them.
    settled: Snapshot,
    /// Its state when no change of parameters waited anywhere: calls that are others now were changed by hand.
    calls_settled: Snapshot,
    path: Option<PathBuf>,
    /// What a model may see of it is judged by this: its path, or what stands for one.
    judged_by: Option<PathBuf>,
    language_id: String,
    /// Trips what is being computed for the document's state.
    current: CancellationToken,
    /// What was shown lately.
    shown: Memory,
    /// What would be shown next if the last of it were accepted whole, and the token of the work on it.
    next: Option<Shown>,
    ahead: CancellationToken,
    /// The start of the line for which a prompt was computed while the cursor rested on it, until somebody asks.
    warmed: Option<usize>,
    /// What the last prompt left for the next.
    last: Last,
    /// What others report of it.
    notes: Vec<Note>,
}

impl Open {
    /// Cancels what is being computed for the state that was.
    fn stop_work(&self) {
        self.current.cancel();
        self.ahead.cancel();
    }
}

impl Assistant {
    /// Serves at once; the model named `name` is loaded by `load` on a thread of its own, and completions wait for it. What fails is told by [`Assistant::status`].
    pub fn new(
        options: Options,
        name: &str,
        load: impl FnOnce() -> Result<Engine, EngineError> + Send + 'static,
    ) -> Self {
        let assistant = Self::empty(options, name);
        let loading = Arc::clone(&assistant.inner);
        std::thread::spawn(move || {
            let talker = &loading.talker;
            let load = move || {
                load().map_err(|error| error.to_string()).and_then(|engine| {
                    // Only this thread, started once, ever sets it.
                    let _ = talker.set(engine.clone());
                    let chats = if engine.chat().is_ok() { ". It chats over HTTP" } else { "" };
                    Model::new(engine).map_err(|error| format!("{error}{chats}"))
                })
            };
            // Who waits for a model is to hear of a defect in a reader too.
            let loaded = panic::catch_unwind(AssertUnwindSafe(load));
            loading.attach(loaded.unwrap_or_else(|_| Err("a defect in Pilotlight; its log has the place".into())));
        });
        assistant
    }

    /// Without a model yet.
    fn empty(options: Options, name: &str) -> Self {
        let inner = Arc::new(Inner {
            documents: DashMap::new(),
            model: OnceLock::new(),
            talker: OnceLock::new(),
            spare: OnceLock::new(),
            trouble: Mutex::default(),
            status: watch::Sender::new(Status::Loading { model: name.to_owned() }),
            working: AtomicUsize::new(0),
            next_id: AtomicU64::new(1),
            accepting: Foresight::default(),
            resting: Foresight::default(),
            machine: Machine::default(),
            indexing: Indexing::new(),
            journal: Journal::default(),
            settled: broadcast::Sender::new(SETTLED),
        });
        let workspace = Arc::new(RwLock::new(Arc::new(Workspace::new(options, []))));
        inner.indexing.serve(Arc::downgrade(&workspace));
        let (trail, offers, remembered) = Default::default();
        Self { inner, workspace, trail, offers, remembered }
    }

    /// The same engine for another client: `workspace` is that client's alone, whatever this one does.
    pub fn for_client(&self, workspace: Workspace) -> Self {
        let workspace = Arc::new(RwLock::new(Arc::new(workspace)));
        self.inner.indexing.serve(Arc::downgrade(&workspace));
        let (trail, offers, remembered) = Default::default();
        Self { inner: Arc::clone(&self.inner), workspace, trail, offers, remembered }
    }

    /// Names this client to the engine: clients are told apart by their projects' places in memory.
    pub fn session(&self) -> u64 {
        Arc::as_ptr(&self.workspace).addr() as u64
    }

    /// This client's project.
    pub fn workspace(&self) -> Arc<Workspace> {
        self.workspace.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes this client's project; requests that are under way end with the one they began with.
    pub fn set_workspace(&self, workspace: Workspace) {
        *self.workspace.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(workspace);
    }

    pub(crate) fn trail(&self) -> std::sync::MutexGuard<'_, Trail> {
        self.trail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn offers(&self) -> std::sync::MutexGuard<'_, Offers> {
        self.offers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn indexing_of(&self) -> &Indexing {
        &self.inner.indexing
    }

    /// Waits until the folders have been scanned.
    pub(crate) async fn indexing_ready(&self, roots: &[PathBuf]) {
        for root in roots {
            self.inner.indexing.ready(root).await;
        }
    }

    /// Why there are none in a file that is to stay out of every prompt.
    pub(crate) fn excluded(&self, path: Option<&Path>, options: &CompletionOptions) -> Option<String> {
        let why = self.exclusion(path?)?;
        (!(why.is_by_git() && options.in_git_ignored_files)).then(|| format!("completions are off in this file: {why}"))
    }

    /// By what it is judged what a model may see of a document: its path, or what stands for one.
    pub(crate) fn name_of(&self, document: &DocumentId, path: Option<&Path>) -> Option<PathBuf> {
        path.map(Path::to_owned).or_else(|| self.inner.documents.get(document)?.judged_by.clone())
    }

    /// Whether a model may see what was done in a file; `None`: one that was never saved.
    pub(crate) fn may_show(&self, path: Option<&Path>) -> bool {
        path.is_none_or(|path| self.exclusion(path).is_none())
    }

    fn exclusion(&self, path: &Path) -> Option<Exclusion> {
        // The name of a buffer that is in no folder has nothing but itself.
        if path.is_relative() {
            return holds_credentials(path).then_some(Exclusion::Credentials);
        }
        self.inner.indexing.excluded(self.workspace().root_of(path), path)
    }

    /// The model that answers now.
    pub(crate) fn serving(&self) -> Option<&Model> {
        self.inner.serving()
    }

    /// Whether a model is there that writes what belongs in a hole.
    pub(crate) fn fills(&self) -> bool {
        self.serving().is_some()
    }

    /// Whether a model is there that chats.
    pub(crate) fn chats(&self) -> bool {
        self.inner.talker.get().is_some_and(|engine| engine.chat().is_ok() && !server::is_ailing(engine))
    }

    /// What was computed in idle time, for all clients.
    pub fn predictions(&self) -> Predictions {
        Predictions { accepting: self.inner.accepting.figures(), resting: self.inner.resting.figures() }
    }

    /// Follows the index of the workspaces being made; `None` before the first. Another client's folders are in it too.
    pub fn indexing(&self) -> watch::Receiver<Option<IndexProgress>> {
        self.inner.indexing.progress()
    }

    /// Indexes this client's folders now and waits for it: for commands that ask once and end. Editors need not: it happens in the background when a completion first wants it.
    pub fn index_now(&self) -> Vec<pilotlight_syntax::index::ScanReport> {
        self.workspace().folders.iter().map(|folder| self.inner.indexing.index_now(&folder.root)).collect()
    }

    /// What became of a completion; unknown ids are ignored.
    pub fn report(&self, completion: CompletionId, what: Acceptance) {
        tracing::info!(id = completion.0, ?what, "completion");
        self.inner.journal.became(completion, what);
        let refusal = match what {
            Acceptance::Dismissed => "it was dismissed here",
            Acceptance::Whole => "it was taken here, and undone",
            Acceptance::Shown | Acceptance::Partial { .. } => return,
        };
        for mut open in self.inner.documents.iter_mut() {
            open.shown.refuse(completion, refusal);
        }
    }

    /// What has been asked, by all clients, and what became of it.
    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// Follows the status.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.inner.status.subscribe()
    }

    /// Whether loading was tried and nothing came of it that could answer anybody: what a new start might mend.
    pub fn lacks_model(&self) -> bool {
        matches!(*self.inner.status.borrow(), Status::Failed { .. }) && self.inner.talker.get().is_none()
    }

    /// Waits until the model is loaded, or tells why it cannot be.
    pub async fn engine(&self) -> Result<&Engine, String> {
        self.inner.ready().await.map(|model| &model.engine)
    }

    /// The engine, for chat: a server that chats is asked even while it ails, so that the answer names it.
    pub(crate) async fn talker(&self) -> Result<&Engine, String> {
        let ready = self.inner.ready().await;
        if let Some(engine) = self.inner.talker.get() {
            return Ok(engine);
        }
        let engine = &ready?.engine;
        self.inner.trouble().clone().map_or(Ok(engine), Err)
    }

    /// The name of the model that chats.
    pub async fn talks_as(&self) -> Option<String> {
        self.talker().await.ok().map(|engine| engine.info().name.clone())
    }

    pub(crate) async fn model(&self) -> Result<&Model, String> {
        self.inner.ready().await
    }
}

impl Inner {
    fn attach(&self, model: Result<Model, String>) {
        let status = match model {
            Ok(model) => {
                let name = model.engine.info().name.clone();
                // Only this thread, started once, ever sets it.
                let _ = self.model.set(model);
                Status::Ready { model: name }
            }
            Err(error) => {
                tracing::error!(%error, "the model cannot be loaded");
                Status::Failed {
                    message: format!("the model cannot be loaded: {error}. Editing goes on; completions are off"),
                }
            }
        };
        self.status.send_replace(status);
    }

    fn new_id(&self) -> CompletionId {
        CompletionId(self.next_id.fetch_add(1, Ordering::Relaxed))
    }

    async fn ready(&self) -> Result<&Model, String> {
        let mut status = self.status.subscribe();
        loop {
            if let Some(model) = self.serving() {
                return Ok(model);
            }
            if let Status::Failed { message } = &*status.borrow_and_update() {
                return Err(message.clone());
            }
            if status.changed().await.is_err() {
                return Err("the daemon is shutting down".to_owned());
            }
        }
    }
}

impl fmt::Debug for Assistant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Assistant")
            .field("documents", &self.inner.documents.len())
            .field("status", &*self.inner.status.borrow())
            .finish_non_exhaustive()
    }
}
