//! What surfaces ask: which actions there are at a place, and what one does.

use std::{ops::Range, path::PathBuf};

use pilotlight_engine::Priority;
use pilotlight_syntax::{Document, Language, Occasion, Snapshot};
use tokio_util::sync::CancellationToken;

use super::{
    Abilities, Action, ActionError, Answer, Chosen, Diagnostic, Done, How, Offered, Target, additions, answer,
    asking::Question,
    holes::{Hole, is_open_still},
    line_ends, reply, table,
};
use crate::{
    Assistant, ChangeSet, CompletionRequest, DocumentId, Edit, FileChange, Outcome, Trigger,
    completion::{Completion, Reach},
    options::ActionOptions,
};

/// Lines of a body at most.
const MOST_LINES: usize = 80;

/// The document that an action is done in, as it was when it was asked for.
pub(super) struct Home {
    pub(super) document: DocumentId,
    pub(super) snapshot: Snapshot,
    pub(super) path: Option<PathBuf>,
    pub(super) options: ActionOptions,
}

impl Home {
    /// What there is on the lines of a selection.
    fn occasions(&self, selection: &Range<usize>) -> Vec<Occasion> {
        let line = |at| self.snapshot.line_at(at);
        self.snapshot.occasions(line(selection.start).start..line(selection.end).end)
    }

    /// Edits of its own text, with its line ends.
    fn changed(&self, mut edits: Vec<Edit>) -> FileChange {
        let ends = line_ends::of(&self.snapshot);
        edits.iter_mut().for_each(|edit| edit.text = line_ends::written(&edit.text, ends));
        FileChange {
            path: self.path.clone(),
            document: Some(self.document.clone()),
            before: self.snapshot.clone(),
            creates: false,
            edits,
        }
    }
}

impl Assistant {
    /// What the loaded model can do; nothing while it is being loaded.
    pub fn abilities(&self) -> Abilities {
        Abilities { fills: self.fills(), chats: self.chats() }
    }

    /// The actions at a selection of a document (bytes), of those that the loaded model can do.
    ///
    /// # Errors
    ///
    /// [`ActionError::NotOpen`], and why there are none in this document.
    pub fn actions(
        &self,
        document: &DocumentId,
        selection: Range<usize>,
        diagnostics: &[Diagnostic],
    ) -> Result<Vec<Offered>, ActionError> {
        let home = self.home(document)?;
        let occasions = home.occasions(&selection);
        let abilities = self.abilities();
        let offered = table().filter(|action| action.is_for(abilities)).filter_map(|action| {
            Some(action.offered(&action.find(&home.snapshot, &occasions, &selection, diagnostics)?))
        });
        Ok(offered.collect())
    }

    /// Does an action that was offered for state `revision` of a document. `progress` is told how many tokens have been written.
    ///
    /// # Errors
    ///
    /// See [`ActionError`].
    pub async fn act(
        &self,
        document: &DocumentId,
        revision: u64,
        chosen: Chosen,
        progress: &(dyn Fn(usize) + Send + Sync),
        cancel: CancellationToken,
    ) -> Result<Done, ActionError> {
        let home = self.home(document)?;
        if home.snapshot.revision() != revision {
            return Err(ActionError::MovedOn);
        }
        let abilities = self.abilities();
        let found = table().find(|action| action.id == chosen.id);
        if let Some(action) = found.filter(|action| !action.is_for(abilities)) {
            let wants = if matches!(action.how, How::Fill) { "fills in the middle" } else { "chats" };
            return Err(ActionError::Unavailable(format!(
                "{} wants a model that {wants}, and the loaded one does not",
                action.id
            )));
        }
        let occasions = home.occasions(&chosen.selection);
        let find = |action: &Action| {
            let found = action.find(&home.snapshot, &occasions, &chosen.selection, &chosen.diagnostics);
            found.or_else(|| action.around(&home.snapshot, &occasions, &chosen.selection))
        };
        let Some((action, target)) = found.and_then(|action| Some((action, find(action)?))) else {
            if found.is_some_and(Action::wants_instruction) {
                let because = "there is no function here: select the lines that are to be rewritten";
                return Err(ActionError::Unavailable(because.to_owned()));
            }
            let offered = self.actions(document, chosen.selection, &chosen.diagnostics)?;
            let offered = offered.iter().map(|it| it.action.id).collect();
            return Err(ActionError::NotOffered { found: chosen.id, offered });
        };
        let inside = home.snapshot.occasions(target.range.clone());
        let files = match (action.how, &target.occasion) {
            (How::Fill, Some(occasion)) => {
                let hole = Hole::of(&home.snapshot, &inside, occasion);
                let edit = self.filled(&home, hole, &cancel).await?;
                if is_open_still(&home.snapshot.with_replaced(edit.range.clone(), &edit.text), occasion) {
                    return Err(ActionError::Useless("the model writes what has still to be written".to_owned()));
                }
                vec![home.changed(vec![edit])]
            }
            // A hole is always on a piece of code.
            (How::Fill, None) => Vec::new(),
            (How::Ask(about, answer), _) => {
                let mut instruction = about(home.snapshot.language()).unwrap_or_default();
                for Diagnostic { range, message } in &chosen.diagnostics {
                    let line = home.snapshot.rope().byte_to_line(range.start) + 1;
                    let text = home.snapshot.slice(home.snapshot.line_at(range.start));
                    instruction += &format!("\n- line {line} (`{}`): {message}", text.trim());
                }
                self.answered(&home, &inside, &target, (&instruction, answer), progress, &cancel).await?
            }
            (How::Instructed(answer), _) => {
                let instruction = chosen.instruction.trim();
                if instruction.is_empty() {
                    return Err(ActionError::Unavailable("expected an instruction, found none".to_owned()));
                }
                self.answered(&home, &inside, &target, (instruction, answer), progress, &cancel).await?
            }
        };
        self.done(action.offered(&target).title, files)
    }

    /// The file that an action would make, if it would.
    pub fn creates(&self, document: &DocumentId, id: &str) -> Option<PathBuf> {
        table().find(|action| action.id == id && matches!(action.how, How::Ask(_, Answer::Tests)))?;
        let file = self.tests_path(&self.home(document).ok()?).ok()??;
        let is_free = matches!(file.try_exists(), Ok(false)) && !self.open_files().contains_key(&file);
        is_free.then_some(file)
    }

    /// The document, if a model may see it and change it.
    fn home(&self, document: &DocumentId) -> Result<Home, ActionError> {
        let (_, snapshot, path) = self.states(document).map_err(|_| ActionError::NotOpen(document.clone()))?;
        self.home_of(document.clone(), snapshot, path)
    }

    /// A text, if a model may see it and change it.
    pub(super) fn home_of(
        &self,
        document: DocumentId,
        snapshot: Snapshot,
        path: Option<PathBuf>,
    ) -> Result<Home, ActionError> {
        let workspace = self.workspace();
        let options = workspace.options_for(path.as_deref());
        if !options.actions.enabled {
            return Err(ActionError::Unavailable("actions by a model are switched off (actions.enabled)".to_owned()));
        }
        if let Some(too_large) = snapshot.too_large() {
            return Err(ActionError::Unavailable(too_large.to_string()));
        }
        if let Some(because) = self.excluded(self.name_of(&document, path.as_deref()).as_deref(), &options.completion) {
            return Err(ActionError::Unavailable(because));
        }
        Ok(Home { document, snapshot, path, options: options.actions.clone() })
    }

    /// The edit that fills a hole.
    async fn filled(&self, home: &Home, hole: Hole, cancel: &CancellationToken) -> Result<Edit, ActionError> {
        let Hole { range, before, after, is_body } = hole;
        let open = home.snapshot.with_replaced(range.clone(), &(before.clone() + &after));
        let cursor = range.start + before.len();
        let request = CompletionRequest {
            document: home.document.clone(),
            cursor,
            snapshot: open.clone(),
            trigger: Trigger::Invoked,
        };
        let reach = Reach { lines: MOST_LINES, body: is_body };
        let filling = async {
            self.indexed(home).await;
            self.fill_in(&request, home.path.as_deref(), &home.options, reach, cancel).await
        };
        let Outcome { completion, explanation } = tokio::select! {
            outcome = filling => outcome,
            () = cancel.cancelled() => return Err(ActionError::Cancelled),
        };
        if cancel.is_cancelled() {
            return Err(ActionError::Cancelled);
        }
        let Some(Completion { range: written, text, .. }) = completion else {
            let because = explanation.nothing_because.unwrap_or_default();
            return Err(ActionError::Useless(because));
        };
        // What was written may replace closers behind the hole too.
        let behind = written.end.saturating_sub(cursor + after.len());
        let inner = open.slice(cursor..written.start) + &text + &open.slice(written.end..cursor + after.len());
        let text = line_ends::written(&(before + &inner), line_ends::of(&home.snapshot));
        let edit = Edit { range: range.start..range.end + behind, text, doubt: None };
        if home.snapshot.slice(edit.range.clone()).trim() == edit.text.trim() {
            return Err(ActionError::Useless("the model writes what stands there already".to_owned()));
        }
        Ok(edit)
    }

    /// What a chat model does to the files.
    async fn answered(
        &self,
        home: &Home,
        inside: &[Occasion],
        target: &Target,
        (instruction, answer): (&str, Answer),
        progress: &(dyn Fn(usize) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<Vec<FileChange>, ActionError> {
        let (snapshot, language) = (&home.snapshot, home.snapshot.language());
        let lines = answer::lines(snapshot, inside, target, answer);
        let question = Question { lines: lines.clone(), instruction, answer, priority: Priority::Action };
        if answer == Answer::Tests {
            let beside = self.beside(home)?;
            let read = |reply: &str| answer::tests(language, &reply::block(reply)?);
            let tests = self.asked(home, &question, read, progress, cancel).await?;
            return Ok(vec![placed(home, beside, &tests)]);
        }
        let read = |reply: &str| match answer {
            Answer::Lines { keeps } => answer::replaced(snapshot, &lines, keeps, &reply::block(reply)?),
            Answer::Edits => answer::edits(snapshot, &lines, reply),
            Answer::Documentation | Answer::Tests => {
                Ok(vec![answer::documented(snapshot, target, &reply::block(reply)?)?])
            }
        };
        Ok(vec![home.changed(self.asked(home, &question, read, progress, cancel).await?)])
    }

    /// The file in which tests go; `None` for the document itself.
    fn tests_path(&self, home: &Home) -> Result<Option<PathBuf>, ActionError> {
        let (path, language) = (home.path.as_deref(), home.snapshot.language());
        let unavailable = |because: &str| Err(ActionError::Unavailable(because.to_owned()));
        let file = if language == Language::Rust {
            let Some(files) = additions::module_files(&home.snapshot, path) else { return Ok(None) };
            let Some(file) = files.into_iter().find(|file| file.is_file()) else {
                return unavailable("tests go into the file of `mod tests;`, and where that is cannot be told");
            };
            file
        } else if let Some(file) = path.and_then(|path| additions::tests_file(path, language)) {
            file
        } else {
            return unavailable("tests go into a file beside this one, and this one was never saved");
        };
        let workspace = self.workspace();
        if workspace.root_of(&file).is_none() {
            return unavailable("tests go into a file beside this one, and this one is in no folder of the workspace");
        }
        if let Some(because) = self.excluded(Some(&file), &workspace.options_for(Some(&file)).completion) {
            return Err(ActionError::Unavailable(format!("{}: {because}", file.display())));
        }
        Ok(Some(file))
    }

    /// The file in which tests go, as it is; `None` for the document itself.
    fn beside(&self, home: &Home) -> Result<Option<FileChange>, ActionError> {
        let Some(file) = self.tests_path(home)? else { return Ok(None) };
        let (document, before, creates) = match self.open_files().remove(&file) {
            Some((document, before)) => (Some(document), before, false),
            None => {
                let (text, creates) = match std::fs::read_to_string(&file) {
                    Ok(text) => (text, false),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => (String::new(), true),
                    Err(error) => return Err(ActionError::Unavailable(format!("{}: {error}", file.display()))),
                };
                (None, Document::open(home.snapshot.language(), 0, &text).snapshot(), creates)
            }
        };
        Ok(Some(FileChange { path: Some(file), document, before, creates, edits: Vec::new() }))
    }

    /// A change set, if the open documents in it are still as they were and no syntax error is added.
    fn done(&self, title: String, files: Vec<FileChange>) -> Result<Done, ActionError> {
        for file in &files {
            let Some(document) = &file.document else { continue };
            let (_, now, _) = self.states(document).map_err(|_| ActionError::NotOpen(document.clone()))?;
            if now.revision() != file.before.revision() {
                return Err(ActionError::MovedOn);
            }
        }
        let mut set = ChangeSet { files, ..ChangeSet::default() };
        set.check();
        // An answer is one piece: what is left of it without the edits that are wrong is nobody's intention.
        if set.files.is_empty() || !set.left.is_empty() {
            let left = set.left.into_iter().map(|left| left.because);
            return Err(ActionError::Useless(left.collect::<Vec<_>>().join("; ")));
        }
        Ok(Done { set, title })
    }
}

/// Tests in their file, behind what stands there; in Rust in the module of tests.
fn placed(home: &Home, beside: Option<FileChange>, tests: &str) -> FileChange {
    match beside {
        None => {
            let (at, text) = additions::in_module(&home.snapshot, tests);
            home.changed(vec![Edit { range: at..at, text, doubt: None }])
        }
        Some(mut file) => {
            let end = file.before.rope().len_bytes();
            let gap = match file.before.slice(end.saturating_sub(1)..end).as_str() {
                "" => "",
                "\n" => "\n",
                _ => "\n\n",
            };
            // A file that is made is like the one that it stands beside.
            let ends = line_ends::of(if file.creates { &home.snapshot } else { &file.before });
            let text = line_ends::written(&format!("{gap}{tests}\n"), ends);
            file.edits.push(Edit { range: end..end, text, doubt: None });
            file
        }
    }
}
