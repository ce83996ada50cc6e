//! The way of one completion: its turn, what is there already, what is asked of the model, and what of the answer is kept.

use std::{
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use pilotlight_context::sources::Note;
use pilotlight_engine::{Engine, Priority};
use tokio_util::sync::CancellationToken;

use super::{Assistant, Inner};
use crate::{
    CompletionRequest, DocumentId, Outcome, Status,
    completion::{self, Caller, Last, Reach, Shown, Surrounded, Trigger},
    journal::{self, Entry},
    model::Model,
    options::{ActionOptions, CompletionOptions},
};

/// Characters of what others report, as a prompt shows it.
const LONGEST_NOTE: usize = 200;

impl Assistant {
    /// Ghost text at a cursor. A newer call for the same document supersedes this one, and so does a change or `cancel`: the answer is then empty and says so.
    pub async fn complete(&self, request: CompletionRequest, cancel: CancellationToken) -> Outcome {
        self.complete_while(request, cancel, || true).await
    }

    /// The same; `waits` says, once it is there, whether anybody still waits for it. Else it counts as offered when it is asked for again.
    pub async fn complete_while(
        &self,
        request: CompletionRequest,
        cancel: CancellationToken,
        waits: impl FnOnce() -> bool + Send,
    ) -> Outcome {
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
        let handed = outcome.completion.as_ref().filter(|_| waits()).map(|completion| completion.id);
        self.inner.journal.answered(self.session(), entry, handed);
        outcome
    }

    async fn answer(&self, request: CompletionRequest, cancel: CancellationToken) -> Outcome {
        let inner = &self.inner;
        let Some(Turn { current, path: full, judged_by, mut last }) = inner.supersede(&request, &cancel) else {
            return Outcome::nothing("the document is closed or has moved on");
        };
        let workspace = self.workspace();
        let options = &workspace.options_for(full.as_deref()).completion;
        let path = workspace.prompt_path(full.as_deref(), &request.document);
        if let Some(because) = self.off_for(&request, options) {
            return Outcome::nothing(because);
        }
        let line = request.snapshot.rope().byte_to_line(request.cursor.min(request.snapshot.rope().len_bytes()));
        self.trail().looked(&request.document, judged_by, &path, &request.snapshot, line);
        if let Some(kept) = inner.kept(&request) {
            return kept;
        }
        if let Some(because) = completion::is_out_of_place(&request) {
            return Outcome::nothing(because);
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
            let surrounded = self.surrounded(model, options, &request.document, full.as_deref(), path.clone());
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

    /// Why completions are off for this document, if they are.
    pub(super) fn off_for(&self, request: &CompletionRequest, options: &CompletionOptions) -> Option<String> {
        if let Some(because) = request.snapshot.too_large() {
            return Some(because.to_string());
        }
        if !options.enabled {
            return Some("completions are switched off (completion.enabled)".to_owned());
        }
        let known =
            self.inner.documents.get(&request.document).map(|open| (open.judged_by.clone(), open.language_id.clone()));
        let Some((judged_by, told)) = known else { return Some("the document is closed".to_owned()) };
        // The client's word for it and ours: it knows more languages.
        let languages = [told.as_str(), request.snapshot.language().id()];
        let off = |language: &&&str| options.disabled_languages.iter().any(|off| off.eq_ignore_ascii_case(language));
        if let Some(language) = languages.iter().find(off) {
            return Some(format!("completions are switched off for {language} (completion.disabled-languages)"));
        }
        self.excluded(judged_by.as_deref(), options)
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
        let surrounded = self.surrounded(model, &completion, &request.document, full, path);
        let caller = Caller { priority: Priority::Action, session: self.session(), reach, cancel };
        completion::generate(model, &completion, request, &surrounded, &mut Last::default(), caller).await
    }

    /// What a plan for a file may look at.
    pub(super) fn surrounded(
        &self,
        model: &Model,
        options: &CompletionOptions,
        document: &DocumentId,
        full: Option<&Path>,
        path: String,
    ) -> Surrounded<'_> {
        let workspace = self.workspace();
        let budget =
            options.repository_tokens.unwrap_or_else(|| model.encoder.repository_tokens(options.context_tokens));
        let root = full.and_then(|full| workspace.root_of(full)).map(Path::to_owned);
        let mut surrounded = Surrounded::new(&self.inner.indexing, path, workspace.name_of(full));
        surrounded.recalls = options.recall.unwrap_or_else(|| model.encoder.family().recalls);
        if budget == 0 && !surrounded.recalls {
            return surrounded;
        }
        for folder in &workspace.folders {
            self.inner.indexing.begin(&folder.root);
        }
        let shown = |judged_by: &Option<PathBuf>| self.may_show(judged_by.as_deref());
        let trail = self.trail();
        surrounded.budget = budget;
        surrounded.edits = trail.edits(shown);
        surrounded.places = trail.places(shown);
        let open = self.inner.documents.get(document);
        surrounded.notes = open.iter().flat_map(|open| &open.notes).map(brief).collect();
        drop(open);
        surrounded.roots = workspace.folders.iter().map(|folder| folder.root.clone()).collect();
        surrounded.file = root.zip(full.map(Path::to_owned));
        surrounded
    }
}

impl Inner {
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
        let (path, judged_by) = (open.path.clone(), open.judged_by.clone());
        Some(Turn { current: open.current.clone(), path, judged_by, last: open.last.clone() })
    }

    /// The answer that is there already: the rest of a ghost text, or what was computed for the state after accepting it.
    fn kept(&self, request: &CompletionRequest) -> Option<Outcome> {
        let mut open = self.documents.get_mut(&request.document)?;
        let mut outcome = Outcome::default();
        match open.shown.rest_for(request) {
            Some(Err(because)) => {
                return (request.trigger == Trigger::Automatic).then(|| Outcome::nothing(because));
            }
            Some(Ok(shown)) => {
                outcome.explanation.kept = true;
                outcome.completion = Some(shown);
            }
            None => {
                outcome.completion = Some(open.next.as_ref()?.rest_for(request)?);
                outcome.explanation.foreseen = true;
                if let Some(next) = open.next.take() {
                    open.shown.add(next);
                }
                self.accepting.used();
            }
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

/// What of a note a prompt shows: what explains it further is for those who are to mend it.
fn brief(note: &Note) -> Note {
    let message = note.message.lines().next().unwrap_or_default().chars().take(LONGEST_NOTE).collect();
    Note { line: note.line, message }
}

/// What a completion request needs of its document.
struct Turn {
    current: CancellationToken,
    path: Option<PathBuf>,
    judged_by: Option<PathBuf>,
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
