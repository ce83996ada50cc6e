//! What the person did: recent edits, places that were looked at, and what the editor reports.

use super::{Here, Proposals, Surroundings};
use crate::Source;

/// Lines shown around a place that was looked at.
const LINES: usize = 12;

/// A change that was made lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The file, as prompts name it.
    pub path: String,
    /// The zero-based line it begins at.
    pub line: usize,
    /// The lines before.
    pub before: String,
    /// The lines now.
    pub after: String,
}

/// Where the person was lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as prompts name it.
    pub path: String,
    /// The zero-based line.
    pub line: usize,
    /// The lines around it, from `first` on, as they were then.
    pub text: String,
    /// The zero-based line that `text` begins with.
    pub first: usize,
}

/// Something the editor reports about the open file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The zero-based line.
    pub line: usize,
    /// In words.
    pub message: String,
}

impl Edit {
    /// As a hunk: what went and what came.
    fn hunk(&self) -> String {
        let sign = |sign: &str, text: &str| text.lines().map(|line| format!("{sign}{line}\n")).collect::<String>();
        sign("-", &self.before) + &sign("+", &self.after)
    }
}

impl Place {
    /// The lines around line `line` of `text`.
    pub fn of(path: &str, text: &ropey::Rope, line: usize) -> Self {
        let first = line.saturating_sub(LINES / 2);
        let end = (first + LINES).min(text.len_lines());
        let lines = (first.min(end)..end).map(|line| text.line(line).to_string()).collect();
        Self { path: path.to_owned(), line, text: lines, first }
    }
}

pub(super) fn propose(here: &Here<'_>, around: &Surroundings<'_>, line: usize, proposals: &mut Proposals) {
    let mut gain = 0.6;
    for edit in around.edits.iter().rev() {
        // What the window has of an edit, it has as it is now.
        let lines = edit.line..edit.line + edit.after.lines().count().max(1);
        if edit.path != here.path || !here.shows(lines) || !edit.before.trim().is_empty() {
            proposals.add(Source::Edit, &edit.path, edit.line, edit.hunk(), gain);
            gain *= 0.7;
        }
    }
    let mut gain = 0.35;
    for place in around.viewed.iter().rev() {
        if place.path != here.path || !here.shows(place.first..place.first + LINES) {
            proposals.add(Source::Viewed, &place.path, place.first, place.text.clone(), gain);
            gain *= 0.7;
        }
    }
    let near = around.notes.iter().filter(|note| note.line.abs_diff(line) <= 20).take(3);
    let notes: String = near.map(|note| format!("{}: {}\n", note.line + 1, note.message)).collect();
    proposals.add(Source::Diagnostic, here.path, line, notes, 0.4);
}
