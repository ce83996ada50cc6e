//! What a text leaves open: a bracket, a string or a comment that it opened, or in Python a head without a body.
//!
//! The number of syntax errors does not tell: a line that is being typed is one error as a whole, and what is wrong in it adds none.

use std::ops::Range;

use pilotlight_syntax::{Language, Snapshot};

use super::extent::indentation;

/// What was left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    /// A bracket, or an element of JSX.
    Bracket,
    Head,
    /// A string or a comment: what stands below would be of it.
    Text,
}

/// What bytes `text` of `trial`, which has them in it, open and neither they nor the rest of their last line close. The tree's leaves are looked at: a bracket in a string is none.
pub(super) fn unclosed(trial: &Snapshot, text: Range<usize>) -> Option<Unclosed> {
    let lines = trial.line_at(text.start).start..trial.line_at(text.end).end;
    // By what closes it; a quote for any string that is no heredoc, `<` for an element.
    let mut open: Vec<char> = Vec::new();
    let (mut heredocs, mut comments) = (0_usize, 0_usize);
    // A colon that may be a head's, if the last leaf is one.
    let mut head = None;
    for leaf in trial.leaves(lines.clone()) {
        let (at, kind) = (leaf.start_byte(), leaf.kind());
        let is_new = at >= text.start;
        let opens_comment = || is_new && trial.slice(at..lines.end).starts_with("/*");
        if kind.ends_with("comment") {
            if leaf.end_byte() > lines.end && opens_comment() {
                return Some(Unclosed::Text);
            }
            continue;
        }
        if head.is_some_and(|head| is_bodiless(trial, head, Some(at))) {
            return Some(Unclosed::Head);
        }
        match kind {
            _ if !is_new => {}
            "string_start" => open.push('"'),
            "string_end" => _ = open.pop_if(|last| *last == '"'),
            "heredoc_beginning" | "heredoc_start" => heredocs += 1,
            "heredoc_end" => heredocs = heredocs.saturating_sub(1),
            "*/" => comments = comments.saturating_sub(1),
            // Without an end it is no comment to most grammars, but two operators.
            "/*" | "/" if opens_comment() => comments += 1,
            _ if leaf.is_named() || kind.len() > 3 => {}
            _ => {
                let parent = leaf.parent().map_or("", |parent| parent.kind());
                let is_first = leaf.prev_sibling().is_none();
                bracket_or_quote((kind, parent, is_first), trial.language(), &mut open);
            }
        }
        let within = leaf.parent().is_some_and(|parent| matches!(parent.kind(), "pair" | "slice" | "lambda"));
        head = (kind == ":" && !within && open.is_empty()).then_some(at);
    }
    if head.is_some_and(|head| is_bodiless(trial, head, None)) {
        return Some(Unclosed::Head);
    }
    let is_in_text = heredocs + comments > 0 || open.iter().any(|c| QUOTES.contains(c));
    if is_in_text { Some(Unclosed::Text) } else { (!open.is_empty()).then_some(Unclosed::Bracket) }
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Puts on `open` what a leaf opens, or takes off what it closes: told by its kind, its parent's, and whether it is the first in that.
fn bracket_or_quote((kind, parent, is_first): (&str, &str, bool), language: Language, open: &mut Vec<char>) {
    let quote = kind.chars().next_back().filter(|c| QUOTES.contains(c));
    // Rust's lifetimes have one too.
    if let Some(quote) = quote.filter(|c| *c != '\'' || language != Language::Rust) {
        // Quotes close themselves. One that was opened before is the last of its string; where there is no string, something is not closed.
        if open.pop_if(|last| *last == quote).is_none() && (is_first || parent == "ERROR") {
            open.push(quote);
        }
        return;
    }
    for c in kind.chars() {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            '>' if parent == "jsx_opening_element" => open.push('<'),
            '>' if parent == "jsx_closing_element" => _ = open.pop_if(|last| *last == '<'),
            _ => _ = open.pop_if(|last| *last == c),
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
