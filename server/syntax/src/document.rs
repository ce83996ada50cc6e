//! One open document: a rope, its incremental tree, and immutable snapshots by revision.

use std::ops::Range;

use ropey::Rope;

use crate::{Language, Position, PositionEncoding, PositionError, Span};

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
#[derive(Debug)]
pub struct Document {}

impl Document {
    /// Parses `text`. Over [`Document::PARSE_LIMIT`] bytes (or with a line over [`Document::LINE_LIMIT`]) it is kept as plain text.
    pub fn open(_language: Language, _version: i32, _text: &str) -> Self {
        todo!()
    }

    /// Applies `changes` in order, all or none; the tree follows by `Tree::edit` and an incremental parse.
    pub fn edit(&mut self, _version: i32, _changes: &[Change], _encoding: PositionEncoding) -> Result<(), EditError> {
        todo!()
    }

    /// The state now.
    pub fn snapshot(&self) -> Snapshot {
        todo!()
    }
}

/// An immutable state of a document. `Clone` is cheap: rope and tree share structure.
#[derive(Clone, Debug)]
pub struct Snapshot {}

impl Snapshot {
    /// The client's version of the document.
    pub fn version(&self) -> i32 {
        todo!()
    }
    /// Counts up by one with every batch of edits, from 0.
    pub fn revision(&self) -> u64 {
        todo!()
    }
    /// Its language.
    pub fn language(&self) -> Language {
        todo!()
    }
    /// Its text.
    pub fn rope(&self) -> &Rope {
        todo!()
    }
    /// Its tree; `None` for plain text.
    pub fn tree(&self) -> Option<&tree_sitter::Tree> {
        todo!()
    }
    /// Bytes `range` as text. Panics never: the range is clamped to the document and to character boundaries.
    pub fn slice(&self, _range: Range<usize>) -> String {
        todo!()
    }
    /// The byte offset of `position`; a character past the line's end means the line's end (as LSP 3.17 says).
    pub fn offset(&self, _position: Position, _encoding: PositionEncoding) -> Result<usize, PositionError> {
        todo!()
    }
    /// The position of the byte `offset` (clamped).
    pub fn position(&self, _offset: usize, _encoding: PositionEncoding) -> Position {
        todo!()
    }
    /// This text with `text` in place of bytes `range`, parsed incrementally. For trying a completion out.
    pub fn with_replaced(&self, _range: Range<usize>, _text: &str) -> Snapshot {
        todo!()
    }
    /// The number of ERROR and MISSING nodes that touch bytes `range`.
    pub fn syntax_errors(&self, _range: Range<usize>) -> usize {
        todo!()
    }
}
