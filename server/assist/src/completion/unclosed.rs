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

/// What a text may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    /// By what closes it.
    Bracket(char),
    /// A string that is no heredoc, by its last quote.
    Quote(char),
    /// An element of JSX.
    Element,
    Heredoc,
    Comment,
}

/// What is open, the innermost last, and whether the text itself opened it: what stands behind the text on its last line may close that, and is none of its business else.
#[derive(Default)]
struct Open {
    all: Vec<(Opened, bool)>,
    /// The quote behind the text that ends a string of its own: the next such one was to end another.
    taken: Option<char>,
}

impl Open {
    fn open(&mut self, what: Opened, is_own: bool) {
        self.all.push((what, is_own));
    }

    /// Takes off the innermost, if it is this, and tells whose it was.
    fn close(&mut self, what: Opened) -> Option<bool> {
        self.all.pop_if(|(last, _)| *last == what).map(|(_, is_own)| is_own)
    }

    /// A string's first quote, or its last. Quotes close themselves: one that was opened before is the last of its string; where there is no string (`is_new`), something is not closed.
    fn quote(&mut self, quote: char, is_own: bool, is_new: bool) {
        match self.close(Opened::Quote(quote)) {
            Some(was_own) if was_own && !is_own => self.taken = Some(quote),
            None if is_new => self.open(Opened::Quote(quote), is_own || self.taken == Some(quote)),
            _ => {}
        }
    }

    /// Takes off the last of these, whatever was opened since: a heredoc begins below its line.
    fn end(&mut self, what: Opened) {
        if let Some(at) = self.all.iter().rposition(|(it, _)| *it == what) {
            self.all.remove(at);
        }
    }

    /// Opens what is closed without regard to what is open around it.
    fn begin(&mut self, what: Opened, is_own: bool) {
        self.all.insert(0, (what, is_own));
    }

    fn is(&self, wanted: impl Fn(&Opened) -> bool) -> bool {
        self.all.iter().any(|(it, is_own)| *is_own && wanted(it))
    }
}

/// What bytes `text` of `trial`, which have it in them, open and neither they nor the rest of their last line close. The tree's leaves are looked at: a bracket in a string is none.
pub(super) fn unclosed(trial: &Snapshot, text: Range<usize>) -> Option<Unclosed> {
    let lines = trial.line_at(text.start).start..trial.line_at(text.end).end;
    let mut open = Open::default();
    // A colon that may be a head's, if the last leaf is one.
    let mut head = None;
    for leaf in trial.leaves(lines.clone()) {
        let (at, kind) = (leaf.start_byte(), leaf.kind());
        let (is_new, is_own) = (at >= text.start, text.contains(&at));
        let opens_comment = || is_own && trial.slice(at..lines.end).starts_with("/*");
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
            "string_start" => open.open(Opened::Quote('"'), is_own),
            "string_end" => _ = open.close(Opened::Quote('"')),
            "heredoc_beginning" | "heredoc_start" => open.begin(Opened::Heredoc, is_own),
            "heredoc_end" => open.end(Opened::Heredoc),
            "*/" => open.end(Opened::Comment),
            // Without an end it is no comment to most grammars, but two operators. In Bash it is a pattern.
            "/*" | "/" if trial.language() != Language::Bash && opens_comment() => open.begin(Opened::Comment, is_own),
            _ if leaf.is_named() || kind.len() > 3 => {}
            _ => {
                let parent = leaf.parent().map_or("", |parent| parent.kind());
                let is_first = leaf.prev_sibling().is_none();
                bracket_or_quote((kind, parent, is_first), trial.language(), &mut open, is_own);
            }
        }
        let within = leaf.parent().is_some_and(|parent| matches!(parent.kind(), "pair" | "slice" | "lambda"));
        head = (kind == ":" && !within && open.all.is_empty()).then_some(at);
    }
    if head.is_some_and(|head| is_bodiless(trial, head, None)) {
        return Some(Unclosed::Head);
    }
    let is_bracket = |it: &Opened| matches!(it, Opened::Bracket(_) | Opened::Element);
    match open.is(|it| !is_bracket(it)) {
        true => Some(Unclosed::Text),
        false => open.is(is_bracket).then_some(Unclosed::Bracket),
    }
}

/// Puts on `open` what a leaf opens, or takes off what it closes: told by its kind, its parent's, and whether it is the first in that.
fn bracket_or_quote((kind, parent, is_first): (&str, &str, bool), language: Language, open: &mut Open, is_own: bool) {
    let quote = kind.chars().next_back().filter(|c| matches!(c, '"' | '\'' | '`'));
    // Rust's lifetimes have one too.
    if let Some(quote) = quote.filter(|c| *c != '\'' || language != Language::Rust) {
        return open.quote(quote, is_own, is_first || parent == "ERROR");
    }
    for c in kind.chars() {
        match c {
            '(' => open.open(Opened::Bracket(')'), is_own),
            '[' => open.open(Opened::Bracket(']'), is_own),
            '{' => open.open(Opened::Bracket('}'), is_own),
            '>' if parent == "jsx_opening_element" => open.open(Opened::Element, is_own),
            '>' if parent == "jsx_closing_element" => _ = open.close(Opened::Element),
            _ => _ = open.close(Opened::Bracket(c)),
        }
    }
}

/// Whether bytes `text` of `trial` have a bracket that closes nothing: the tree has no place for it, and nothing before it is open.
pub(super) fn closes_nothing(trial: &Snapshot, text: Range<usize>) -> bool {
    // In Bash one ends a pattern.
    let mut leaves = trial.leaves(text).filter(|_| trial.language() != Language::Bash);
    leaves.any(|leaf| {
        let (opening, closing) = match leaf.kind() {
            ")" => ('(', ')'),
            "]" => ('[', ']'),
            "}" => ('{', '}'),
            _ => return false,
        };
        let before = || trial.rope().byte_slice(..leaf.start_byte());
        // As text: a broken tree says little of what is open, and the part of it that is parsed may begin below that.
        let depth = |depth: usize, c| match c {
            c if c == opening => depth + 1,
            c if c == closing => depth.saturating_sub(1),
            _ => depth,
        };
        leaf.parent().is_some_and(|parent| parent.is_error()) && before().chars().fold(0, depth) == 0
    })
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
