//! The one object the surfaces talk to: open documents, and what can be asked of them.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use dashmap::DashMap;
use pilotlight_engine::{Engine, EngineError, Priority};
use pilotlight_syntax::{Document, Snapshot, index::Exclusion};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    Acceptance, CompletionId, CompletionRequest, Journal, Options, Outcome, Status, Workspace,
    completion::{self, Caller, Last, Memory, Reach, Shown, Surrounded},
    indexing::{IndexProgress, Indexing},
    journal::{self, Entry},
    machine::Machine,
    model::Model,
    next_edit::Offers,
    options::{ActionOptions, CompletionOptions},
    propagate::Remembered,
    trail::Trail,
};
use ahead::Foresight;
pub use ahead::{Prediction, Predictions};

mod ahead;
mod documents;
mod server;

/// Names a document: the surface's own name for it (LSP's URI, verbatim).
pub type DocumentId = Arc<str>;

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
    /// The engine, also of a model that chats and fits no fill-in-the-middle format.
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
}

struct Open {
    document: Document,
    /// Whose it is ([`Assistant::session`]).
    owner: u64,
    /// Its state when its definitions were last as its uses have them.
    settled: Snapshot,
    path: Option<PathBuf>,
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
            let loaded = load().map_err(|error| error.to_string()).and_then(|engine| {
                // Only this thread, started once, ever sets it.
                let _ = loading.talker.set(engine.clone());
                let chats = if engine.chat().is_ok() { ". It chats over HTTP" } else { "" };
                Model::new(engine).map_err(|error| format!("{error}{chats}"))
            });
            loading.attach(loaded);
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
        });
        let workspace = Arc::new(RwLock::new(Arc::new(Workspace::new(options, []))));
        let (trail, offers, remembered) = Default::default();
        Self { inner, workspace, trail, offers, remembered }
    }

    /// The same engine for another client: `workspace` is that client's alone, whatever this one does.
    pub fn for_client(&self, workspace: Workspace) -> Self {
        let workspace = Arc::new(RwLock::new(Arc::new(workspace)));
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

    /// Ghost text at a cursor. A newer call for the same document supersedes this one, and so does a change or `cancel`: the answer is then empty and says so.
    pub async fn complete(&self, request: CompletionRequest, cancel: CancellationToken) -> Outcome {
        let (document, language) = (request.document.clone(), request.snapshot.language().id());
        let outcome = self.answer(request, cancel).await;
        let path = self.inner.documents.get(&document).and_then(|open| open.path.clone());
        let workspace = self.workspace();
        let entry = Entry {
            at: journal::now(),
            client: workspace.name_of(path.as_deref()),
            wire: "editor".to_owned(),
            language: language.to_owned(),
            path: workspace.prompt_path(path.as_deref(), &document),
            why: outcome.explanation.clone(),
        };
        self.inner.journal.answered(self.session(), entry, outcome.completion.as_ref().map(|completion| completion.id));
        outcome
    }

    async fn answer(&self, request: CompletionRequest, cancel: CancellationToken) -> Outcome {
        let inner = &self.inner;
        let Some(Turn { current, path: full, mut last }) = inner.supersede(&request, &cancel) else {
            return Outcome::nothing("the document is closed or has moved on");
        };
        let workspace = self.workspace();
        let options = &workspace.options_for(full.as_deref()).completion;
        let path = workspace.prompt_path(full.as_deref(), &request.document);
        if let Some(because) = off_for(&request, options).or_else(|| self.excluded(full.as_deref(), options)) {
            return Outcome::nothing(because);
        }
        let line = request.snapshot.rope().byte_to_line(request.cursor.min(request.snapshot.rope().len_bytes()));
        self.trail().looked(&request.document, full.clone(), &path, &request.snapshot, line);
        if let Some(kept) = inner.kept(&request) {
            return kept;
        }
        let model = tokio::select! {
            model = inner.ready() => model,
            () = current.cancelled() => Err("superseded by a newer keystroke".to_owned()),
        };
        let model = match model {
            Ok(model) => model,
            Err(because) => return Outcome::nothing(because),
        };
        let mut ask = async |model: &Model| {
            let _busy = Busy::new(inner, &model.engine);
            let surrounded = self.surrounded(model, options, full.as_deref(), path.clone());
            let (reach, session) = (Reach::GHOST, self.session());
            let caller = Caller { priority: Priority::Typing, session, reach, cancel: &current };
            completion::generate(model, options, &request, &surrounded, &mut last, caller).await
        };
        let mut outcome = ask(model).await;
        // A server that failed just now leaves this answer to the spare model already.
        if let Some(spare) = inner.serving().filter(|serving| !std::ptr::eq(*serving, model))
            && outcome.completion.is_none()
            && !current.is_cancelled()
        {
            outcome = ask(spare).await;
        }
        if let Some(completion) = &mut outcome.completion {
            completion.id = inner.new_id();
        }
        inner.remember(&request, &outcome, last);
        if current.is_cancelled() {
            return outcome;
        }
        let Some(idle) = self.begin_idle(&request.document) else { return outcome };
        self.anchor_when_idle(&request, idle.clone(), full.clone());
        if outcome.explanation.moved > 0 {
            self.mend(&request, idle.clone(), options, full.clone(), path.clone());
        }
        if let Some(completion) = &outcome.completion {
            self.look_ahead(&request, idle, completion, options, full, path);
        }
        outcome
    }

    /// Why there are none in a file that is to stay out of every prompt.
    pub(crate) fn excluded(&self, path: Option<&Path>, options: &CompletionOptions) -> Option<String> {
        let path = path?;
        let workspace = self.workspace();
        let why = self.inner.indexing.excluded(workspace.root_of(path), path)?;
        let git =
            matches!(&why, Exclusion::Ignored { list } if list.ends_with(".gitignore") || list.ends_with(".ignore"));
        (!(git && options.in_git_ignored_files)).then(|| format!("completions are off in this file: {why}"))
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
        let engine = self.inner.talker.get().or_else(|| Some(&self.inner.serving()?.engine));
        engine.is_some_and(|engine| engine.chat().is_ok())
    }

    /// Writes what belongs at the cursor of `request` for an action: of its text alone, which need not be any document's state.
    pub(crate) async fn fill_in(
        &self,
        request: &CompletionRequest,
        full: Option<&Path>,
        options: &ActionOptions,
        reach: Reach,
        cancel: &CancellationToken,
    ) -> Outcome {
        let model = match self.model().await {
            Ok(model) => model,
            Err(because) => return Outcome::nothing(because),
        };
        let workspace = self.workspace();
        let completion = CompletionOptions {
            max_tokens: options.max_tokens,
            context_tokens: options.context_tokens,
            ..workspace.options_for(full).completion.clone()
        };
        let path = workspace.prompt_path(full, &request.document);
        let _busy = Busy::new(&self.inner, &model.engine);
        let surrounded = self.surrounded(model, &completion, full, path);
        let caller = Caller { priority: Priority::Action, session: self.session(), reach, cancel };
        completion::generate(model, &completion, request, &surrounded, &mut Last::default(), caller).await
    }

    /// What a plan for a file may look at.
    fn surrounded(
        &self,
        model: &Model,
        options: &CompletionOptions,
        full: Option<&Path>,
        path: String,
    ) -> Surrounded<'_> {
        let workspace = self.workspace();
        let budget =
            options.repository_tokens.unwrap_or_else(|| model.encoder.repository_tokens(options.context_tokens));
        let root = full.and_then(|full| workspace.root_of(full)).map(Path::to_owned);
        let mut surrounded = Surrounded::new(&self.inner.indexing, path, workspace.name_of(full));
        if budget == 0 {
            return surrounded;
        }
        for folder in &workspace.folders {
            self.inner.indexing.begin(&folder.root);
        }
        let shown = |full: &Option<PathBuf>| {
            full.as_ref().is_none_or(|full| self.inner.indexing.excluded(workspace.root_of(full), full).is_none())
        };
        let trail = self.trail();
        surrounded.budget = budget;
        surrounded.edits = trail.edits(shown);
        surrounded.places = trail.places(shown);
        surrounded.roots = workspace.folders.iter().map(|folder| folder.root.clone()).collect();
        surrounded.file = root.zip(full.map(Path::to_owned));
        surrounded
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
        if what == Acceptance::Dismissed {
            for mut open in self.inner.documents.iter_mut() {
                open.shown.forget(completion);
            }
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

    /// Waits until the model is loaded, or tells why it cannot be.
    pub async fn engine(&self) -> Result<&Engine, String> {
        self.inner.ready().await.map(|model| &model.engine)
    }

    /// The engine, for chat.
    pub(crate) async fn talker(&self) -> Result<&Engine, String> {
        let ready = self.inner.ready().await;
        match self.inner.talker.get() {
            Some(engine) => Ok(engine),
            None => ready.map(|model| &model.engine),
        }
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

    /// Makes `request` the document's current one and cancels the one before; `None` if its snapshot is not the document's state any more.
    fn supersede(&self, request: &CompletionRequest, cancel: &CancellationToken) -> Option<Turn> {
        let mut open = self.documents.get_mut(&request.document)?;
        if open.document.snapshot().revision() != request.snapshot.revision() {
            return None;
        }
        open.stop_work();
        if open.warmed.take() == Some(request.snapshot.line_at(request.cursor).start) {
            self.resting.used();
        }
        open.current = cancel.child_token();
        Some(Turn { current: open.current.clone(), path: open.path.clone(), last: open.last.clone() })
    }

    /// The answer that is there already: the rest of a ghost text, or what was computed for the state after accepting it.
    fn kept(&self, request: &CompletionRequest) -> Option<Outcome> {
        let mut open = self.documents.get_mut(&request.document)?;
        let mut outcome = Outcome::default();
        if let Some(shown) = open.shown.rest_for(request) {
            outcome.explanation.kept = true;
            outcome.completion = Some(shown);
        } else {
            outcome.completion = Some(open.next.as_ref()?.rest_for(request)?);
            outcome.explanation.foreseen = true;
            if let Some(next) = open.next.take() {
                open.shown.add(next);
            }
            self.accepting.used();
        }
        Some(outcome)
    }

    fn remember(&self, request: &CompletionRequest, outcome: &Outcome, last: Last) {
        if let Some(mut open) = self.documents.get_mut(&request.document) {
            open.last = last;
            if let Some(completion) = outcome.completion.clone() {
                let (snapshot, cursor) = (request.snapshot.clone(), request.cursor);
                open.shown.add(Shown { snapshot, cursor, completion });
            }
        }
    }
}

/// Why completions are off for this document, if they are.
fn off_for(request: &CompletionRequest, options: &CompletionOptions) -> Option<String> {
    let language = request.snapshot.language().id();
    if let Some(because) = request.snapshot.too_large() {
        return Some(because.to_string());
    }
    if !options.enabled {
        return Some("completions are switched off (completion.enabled)".to_owned());
    }
    if options.disabled_languages.iter().any(|id| id == language) {
        return Some(format!("completions are switched off for {language} (completion.disabled-languages)"));
    }
    None
}

/// What a completion request needs of its document.
struct Turn {
    current: CancellationToken,
    path: Option<PathBuf>,
    last: Last,
}

/// Shows the status as busy while it lives.
struct Busy<'a> {
    inner: &'a Inner,
}

impl<'a> Busy<'a> {
    fn new(inner: &'a Inner, engine: &'a Engine) -> Self {
        // A person whose server does not answer is to see that, whatever is done meanwhile.
        if inner.working.fetch_add(1, Ordering::Relaxed) == 0 && inner.trouble().is_none() {
            inner.status.send_replace(Status::Busy { model: engine.info().name.clone() });
        }
        Self { inner }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if self.inner.working.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.inner.rest();
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
