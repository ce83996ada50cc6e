//! From a chat model's answer to edits: where they go, and what is checked beside the syntax.

use std::{cell::LazyCell, collections::BTreeSet, ops::Range};

use pilotlight_syntax::{CommentOrString, Language, Occasion, OccasionKind, Snapshot};

use super::{
    Answer, Target,
    holes::indentation,
    layout, line_ends,
    reply::{self, Unreadable},
};
use crate::Edit;

/// The whole lines that a question is about.
pub(super) fn lines(snapshot: &Snapshot, occasions: &[Occasion], target: &Target, answer: Answer) -> Range<usize> {
    let whole = |range: &Range<usize>| {
        // A selection that ends where a line begins does not mean that line.
        let ends_before = range.end > range.start && snapshot.line_at(range.end).start == range.end;
        let end = if ends_before { range.end - 1 } else { range.end };
        snapshot.line_at(range.start).start..snapshot.line_at(end).end
    };
    let around = |range: &Range<usize>| {
        let holds = |it: &&Occasion| {
            it.kind == OccasionKind::Function
                && it.body.is_some()
                && it.range.start <= range.start
                && range.end <= it.range.end
        };
        occasions.iter().filter(holds).min_by_key(|it| it.range.len()).map(|it| it.range.clone())
    };
    match answer {
        // A loop's result may be declared before it, and a callback's function has to become async.
        Answer::Lines { .. } if target.occasion.as_ref().is_some_and(|it| it.body.is_none()) => {
            whole(&around(&target.range).unwrap_or_else(|| target.range.clone()))
        }
        Answer::Edits => 0..snapshot.rope().len_bytes(),
        _ => whole(&target.range),
    }
}

/// The new text of lines as edits: as few as one, of the lines that are others now.
pub(super) fn replaced(
    snapshot: &Snapshot,
    lines: &Range<usize>,
    keeps: bool,
    text: &str,
) -> Result<Vec<Edit>, Unreadable> {
    let bad = |found: String| Err(Unreadable { expected: "the new text of the lines", found });
    let old = snapshot.slice(lines.clone());
    let new = line_ends::written(&layout::indented(snapshot, lines, text), line_ends::of(snapshot));
    if line_ends::plain(&new) == line_ends::plain(&old) {
        return bad("the old one".to_owned());
    }
    if new.trim().is_empty() {
        return bad("nothing".to_owned());
    }
    let after = LazyCell::new(|| snapshot.with_replaced(lines.clone(), &new));
    layout::check(snapshot, || after.clone())?;
    if keeps {
        let missing: Vec<String> = names(snapshot, lines)
            .difference(&names(&after, &(lines.start..lines.start + new.len())))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return bad(format!("one that does not define `{}` any more", missing.join("`, `")));
        }
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    // Lines that are the same may end otherwise in a text that has both ends.
    let same = |(a, b): &(&&str, &&str)| line_ends::plain(a) == line_ends::plain(b);
    let head = old.iter().zip(&new).take_while(same).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(same).count();
    let bytes = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let range = lines.start + bytes(&old[..head])..lines.end - bytes(&old[old.len() - tail..]);
    Ok(vec![Edit { range, text: new[head..new.len() - tail].concat(), doubt: None }])
}

/// What is defined in bytes `range`, by name.
fn names(snapshot: &Snapshot, range: &Range<usize>) -> BTreeSet<String> {
    let within = snapshot.outline().into_iter().filter(|it| range.start <= it.range.start && it.range.end <= range.end);
    within.map(|it| it.name).collect()
}

/// Documentation put where it belongs; it is refused unless there is nothing in it but comments, or in Python one text.
pub(super) fn documented(snapshot: &Snapshot, target: &Target, text: &str) -> Result<Edit, Unreadable> {
    let bad = |found: &str| Err(Unreadable { expected: "a comment alone", found: found.to_owned() });
    let Some(occasion) = &target.occasion else { return bad("no place for it") };
    let python = snapshot.language() == Language::Python;
    let (at, blanks) = match (&occasion.body, python) {
        (Some(body), true) => (body.start, indentation(snapshot, body.start)),
        (None, true) => return bad("no place for it"),
        (_, false) => {
            let start = head(snapshot, occasion);
            (start + indentation(snapshot, start).len(), indentation(snapshot, start))
        }
    };
    let own_line = snapshot.slice(snapshot.line_at(at).start..at).trim().is_empty();
    if !own_line {
        return bad("no line of its own for it");
    }
    let mut lines: Vec<String> = Vec::new();
    let least =
        text.lines().filter(|line| !line.trim().is_empty()).map(|line| line.len() - line.trim_start().len()).min();
    for line in text.trim().lines() {
        let line = line.get(least.unwrap_or(0)..).filter(|_| line.len() > line.trim_start().len()).unwrap_or(line);
        lines.push(if line.trim().is_empty() { String::new() } else { line.trim_end().to_owned() });
    }
    let inserted = lines.join(&format!("\n{blanks}")).replace(&format!("\n{blanks}\n"), "\n\n") + "\n" + &blanks;
    let after = snapshot.with_replaced(at..at, &inserted);
    let is_said = |said| said == Some(CommentOrString::Comment) || python && said == Some(CommentOrString::String);
    // What begins with a leaf is told behind its first byte. All code has leaves, where there is a tree.
    let is_text = |start| [start, start + 1].iter().any(|&at| is_said(after.in_comment_or_string(at)));
    let mut leaves = after.leaves(at..at + inserted.len());
    if after.tree().is_none() || !leaves.all(|leaf| is_text(leaf.start_byte())) {
        return bad("code in it");
    }
    if after.in_comment_or_string(at + inserted.len()).is_some() {
        return bad("one without an end");
    }
    Ok(Edit { range: at..at, text: inserted, doubt: None })
}

/// Where the first line of a definition begins, its attributes and decorators included.
fn head(snapshot: &Snapshot, occasion: &Occasion) -> usize {
    let Some(own) = snapshot.statement_at(occasion.range.start) else { return occasion.range.start };
    let mut start = snapshot.line_at(own.range.start.min(occasion.range.start)).start;
    while let Some(line) = start.checked_sub(1).map(|before| snapshot.line_at(before)) {
        let text = snapshot.slice(line.clone());
        let last = line.start + text.trim_end().len().saturating_sub(1);
        let belongs = || snapshot.statement_at(line.start).is_some_and(|unit| unit.range.end == own.range.end);
        if text.trim().is_empty() || snapshot.in_comment_or_string(last).is_some() || !belongs() {
            break;
        }
        start = line.start;
    }
    start
}

/// A block as tests: refused where there is none in it.
pub(super) fn tests(language: Language, text: &str) -> Result<String, Unreadable> {
    let mark = match language {
        Language::Rust => "#[test]",
        Language::Python => "def test_",
        Language::Go => "func Test",
        _ => "test(",
    };
    let also = text.contains("it(") && mark == "test(";
    if text.contains(mark) || also {
        return Ok(text.trim_matches('\n').to_owned());
    }
    Err(Unreadable { expected: "tests", found: format!("a text without `{mark}`") })
}

/// Edits of the file.
pub(super) fn edits(snapshot: &Snapshot, lines: &Range<usize>, text: &str) -> Result<Vec<Edit>, Unreadable> {
    let all = reply::edits(text, &snapshot.slice(lines.clone()))?;
    let edit = |it: reply::Replacement| {
        let range = lines.start + it.range.start..lines.start + it.range.end;
        Edit { range, text: it.text, doubt: None }
    };
    let all: Vec<Edit> = all.into_iter().map(edit).collect();
    // From the last to the first, so that the places of the others stay.
    let done = |text: Snapshot, edit: &Edit| text.with_replaced(edit.range.clone(), &edit.text);
    layout::check(snapshot, || all.iter().rev().fold(snapshot.clone(), done))?;
    Ok(all)
}
