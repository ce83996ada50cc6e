//! A tree of the lines around a place, for texts too large to be parsed whole between two keystrokes.
//!
//! tree-sitter's incremental parse is quick while brackets and quotes are balanced. While one stands open, its error recovery reads on to
//! the end of the file at every keystroke, and what it makes of the functions below is of no use to anybody. A part ends where the next
//! item begins, so an open bracket costs and spoils no more than the item it stands in.

use std::{ops::Range, time::Duration};

use ropey::Rope;
use tree_sitter::{InputEdit, Node, Tree};

use crate::{
    Language,
    parser::{self, Source},
    position::line_end,
};

/// Whole lines of a text with the tree of these alone; its nodes have the places of the whole text.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// From the start of a line to the end of one.
    pub(crate) range: Range<usize>,
    /// `None` where the parse ran out of time.
    pub(crate) tree: Option<Tree>,
}

impl Part {
    /// The longest that a part may be, in bytes: past it the whole text is parsed instead.
    const MOST: usize = 32 << 10;
    /// A part over this is narrowed to the members around the place, in languages whose members parse by themselves.
    const AMPLE: usize = 3 << 9;

    /// The part around `at`, parsed. None begins or ends in a comment or a string that `known` has. `None` where no part short enough begins and ends between two items.
    pub(crate) fn around(source: Source, known: Option<Earlier>, at: usize, deadline: Duration) -> Option<Self> {
        let Source { language, rope, .. } = source;
        let lines = Lines { language, rope, known };
        let here = rope.byte_to_line(at);
        let items = lines.items_around(here, 0..rope.len_lines(), 0).map(|range| (range, 0));
        let (mut range, mut column) = items.or_else(|| lines.members_around(here))?;
        while language.members_stand_alone() && lines.bytes(&range).len() > Self::AMPLE {
            let Some(members) = lines.member_column(&range, column) else { break };
            let Some(narrower) = lines.items_around(here, lines.inside(&range, members), members) else { break };
            (range, column) = (narrower, members);
        }
        let range = lines.bytes(&range);
        if range.len() > Self::MOST {
            return None;
        }
        let mut part = Self { range, tree: None };
        part.parse(source, deadline);
        Some(part)
    }

    /// Whether bytes `range` and the lines they stand on belong to this part.
    pub(crate) fn covers(&self, range: &Range<usize>) -> bool {
        self.range.start <= range.start && range.end <= self.range.end
    }

    /// Follows an edit of bytes that it covers; the tree is edited, not yet parsed.
    pub(crate) fn edit(&mut self, edit: &InputEdit) {
        self.range.end = self.range.end + edit.new_end_byte - edit.old_end_byte;
        if let Some(tree) = &mut self.tree {
            tree.edit(edit);
        }
    }

    /// The tree of the text as it is now.
    pub(crate) fn parse(&mut self, source: Source, deadline: Duration) {
        let tree = parser::parse(source, Some(self.range.clone()), self.tree.as_ref(), deadline);
        self.tree = tree.unwrap_or(None);
    }

    /// Whether edits have made it longer than a part should be.
    pub(crate) fn is_too_long(&self) -> bool {
        self.range.len() > Self::MOST
    }
}

/// A tree of an earlier state of the text, and what was edited since.
pub(crate) struct Earlier<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) edits: &'a [InputEdit],
}

impl Earlier<'_> {
    /// Whether `at` stood inside a comment or a string.
    fn in_literal(&self, at: usize) -> bool {
        let at = self.edits.iter().rev().fold(at, |at, edit| match at {
            at if at >= edit.new_end_byte => at - edit.new_end_byte + edit.old_end_byte,
            at => at.min(edit.start_byte),
        });
        let literal = |node: Node| ["string", "comment", "heredoc"].iter().any(|kind| node.kind().contains(kind));
        let mut way = self.tree.walk();
        while at > 0 && way.goto_first_child_for_byte(at - 1).is_some() {
            let node = way.node();
            if node.end_byte() <= at {
                return false;
            }
            if literal(node) && node.start_byte() < at {
                return true;
            }
        }
        false
    }
}

/// A text seen by its lines' indentation.
struct Lines<'a> {
    language: Language,
    rope: &'a Rope,
    known: Option<Earlier<'a>>,
}

impl Lines<'_> {
    /// The lines of the items of indentation `column` from the last that begins above line `here` to the next that begins below it, within
    /// `within`. The line `here` itself begins nothing: it is being typed.
    fn items_around(&self, here: usize, within: Range<usize>, column: usize) -> Option<Range<usize>> {
        let (start, end) = self.borders(here, &within, column);
        Some(start?..end?).filter(|_| within.contains(&here))
    }

    /// The lines of the members around line `here` of an item that is too long for a part, and their indentation.
    fn members_around(&self, here: usize) -> Option<(Range<usize>, usize)> {
        if !self.language.members_stand_alone() {
            return None;
        }
        // As much of the item as there is near.
        let (above, below) = self.borders(here, &(0..self.rope.len_lines()), 0);
        let line = |byte: usize| self.rope.byte_to_line(byte.min(self.rope.len_bytes()));
        let at = self.rope.line_to_byte(here);
        let near = above.unwrap_or(line(at.saturating_sub(Part::MOST)))..below.unwrap_or(line(at + Part::MOST));
        let column = self.member_column(&near, 0)?;
        let inside = self.inside(&near, column);
        let (start, end) = self.borders(here, &inside, column);
        // Where the item goes on, the end of what is near is the middle of a member.
        let start = start.filter(|start| above.is_some() || *start > inside.start)?;
        let end = end.filter(|end| below.is_some() || *end < inside.end)?;
        inside.contains(&here).then_some((start..end, column))
    }

    /// Where the items of indentation `column` around line `here` begin and end, as far as that is near.
    fn borders(&self, here: usize, within: &Range<usize>, column: usize) -> (Option<usize>, Option<usize>) {
        let longest = |line: &usize| self.bytes(&(here.min(*line)..here.max(*line))).len() <= Part::MOST;
        let above = (within.start + 1..here).rev().take_while(longest).find(|&line| self.begins_item(line, column));
        let below = (here + 1..within.end).take_while(longest).find(|&line| self.begins_item(line, column));
        // What was not found ends with the text around it, if that is near.
        let start = above.or_else(|| longest(&within.start).then_some(within.start));
        let end = below.or_else(|| longest(&within.end).then_some(within.end));
        (start, end)
    }

    /// Whether an item of indentation `column` begins on `line`: a line with such an indentation behind an empty one, and not what closes
    /// something.
    fn begins_item(&self, line: usize, column: usize) -> bool {
        let Some((indentation, first)) = self.first_of(line) else { return false };
        if indentation != column || line == 0 || self.first_of(line - 1).is_some() || matches!(first, ')' | ']' | '}') {
            return false;
        }
        // In C a directive or a label of a function's inside may stand there.
        let preprocessed = matches!(self.language, Language::C | Language::Cpp);
        let text = self.rope.byte_slice(self.rope.line_to_byte(line)..line_end(self.rope, line));
        if preprocessed && (first == '#' || text.chars().last() == Some(':')) {
            return false;
        }
        !self.known.as_ref().is_some_and(|known| known.in_literal(self.rope.line_to_byte(line)))
    }

    /// The smallest indentation above `column` at which an item begins in `range`.
    fn member_column(&self, range: &Range<usize>, column: usize) -> Option<usize> {
        let begun = range.clone().filter(|&line| line > 0 && self.first_of(line - 1).is_none());
        begun.filter_map(|line| self.first_of(line)).map(|(indentation, _)| indentation).filter(|&it| it > column).min()
    }

    /// `range` without the lines before and behind its members: the head and the closing bracket of what holds them.
    fn inside(&self, range: &Range<usize>, column: usize) -> Range<usize> {
        let member = |&line: &usize| self.first_of(line).is_some_and(|(indentation, _)| indentation >= column);
        let first = range.clone().find(member).unwrap_or(range.start);
        let last = range.clone().rev().find(member).unwrap_or(range.end);
        first..range.end.min(last + 1)
    }

    /// The indentation of a line and its first character that is not blank; `None` for a blank line.
    fn first_of(&self, line: usize) -> Option<(usize, char)> {
        self.rope.line(line).chars().enumerate().find(|(_, c)| !c.is_whitespace())
    }

    /// The bytes of `lines`.
    fn bytes(&self, lines: &Range<usize>) -> Range<usize> {
        self.rope.line_to_byte(lines.start)..self.rope.line_to_byte(lines.end)
    }
}

#[cfg(test)]
mod tests;
