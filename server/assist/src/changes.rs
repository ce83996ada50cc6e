//! Edits over several files, made so that nothing is lost: each file is named with the state that the edits are for, and looked at by its tree before and after.

mod files;

use std::{ops::Range, path::PathBuf};

use pilotlight_syntax::{Document, Snapshot};

use crate::DocumentId;
pub use files::WriteError;

/// What is to be done to several files at once.
#[derive(Clone, Debug, Default)]
pub struct ChangeSet {
    /// The files in the order of their paths, each once.
    pub files: Vec<FileChange>,
    /// What is not done, and a person may have to look at.
    pub left: Vec<Left>,
    /// What of it a model may write.
    pub holes: Vec<Hole>,
}

/// A piece of a file that is still to be written, by one who can.
#[derive(Clone, Debug)]
pub struct Hole {
    /// The file.
    pub path: PathBuf,
    /// As what it is open, if it is.
    pub document: Option<DocumentId>,
    /// Its text.
    pub before: Snapshot,
    /// The bytes in whose place it comes; none where something is missing.
    pub range: Range<usize>,
    /// These are whole lines that are to be written anew, so that they fit a change; else it is one argument.
    pub anew: bool,
    /// What stands before and behind it, once it is there.
    pub around: (String, String),
    /// What it is, in words.
    pub what: String,
    /// Why it is left, until it is written.
    pub because: String,
}

/// What is to be done to one file.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// Where it is; `None` for a buffer that was never saved.
    pub path: Option<PathBuf>,
    /// As what it is open, if it is.
    pub document: Option<DocumentId>,
    /// It is not there yet, and is made.
    pub creates: bool,
    /// The text that the edits are for.
    pub before: Snapshot,
    /// In the order of the text; none touches another.
    pub edits: Vec<Edit>,
}

/// One piece of text replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that are replaced.
    pub range: Range<usize>,
    /// By what.
    pub text: String,
    /// Why a person should look at it first; `None` where it is certain.
    pub doubt: Option<String>,
}

/// A place where nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The file; of an unsaved buffer, its name.
    pub path: PathBuf,
    /// The zero-based line.
    pub line: usize,
    /// Why.
    pub because: String,
}

/// Which edits are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those without a doubt.
    Certain,
    /// All of them.
    All,
}

impl ChangeSet {
    /// Edits without a doubt, edits with one, and the files with either.
    pub fn counts(&self) -> (usize, usize, usize) {
        let all = self.files.iter().flat_map(|file| &file.edits);
        let doubtful = all.clone().filter(|edit| edit.doubt.is_some()).count();
        (all.count() - doubtful, doubtful, self.files.iter().filter(|file| !file.edits.is_empty()).count())
    }

    /// Adds the edits of another set for the same states of files. Where both touch the same text the other's is left out, and told.
    pub fn merge(&mut self, other: Self) {
        self.left.extend(other.left);
        self.holes.extend(other.holes);
        for file in other.files {
            let Some(known) = self.files.iter_mut().find(|known| known.name() == file.name()) else {
                self.files.push(file);
                continue;
            };
            for edit in file.edits {
                let meets = |it: &Edit| it.range.start < edit.range.end && edit.range.start < it.range.end;
                if known.edits.contains(&edit) {
                    continue;
                }
                if known.edits.iter().any(|it| meets(it) || it.range == edit.range) {
                    self.left.push(known.left(&edit, "two changes meet here: carry one, then ask again".to_owned()));
                } else {
                    known.edits.push(edit);
                }
            }
        }
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// What of it is certain, for whom nothing else can be confirmed: the rest is left.
    #[must_use]
    pub fn certain(mut self) -> Self {
        // Each is left already, until it is written.
        self.holes.clear();
        for file in &mut self.files {
            let (certain, doubtful) =
                std::mem::take(&mut file.edits).into_iter().partition(|edit| edit.doubt.is_none());
            file.edits = certain;
            let doubtful: Vec<Edit> = doubtful;
            self.left.extend(doubtful.iter().filter_map(|edit| Some(file.left(edit, edit.doubt.clone()?))));
        }
        self.files.retain(|file| !file.edits.is_empty());
        self
    }

    /// Drops the edits that would add a syntax error to their file, and says so in `left`; files without edits go.
    pub fn check(&mut self) {
        for file in &mut self.files {
            for dropped in file.check() {
                self.left.push(file.left(&dropped, format!("`{}` here would be a syntax error", dropped.text)));
            }
        }
        self.files.retain(|file| !file.edits.is_empty());
    }

    /// What changes, as a unified diff; empty for nothing.
    pub fn diff(&self, which: Which, name: impl Fn(&FileChange) -> String) -> String {
        let mut out = String::new();
        for file in &self.files {
            let (before, after) = (file.before.rope().to_string(), file.after(which));
            let name = name(file);
            let diff = similar::TextDiff::from_lines(&before, &after);
            let old = if file.creates { "/dev/null".to_owned() } else { format!("a/{name}") };
            out += &diff.unified_diff().header(&old, &format!("b/{name}")).to_string();
        }
        out
    }
}

impl FileChange {
    /// The text with the edits made.
    pub fn after(&self, which: Which) -> String {
        let mut text = self.before.rope().to_string();
        let meant = |edit: &&Edit| which == Which::All || edit.doubt.is_none();
        for edit in self.edits.iter().rev().filter(meant) {
            text.replace_range(edit.range.clone(), &edit.text);
        }
        text
    }

    /// The file as a person names it.
    pub fn name(&self) -> PathBuf {
        let unsaved = || self.document.as_deref().unwrap_or("untitled").into();
        self.path.clone().unwrap_or_else(unsaved)
    }

    /// The place of an edit, as one where it is not made.
    pub fn left(&self, edit: &Edit, because: String) -> Left {
        Left { path: self.name(), line: self.before.rope().byte_to_line(edit.range.start), because }
    }

    /// Syntax errors of the text with all edits made.
    pub(crate) fn errors_after(&self) -> usize {
        let after = Document::open(self.before.language(), 0, &self.after(Which::All)).snapshot();
        after.syntax_errors(0..after.rope().len_bytes())
    }

    /// Takes the edits out that add a syntax error, alone or with the others.
    fn check(&mut self) -> Vec<Edit> {
        self.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let errors = |edits: &[Edit]| Self { edits: edits.to_vec(), ..self.clone() }.errors_after();
        let most = self.before.syntax_errors(0..self.before.rope().len_bytes());
        if errors(&self.edits) <= most {
            return Vec::new();
        }
        let (good, mut dropped): (Vec<_>, Vec<_>) =
            self.edits.iter().cloned().partition(|edit| errors(std::slice::from_ref(edit)) <= most);
        let mut kept = good;
        // Good one by one and bad together: then none is known to be good.
        if errors(&kept) > most {
            dropped.append(&mut kept);
        }
        self.edits = kept;
        dropped
    }
}

#[cfg(test)]
mod tests;
