//! How far a completion goes: one line, or as many as the syntactic unit at the cursor needs.
//!
//! The text is tried out in the document at each line's end. A line that leaves no more syntax errors than the file has without the line being typed is
//! complete; one that opens a bracket or a block is not, and decoding goes on. Nothing that adds an error, and nothing that stays open, is ever handed out.

use std::{cell::OnceCell, ops::Range};

use pilotlight_syntax::Snapshot;

use super::{
    trim,
    unclosed::{Unclosed, closes_nothing, unclosed},
    unended,
};
use crate::actions::line_ends;

/// How much may be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    /// Lines after which an unfinished unit is given up.
    pub(crate) lines: usize,
    /// The cursor is where a body begins; else that is found out.
    pub(crate) body: bool,
}

impl Reach {
    /// Of ghost text.
    pub(crate) const GHOST: Self = Self { lines: 16, body: false };
}

/// The text decoded so far, tried out line by line.
pub(super) struct Extent<'a> {
    snapshot: &'a Snapshot,
    cursor: usize,
    /// The indentation of the cursor's line, up to the cursor.
    column: usize,
    /// Right of the cursor on its line: what the completion may replace.
    tail: Range<usize>,
    /// Whether the cursor stands in an empty block, which wants several lines.
    block: bool,
    /// What ends the document's lines. The model's end with `\n`.
    line_end: &'static str,
    /// Errors of the file as it is.
    errors: usize,
    /// Errors of the file without the line being typed: those that are not the cursor's business.
    elsewhere: usize,
    /// How many ends of blocks are missing, if nothing else is wrong without the line being typed.
    missing: OnceCell<Option<usize>>,
    lines: usize,
    /// Bytes of the text already looked at.
    tried: usize,
    /// The longest text after which the unit is complete, as it would be inserted.
    complete: Option<Settled>,
    /// The text of one line that at least adds no error, likewise.
    harmless: Option<Settled>,
    /// It begins with a line that stands beside it already.
    repeats: bool,
    /// Why nothing of it is shown, if that is so.
    refused: &'static str,
}

/// What is replaced, and by what.
type Settled = (Range<usize>, String);

/// Whether to go on decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    Enough,
}

impl<'a> Extent<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, cursor: usize, reach: Reach) -> Self {
        let line = snapshot.line_at(cursor);
        let errors = errors_of(snapshot);
        let elsewhere = if errors == 0 { 0 } else { errors_of(&snapshot.with_replaced(line.clone(), "")).min(errors) };
        Self {
            snapshot,
            cursor,
            column: indentation(&snapshot.slice(line.start..cursor)),
            tail: cursor..line.end,
            block: reach.body || in_empty_block(snapshot, cursor),
            line_end: line_ends::of(snapshot),
            errors,
            elsewhere,
            missing: OnceCell::new(),
            lines: reach.lines,
            tried: 0,
            complete: None,
            harmless: None,
            repeats: false,
            refused: "the model did not come to the end of a line",
        }
    }

    /// Looks at `text`, the whole of what was decoded so far, when a new line has ended.
    pub(super) fn grow(&mut self, text: &str) -> Flow {
        while let Some(end) = text[self.tried..].find('\n').map(|at| self.tried + at) {
            let first = self.tried == 0;
            self.tried = end + 1;
            let lines = &text[..end];
            if lines.trim().is_empty() {
                continue;
            }
            if !self.goes_on(lines, first) {
                return Flow::Enough;
            }
            let complete = self.try_out(lines);
            if self.repeats || (complete && !self.block) || lines.matches('\n').count() + 1 >= self.lines {
                return Flow::Enough;
            }
        }
        Flow::Continue
    }

    /// The longest text worth handing out once the model ended with `text` (`ended`: by itself), and the range that it replaces; or why there is none.
    pub(super) fn finish(mut self, text: &str, ended: bool) -> Result<Settled, &'static str> {
        let rest = &text[self.tried..];
        if ended && !rest.trim().is_empty() && self.goes_on(text, self.tried == 0) {
            self.try_out(text);
        }
        self.complete.or(self.harmless).ok_or(self.refused)
    }

    /// Whether the unit is complete after `text`; remembers it if so, or if it does no harm. The parser judges exactly what would be inserted: trimming may cut what closed a bracket.
    fn try_out(&mut self, text: &str) -> bool {
        let (range, inserted) = match trim::settle(self.snapshot, self.cursor, self.tail.clone(), text) {
            Ok((range, text)) => (range, line_ends::written(&text, self.line_end)),
            Err(because) => {
                self.refused = because;
                return false;
            }
        };
        self.repeats |= trim::repeats_a_line_beside(self.snapshot, &range, &inserted);
        if self.repeats {
            self.refused = "what the model wrote repeats the line beside it";
            return false;
        }
        let trial = self.snapshot.with_replaced(range.clone(), &inserted);
        let errors = errors_of(&trial);
        let written = range.start..range.start + inserted.len();
        let unclosed = unclosed(&trial, written.clone());
        // A bracket may be closed below: then there are fewer errors than without the line, or none.
        let closed_below = unclosed == Some(Unclosed::Bracket) && (errors == 0 || errors < self.elsewhere);
        let complete = errors <= self.elsewhere && (unclosed.is_none() || closed_below);
        let harmless = errors <= self.errors && unclosed.is_none() && !inserted.trim().contains('\n');
        let is_wrong =
            || errors > 0 && (closes_nothing(&trial, written.clone()) || self.is_no_line(&trial, written.end));
        if (complete || harmless) && is_wrong() {
            self.refused = "what the model wrote would add a syntax error";
            return false;
        }
        if complete {
            self.complete = Some((range, inserted));
        } else if harmless {
            self.harmless = Some((range, inserted));
        } else if unclosed.is_some() && !closed_below {
            self.refused = "what the model wrote leaves open what it opens";
        } else {
            self.refused = "what the model wrote would add a syntax error";
        }
        complete
    }

    /// Whether the line of byte `at` of `trial` is none that could stand in a block whose end is still to be written.
    fn is_no_line(&self, trial: &Snapshot, at: usize) -> bool {
        let line = self.snapshot.line_at(self.cursor);
        let missing = || unended::missing(&self.snapshot.with_replaced(line.clone(), ""), line.start);
        let missing = *self.missing.get_or_init(missing);
        missing.is_some_and(|missing| !unended::goes_on(trial, at) && !unended::is_right_with(trial, at, missing))
    }

    /// Whether the last line of `lines` is still of what the cursor is in, and no loop.
    fn goes_on(&mut self, lines: &str, first: bool) -> bool {
        if self.leaves_the_block(lines, first) {
            self.refused = "what the model wrote is no whole unit of the block that the cursor is in";
        } else if trim::repeats_itself(lines) {
            self.refused = "what the model wrote repeats itself";
        } else {
            return true;
        }
        false
    }

    /// Whether the last line of `lines` stands left of the block that the cursor is in.
    fn leaves_the_block(&self, lines: &str, first: bool) -> bool {
        if first {
            return false;
        }
        let last = lines.rsplit('\n').next().unwrap_or_default();
        !last.trim().is_empty() && indentation(last) < self.column
    }
}

pub(super) fn errors_of(snapshot: &Snapshot) -> usize {
    snapshot.syntax_errors(0..snapshot.rope().len_bytes())
}

/// Whether the cursor's line is blank and the body it begins is empty: the line before is less indented, and so is the line after.
fn in_empty_block(snapshot: &Snapshot, cursor: usize) -> bool {
    let rope = snapshot.rope();
    let line = rope.byte_to_line(cursor);
    let text = |line: usize| rope.line(line).to_string();
    if !text(line).trim().is_empty() {
        return false;
    }
    let column = cursor - rope.line_to_byte(line);
    let above = (0..line).rev().map(text).find(|text| !text.trim().is_empty());
    let below = (line + 1..rope.len_lines()).map(text).find(|text| !text.trim().is_empty());
    above.is_some_and(|above| indentation(&above) < column) && below.is_none_or(|below| indentation(&below) < column)
}

/// Leading blanks, in characters (a file mixes tabs and spaces at its own risk).
pub(super) fn indentation(line: &str) -> usize {
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).count()
}
