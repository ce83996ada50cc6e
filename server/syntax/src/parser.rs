//! tree-sitter fed from a rope: one parser a thread and language, the text by chunks, and a deadline.

use std::{
    cell::RefCell,
    ops::{ControlFlow, Range},
    time::Duration,
};

use ropey::Rope;
use tree_sitter::{InputEdit, ParseOptions, Parser, Point, Tree};

use crate::{Language, deadline::Deadline};

thread_local! {
    /// By `Language as usize`. A parser is not `Sync` and costs about a page until it has parsed: one a thread needs no lock.
    static PARSERS: RefCell<[Option<Parser>; Language::PARSED.len()]> = const { RefCell::new([const { None }; Language::PARSED.len()]) };
}

/// The deadline passed before the parse was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimedOut;

/// A text to parse.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) language: Language,
    pub(crate) rope: &'a Rope,
    /// No `\r` ends a line by itself: tree-sitter's rows end at `\n` alone, and only then are they the rope's lines.
    pub(crate) only_newlines: bool,
}

/// Parses a text, or whole lines of it, from `old` (already edited to the new text) where there is one. `Ok(None)` for a language without a
/// grammar.
pub(crate) fn parse(
    source: Source,
    part: Option<Range<usize>>,
    old: Option<&Tree>,
    deadline: Duration,
) -> Result<Option<Tree>, TimedOut> {
    let Source { language, rope, .. } = source;
    let Some(grammar) = language.grammar() else { return Ok(None) };
    PARSERS.with_borrow_mut(|parsers| {
        let parser = parsers[language as usize].get_or_insert_with(|| {
            let mut parser = Parser::new();
            if let Err(error) = parser.set_language(&grammar) {
                // A grammar built for another tree-sitter: a test over all languages keeps this from shipping.
                tracing::error!(language = language.id(), %error, "the grammar cannot be loaded: plain text");
            }
            parser
        });
        if parser.language().is_none() {
            return Ok(None);
        }
        let included = part.map(|part| tree_sitter::Range {
            start_point: source.point(part.start),
            end_point: source.point(part.end),
            start_byte: part.start,
            end_byte: part.end,
        });
        // One range cannot overlap itself, which is all that can be refused; without any, all of the text is meant.
        let _ = parser.set_included_ranges(included.as_slice());
        let deadline = Deadline::after(deadline);
        // tree-sitter asks once in 100 steps, of parsing and of balancing.
        let mut in_time =
            |_: &_| if deadline.has_passed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let tree = parser.parse_with_options(
            &mut |byte, _| chunk_from(rope, byte),
            old,
            Some(ParseOptions::new().progress_callback(&mut in_time)),
        );
        if tree.is_none() {
            // Otherwise the next parse would go on with this one's text.
            parser.reset();
            return Err(TimedOut);
        }
        Ok(tree)
    })
}

/// The rest of the rope's chunk at `byte`; empty at the end.
fn chunk_from(rope: &Rope, byte: usize) -> &[u8] {
    if byte >= rope.len_bytes() {
        return &[];
    }
    let (chunk, start, _, _) = rope.chunk_at_byte(byte);
    &chunk.as_bytes()[byte - start..]
}

impl Source<'_> {
    /// What [`Tree::edit`] must know of the replacement of bytes `start..old_end` of this text by `text`.
    pub(crate) fn edit(self, start: usize, old_end: usize, text: &str) -> InputEdit {
        let start_position = self.point(start);
        let new_end_position = match text.rfind('\n') {
            Some(last) => {
                Point { row: start_position.row + count_newlines(text.as_bytes()), column: text.len() - last - 1 }
            }
            None => Point { row: start_position.row, column: start_position.column + text.len() },
        };
        InputEdit {
            start_byte: start,
            old_end_byte: old_end,
            new_end_byte: start + text.len(),
            start_position,
            old_end_position: self.point(old_end),
            new_end_position,
        }
    }

    fn point(self, byte: usize) -> Point {
        if !self.only_newlines {
            return counted_point(self.rope, byte);
        }
        let row = self.rope.byte_to_line(byte);
        Point { row, column: byte - self.rope.line_to_byte(row) }
    }
}

/// The number of `\n` in `bytes`.
pub(crate) fn count_newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

fn counted_point(rope: &Rope, byte: usize) -> Point {
    let mut row = 0;
    let mut line_start = 0;
    let mut at = 0;
    for chunk in rope.byte_slice(..byte).chunks() {
        row += count_newlines(chunk.as_bytes());
        if let Some(last) = chunk.rfind('\n') {
            line_start = at + last + 1;
        }
        at += chunk.len();
    }
    Point { row, column: byte - line_start }
}
