//! Indentation: an answer is moved to where its lines belong, and what begins inside a string stays as it is. Python's blocks are their indentation, and its grammar reads on whatever it is;
//! so that is looked at here.

use std::{collections::HashSet, ops::Range};

use pilotlight_syntax::{CommentOrString, Language, Snapshot};

use super::reply::Unreadable;

/// The blanks that a line begins with.
fn blanks(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The blanks of a text's first line that is not blank.
fn first(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).map(blanks).unwrap_or_default()
}

/// The fewest blanks that a line of code of bytes `range` begins with.
fn least(snapshot: &Snapshot, range: Range<usize>) -> String {
    let text = snapshot.slice(range.clone());
    let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1));
    let lines = starts.filter(|at| !in_string(snapshot, range.start + at));
    let lines =
        lines.filter_map(|at| Some((at, text[at..].lines().next()?))).filter(|(_, line)| !line.trim().is_empty());
    // A comment may stand anywhere; it tells nothing unless there is nothing else.
    let (comments, code): (Vec<_>, Vec<_>) = lines.partition(|(at, line)| is_comment(snapshot, range.start + at, line));
    let lines = if code.is_empty() { comments } else { code };
    lines.iter().map(|(_, line)| blanks(line)).min_by_key(|blanks| blanks.len()).unwrap_or_default().to_owned()
}

fn in_string(snapshot: &Snapshot, at: usize) -> bool {
    snapshot.in_comment_or_string(at) == Some(CommentOrString::String)
}

/// Whether a line that begins at byte `start` begins with a comment.
fn is_comment(snapshot: &Snapshot, start: usize, line: &str) -> bool {
    snapshot.in_comment_or_string(start + blanks(line).len() + 1) == Some(CommentOrString::Comment)
}

/// `text`, which comes in the place of whole lines, with its first line where their first line was and the others moved along; as it is where that cannot be.
pub(super) fn indented(snapshot: &Snapshot, lines: &Range<usize>, text: &str) -> String {
    let text = text.trim_matches('\n').trim_end();
    let old = snapshot.slice(lines.clone());
    let within = snapshot.with_replaced(lines.clone(), text);
    let (wanted, found) = match (least(snapshot, lines.clone()), first(text)) {
        (wanted, found) if wanted == first(&old) => (wanted, found),
        // Lines that begin deeper than they end do not tell where others would begin.
        (wanted, _) if least(&within, lines.start..lines.start + text.len()).is_empty() => (wanted, ""),
        _ => return text.to_owned(),
    };
    moved(text, (found, &wanted), &old, &within, lines.start).unwrap_or_else(|| text.to_owned())
}

/// `text`, which `within` has at byte `at`, with `wanted` for `found` before its lines. Lines of a string move if they stand like that in `old`, or if it is documentation. `None` where some code
/// cannot move.
pub(super) fn moved(
    text: &str,
    (found, wanted): (&str, &str),
    old: &str,
    within: &Snapshot,
    at: usize,
) -> Option<String> {
    let python = within.language() == Language::Python;
    let known: HashSet<&str> = old.lines().map(str::trim_end).collect();
    let shift = |line: &str| match (wanted.strip_prefix(found), found.strip_prefix(wanted)) {
        (Some(more), _) => Some(format!("{more}{line}")),
        (None, Some(less)) if blanks(line).starts_with(found) => Some(line[less.len()..].to_owned()),
        _ => None,
    };
    let mut offset = at;
    let lines = text.split('\n').map(|line| {
        let start = offset;
        offset += line.len() + 1;
        (line, start, !in_string(within, start))
    });
    let lines: Vec<(&str, usize, bool)> = lines.collect();
    let mut out: Vec<String> = Vec::new();
    // A line of code, and those that a string which begins in it has.
    for group in lines.chunk_by(|_, (.., is_code)| !is_code) {
        let (code, string) = if group[0].2 { group.split_at(1) } else { group.split_at(0) };
        let (opening, start) = code.first().map_or(("", at), |(line, start, _)| (line, *start));
        if !code.is_empty() {
            out.push(match shift(opening) {
                _ if opening.trim().is_empty() => String::new(),
                Some(line) => line,
                None if is_comment(within, start, opening) => opening.to_owned(),
                None => return None,
            });
        }
        let string = || string.iter().map(|(line, ..)| *line);
        let stands = |line: &str| !line.trim().is_empty() && known.contains(line.trim_end());
        let stood_here = string().any(stands);
        let stood_moved = string().any(|line| shift(line).is_some_and(|line| stands(&line)));
        let begins = opening.trim_start().trim_start_matches(['r', 'R']);
        let is_documentation = python
            && (begins.starts_with("\"\"\"") || begins.starts_with("'''"))
            && string().all(|line| line.trim().is_empty() || blanks(line).starts_with(blanks(opening)));
        let moves = if stood_here == stood_moved { is_documentation } else { stood_moved };
        let moved = |line: &str| shift(line).filter(|_| moves && !line.trim().is_empty());
        out.extend(string().map(|line| moved(line).unwrap_or_else(|| line.to_owned())));
    }
    Some(out.join("\n"))
}

/// Refuses a text in which more of Python's lines are indented as none can be than before.
pub(super) fn check(before: &Snapshot, after: impl FnOnce() -> Snapshot) -> Result<(), Unreadable> {
    if before.language() != Language::Python {
        return Ok(());
    }
    let (was, is) = (misplaced(before), misplaced(&after()));
    if is.len() <= was.len() {
        return Ok(());
    }
    let known: HashSet<&str> = was.iter().map(String::as_str).collect();
    let line = is.iter().find(|line| !known.contains(line.as_str())).or(is.first());
    let found = format!("a line that is indented as none can be there: `{}`", line.map_or("", |line| line.trim()));
    Err(Unreadable { expected: "Python", found })
}

/// The lines of a Python text that are deeper or less deep than a line can be there, or should be a block's and are not.
fn misplaced(snapshot: &Snapshot) -> Vec<String> {
    let mut open = vec![String::new()];
    let mut opens_block = false;
    let mut bad = Vec::new();
    for Logical { first, ends_in_colon } in logical(snapshot) {
        let here = blanks(&first).to_owned();
        let deepest = open.last().map_or("", String::as_str);
        let is_deeper = here.len() > deepest.len() && here.starts_with(deepest);
        let is_open = open.contains(&here);
        // Deeper exactly where a block is opened; else as deep as a block that is open.
        if is_deeper != opens_block || !is_deeper && !is_open {
            bad.push(first);
        } else if is_deeper {
            open.push(here.clone());
        }
        if is_open {
            open.retain(|it| here.starts_with(it.as_str()));
        }
        opens_block = ends_in_colon;
    }
    if opens_block {
        bad.push("the end".to_owned());
    }
    bad
}

/// Lines of a Python text that are one to Python: brackets, long strings and backslashes join them. Blank ones and comments say nothing.
struct Logical {
    first: String,
    /// A block has to follow.
    ends_in_colon: bool,
}

fn logical(snapshot: &Snapshot) -> Vec<Logical> {
    let mut all: Vec<Logical> = Vec::new();
    // Brackets and strings that are open, the row on which the last leaf ends, and whether a backslash stands behind that.
    let (mut depth, mut row, mut is_joined) = (0_usize, None, false);
    for leaf in snapshot.leaves(0..snapshot.rope().len_bytes()) {
        let kind = leaf.kind();
        match kind {
            "comment" => continue,
            "line_continuation" => {
                is_joined = true;
                continue;
            }
            _ => {}
        }
        if depth == 0 && !is_joined && row.is_none_or(|row| leaf.start_position().row > row) {
            let first = snapshot.slice(snapshot.line_at(leaf.start_byte()));
            all.push(Logical { first, ends_in_colon: false });
        }
        match kind {
            "(" | "[" | "{" | "string_start" => depth += 1,
            ")" | "]" | "}" | "string_end" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if let Some(line) = all.last_mut() {
            line.ends_in_colon = kind == ":" && depth == 0;
        }
        (row, is_joined) = (Some(leaf.end_position().row), false);
    }
    all
}

#[cfg(test)]
mod tests;
