//! The immutable states of a document, and the step from one to the next.

use std::{ops::Range, sync::Arc, time::Duration};

use ropey::Rope;
use tree_sitter::Tree;

use crate::{
    Document, Language, Position, PositionEncoding, PositionError, parser,
    position::{floor_char, line_end},
};

/// An immutable state of a document. `Clone` is cheap: rope and tree share structure.
#[derive(Clone, Debug)]
pub struct Snapshot(Arc<State>);

/// Why completions are off for a document.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub enum TooLarge {
    /// Over [`Document::COMPLETION_LIMIT`].
    #[error("the file has {bytes} bytes, and completions are off past {}", Document::COMPLETION_LIMIT)]
    File {
        /// Its size.
        bytes: usize,
    },
    /// Lines over [`Document::LINE_LIMIT`].
    #[error("the file has {lines} line(s) of more than {} bytes, and completions are off then", Document::LINE_LIMIT)]
    Line {
        /// How many such lines.
        lines: usize,
    },
}

impl Snapshot {
    pub(crate) fn new(state: State) -> Self {
        Self(Arc::new(state))
    }
    pub(crate) fn state(&self) -> &State {
        &self.0
    }
    /// The client's version of the document.
    pub fn version(&self) -> i32 {
        self.0.version
    }
    /// Counts up by one with every batch of edits, from 0.
    pub fn revision(&self) -> u64 {
        self.0.revision
    }
    /// Its language.
    pub fn language(&self) -> Language {
        self.0.language
    }
    /// Its text. Lines end at `\n`, `\r\n` and `\r`.
    pub fn rope(&self) -> &Rope {
        &self.0.rope
    }
    /// Its tree, whose rows end at `\n` alone; `None` for plain text, past the limits of [`Document`], and where the parse ran out of time.
    pub fn tree(&self) -> Option<&Tree> {
        self.0.tree.as_ref()
    }
    /// Why completions are off for this text, if they are.
    pub fn too_large(&self) -> Option<TooLarge> {
        let bytes = self.0.rope.len_bytes();
        if bytes > Document::COMPLETION_LIMIT {
            Some(TooLarge::File { bytes })
        } else if self.0.long_lines > 0 {
            Some(TooLarge::Line { lines: self.0.long_lines })
        } else {
            None
        }
    }
    /// Bytes `range` as text. Panics never: the range is clamped to the document and to character boundaries.
    pub fn slice(&self, range: Range<usize>) -> String {
        let range = self.clamp(range);
        self.0.rope.byte_slice(range).to_string()
    }
    /// The byte offset of `position`; a character past the line's end means the line's end (as LSP 3.17 says).
    pub fn offset(&self, position: Position, encoding: PositionEncoding) -> Result<usize, PositionError> {
        position.to_byte(&self.0.rope, encoding)
    }
    /// The position of the byte `offset` (clamped).
    pub fn position(&self, offset: usize, encoding: PositionEncoding) -> Position {
        Position::from_byte(&self.0.rope, offset, encoding)
    }
    /// The bytes of the line that has `offset` (clamped), without its terminator.
    pub fn line_at(&self, offset: usize) -> Range<usize> {
        let rope = &self.0.rope;
        let line = rope.byte_to_line(offset.min(rope.len_bytes()));
        rope.line_to_byte(line)..line_end(rope, line)
    }
    /// This text with `text` in place of bytes `range` (clamped), parsed incrementally. For trying a completion out.
    pub fn with_replaced(&self, range: Range<usize>, text: &str) -> Snapshot {
        let mut trial = State::clone(&self.0);
        trial.replace(self.clamp(range), text);
        // Without a tree here there was a reason; a trial does not pay to see whether it has gone.
        if self.0.tree.is_some() && trial.may_parse() {
            trial.reparse(Document::TRIAL_DEADLINE);
        }
        Self::new(trial)
    }
    /// `range` within the document and at character boundaries; empty at its start where it was reversed.
    fn clamp(&self, range: Range<usize>) -> Range<usize> {
        let start = floor_char(&self.0.rope, range.start);
        start..floor_char(&self.0.rope, range.end).max(start)
    }
}

/// What a snapshot shares; `Clone` copies no text and no node.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) language: Language,
    pub(crate) version: i32,
    pub(crate) revision: u64,
    pub(crate) rope: Rope,
    tree: Option<Tree>,
    /// How many `\n` the rope has: as many as line breaks, unless a `\r` stands alone.
    newlines: usize,
    /// How many lines are over [`Document::LINE_LIMIT`].
    long_lines: usize,
    /// Parses in a row that ran out of time, and the revision from which the next may be tried.
    timeouts: u32,
    retry_from: u64,
}

impl State {
    /// `text` with no tree yet.
    pub(crate) fn new(language: Language, version: i32, text: &str) -> Self {
        let mut state = Self {
            language,
            version,
            revision: 0,
            rope: Rope::new(),
            tree: None,
            newlines: 0,
            long_lines: 0,
            timeouts: 0,
            retry_from: 0,
        };
        state.replace_all(text);
        state
    }

    /// The whole text anew; the old tree is dropped.
    pub(crate) fn replace_all(&mut self, text: &str) {
        self.rope = Rope::from_str(text);
        self.tree = None;
        self.newlines = parser::count_newlines(text.as_bytes());
        self.long_lines = text.split(['\n', '\r']).filter(|line| line.len() > Document::LINE_LIMIT).count();
    }

    /// Replaces bytes `range`, which lies in the rope and on character boundaries. The tree is edited, not yet parsed.
    pub(crate) fn replace(&mut self, range: Range<usize>, text: &str) {
        if range.start == 0 && range.end == self.rope.len_bytes() {
            return self.replace_all(text);
        }
        if let Some(tree) = &mut self.tree {
            let only_newlines = self.newlines + 1 == self.rope.len_lines();
            tree.edit(&parser::input_edit(&self.rope, only_newlines, range.start, range.end, text));
        }
        let long_before = long_lines(&self.rope, range.clone());
        self.newlines -= self
            .rope
            .byte_slice(range.clone())
            .chunks()
            .map(|chunk| parser::count_newlines(chunk.as_bytes()))
            .sum::<usize>();
        self.newlines += parser::count_newlines(text.as_bytes());
        let start = self.rope.byte_to_char(range.start);
        if !range.is_empty() {
            self.rope.remove(start..self.rope.byte_to_char(range.end));
        }
        if !text.is_empty() {
            self.rope.insert(start, text);
        }
        self.long_lines = self.long_lines + long_lines(&self.rope, range.start..range.start + text.len()) - long_before;
    }

    fn may_parse(&self) -> bool {
        self.rope.len_bytes() <= Document::PARSE_LIMIT && self.long_lines == 0
    }

    /// The tree that belongs to the text as it is now, if it may have one.
    pub(crate) fn parse(&mut self) {
        if !self.may_parse() {
            if self.tree.is_some() || self.revision == 0 {
                tracing::info!(
                    bytes = self.rope.len_bytes(),
                    long_lines = self.long_lines,
                    "too large to parse: plain text"
                );
            }
            self.tree = None;
        } else if self.revision >= self.retry_from {
            let deadline = if self.tree.is_some() { Document::EDIT_DEADLINE } else { Document::OPEN_DEADLINE };
            self.reparse(deadline);
        }
    }

    fn reparse(&mut self, deadline: Duration) {
        match parser::parse(self.language, &self.rope, self.tree.as_ref(), deadline) {
            Ok(tree) => {
                self.tree = tree;
                self.timeouts = 0;
            }
            Err(parser::TimedOut) => {
                self.tree = None;
                self.retry_from = self.revision + (1 << self.timeouts.min(6));
                self.timeouts += 1;
                let (language, bytes) = (self.language.id(), self.rope.len_bytes());
                tracing::warn!(language, bytes, ?deadline, "the parse ran out of time: plain text for now");
            }
        }
    }
}

/// How many of the lines that bytes `range` touches, and of the line before it, are over [`Document::LINE_LIMIT`].
fn long_lines(rope: &Rope, range: Range<usize>) -> usize {
    // Most texts: no line can be that long.
    if rope.len_bytes() <= Document::LINE_LIMIT {
        return 0;
    }
    // The line before counts, because a `\n` put behind its `\r` becomes a part of it.
    let first = rope.byte_to_line(range.start.saturating_sub(1));
    let last = rope.byte_to_line(range.end);
    let long = |&line: &usize| line_end(rope, line) - rope.line_to_byte(line) > Document::LINE_LIMIT;
    (first..=last).filter(long).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A parse that never has the time: what `State::parse` does about it, edit by edit.
    #[test]
    fn a_parse_that_ran_out_of_time_is_tried_again_ever_more_rarely() {
        let text = "fn a() {}\n".repeat(2000);
        let mut state = State::new(Language::Rust, 0, &text);
        let mut tried = Vec::new();
        for revision in 0..40 {
            state.revision = revision;
            if revision >= state.retry_from {
                tried.push(revision);
                state.reparse(Duration::ZERO);
            }
            assert!(state.tree.is_none());
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31]);
        // Not before its turn, and from then on as ever.
        state.parse();
        assert!(state.tree.is_none());
        state.revision = state.retry_from;
        state.parse();
        assert_eq!(state.tree.as_ref().map(|tree| tree.root_node().named_child_count()), Some(2000));
        assert_eq!(state.timeouts, 0);
    }
}
