//! The immutable states of a document, and the step from one to the next.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ropey::Rope;
use tree_sitter::{InputEdit, Tree};

use crate::{
    Document, Language, Position, PositionEncoding, PositionError,
    parser::{self, Source},
    part::{Earlier, Part},
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
    ///
    /// In a text past [`Document::WHOLE_LIMIT`] it is parsed when first asked for: 1 ms for 10,000 lines, but 100 ms while a bracket stands
    /// open. On the way of a keystroke use [`Snapshot::around`].
    pub fn tree(&self) -> Option<&Tree> {
        if self.0.only_part { self.0.part.as_ref()?.tree.as_ref() } else { self.0.tree() }
    }
    /// The same text, with a tree that is good around `offset` and costs next to nothing: in a text past [`Document::WHOLE_LIMIT`] the tree
    /// of some items there alone, parsed as if nothing else stood in the file.
    pub fn around(&self, offset: usize) -> Snapshot {
        let state = &*self.0;
        if state.only_part || state.is_small() || !state.may_parse() {
            return self.clone();
        }
        let line = self.line_at(offset);
        let mut view = State::clone(state);
        if !view.part.as_ref().is_some_and(|part| part.covers(&line)) {
            view.part = Part::around(state.source(), state.latest(), line.end, state.deadline());
        }
        view.only_part = view.part.is_some();
        if view.only_part { Self::new(view) } else { self.clone() }
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
        let range = self.clamp(range);
        let end = range.start + text.len();
        let mut trial = self.0.next();
        // Still this state of the document, with something in it.
        trial.revision = self.0.revision;
        trial.is_trial = true;
        trial.replace(range, text);
        if !self.0.only_part && !trial.is_small() {
            trial.parse_around(Some(end));
        } else if let Some(mut part) = trial.part.take_if(|_| self.0.only_part) {
            part.parse(trial.source(), trial.deadline());
            trial.part = Some(part);
        } else {
            // Without a tree here there was a reason; a trial does not pay to see whether it has gone.
            trial.parse_trial(self.tree().is_some());
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
    /// The last tree there was of the whole text.
    old: Option<Tree>,
    /// What was edited since then. Kept until the tree is parsed: the first [`Tree::edit`] copies the children of its root, and a text
    /// with an error in it may have ten thousand of these.
    edits: Vec<InputEdit>,
    /// The tree of this text, once somebody has asked for it.
    tree: OnceLock<Parsed>,
    /// What was parsed around the last edit of a large text.
    part: Option<Part>,
    /// The part's tree is the one to be seen.
    only_part: bool,
    /// It is [tried out](Snapshot::with_replaced) only.
    is_trial: bool,
    /// How many `\n` the rope has: as many as line breaks, unless a `\r` stands alone.
    newlines: usize,
    /// How many lines are over [`Document::LINE_LIMIT`].
    long_lines: usize,
    /// Parses in a row that ran out of time, and the revision from which the next may be tried.
    timeouts: u32,
    retry_from: u64,
}

/// What became of parsing a text.
#[derive(Clone, Debug)]
enum Parsed {
    Tree(Tree),
    /// A language without a grammar, a text past the limits, or not tried again yet.
    Plain,
    TimedOut,
}

impl State {
    /// `text` with no tree yet.
    pub(crate) fn new(language: Language, version: i32, text: &str) -> Self {
        let mut state = Self {
            language,
            version,
            revision: 0,
            rope: Rope::new(),
            old: None,
            edits: Vec::new(),
            tree: OnceLock::new(),
            part: None,
            only_part: false,
            is_trial: false,
            newlines: 0,
            long_lines: 0,
            timeouts: 0,
            retry_from: 0,
        };
        state.replace_all(text);
        state
    }

    /// The state that an edit of this one begins with: its tree has become the old one.
    pub(crate) fn next(&self) -> Self {
        let mut next = self.clone();
        next.revision += 1;
        let parsed = std::mem::take(&mut next.tree).into_inner();
        if parsed.is_some() {
            next.old = None;
            next.edits.clear();
        }
        match parsed {
            Some(Parsed::Tree(tree)) => (next.old, next.timeouts) = (Some(tree), 0),
            Some(Parsed::TimedOut) => {
                next.retry_from = self.revision + (1 << self.timeouts.min(6));
                next.timeouts += 1;
            }
            Some(Parsed::Plain) | None => {}
        }
        next
    }

    /// The whole text anew; the old tree is dropped.
    pub(crate) fn replace_all(&mut self, text: &str) {
        self.rope = Rope::from_str(text);
        (self.old, self.part) = (None, None);
        self.edits.clear();
        self.newlines = parser::count_newlines(text.as_bytes());
        self.long_lines = text.split(['\n', '\r']).filter(|line| line.len() > Document::LINE_LIMIT).count();
    }

    /// Replaces bytes `range`, which lies in the rope and on character boundaries. The trees are edited, not yet parsed.
    pub(crate) fn replace(&mut self, range: Range<usize>, text: &str) {
        if range.start == 0 && range.end == self.rope.len_bytes() {
            return self.replace_all(text);
        }
        self.part.take_if(|part| !part.covers(&range));
        if self.old.is_some() || self.part.is_some() {
            let edit = self.source().edit(range.start, range.end, text);
            if self.old.is_some() {
                self.edits.push(edit);
            }
            if let Some(part) = &mut self.part {
                part.edit(&edit);
            }
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

    /// What an edit at `place` needs at once: all of a small text, the part around it of a large one.
    pub(crate) fn parse_around(&mut self, place: Option<usize>) {
        self.part.take_if(|part| part.is_too_long());
        if self.is_small() {
            self.part = None;
            self.tree();
        } else if !self.may_parse() {
            self.part = None;
            if self.old.take().is_some() {
                let bytes = self.rope.len_bytes();
                tracing::info!(bytes, long_lines = self.long_lines, "too large to parse: plain text");
            }
        } else if let Some(place) = place {
            self.part = match self.part.take() {
                Some(mut part) => {
                    part.parse(self.source(), self.deadline());
                    Some(part)
                }
                None => Part::around(self.source(), self.latest(), place, self.deadline()),
            };
        }
    }

    /// The tree of a text that is only tried out; `parsed` says whether the text it was made from has one.
    fn parse_trial(&mut self, parsed: bool) {
        (self.part, self.only_part) = (None, false);
        let tree = if parsed { self.parse(self.deadline()) } else { Parsed::Plain };
        self.tree = OnceLock::from(tree);
    }

    /// This state with its tree parsed from nothing, if it has an error and the text is not too long for that.
    pub(crate) fn anew(&self) -> Option<Self> {
        if self.rope.len_bytes() > Document::REPARSE_LIMIT || !self.tree()?.root_node().has_error() {
            return None;
        }
        let mut anew = self.clone();
        (anew.old, anew.tree, anew.part) = (None, OnceLock::new(), None);
        anew.edits.clear();
        anew.tree();
        Some(anew)
    }

    /// The tree that belongs to the text as it is, if it may have one; parsed now unless it was.
    pub(crate) fn tree(&self) -> Option<&Tree> {
        let parsed = self
            .tree
            .get_or_init(|| if self.revision < self.retry_from { Parsed::Plain } else { self.parse(self.deadline()) });
        match parsed {
            Parsed::Tree(tree) => Some(tree),
            Parsed::Plain | Parsed::TimedOut => None,
        }
    }

    /// The newest tree of the whole text that there is, of this text or an older one.
    fn latest(&self) -> Option<Earlier<'_>> {
        match self.tree.get() {
            Some(Parsed::Tree(tree)) => Some(Earlier { tree, edits: &[] }),
            Some(_) => None,
            None => self.old.as_ref().map(|tree| Earlier { tree, edits: &self.edits }),
        }
    }

    /// How long a parse of it may take.
    fn deadline(&self) -> Duration {
        match &self.old {
            _ if self.is_trial => Document::TRIAL_DEADLINE,
            Some(_) => Document::EDIT_DEADLINE,
            None => Document::OPEN_DEADLINE,
        }
    }

    fn source(&self) -> Source<'_> {
        let only_newlines = self.newlines + 1 == self.rope.len_lines();
        Source { language: self.language, rope: &self.rope, only_newlines }
    }

    /// Whether freeing it may take long: it may be the last to have a tree of a large text.
    pub(crate) fn is_costly(&self) -> bool {
        !self.is_small() && self.tree.get().is_some()
    }

    fn is_small(&self) -> bool {
        self.rope.len_bytes() <= Document::WHOLE_LIMIT
    }

    fn may_parse(&self) -> bool {
        self.rope.len_bytes() <= Document::PARSE_LIMIT && self.long_lines == 0
    }

    fn parse(&self, deadline: Duration) -> Parsed {
        if !self.may_parse() {
            return Parsed::Plain;
        }
        let mut old = self.old.clone();
        if let Some(old) = &mut old {
            self.edits.iter().for_each(|edit| old.edit(edit));
        }
        match parser::parse(self.source(), None, old.as_ref(), deadline) {
            Ok(Some(tree)) => Parsed::Tree(tree),
            Ok(None) => Parsed::Plain,
            Err(parser::TimedOut) => {
                let (language, bytes) = (self.language.id(), self.rope.len_bytes());
                tracing::warn!(language, bytes, ?deadline, "the parse ran out of time: plain text for now");
                Parsed::TimedOut
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
mod tests;
