//! The lines around the cursor that a budget of tokens buys.
//!
//! Windows are cut into chunks of whole lines. A cut lies only before a line that is not blank: byte-level pre-tokenizers join a run of blank lines into one token,
//! so tokenising chunk by chunk then equals tokenising the whole. Chunk borders are counted from the file's start (prefix) or from the suffix's own start, so typing on the cursor's line
//! leaves every other chunk as it was, and its tokens and KV with it.

use std::ops::Range;

use pilotlight_syntax::Snapshot;
use ropey::Rope;

use crate::{
    lines::is_closers,
    plan::{Budget, TokenCounter},
};

/// Lines in a chunk, and the step by which the prefix window moves.
pub const CHUNK_LINES: usize = 16;

/// Bytes of text that are a token at most, but for runs of blanks: what is longer is over a budget without being counted. Lines of data may have a hundred thousand.
pub(crate) const TOKEN_BYTES: usize = 16;

/// Bytes by which the beginning of a line that is longer than the budget moves.
const PIECE: usize = 128;

/// Line ends behind the cursor at which a suffix may begin.
const MOST_SKIPPED: usize = 8;

/// One file's text on both sides of the cursor, in chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Up to the cursor; never empty, but its last chunk may be.
    pub prefix: Vec<Chunk>,
    /// From [`suffix_start`] on; empty at the file's end.
    pub suffix: Vec<Chunk>,
}

/// Consecutive lines (the last chunk of a prefix ends at the cursor).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The zero-based line it starts at.
    pub line: usize,
    /// Its text, line ends included.
    pub text: String,
}

impl Window {
    /// The window that `budget` buys around bytes `between`: the prefix ends at its start, the suffix belongs to a cursor at its end.
    ///
    /// The prefix starts at a multiple of [`CHUNK_LINES`] (or the next line that may open a chunk), at line `head` of the last window if that still serves.
    /// A single line longer than the budget is cut to the part nearest the cursor. The last window's suffix stays while it [fits](Window::suffix_fits).
    pub fn around(
        snapshot: &Snapshot,
        between: Range<usize>,
        budget: Budget,
        last: Option<&Self>,
        counter: &dyn TokenCounter,
    ) -> Self {
        let rope = snapshot.rope();
        let head = last.and_then(|last| last.prefix.first()).map(|chunk| chunk.line);
        let tokens = |chunks: &[Chunk]| chunks.iter().map(|chunk| counter.count(&chunk.text)).sum::<usize>();
        let kept = last.filter(|last| last.suffix_fits(snapshot, between.end) && tokens(&last.suffix) <= budget.suffix);
        Self {
            prefix: prefix(rope, between.start, budget.prefix, head, counter),
            suffix: match kept {
                Some(last) => last.suffix.clone(),
                None => suffix(rope, suffix_start(snapshot, between.end), budget.suffix, counter),
            },
        }
    }

    /// Whether the suffix may stand for what follows `cursor`: it does follow, right there or behind no more than closers on the cursor's line and blank lines.
    ///
    /// It comes first in a suffix-first prompt, so another one, however little it differs, is another prompt from the first token on.
    pub fn suffix_fits(&self, snapshot: &Snapshot, cursor: usize) -> bool {
        let rope = snapshot.rope();
        let line_end = snapshot.line_at(cursor).end;
        let mut blank = rope.byte_to_line(line_end) + 1;
        let mut next = is_closers(&snapshot.slice(cursor..line_end)).then_some(line_end);
        let ends = std::iter::from_fn(|| {
            let here = next?;
            let is_blank = blank < rope.len_lines() && rope.line(blank).chars().all(char::is_whitespace);
            next = is_blank.then(|| snapshot.line_at(rope.line_to_byte(blank)).end);
            blank += 1;
            Some(here)
        });
        std::iter::once(cursor).chain(ends.take(MOST_SKIPPED)).any(|start| {
            // Nothing follows only at the end.
            if self.suffix.is_empty() { start == rope.len_bytes() } else { stands_at(snapshot, start, &self.suffix) }
        })
    }
}

/// Where the suffix begins: at the end of the cursor's line if only closers stand right of the cursor (they are settled by trimming), else at the cursor itself.
///
/// While a person types at a line's end, the suffix then stays the same byte for byte.
pub fn suffix_start(snapshot: &Snapshot, cursor: usize) -> usize {
    let line_end = snapshot.line_at(cursor).end;
    if is_closers(&snapshot.slice(cursor..line_end)) { line_end } else { cursor }
}

/// Whether the document has the chunks' text from byte `start` on.
pub(crate) fn stands_at(snapshot: &Snapshot, start: usize, chunks: &[Chunk]) -> bool {
    let rope = snapshot.rope();
    let mut at = start;
    chunks.iter().all(|chunk| {
        let range = at..at + chunk.text.len();
        at = range.end;
        rope.get_byte_slice(range).is_some_and(|slice| slice == chunk.text.as_str())
    })
}

/// Whole chunks backwards from the cursor. The window's head stays at `head` while what lies between it and the cursor is within the budget and worth having; when it
/// has to move, it moves to three quarters of the budget, so that the next quarter is typed without moving it again.
fn prefix(rope: &Rope, cursor: usize, budget: usize, head: Option<usize>, counter: &dyn TokenCounter) -> Vec<Chunk> {
    let last_line = rope.byte_to_line(cursor);
    // From the cursor backwards; with each chunk, the tokens from its start to the cursor.
    let mut chunks: Vec<(Chunk, usize)> = Vec::new();
    let mut end = cursor;
    for border in (0..=last_line / CHUNK_LINES).rev().map(|chunk| chunk * CHUNK_LINES) {
        let line = opening_line(rope, border, last_line);
        let start = rope.line_to_byte(line);
        if start >= end && !chunks.is_empty() {
            continue;
        }
        let behind = chunks.last().map_or(0, |(_, tokens)| *tokens);
        let long = end - start > budget.saturating_mul(TOKEN_BYTES);
        let text = if long { String::new() } else { rope.byte_slice(start..end).to_string() };
        let tokens = if long { usize::MAX } else { counter.count(&text) + behind };
        if tokens > budget {
            if chunks.is_empty() {
                return vec![tail_within(rope, start..end, budget, counter)];
            }
            break;
        }
        chunks.push((Chunk { line, text }, tokens));
        end = start;
    }
    let complete = end == 0;
    let kept =
        head.and_then(|head| chunks.iter().position(|(chunk, tokens)| chunk.line == head && *tokens >= budget / 2));
    let moved = chunks.iter().rposition(|(_, tokens)| *tokens <= budget - budget / 4).unwrap_or(0);
    let first = if complete { chunks.len() - 1 } else { kept.unwrap_or(moved) };
    chunks.truncate(first + 1);
    chunks.into_iter().rev().map(|(chunk, _)| chunk).collect()
}

fn suffix(rope: &Rope, start: usize, budget: usize, counter: &dyn TokenCounter) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut spent = 0;
    let mut start = start;
    while start < rope.len_bytes() {
        let line = rope.byte_to_line(start);
        let next = opening_line(rope, line + CHUNK_LINES, rope.len_lines());
        let end = if next < rope.len_lines() { rope.line_to_byte(next) } else { rope.len_bytes() };
        let most = (budget - spent).saturating_mul(TOKEN_BYTES);
        let text = rope.byte_slice(start..end.min(char_at(rope, start + most))).to_string();
        let tokens = if text.len() < end - start { usize::MAX } else { counter.count(&text) };
        if tokens > budget - spent {
            chunks.extend(head_within(text, line, budget - spent, counter));
            break;
        }
        spent += tokens;
        chunks.push(Chunk { line, text });
        start = end;
    }
    chunks
}

/// The first line from `line` on that is not blank, `last` at most.
fn opening_line(rope: &Rope, line: usize, last: usize) -> usize {
    if line == 0 {
        return 0;
    }
    (line..last).find(|&line| rope.line(line).chars().any(|c| !c.is_whitespace())).unwrap_or(last)
}

/// The last whole lines of `range` within `budget`; where not even one fits, the end of the last line.
fn tail_within(rope: &Rope, range: Range<usize>, budget: usize, counter: &dyn TokenCounter) -> Chunk {
    let least = range.start.max(range.end.saturating_sub(budget.saturating_mul(TOKEN_BYTES)));
    let last = rope.byte_to_line(range.end.saturating_sub(1).max(range.start));
    let starts: Vec<(usize, usize)> =
        (rope.byte_to_line(least)..=last).map(|line| (line, rope.line_to_byte(line))).collect();
    let from = |start: usize| rope.byte_slice(start..range.end).to_string();
    let fitting = starts.partition_point(|&(_, start)| start < least || counter.count(&from(start)) > budget);
    match starts.get(fitting) {
        Some(&(line, start)) => Chunk { line, text: from(start) },
        None => Chunk { line: last, text: from(line_end_within(rope, last, range.end, budget, counter)) },
    }
}

/// Where the part of a line up to `end` begins that is within `budget`. It is counted in pieces, which stay the same while the line grows, and so does the beginning for a while.
fn line_end_within(rope: &Rope, line: usize, end: usize, budget: usize, counter: &dyn TokenCounter) -> usize {
    let first = rope.line_to_byte(line);
    let (mut start, mut spent) = (end, 0);
    while start > first {
        let before = char_at(rope, first + (start - first - 1) / PIECE * PIECE);
        let piece = rope.byte_slice(before..start).to_string();
        spent += counter.count(&piece);
        if spent > budget {
            break;
        }
        start = before;
    }
    if start < end {
        return start;
    }
    // Not even the last piece.
    let first = char_at(rope, first.max(end.saturating_sub(PIECE)));
    let text = rope.byte_slice(first..end).to_string();
    let mut boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    boundaries.push(text.len());
    first + boundaries[boundaries.partition_point(|&start| counter.count(&text[start..]) > budget)]
}

/// Byte `at`, or the beginning of the character that it is in.
fn char_at(rope: &Rope, at: usize) -> usize {
    rope.char_to_byte(rope.byte_to_char(at.min(rope.len_bytes())))
}

/// The first whole lines of a text that goes on within `budget`, if any.
fn head_within(text: String, line: usize, budget: usize, counter: &dyn TokenCounter) -> Option<Chunk> {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    let fitting = ends.partition_point(|&end| counter.count(&text[..end]) <= budget);
    let end = *ends.get(fitting.checked_sub(1)?)?;
    (!text[..end].trim().is_empty()).then(|| Chunk { line, text: text[..end].to_owned() })
}
