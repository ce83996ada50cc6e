//! The next edit: what a person's last change asks for elsewhere, offered one place at a time, after a pause, where they can take it or leave it.
//!
//! It comes from carrying changed definitions ([`crate::propagate`]), of which only what is certain is offered; where nothing has to follow, from a model, if the loaded one was trained for that.
//! What was dismissed is not offered again, nor what was taken and then undone; of a change whose places are dismissed one after the other, nothing more is.

mod written;

use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use pilotlight_syntax::Snapshot;
use tokio_util::sync::CancellationToken;

use crate::{Assistant, DocumentId, Edit, FileChange, PropagateError, propagate::DefinitionChange};

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
    /// Places not to be offered as they are: dismissed, taken, or made by an edit that was taken.
    closed: HashSet<u64>,
    /// By change: places dismissed since the last that was taken.
    dismissed: HashMap<u64, usize>,
}

/// An offer of which the person has not said anything yet.
#[derive(Debug)]
struct Open {
    id: NextEditId,
    /// The change that it follows from; of what a model writes, none.
    of: Option<u64>,
    /// The place as it was, and as the edit leaves it.
    before: u64,
    after: u64,
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
            for change in changes {
                let typing = source == *document && touches(&change, cursor);
                if typing && !at_end_of_name(&change, cursor) {
                    continue;
                }
                let of = named(&source, &change);
                if self.offers().dismissed.get(&of).is_some_and(|&count| count >= PATIENCE) {
                    continue;
                }
                let Ok(now) = self.snapshot(&source) else { continue };
                let Ok(offer) = self.propagate_open(&source, now.revision(), change, cancel.clone()).await else {
                    continue;
                };
                for file in offer.set.files.into_iter().filter(|file| file.document.is_some()) {
                    let edits = by_line(&file);
                    found.extend(edits.into_iter().map(|edit| Found { of: Some(of), file: file.clone(), edit }));
                }
            }
        }
        // Nothing on what is being typed, nothing twice.
        let wanted = |Found { file, edit, .. }: &Found| {
            let here = file.document.as_ref() == Some(document);
            let typed = here && edit.range.start <= cursor && cursor <= edit.range.end;
            !typed && !self.offers().closed.contains(&place(file, &file.before, edit.range.start))
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
        let after = file.before.with_replaced(edit.range.clone(), &edit.text);
        let places = (place(&file, &file.before, edit.range.start), place(&file, &after, edit.range.start));
        if self.open.len() >= 64 {
            self.open.remove(0);
        }
        self.open.push(Open { id, of, before: places.0, after: places.1 });
        NextEdit { id, file, edit }
    }

    fn close(&mut self, id: NextEditId, taken: bool) {
        let Some(at) = self.open.iter().position(|open| open.id == id) else { return };
        let Open { of, before, after, .. } = self.open.remove(at);
        if self.closed.len() > REMEMBERED {
            self.closed.clear();
            self.dismissed.clear();
        }
        if let Some(of) = of {
            let count = self.dismissed.entry(of).or_default();
            *count = if taken { 0 } else { *count + 1 };
        }
        self.closed.insert(before);
        if taken {
            // Arguments in another order look like any others: without this they would be turned round again.
            self.closed.insert(after);
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

/// A line of a file by its words, so that it is the same one wherever it moves.
fn place(file: &FileChange, state: &Snapshot, at: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    (file.name(), state.slice(state.line_at(at)).trim()).hash(&mut hasher);
    hasher.finish()
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
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{fs, path::Path, sync::Arc};

    use pilotlight_engine::EngineError;
    use pilotlight_syntax::{Change, Language, PositionEncoding};

    use super::*;
    use crate::{Options, Workspace};

    struct Person {
        assistant: Assistant,
        folder: tempfile::TempDir,
    }

    impl Person {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().canonicalize().unwrap();
            let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("none".into())));
            assistant.set_workspace(Workspace::new(Options::default(), [root.clone()]));
            for (name, text) in files {
                fs::write(root.join(name), text).unwrap();
                let path = root.join(name);
                assistant.open(Arc::from(*name), Some(path), Language::from_path(Path::new(name)), 1, text);
            }
            Self { assistant, folder }
        }

        fn text(&self, name: &str) -> String {
            self.assistant.snapshot(&Arc::from(name)).unwrap().rope().to_string()
        }

        fn set(&self, name: &str, text: String) {
            let change = Change { span: None, text };
            self.assistant.change(&Arc::from(name), 2, &[change], PositionEncoding::Utf8).unwrap();
        }

        async fn next(&self, name: &str, cursor: usize) -> Option<NextEdit> {
            assert!(self.folder.path().exists());
            self.assistant.next_edit(&Arc::from(name), cursor, CancellationToken::new()).await.unwrap()
        }

        /// Takes an offer as an editor does.
        fn take(&self, next: &NextEdit) {
            let name = next.file.document.clone().unwrap();
            let mut text = next.file.before.rope().to_string();
            text.replace_range(next.edit.range.clone(), &next.edit.text);
            self.set(&name, text);
            self.assistant.next_edit_taken(next.id);
        }
    }

    const A: &str = "fn turn(a: u8, b: u16) {}\nfn one() { turn(1, 2); }\nfn two() { turn(3, 4); }\n";
    const B: &str = "use crate::a::turn;\nfn three() { turn(5, 6); }\n";

    #[tokio::test]
    async fn one_place_after_the_other_across_files() {
        let person = Person::new(&[("a.rs", A), ("b.rs", B)]);
        assert!(person.next("a.rs", 0).await.is_none());
        person.set("a.rs", A.replace("a: u8, b: u16", "b: u16, a: u8"));
        let mut lines = Vec::new();
        while let Some(next) = person.next("a.rs", 0).await {
            assert!(lines.len() < 4, "it comes to no end: {lines:?}");
            person.take(&next);
            lines.push(next.edit.text);
        }
        assert_eq!(lines, ["2, 1", "4, 3", "6, 5"]);
        assert!(person.text("b.rs").contains("turn(6, 5)"));
    }

    #[tokio::test]
    async fn what_is_dismissed_or_undone_is_not_offered_again() {
        let person = Person::new(&[("a.rs", A)]);
        person.set("a.rs", A.replace("fn turn", "fn spin"));
        let first = person.next("a.rs", 0).await.unwrap();
        person.assistant.next_edit_dismissed(first.id);
        let second = person.next("a.rs", 0).await.unwrap();
        assert_ne!(first.edit.range, second.edit.range);
        let before = person.text("a.rs");
        person.take(&second);
        assert!(person.next("a.rs", 0).await.is_none());
        person.set("a.rs", before);
        assert!(person.next("a.rs", 0).await.is_none(), "it was undone");
        // Undoing the change itself leaves nothing to carry.
        person.set("a.rs", A.to_owned());
        assert!(person.next("a.rs", 0).await.is_none());
    }

    #[tokio::test]
    async fn a_change_whose_places_are_dismissed_is_left_alone() {
        let text = A.to_owned()
            + "fn four() { turn(7, 8); }\nfn six() { turn(9, 0); }\nfn half(c: u8) {}\nfn five() { half(1); }\n";
        let person = Person::new(&[("a.rs", &text)]);
        person.set("a.rs", text.replace("fn turn", "fn spin").replace("fn half", "fn part"));
        let mut lines = Vec::new();
        while let Some(next) = person.next("a.rs", 0).await {
            lines.push(next.file.before.rope().byte_to_line(next.edit.range.start));
            person.assistant.next_edit_dismissed(next.id);
        }
        assert_eq!(lines, [1, 2, 3, 6], "three of the four places of one, and the one of the other");
    }

    #[tokio::test]
    async fn not_while_it_is_being_typed() {
        let person = Person::new(&[("a.rs", A)]);
        person.set("a.rs", A.replace("fn turn", "fn sp"));
        let in_name = A.find("turn").unwrap() + 1;
        assert!(person.next("a.rs", in_name).await.is_none());
        let asked = person.assistant.clone();
        let document: DocumentId = Arc::from("a.rs");
        let asking = tokio::spawn(async move { asked.next_edit(&document, 0, CancellationToken::new()).await });
        tokio::task::yield_now().await;
        person.set("a.rs", A.replace("fn turn", "fn spi"));
        assert!(asking.await.unwrap().unwrap().is_none(), "the text has moved on");
    }
}
