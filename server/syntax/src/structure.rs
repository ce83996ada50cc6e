//! Where statements, comments and strings begin and end, by the captures of `queries/<language>/structure.scm`.

use std::ops::Range;

use ropey::Rope;
use tree_sitter::Node;

use crate::{Snapshot, position::line_end};

/// A statement, an item or a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its bytes with the `;` or `,` that ends it, without blanks at the end.
    pub range: Range<usize>,
    /// The grammar's name of its node; `ERROR` where nothing better could be made of it.
    pub kind: String,
    /// Nothing in it is broken or missing. More text can still make it longer (`a` to `a.b`) unless something follows it.
    pub complete: bool,
}

/// What kind of text is not code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentOrString {
    /// A comment of any kind.
    Comment,
    /// A string, character or regular expression literal (the code embedded in an interpolated string is code).
    String,
}

impl Snapshot {
    /// The smallest statement, item or member that has the first byte at or after `offset` that is not blank. It may have begun before
    /// `offset`. Comments and attributes on the lines directly before a unit belong to it. `None` where there is no such byte, and for
    /// plain text.
    pub fn statement_at(&self, offset: usize) -> Option<Unit> {
        let at = next_text(self.rope(), offset)?;
        let mut candidates: Vec<Node> = Vec::new();
        let mut parts: Vec<Node> = Vec::new();
        self.structure_at(at, |capture, node| match capture {
            "unit" => candidates.push(node),
            "units" => candidates.extend(node.first_child_for_byte(at).filter(Node::is_named)),
            "part" => parts.push(node),
            _ => {}
        })?;
        candidates.retain(|node| node.byte_range().contains(&at) && !parts.contains(node));
        let first = candidates.into_iter().min_by_key(|node| node.byte_range().len())?;
        let last = self.skip_prefixes(first);
        let separator = last.next_sibling().filter(|next| matches!(next.kind(), ";" | ",") && !next.is_missing());
        let start = first.start_byte();
        let end = text_end(self.rope(), start..separator.unwrap_or(last).end_byte());
        let complete = !first.has_error() && !last.has_error();
        Some(Unit { range: start..end, kind: last.kind().to_owned(), complete })
    }

    /// Whether text typed at `offset` becomes part of a comment or of a string.
    pub fn in_comment_or_string(&self, offset: usize) -> Option<CommentOrString> {
        let offset = offset.min(self.rope().len_bytes());
        let before = offset.checked_sub(1)?;
        let mut found = None;
        self.structure_at(before, |capture, node| {
            let kind = match capture {
                "comment" => Some(CommentOrString::Comment),
                "string" | "heredoc" => Some(CommentOrString::String),
                "embedded" => None,
                _ => return,
            };
            let Range { start, end } = node.byte_range();
            let last = if kind == Some(CommentOrString::Comment) && !self.is_block_comment(node) {
                // To its line's end; some grammars count the terminator in.
                let rope = self.rope();
                end.min(line_end(rope, rope.byte_to_line(start)))
            } else {
                end.saturating_sub(1)
            };
            // A heredoc's text begins on the next line, wherever the grammar has its node begin.
            let start =
                if capture == "heredoc" { line_end(self.rope(), self.rope().byte_to_line(start)) } else { start };
            // From the root inwards: the last one is the smallest.
            if start < offset && offset <= last {
                found = kind;
            }
        })?;
        found
    }

    /// The unit that `node` is a comment or an attribute of; `node` itself if it is neither, or stands alone.
    fn skip_prefixes<'tree>(&'tree self, node: Node<'tree>) -> Node<'tree> {
        let rope = self.rope();
        let mut last = node;
        while self.is_prefix(last)
            && let Some(next) = last.next_named_sibling()
            && let between = rope.byte_slice(text_end(rope, last.byte_range())..next.start_byte())
            && between.len_lines() <= 2
        {
            last = next;
        }
        last
    }

    /// Whether `node` is an attribute, or a comment that begins its line.
    fn is_prefix(&self, node: Node) -> bool {
        let start = node.start_byte();
        let mut prefix = false;
        let _ = self.structure_at(start, |capture, other| {
            prefix |= other == node && matches!(capture, "unit.prefix" | "comment");
        });
        let line = self.line_at(start);
        prefix && next_text(self.rope(), line.start) == Some(start)
    }

    fn is_block_comment(&self, node: Node) -> bool {
        let start = node.start_byte();
        self.language().block_comment().is_some_and(|(open, _)| self.slice(start..start + open.len()) == open)
    }
}

/// The first byte at or after `offset` that is not blank.
fn next_text(rope: &Rope, offset: usize) -> Option<usize> {
    let offset = offset.min(rope.len_bytes());
    rope.bytes_at(offset).position(|byte| !byte.is_ascii_whitespace()).map(|blanks| offset + blanks)
}

/// The end of `range` without the blanks before it.
fn text_end(rope: &Rope, range: Range<usize>) -> usize {
    let bytes = rope.bytes_at(range.end).reversed();
    range.end - bytes.take(range.len()).take_while(u8::is_ascii_whitespace).count()
}

#[cfg(test)]
mod tests;
