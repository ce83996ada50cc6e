//! What a text leaves open: a bracket that it opened, or in Python a head without a body.
//!
//! The number of syntax errors does not tell: a line that is being typed is one error as a whole, and what is wrong in it adds none.

use std::ops::Range;

use pilotlight_syntax::{Language, Snapshot};

use super::extent::indentation;

/// What was left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    Bracket,
    Head,
}

/// What bytes `text` of `trial`, which has them in it, open and neither they nor the rest of their last line close. The tree's leaves are looked at: a bracket in a string is none.
pub(super) fn unclosed(trial: &Snapshot, text: Range<usize>) -> Option<Unclosed> {
    let tree = trial.tree()?;
    let lines = trial.line_at(text.start).start..trial.line_at(text.end).end;
    let mut open = Vec::new();
    // A colon that may be a head's, if the last leaf is one.
    let mut head = None;
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if node.start_byte() < lines.end && node.end_byte() > lines.start && cursor.goto_first_child() {
            continue;
        }
        let (at, kind) = (node.start_byte(), node.kind());
        let is_leaf = node.child_count() == 0 && lines.contains(&at) && !node.is_missing();
        if is_leaf && !kind.ends_with("comment") {
            if head.is_some_and(|head| is_bodiless(trial, head, Some(at))) {
                return Some(Unclosed::Head);
            }
            if !node.is_named() && at >= text.start && kind.len() <= 3 {
                for c in kind.chars() {
                    match c {
                        '(' => open.push(')'),
                        '[' => open.push(']'),
                        '{' => open.push('}'),
                        _ if open.last() == Some(&c) => drop(open.pop()),
                        _ => {}
                    }
                }
            }
            let within = node.parent().is_some_and(|parent| matches!(parent.kind(), "pair" | "slice" | "lambda"));
            head = (kind == ":" && !within && open.is_empty()).then_some(at);
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return match head {
                    Some(head) if is_bodiless(trial, head, None) => Some(Unclosed::Head),
                    _ => (!open.is_empty()).then_some(Unclosed::Bracket),
                };
            }
        }
    }
}

/// Whether the colon at `head` ends its line (the next leaf is at `next`) and no deeper line follows. The grammar of Python has bodies without a statement.
fn is_bodiless(trial: &Snapshot, head: usize, next: Option<usize>) -> bool {
    let rope = trial.rope();
    let line = rope.byte_to_line(head);
    if trial.language() != Language::Python || next.is_some_and(|next| rope.byte_to_line(next) == line) {
        return false;
    }
    let mut below = (line + 1..rope.len_lines()).map(|line| rope.line(line).to_string());
    let depth = indentation(&rope.line(line).to_string());
    below.find(|text| !text.trim().is_empty()).is_none_or(|text| indentation(&text) <= depth)
}
