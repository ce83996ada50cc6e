//! What is cut from a model's text before anybody sees it: what stands behind the cursor already, repetition, blanks.

use std::ops::Range;

use pilotlight_context::lines::{closes, is_closers, tells};
use pilotlight_syntax::Snapshot;

/// Lines of the document below the cursor that a completion is compared with.
const LINES_BELOW: usize = 16;

/// The range to replace and its new text, or why nothing worth showing is left.
///
/// `tail` is the rest of the cursor's line. Where it is only closers, a text that writes them too either loses them at its end or, if it goes on after them, replaces them.
pub(super) fn settle(
    snapshot: &Snapshot,
    cursor: usize,
    tail: Range<usize>,
    text: &str,
) -> Result<(Range<usize>, String), &'static str> {
    let (trimmed, blanks) = text.split_at(text.trim_end().len());
    let text = without_repeated_lines(snapshot, cursor, tail.end, trimmed);
    let standing = snapshot.slice(tail.clone());
    let closers = standing.trim();
    let (range, mut text) = if closers.is_empty() {
        (cursor..cursor, text.to_owned())
    } else if let Some(shorter) = text.strip_suffix(closers) {
        // Of the blanks before it, those that stand here already.
        let blank = standing.starts_with([' ', '\t']);
        (cursor..cursor, if blank { shorter.trim_end() } else { shorter }.to_owned())
    } else if is_closers(closers) && !text.contains('\n') && has_in_order(text, closers) {
        (tail, text.to_owned())
    } else if text.contains('\n') && !is_closers(closers) {
        // Several lines cannot be put before code that stands on this one.
        (cursor..cursor, text.lines().next().unwrap_or_default().to_owned())
    } else {
        (cursor..cursor, text.to_owned())
    };
    if text.trim().is_empty() {
        return Err("what the model wrote stands here already");
    }
    // `mut ` before a name: the blank belongs to it.
    let is_apart = !blanks.is_empty() && !blanks.contains('\n');
    if is_apart && text == trimmed && begins_with_word(&right_of(snapshot, range.end)) {
        text.push(' ');
    }
    if is_fused(snapshot, cursor, &range, &text) {
        return Err("what the model wrote would make another word of the one beside it");
    }
    Ok((range, text))
}

/// Whether the cursor stands between two characters of one word.
pub(super) fn is_inside_a_word(snapshot: &Snapshot, cursor: usize) -> bool {
    begins_with_word(&right_of(snapshot, cursor))
        && ends_with_word(&snapshot.slice(snapshot.line_at(cursor).start..cursor))
}

/// Whether `text` makes another word of the one that it is put before or into.
fn is_fused(snapshot: &Snapshot, cursor: usize, range: &Range<usize>, text: &str) -> bool {
    begins_with_word(&right_of(snapshot, range.end)) && ends_with_word(text)
        || begins_with_word(text) && is_inside_a_word(snapshot, cursor)
}

fn right_of(snapshot: &Snapshot, at: usize) -> String {
    snapshot.slice(at..snapshot.line_at(at).end)
}

fn begins_with_word(text: &str) -> bool {
    text.chars().next().is_some_and(is_word)
}

fn ends_with_word(text: &str) -> bool {
    text.chars().next_back().is_some_and(is_word)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the first line that `text` makes stands directly beside it already (blank ones aside), and the file has no such pair of it yet. Tables have.
pub(super) fn repeats_a_line_beside(snapshot: &Snapshot, range: &Range<usize>, text: &str) -> bool {
    let rope = snapshot.rope();
    let (here, until) = (rope.byte_to_line(range.start), rope.byte_to_line(range.end));
    let whole = |line: usize| rope.line(line).to_string().trim().to_owned();
    let is_told = |line: &String| !line.is_empty();
    let blank = text.len() - text.trim_start_matches(['\n', '\r', ' ', '\t']).len();
    let (first, above) = match text[..blank].rfind('\n') {
        // It begins below the cursor's line.
        Some(at) => (text[at + 1..].lines().next().unwrap_or_default().to_owned(), here + 1),
        None => {
            let before = snapshot.slice(snapshot.line_at(range.start).start..range.start);
            let line = text.lines().next().unwrap_or_default();
            let after = if text.contains('\n') { String::new() } else { right_of(snapshot, range.end) };
            (format!("{before}{line}{after}"), here)
        }
    };
    let first = first.trim();
    if !tells(first) {
        return false;
    }
    let above_it = (0..above).rev().map(whole).find(is_told);
    let below_it = (until + 1..rope.len_lines()).map(whole).find(is_told);
    if ![above_it, below_it].iter().flatten().any(|line| line == first) {
        return false;
    }
    // The cursor's own line is to be the new one.
    let others = (0..rope.len_lines()).filter(|line| !(above..=until).contains(line)).map(whole).filter(is_told);
    let alike: Vec<bool> = others.map(|line| line == first).collect();
    !alike.windows(2).any(|pair| pair == [true, true])
}

/// Whether the last line says for the third time what earlier lines said: a small model's loop.
pub(super) fn repeats_itself(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !closes(line)).rev();
    let Some(last) = lines.next() else { return false };
    lines.filter(|line| *line == last).count() >= 2
}

/// `text` without its last lines, where these are the next lines of the document (blank ones aside). The rest of a line that is begun is none of these.
fn without_repeated_lines<'t>(snapshot: &Snapshot, cursor: usize, line_end: usize, text: &'t str) -> &'t str {
    let rope = snapshot.rope();
    let next = rope.byte_to_line(line_end) + 1;
    let below: Vec<String> = (next..rope.len_lines())
        .map(|line| rope.line(line).to_string().trim().to_owned())
        .filter(|line| !line.is_empty())
        .take(LINES_BELOW)
        .collect();
    // Starts of the text's lines that are not blank.
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .filter(|&at| !text[at..].lines().next().unwrap_or_default().trim().is_empty())
        .collect();
    let line = |at: usize| text[at..].lines().next().unwrap_or_default().trim();
    let is_begun = !snapshot.slice(snapshot.line_at(cursor).start..cursor).trim().is_empty();
    for (index, &start) in starts.iter().enumerate().skip_while(|&(_, &start)| is_begun && start == 0) {
        let rest = &starts[index..];
        let same = rest.len() <= below.len() && rest.iter().zip(&below).all(|(&at, below)| line(at) == below.as_str());
        // A lone `}` or `end` below is not a repetition of the one that closes what the text itself opened; the syntax check settles those.
        let telling = rest.iter().any(|&at| !closes(line(at)));
        if same && telling {
            return text[..start].trim_end();
        }
    }
    text
}

/// Whether the characters of `part` appear in `text` in order, so that `text` may replace `part` without losing any of it.
fn has_in_order(text: &str, part: &str) -> bool {
    let mut text = text.chars();
    part.chars().filter(|c| !c.is_whitespace()).all(|wanted| text.any(|c| c == wanted))
}
