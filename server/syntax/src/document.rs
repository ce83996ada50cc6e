//! One open document: the mutable owner of a rope and its incremental tree.

use std::time::Duration;

use crate::{Language, PositionEncoding, PositionError, Snapshot, Span, leavings, snapshot::State};

/// One change as LSP sends it: `span` is `None` when the whole text is replaced.
#[derive(Clone, Debug)]
pub struct Change {
    /// What is replaced, in positions of the state before this change.
    pub span: Option<Span>,
    /// By what.
    pub text: String,
}

/// Why an edit was refused; the document is then as it was before the whole batch.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditError {
    /// A range outside the document.
    #[error(transparent)]
    Position(#[from] PositionError),
}

/// The mutable owner of one document. Cheap to snapshot.
#[derive(Clone, Debug)]
pub struct Document {
    now: Snapshot,
}

impl Document {
    /// A text of more bytes is kept without a tree.
    pub const PARSE_LIMIT: usize = 2 << 20;
    /// A text with a line of more bytes is kept without a tree, and completions are off for it ([`Snapshot::too_large`]): minified code, data.
    pub const LINE_LIMIT: usize = 100_000;
    /// For a text of more bytes completions are off ([`Snapshot::too_large`]).
    pub const COMPLETION_LIMIT: usize = 8 << 20;
    /// A text of up to so many bytes is parsed whole at every edit. In a larger one only the [part](Snapshot::around) that is edited is,
    /// and the whole when somebody asks for its [tree](Snapshot::tree). A broken one of 16 KB takes 1.5 ms in Python, three times a keystroke.
    pub const WHOLE_LIMIT: usize = 4 << 10;
    /// A broken tree of a text of up to so many bytes is made anew when somebody has the time: [`Document::reparse`].
    pub const REPARSE_LIMIT: usize = 16 << 10;
    /// The longest a parse of a whole text may take, in processor time (as all deadlines here). Past it the text is plain; the next edits
    /// try again, after 1, 2, 4, ... 64 of them.
    pub const OPEN_DEADLINE: Duration = Duration::from_millis(2000);
    /// The longest the incremental parse of one batch of edits may take; what follows is as for [`Document::OPEN_DEADLINE`].
    pub const EDIT_DEADLINE: Duration = Duration::from_millis(500);
    /// The longest the incremental parse of [`Snapshot::with_replaced`] may take; past it the trial has no tree.
    pub const TRIAL_DEADLINE: Duration = Duration::from_millis(100);

    /// Parses `text`. Over [`Document::PARSE_LIMIT`] bytes (or with a line over [`Document::LINE_LIMIT`]) it is kept as plain text.
    pub fn open(language: Language, version: i32, text: &str) -> Self {
        let state = State::new(language, version, text);
        state.tree();
        Self { now: Snapshot::new(state) }
    }

    /// Applies `changes` in order, all or none; the tree follows by `Tree::edit` and an incremental parse, past
    /// [`Document::WHOLE_LIMIT`] only around the last change.
    ///
    /// A tree without an error is the one that a parse of the whole text gives. What tree-sitter reuses of a broken one decides where it mends
    /// the text, and in C++ it may keep an error that the text no longer has (one random edit in some hundreds): [`Document::reparse`].
    pub fn edit(&mut self, version: i32, changes: &[Change], encoding: PositionEncoding) -> Result<(), EditError> {
        let mut next = self.now.state().next();
        let mut place = None;
        for change in changes {
            place = match change.span {
                Some(span) => {
                    let (range, text) = span.to_edit(&next.rope, encoding, &change.text)?;
                    let place = range.start + text.len();
                    next.replace(range, &text);
                    Some(place)
                }
                None => {
                    next.replace_all(&change.text);
                    None
                }
            }
        }
        next.version = version;
        next.parse_around(place);
        let before = std::mem::replace(&mut self.now, Snapshot::new(next));
        if before.state().is_costly() {
            leavings::leave(before);
        }
        Ok(())
    }

    /// Where the tree of a text up to [`Document::REPARSE_LIMIT`] has an error: the tree that a parse of the whole text gives. A millisecond or a
    /// few, so not for each keystroke.
    pub fn reparse(&mut self) {
        if let Some(anew) = self.now.state().anew() {
            self.now = Snapshot::new(anew);
        }
    }

    /// The state now.
    pub fn snapshot(&self) -> Snapshot {
        self.now.clone()
    }
}

#[cfg(test)]
mod tests;
