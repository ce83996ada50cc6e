//! Open documents: their texts follow the editor's, and whoever depends on them is told.

use std::{collections::HashMap, ops::Range, path::PathBuf};

use dashmap::mapref::multiple::RefMulti;
use pilotlight_context::sources::Note;
use pilotlight_syntax::{Change, Document, Language, PositionEncoding, Snapshot};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::{Assistant, DocumentError, DocumentId, Open};
use crate::{
    Diagnostic,
    completion::{Last, Memory},
    propagate::{PropagateError, difference::settled},
};

/// What a client says of a document beside its text.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file; `None` for unsaved buffers.
    pub path: Option<PathBuf>,
    /// What it is called by where it is no file here: by this name too it is judged what a model may see.
    pub name: Option<PathBuf>,
    /// As what it is parsed.
    pub language: Language,
    /// The client's own word for its language.
    pub language_id: String,
}

impl Assistant {
    /// Opens a document (again: replaces it). `path` is `None` for unsaved buffers.
    pub fn open(&self, document: DocumentId, path: Option<PathBuf>, language: Language, version: i32, text: &str) {
        let (name, language_id) = (path.clone(), language.id().to_owned());
        self.open_as(document, Origin { path, name, language, language_id }, version, text);
    }

    /// Opens a document of which the client says more (again: replaces it).
    pub fn open_as(&self, document: DocumentId, origin: Origin, version: i32, text: &str) {
        let Origin { path, name, language, language_id } = origin;
        let opened = Document::open(language, version, text);
        let open = Open {
            settled: opened.snapshot(),
            calls_settled: opened.snapshot(),
            owner: self.session(),
            document: opened,
            judged_by: path.clone().or(name),
            path,
            language_id,
            current: CancellationToken::new(),
            shown: Memory::default(),
            next: None,
            ahead: CancellationToken::new(),
            warmed: None,
            last: Last::default(),
            notes: Vec::new(),
        };
        if let Some(replaced) = self.inner.documents.insert(document, open) {
            replaced.stop_work();
        }
    }

    /// Applies a batch of changes in order, all or none, and cancels what was being computed for the document's old state. Synchronous.
    pub fn change(
        &self,
        document: &DocumentId,
        version: i32,
        changes: &[Change],
        encoding: PositionEncoding,
    ) -> Result<(), DocumentError> {
        let mut open =
            self.inner.documents.get_mut(document).ok_or_else(|| DocumentError::NotOpen(document.clone()))?;
        open.stop_work();
        let before = open.document.snapshot();
        open.document
            .edit(version, changes, encoding)
            .map_err(|error| DocumentError::Edit { document: document.clone(), error })?;
        for change in changes {
            open.notes.retain_mut(|note| moved(note.line, change).inspect(|line| note.line = *line).is_some());
        }
        let (path, judged_by, now) = (open.path.clone(), open.judged_by.clone(), open.document.snapshot());
        // Let go first: following looks at other documents, which may share the lock.
        drop(open);
        self.follow(document, (path, judged_by), before, now, changes);
        Ok(())
    }

    /// The document was saved: its tree is parsed anew ([`Document::reparse`]), and its definitions are settled, but for those whose changes wait to be carried.
    pub fn saved(&self, document: &DocumentId) {
        let Some(mut open) = self.inner.documents.get_mut(document) else { return };
        open.document.reparse();
        let moved = open.settled.revision() != open.document.snapshot().revision();
        drop(open);
        if let Some(runtime) = tokio::runtime::Handle::try_current().ok().filter(|_| moved) {
            let (assistant, document) = (self.clone(), document.clone());
            runtime.spawn(async move { assistant.settle(&document).await });
        }
    }

    /// Leaves an edit in the trail, and its document to be indexed again.
    fn follow(
        &self,
        document: &DocumentId,
        (path, judged_by): (Option<PathBuf>, Option<PathBuf>),
        before: Snapshot,
        now: Snapshot,
        changes: &[Change],
    ) {
        let workspace = self.workspace();
        if let Some(path) = &path
            && let Some(root) = workspace.root_of(path)
        {
            self.inner.indexing.edited(root, path, now);
        }
        let line = changes.last().and_then(|change| change.span).map(|span| span.start.line as usize);
        if let Some(line) = line {
            let mut trail = self.trail();
            // Of another document, the edit that was going on ends as that document is now.
            if let Some(other) = trail.editing().filter(|other| *other != document).cloned() {
                trail.finish(self.snapshot(&other).ok());
            }
            let named = workspace.prompt_path(path.as_deref(), document);
            trail.changed(document, judged_by, named, before, line);
        }
    }

    /// What others (compilers, linters) report of a document, all of it; prompts near it may show it, and fixes be asked for. Of one that is not open nothing is kept.
    pub fn diagnosed(&self, document: &DocumentId, notes: Vec<Note>) {
        if let Some(mut open) = self.inner.documents.get_mut(document) {
            open.notes = notes;
        }
    }

    /// What was reported ([`Self::diagnosed`]) of the lines of a selection.
    pub fn reported(&self, document: &DocumentId, selection: &Range<usize>) -> Vec<Diagnostic> {
        let Some(open) = self.inner.documents.get(document) else { return Vec::new() };
        let snapshot = open.document.snapshot();
        let line = |at| snapshot.rope().byte_to_line(snapshot.line_at(at).start);
        let lines = line(selection.start)..=line(selection.end);
        let on_them = open.notes.iter().filter(|note| lines.contains(&note.line));
        let wrong = on_them.map(|Note { line, message }| Diagnostic {
            range: snapshot.line_at(snapshot.rope().line_to_byte(*line)),
            message: message.clone(),
        });
        wrong.collect()
    }

    /// Forgets a document.
    pub fn close(&self, document: &DocumentId) -> Result<(), DocumentError> {
        let (_, open) =
            self.inner.documents.remove(document).ok_or_else(|| DocumentError::NotOpen(document.clone()))?;
        open.stop_work();
        let workspace = self.workspace();
        if let Some(path) = &open.path
            && let Some(root) = workspace.root_of(path)
        {
            self.inner.indexing.closed(root, path);
        }
        Ok(())
    }

    /// From now on the document's definitions count as carried to their uses, but for those whose changes `waiting` names ([`crate::propagate::difference::still_waiting`]). Compares two texts.
    /// The text is the one at its first step.
    pub async fn carried(&self, document: &DocumentId, waiting: Vec<String>) {
        let Ok((before, now, _)) = self.states(document) else { return };
        let was = before.clone();
        let state = match waiting.is_empty() {
            true => Ok(now),
            false => tokio::task::spawn_blocking(move || settled(&before, &now, &waiting)).await,
        };
        if let Ok(state) = state {
            self.settled_as(document, &was, state);
        }
        self.settle_uses().await;
    }

    /// The document is settled as `state`, if it still was as `was`: it may have been closed and opened again.
    pub(crate) fn settled_as(&self, document: &DocumentId, was: &Snapshot, state: Snapshot) {
        if let Some(mut open) = self.inner.documents.get_mut(document)
            && *open.settled.rope() == *was.rope()
        {
            open.settled = state;
            drop(open);
            // Nobody need listen.
            let _ = self.inner.settled.send(document.clone());
        }
    }

    /// The document's calls are settled as its definitions are.
    pub(crate) fn settle_calls(&self, document: &DocumentId) {
        if let Some(mut open) = self.inner.documents.get_mut(document) {
            open.calls_settled = open.settled.clone();
        }
    }

    /// The document when its calls were settled.
    pub(crate) fn calls_settled(&self, document: &DocumentId) -> Option<Snapshot> {
        self.inner.documents.get(document).map(|open| open.calls_settled.clone())
    }

    /// Names each document, of all clients, whenever its definitions count as carried to their uses.
    pub fn settled(&self) -> broadcast::Receiver<DocumentId> {
        self.inner.settled.subscribe()
    }

    /// The state in which one of this client's documents was settled; `None` if it is not open, or another's.
    pub fn settled_state(&self, document: &DocumentId) -> Option<Snapshot> {
        let open = self.inner.documents.get(document).filter(|open| open.owner == self.session())?;
        Some(open.settled.clone())
    }

    /// The document when it was settled, now, and where it is.
    pub(crate) fn states(
        &self,
        document: &DocumentId,
    ) -> Result<(Snapshot, Snapshot, Option<PathBuf>), PropagateError> {
        let open = self.inner.documents.get(document).ok_or_else(|| PropagateError::NotOpen(document.clone()))?;
        Ok((open.settled.clone(), open.document.snapshot(), open.path.clone()))
    }

    /// This client's open files.
    pub(crate) fn open_files(&self) -> HashMap<PathBuf, (DocumentId, Snapshot)> {
        let own = self.inner.documents.iter().filter(|open| open.owner == self.session());
        own.filter_map(|open| Some((open.path.clone()?, (open.key().clone(), open.document.snapshot())))).collect()
    }

    /// The document's state now.
    pub fn snapshot(&self, document: &DocumentId) -> Result<Snapshot, DocumentError> {
        let open = self.inner.documents.get(document).ok_or_else(|| DocumentError::NotOpen(document.clone()))?;
        Ok(open.document.snapshot())
    }

    /// Every open document that a model may see and in which `text` stands once: its name in prompts, its state, and the byte at which the text begins.
    pub(crate) fn documents_with(&self, text: &str) -> Vec<(String, Snapshot, usize)> {
        let workspace = self.workspace();
        let once = |open: RefMulti<'_, DocumentId, Open>| {
            let snapshot = open.document.snapshot();
            let all = snapshot.rope().to_string();
            let mut places = all.match_indices(text);
            let (at, _) = places.next()?;
            let path = workspace.prompt_path(open.path.as_deref(), open.key());
            (places.next().is_none() && self.may_show(open.judged_by.as_deref())).then_some((path, snapshot, at))
        };
        self.inner.documents.iter().filter_map(once).collect()
    }
}

/// Where a line is after a change; `None` if it is gone. Where the whole text is replaced it is taken to be where it was.
fn moved(line: usize, change: &Change) -> Option<usize> {
    let Some(span) = change.span else { return Some(line) };
    let (start, end) = (span.start.line as usize, span.end.line as usize);
    let new = change.text.matches('\n').count();
    // From a line's first column on everything of it is behind the change.
    if line > end || line == end && span.end.character == 0 {
        return Some(line - (end - start) + new);
    }
    let before = line < start || line == start && span.start.character > 0;
    let replaced = line.saturating_sub(start) < new + usize::from(span.end.character > 0);
    (before || replaced).then_some(line)
}

#[cfg(test)]
mod tests {
    use pilotlight_syntax::{Position, Span};

    use super::*;

    #[test]
    fn a_line_stays_itself_while_others_come_and_go() {
        let check = |from: (u32, u32), to: (u32, u32), text: &str| {
            let at = |(line, character)| Position { line, character };
            let change = Change { span: Some(Span { start: at(from), end: at(to) }), text: text.to_owned() };
            [3, 4, 5, 6].map(|line| moved(line, &change))
        };
        let stay = [3, 4, 5, 6].map(Some);
        assert_eq!(check((4, 2), (4, 3), "x"), stay);
        assert_eq!(check((4, 0), (4, 0), "x"), stay);
        assert_eq!(check((5, 0), (5, 0), "\n"), [3, 4, 6, 7].map(Some), "a line above it");
        assert_eq!(check((4, 9), (4, 9), "\n"), [3, 4, 6, 7].map(Some), "behind the line above");
        assert_eq!(check((4, 0), (5, 0), ""), [Some(3), None, Some(4), Some(5)]);
        assert_eq!(check((4, 9), (5, 0), ""), [3, 4, 4, 5].map(Some), "one joins another");
        assert_eq!(check((3, 2), (5, 2), ""), [Some(3), None, None, Some(4)]);
        assert_eq!(check((3, 0), (6, 0), "a\nb\nc\n"), stay, "as many others");
        assert_eq!(moved(5, &Change { span: None, text: String::new() }), Some(5));
    }
}
