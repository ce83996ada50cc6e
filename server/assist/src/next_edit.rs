//! The next edit: what a person's last change asks for elsewhere, offered one place at a time, after a pause, where they can take it or leave it.
//!
//! It comes from carrying changed definitions ([`crate::propagate`]), of which only what is certain is offered; where nothing has to follow, from a model, if the loaded one was trained for that.
//! What was dismissed is not offered again, nor what was taken and then undone; of a change whose places are dismissed one after the other, nothing more is.

mod written;

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::Duration,
};

use pilotlight_syntax::Snapshot;
use tokio_util::sync::CancellationToken;

use crate::{
    Assistant, DocumentId, Edit, FileChange, PropagateError,
    propagate::{DefinitionChange, difference::still_waiting},
};

/// A person who has not typed for so long has paused.
const PAUSE: Duration = Duration::from_millis(250);
/// What is remembered of earlier offers; past it all is forgotten, and may be offered again.
const REMEMBERED: usize = 4096;

/// A change of which so many places were dismissed one after the other is not one that the person wants carried.
const PATIENCE: usize = 3;

/// Names one offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NextEditId(pub u64);

/// One edit, in an open document.
#[derive(Clone, Debug)]
pub struct NextEdit {
    /// To be named when it is taken or dismissed.
    pub id: NextEditId,
    /// The document it is for, in the state it is for.
    pub file: FileChange,
    /// The edit.
    pub edit: Edit,
}

/// What became of offers.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    last: u64,
    open: Vec<Open>,
    /// Places not to be offered as they are, dismissed or taken, each with the changes of which they were offered.
    closed: HashMap<u64, HashSet<Option<u64>>>,
    /// Changes of which a place was taken.
    taken: HashSet<u64>,
    /// By change: a file that is not open and waited for it, as it was.
    waiting: HashMap<u64, (PathBuf, u64)>,
    /// By change: places dismissed since the last that was taken.
    dismissed: HashMap<u64, usize>,
}

/// An offer of which the person has not said anything yet.
#[derive(Debug)]
struct Open {
    id: NextEditId,
    /// The change that it follows from; of what a model writes, none.
    of: Option<u64>,
    /// The place as it was.
    before: u64,
    /// Another place reads like this one.
    again: bool,
}

/// An edit that may be offered.
struct Found {
    /// As [`Open::of`].
    of: Option<u64>,
    file: FileChange,
    edit: Edit,
}

impl Assistant {
    /// The next place that has to follow a change of a definition: in the document itself first, from the cursor (a byte offset) on, then in the client's other open documents. Waits for a pause;
    /// `None` where there is nothing, and where the document is edited meanwhile.
    ///
    /// # Errors
    ///
    /// [`PropagateError::NotOpen`].
    pub async fn next_edit(
        &self,
        document: &DocumentId,
        cursor: usize,
        cancel: CancellationToken,
    ) -> Result<Option<NextEdit>, PropagateError> {
        let (_, asked, _) = self.states(document)?;
        tokio::time::sleep(PAUSE).await;
        // The cursor is one of the text that was asked about.
        if self.states(document)?.1.revision() != asked.revision() {
            return Ok(None);
        }
        let mut sources: Vec<DocumentId> = self.open_files().into_values().map(|(document, _)| document).collect();
        sources.sort_by_key(|other| (other != document, other.clone()));
        let mut found: Vec<Found> = Vec::new();
        for source in sources {
            let assistant = self.clone();
            let of = source.clone();
            let changes = tokio::task::spawn_blocking(move || assistant.changes_of(&of)).await;
            let Ok(Ok(changes)) = changes else { continue };
            for change in &changes {
                let typing = source == *document && touches(change, cursor);
                if typing && !at_end_of_name(change, cursor) {
                    continue;
                }
                let of = named(&source, change);
                if self.offers().dismissed.get(&of).is_some_and(|&count| count >= PATIENCE) {
                    continue;
                }
                let Ok(now) = self.snapshot(&source) else { continue };
                let Ok(offer) = self.propagate_open(&source, now.revision(), change.clone(), cancel.clone()).await
                else {
                    continue;
                };
                let calls =
                    |other: &DefinitionChange| other.name_range != change.name_range && other.parameters.is_some();
                let taken = self.offers().taken.contains(&of) && !changes.iter().any(calls);
                // The person took what there was: in files that are not open may be more.
                if taken
                    && offer.is_done()
                    && self.is_done_everywhere(of, &source, &now, change, &cancel).await
                    && self.snapshot(&source).is_ok_and(|state| state.revision() == now.revision())
                {
                    self.carried(&source, still_waiting(&changes, change)).await;
                }
                for file in offer.set.files.into_iter().filter(|file| file.document.is_some()) {
                    let edits = by_line(&file);
                    found.extend(edits.into_iter().map(|edit| Found { of: Some(of), file: file.clone(), edit }));
                }
            }
        }
        // Nothing on what is being typed, nothing twice.
        let wanted = |Found { of, file, edit }: &Found| {
            let here = file.document.as_ref() == Some(document);
            let typed = here && edit.range.start <= cursor && cursor <= edit.range.end;
            !typed && !self.offers().is_closed(*of, place(file, &file.before, edit.range.start))
        };
        found.retain(wanted);
        found.sort_by_key(|Found { file, edit, .. }| {
            let here = file.document.as_ref() == Some(document);
            (!here, here && edit.range.start < cursor, file.path.clone(), edit.range.start)
        });
        if found.is_empty() {
            let written = self.written_edits(document, &asked, cursor, &cancel).await;
            found = written.into_iter().map(|(file, edit)| Found { of: None, file, edit }).collect();
            found.retain(wanted);
        }
        if self.states(document)?.1.revision() != asked.revision() {
            return Ok(None);
        }
        Ok(found.into_iter().next().map(|found| self.offers().offer(found)))
    }

    /// Whether nothing of a change waits in any file. What is not open is searched again only once the file that waited has changed.
    async fn is_done_everywhere(
        &self,
        of: u64,
        source: &DocumentId,
        now: &Snapshot,
        change: &DefinitionChange,
        cancel: &CancellationToken,
    ) -> bool {
        let waiting = self.offers().waiting.get(&of).cloned();
        if let Some((path, state)) = waiting
            && self.closed_state(&path) == Some(state)
        {
            return false;
        }
        let all = self.propagate(source, now.revision(), change.clone(), cancel.clone()).await;
        let Ok(all) = all else { return false };
        let edited = all.set.files.iter().filter_map(|file| file.path.as_ref());
        let mut paths = edited.chain(all.set.left.iter().map(|left| &left.path));
        let waiting = paths.find_map(|path| Some((path.clone(), self.closed_state(path)?)));
        if let Some(waiting) = waiting {
            self.offers().waiting.insert(of, waiting);
        }
        all.is_done()
    }

    /// What stands in a file that is not open, as a number.
    fn closed_state(&self, path: &Path) -> Option<u64> {
        if self.open_files().contains_key(path) {
            return None;
        }
        let roots: Vec<PathBuf> = self.workspace().folders.iter().map(|folder| folder.root.clone()).collect();
        let mut hasher = DefaultHasher::new();
        self.indexing_of().text_of(&roots, path)?.hash(&mut hasher);
        Some(hasher.finish())
    }

    /// The person took an offer: its place is not offered again, even where the edit is undone.
    pub fn next_edit_taken(&self, id: NextEditId) {
        self.offers().close(id, true);
    }

    /// The person does not want an offer.
    pub fn next_edit_dismissed(&self, id: NextEditId) {
        self.offers().close(id, false);
    }
}

impl Offers {
    fn offer(&mut self, Found { of, file, edit }: Found) -> NextEdit {
        self.last += 1;
        let id = NextEditId(self.last);
        let before = place(&file, &file.before, edit.range.start);
        if self.open.len() >= 64 {
            self.open.remove(0);
        }
        let again = alike(&file, edit.range.start) > 1;
        self.open.push(Open { id, of, before, again });
        NextEdit { id, file, edit }
    }

    /// Whether the place is not to be offered again for this change; for no change, where it is not for any.
    fn is_closed(&self, of: Option<u64>, place: u64) -> bool {
        self.closed.get(&place).is_some_and(|changes| of.is_none() || changes.contains(&of) || changes.contains(&None))
    }

    fn close(&mut self, id: NextEditId, taken: bool) {
        let Some(at) = self.open.iter().position(|open| open.id == id) else { return };
        let Open { of, before, again, .. } = self.open.remove(at);
        if self.closed.len() > REMEMBERED {
            self.closed.clear();
            self.dismissed.clear();
            self.taken.clear();
            self.waiting.clear();
        }
        if let Some(of) = of {
            let count = self.dismissed.entry(of).or_default();
            *count = if taken { 0 } else { *count + 1 };
            if taken {
                self.taken.insert(of);
            }
        }
        // Of lines that read alike the one that was taken is gone, and the others stay.
        if !taken || !again {
            self.closed.entry(before).or_default().insert(of);
        }
    }
}

/// A change, so that it is the same one while the text around it is edited.
fn named(document: &DocumentId, change: &DefinitionChange) -> u64 {
    let parameters = change.parameters.as_ref();
    let names = |it: &pilotlight_syntax::Signature| it.parameters.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    let parameters = parameters.map(|it| (names(&it.old), names(&it.new)));
    let mut hasher = DefaultHasher::new();
    (document, &change.container, &change.old_name, &change.new_name, parameters).hash(&mut hasher);
    hasher.finish()
}

/// A line of a file by its words and those of the lines that it is indented under, so that it is the same one wherever these move.
fn place(file: &FileChange, state: &Snapshot, at: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    file.name().hash(&mut hasher);
    let mut number = state.rope().byte_to_line(at);
    let mut indentation = usize::MAX;
    loop {
        let line = state.rope().line(number).to_string();
        let own = line.len() - line.trim_start().len();
        let around = own < indentation && !line.trim().is_empty();
        if around {
            line.trim().hash(&mut hasher);
            indentation = own;
        }
        if number == 0 || around && own == 0 {
            return hasher.finish();
        }
        number -= 1;
    }
}

/// How many lines of a file read like the one at `at`, and stand like it.
fn alike(file: &FileChange, at: usize) -> usize {
    let state = &file.before;
    let (own, line) = (place(file, state, at), state.slice(state.line_at(at)));
    let starts = (0..state.rope().len_lines()).map(|line| state.rope().line_to_byte(line));
    let same = starts.filter(|&start| state.slice(state.line_at(start)).trim() == line.trim());
    same.filter(|&start| place(file, state, start) == own).count()
}

/// The certain edits of a file, those of one line as one.
fn by_line(file: &FileChange) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    for edit in file.edits.iter().filter(|edit| edit.doubt.is_none()) {
        let line = |at: usize| file.before.rope().byte_to_line(at);
        match edits.last_mut() {
            Some(last) if line(last.range.end) == line(edit.range.start) => {
                let between = file.before.slice(last.range.end..edit.range.start);
                last.text = format!("{}{between}{}", last.text, edit.text);
                last.range.end = edit.range.end;
            }
            _ => edits.push(edit.clone()),
        }
    }
    edits
}

/// Whether the cursor stands where the change is being typed.
fn touches(change: &DefinitionChange, cursor: usize) -> bool {
    change.name_range.start <= cursor && cursor <= change.head_end()
}

/// A name may be done when the cursor is at its end; parameters are not while the cursor is among them.
fn at_end_of_name(change: &DefinitionChange, cursor: usize) -> bool {
    change.parameters.is_none() && cursor == change.name_range.end
}

#[cfg(test)]
mod tests;
