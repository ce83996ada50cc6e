//! Blocks whose ends are still to be written, in Ruby and Lua, where they are words. A line in such a block is part of one error whatever it says; with the ends that may be missing it can be judged.

use pilotlight_syntax::{Language, Snapshot};

use super::{extent::errors_of, unclosed::unclosed};

/// More ends are not missing in a text that somebody writes.
const MOST: usize = 6;
/// A line begins or ends so many blocks.
const BLOCKS: usize = 2;

/// How many ends have to stand behind the line of byte `at` to have no error in `snapshot`; `None` where that is not all that is wrong.
pub(super) fn missing(snapshot: &Snapshot, at: usize) -> Option<usize> {
    let ends_blocks = matches!(snapshot.language(), Language::Ruby | Language::Lua);
    (0..=MOST).filter(|_| ends_blocks).find(|count| is_right(snapshot, at, "", *count))
}

/// Whether there is no error in `snapshot` if about `missing` ends stand behind the line of byte `at`.
pub(super) fn is_right_with(snapshot: &Snapshot, at: usize, missing: usize) -> bool {
    // In Lua one of them may be of another form.
    let forms: &[&str] = if snapshot.language() == Language::Lua { &["", "\nuntil x"] } else { &[""] };
    let mut counts = missing.saturating_sub(BLOCKS)..=missing + BLOCKS;
    counts.any(|count| forms.iter().any(|form| is_right(snapshot, at, form, count)))
}

fn is_right(snapshot: &Snapshot, at: usize, form: &str, ends: usize) -> bool {
    let at = snapshot.line_at(at).end;
    errors_of(&snapshot.with_replaced(at..at, &(form.to_owned() + &"\nend".repeat(ends)))) == 0
}

/// Whether the line of byte `at` goes on below, or is not written to its end: nothing can be said of it yet.
pub(super) fn goes_on(snapshot: &Snapshot, at: usize) -> bool {
    let range = snapshot.line_at(at);
    let line = snapshot.slice(range.clone());
    let ends = |c: char| c.is_alphanumeric() || matches!(c, ')' | ']' | '}' | '"' | '\'' | '`' | ';' | ':' | '_');
    let word = line.trim_end().rsplit(|c: char| !c.is_alphanumeric()).next();
    !line.trim_end().ends_with(ends)
        || matches!(word, Some("and" | "or" | "not"))
        || line.matches('"').count() % 2 == 1
        || unclosed(snapshot, range).is_some()
}
