//! What is proposed for the prompt: each source looks at the workspace its own way and says what it would show, and what that is worth.
//!
//! Sources are pure: the index is in memory, and the texts of files come through [`Texts`], which `assist` implements and which hands out nothing that is excluded.

mod definitions;
mod module;
mod names;
mod render;
pub(crate) mod similar;
mod trail;

use std::{collections::BTreeMap, sync::Arc};

use pilotlight_syntax::{
    Snapshot,
    index::{File, FileId, Index},
};

use crate::{Candidate, Source, lines::plain};
pub use trail::{Edit, Note, Place};

/// Lines above the cursor whose names count as what is being worked with,
const ABOVE: usize = 40;
/// and below it.
const BELOW: usize = 8;
/// What the open file's own text outside of the window counts, of what another file's does: the person has seen it.
const OWN: f32 = 0.35;

/// Texts of indexed files.
pub trait Texts {
    /// The text that was indexed; `None` where the file has changed since, is gone, or is not to be shown.
    fn text(&self, file: FileId) -> Option<Arc<str>>;

    /// Whether the folder of that number is the person's own; any is, where there is one project. Others' projects may stand in the same index, and not even their names are anybody's business.
    fn owns(&self, root: u32) -> bool {
        let _ = root;
        true
    }
}

/// What the sources know beside the open file.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The workspace.
    pub index: &'a Index,
    /// Its files' texts.
    pub texts: &'a dyn Texts,
    /// The open file in the index, if it is there.
    pub file: Option<FileId>,
    /// What was changed lately, the newest last. None in the open window's own lines.
    pub edits: &'a [Edit],
    /// What was looked at lately, the newest last.
    pub viewed: &'a [Place],
    /// What the editor reports about the open file.
    pub notes: &'a [Note],
}

impl Surroundings<'_> {
    /// A file of the person's own folders.
    fn own(&self, id: FileId) -> Option<&File> {
        self.index.file(id).filter(|file| self.texts.owns(file.root))
    }

    /// As the index's, of own files.
    fn definitions(&self, name: &str) -> impl Iterator<Item = (FileId, u32)> {
        self.index.definitions(name).filter(|(id, _)| self.own(*id).is_some())
    }

    /// As the index's, of own files.
    fn containing(&self, word: &str) -> impl Iterator<Item = FileId> {
        self.index.containing(word).iter().copied().filter(|id| self.own(*id).is_some())
    }

    /// As the index's, of own files.
    fn named(&self, stem: &str) -> impl Iterator<Item = FileId> {
        self.index.named(stem).iter().copied().filter(|id| self.own(*id).is_some())
    }

    /// How many own files there are.
    fn len(&self) -> usize {
        self.index.roots().filter(|(root, _)| self.texts.owns(*root)).map(|(_, files)| files).sum()
    }

    /// In how many own files a word stands.
    fn files_with(&self, word: &str) -> usize {
        // One project alone is the rule: nothing to count then.
        if self.len() == self.index.len() { self.index.containing(word).len() } else { self.containing(word).count() }
    }
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Surroundings").field("files", &self.index.len()).field("file", &self.file).finish()
    }
}

/// Which lines of the open file the prompt has anyway: byte ranges of the text.
pub(crate) struct Here<'a> {
    pub(crate) path: &'a str,
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) cursor: usize,
    /// Lines of the window, the end excluded.
    pub(crate) lines: std::ops::Range<usize>,
}

impl Here<'_> {
    /// Whether a stretch of the open file lies in the window.
    fn shows(&self, lines: std::ops::Range<usize>) -> bool {
        lines.start < self.lines.end && self.lines.start < lines.end
    }
}

/// All candidates for a budget of tokens, of each identity the one with the most gain; in the order of their identities.
pub(crate) fn propose(here: &Here<'_>, around: &Surroundings<'_>, budget: usize) -> Vec<Candidate> {
    let mut proposals = Proposals::default();
    let line = here.snapshot.rope().byte_to_line(here.cursor);
    definitions::propose(here, around, line, &mut proposals);
    module::propose(here, around, &mut proposals);
    similar::propose(here, around, line, budget, &mut proposals);
    trail::propose(here, around, line, &mut proposals);
    proposals.best.into_values().collect()
}

#[derive(Default)]
struct Proposals {
    best: BTreeMap<(String, usize), Candidate>,
}

impl Proposals {
    /// Adds a proposal for a place; if there is one already, its gain grows, and the longer text stands.
    fn add(&mut self, source: Source, path: &str, line: usize, text: String, gain: f32) {
        if text.trim().is_empty() || gain <= 0.0 {
            return;
        }
        let id = crate::SegmentId { source, path: path.to_owned(), line };
        let known = self.best.entry((id.path.clone(), line)).or_insert_with(|| Candidate {
            id,
            text: String::new(),
            gain: 0.0,
        });
        // As it is read: what a candidate is worth is weighed by its size.
        let text = plain(&text).into_owned();
        // Several reasons to show the same: more certain, but not as much worth as two things.
        known.gain = known.gain.max(gain) + 0.25 * known.gain.min(gain);
        if text.len() > known.text.len() {
            known.text = text;
        }
    }
}

/// The file itself and its text.
fn read<'a>(around: &Surroundings<'a>, id: FileId) -> Option<(&'a File, Arc<str>)> {
    Some((around.index.file(id)?, around.texts.text(id)?))
}
