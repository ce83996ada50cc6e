//! What a chat model answers, read strictly: a fenced block, search/replace blocks, or a unified diff. What is none of these is an error that says what was expected and what was found;
//! it is never guessed at.

use std::ops::Range;

use pilotlight_syntax::Language;

use super::line_ends;

/// An answer that cannot be taken.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("expected {expected}, found {found}")]
pub(super) struct Unreadable {
    /// What it should have been.
    pub(super) expected: &'static str,
    /// What it was.
    pub(super) found: String,
}

/// A piece of a text and what is to stand in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

const BLOCK: &str = "one fenced block";
const EDITS: &str = "search/replace blocks, or one unified diff";
const SEARCH: &str = "<<<<<<< SEARCH";
const DIVIDER: &str = "=======";
const REPLACE: &str = ">>>>>>> REPLACE";

/// A fence that nothing in `text` closes.
pub(super) fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// `text` as a fenced block.
pub(super) fn fenced(text: &str, language: Language) -> String {
    let fence = fence(text);
    let name = if language == Language::Plain { "" } else { language.id() };
    format!("{fence}{name}\n{}\n{fence}", text.strip_suffix('\n').unwrap_or(text))
}

/// The content of the answer's one fenced block, without the last line's end. Words around it are no matter.
///
/// # Errors
///
/// There is none, or several, or it is not closed.
pub(super) fn block(reply: &str) -> Result<String, Unreadable> {
    let unreadable = |found: &str| Err(Unreadable { expected: BLOCK, found: found.to_owned() });
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Vec<&str>)> = None;
    for line in spoken(reply).lines() {
        let ticks = line.trim_start().bytes().take_while(|&byte| byte == b'`').count();
        let behind = line.trim_start()[ticks..].trim();
        match &mut open {
            Some((length, _)) if ticks >= *length && behind.is_empty() => blocks.extend(open.take()),
            Some((_, lines)) => lines.push(line),
            None if ticks >= 3 && !behind.contains('`') => open = Some((ticks, Vec::new())),
            None => {}
        }
    }
    match (open, &blocks[..]) {
        (Some(_), _) => unreadable("one that is not closed"),
        (None, [(_, lines)]) => Ok(lines.join("\n")),
        (None, []) if spoken(reply).trim().is_empty() => unreadable("nothing"),
        (None, []) => unreadable("words alone"),
        (None, several) => unreadable(&format!("{} of them", several.len())),
    }
}

/// What the answer does to `text`: its replacements in the order of the text, none of which touches another. Whatever ends the lines of `text`, theirs end with `\n`.
///
/// # Errors
///
/// It is in neither form, or what it searches for does not stand in `text` exactly once.
pub(super) fn edits(reply: &str, text: &str) -> Result<Vec<Replacement>, Unreadable> {
    let reply = spoken(reply);
    let mut all = if reply.lines().any(|line| line.trim_end() == SEARCH) {
        search_replace(reply, text)?
    } else if reply.lines().any(|line| line.starts_with("@@ ")) {
        diff(reply, text)?
    } else {
        let found = if reply.trim().is_empty() { "nothing" } else { "something else" };
        return Err(unreadable(found));
    };
    all.sort_by_key(|it| (it.range.start, it.range.end));
    let meets = |pair: &[Replacement]| pair[1].range.start < pair[0].range.end || pair[0].range == pair[1].range;
    if all.windows(2).any(meets) {
        return Err(unreadable("two that change the same lines"));
    }
    all.retain(|it| line_ends::plain(&text[it.range.clone()]) != it.text);
    if all.is_empty() { Err(unreadable("some that change nothing")) } else { Ok(all) }
}

/// The answer behind what a model thinks aloud; while that has no end there is none.
fn spoken(reply: &str) -> &str {
    let unended = if reply.trim_start().starts_with("<think>") { "" } else { reply };
    reply.rsplit_once("</think>").map_or(unended, |(_, spoken)| spoken)
}

fn unreadable(found: impl Into<String>) -> Unreadable {
    Unreadable { expected: EDITS, found: found.into() }
}

/// Where a search/replace block is read.
enum At<'r> {
    Outside,
    Search(Vec<&'r str>),
    Replace(Vec<&'r str>, Vec<&'r str>),
}

fn search_replace(reply: &str, text: &str) -> Result<Vec<Replacement>, Unreadable> {
    let mut all = Vec::new();
    let mut at = At::Outside;
    for line in reply.lines() {
        let mark = line.trim_end();
        at = match (at, mark) {
            (At::Outside, SEARCH) => At::Search(Vec::new()),
            (At::Outside, DIVIDER | REPLACE) => return Err(unreadable(format!("`{mark}` outside of a block"))),
            (At::Outside, _) => At::Outside,
            (At::Search(old), DIVIDER) => At::Replace(old, Vec::new()),
            (At::Search(_), SEARCH | REPLACE) => return Err(unreadable(format!("`{mark}` before `{DIVIDER}`"))),
            (At::Search(mut old), _) => {
                old.push(line);
                At::Search(old)
            }
            (At::Replace(old, new), REPLACE) => {
                all.push(located(text, &old, &new, None)?);
                At::Outside
            }
            (At::Replace(..), SEARCH | DIVIDER) => return Err(unreadable(format!("`{mark}` before `{REPLACE}`"))),
            (At::Replace(old, mut new), _) => {
                new.push(line);
                At::Replace(old, new)
            }
        };
    }
    if matches!(at, At::Outside) { Ok(all) } else { Err(unreadable("a block that is not closed")) }
}

/// Hunks are told by their lines and placed by what these say: the counts of a header are often wrong, its first line only tells places apart that are the same.
fn diff(reply: &str, text: &str) -> Result<Vec<Replacement>, Unreadable> {
    let lines: Vec<&str> = reply.lines().collect();
    if lines.iter().filter(|line| line.trim_start().starts_with("```")).count() % 2 == 1 {
        return Err(unreadable("a diff that breaks off"));
    }
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        if !line.starts_with("@@ ") {
            continue;
        }
        let bad = || unreadable(format!("the hunk `{}`", line.chars().take(60).collect::<String>()));
        let start = first_line(line).ok_or_else(bad)?;
        // Of the next file: a line that begins with `-- ` and gives way to one with `++ ` looks like one, but no hunk follows it.
        let header = ["--- ", "+++ ", "@@ "];
        let is_header =
            |at: usize| lines[at..].len() >= 3 && lines[at..].iter().zip(header).all(|(it, mark)| it.starts_with(mark));
        let of_hunk = |at: &usize| lines[*at].starts_with([' ', '+', '-', '\\']) || lines[*at].is_empty();
        let mut end = (at..lines.len()).find(|at| !of_hunk(at) || is_header(*at)).unwrap_or(lines.len());
        let next = end;
        // A blank line of the context may have lost its blank; at the end it is none.
        while end > at && lines[end - 1].is_empty() {
            end -= 1;
        }
        let (mut old, mut new) = (Vec::new(), Vec::new());
        for line in &lines[at..end] {
            let (mark, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
            old.extend((mark == " " || mark == "-").then_some(rest));
            new.extend((mark == " " || mark == "+").then_some(rest));
        }
        if old == new {
            return Err(bad());
        }
        all.push(located(text, &old, &new, Some(start))?);
        at = next;
    }
    Ok(all)
}

/// The first line, from 1, of `@@ -1,2 +3,4 @@`.
fn first_line(hunk: &str) -> Option<usize> {
    let (old, new) = hunk.strip_prefix("@@ -")?.split(" @@").next()?.split_once(" +")?;
    let number = |text: &str| text.split(',').next()?.parse::<usize>().ok();
    number(new)?;
    number(old)
}

/// Whole lines of `text` that are `old`, which stand there once, or else where they are said to begin (`line`, from 1).
fn located(text: &str, old: &[&str], new: &[&str], line: Option<usize>) -> Result<Replacement, Unreadable> {
    // The lines' own starts; a text without a last line's end has one line less to begin at.
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    if old.is_empty() {
        // An insertion: a diff says behind which line.
        let Some(after) = line else { return Err(unreadable("a block that searches for nothing")) };
        let at = *starts.get(after).ok_or_else(|| unreadable(format!("an insertion behind line {after}")))?;
        return Ok(Replacement { range: at..at, text: new.iter().flat_map(|line| [line, "\n"]).collect() });
    }
    // The length of the line's end at a byte.
    let line_end = |at: usize| ["\r\n", "\n"].into_iter().find(|end| text[at..].starts_with(end)).map(str::len);
    let of = |start: usize| {
        let mut end = start;
        for (at, wanted) in old.iter().enumerate() {
            if at > 0 {
                end += line_end(end)?;
            }
            end += text[end..].strip_prefix(wanted).map(|_| wanted.len())?;
        }
        (end == text.len() || line_end(end).is_some()).then_some(start..end)
    };
    let found: Vec<Range<usize>> = starts.iter().filter_map(|&start| of(start)).collect();
    let said = line.and_then(|line| starts.get(line.checked_sub(1)?).copied());
    let range = match &found[..] {
        [one] => one.clone(),
        several => match several.iter().find(|it| Some(it.start) == said) {
            Some(said) => said.clone(),
            None => {
                let first: String = old[0].trim().chars().take(60).collect();
                return Err(unreadable(format!("lines (`{first}`, …) that stand {} times in the text", several.len())));
            }
        },
    };
    let mut range = range;
    if new.is_empty() {
        // The lines go, ends and all.
        match line_end(range.end) {
            Some(length) => range.end += length,
            None => {
                let before = &text[..range.start];
                range.start = before.strip_suffix('\n').map_or(0, |it| it.strip_suffix('\r').unwrap_or(it).len());
            }
        }
    }
    Ok(Replacement { range, text: new.join("\n") })
}

#[cfg(test)]
mod tests;
