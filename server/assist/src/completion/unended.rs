//! Blocks whose ends are still to be written, in Ruby and Lua, where they are words. A line in such a block is part of one error whatever it says; with the ends that may be missing it can be judged.

use pilotlight_syntax::{Language, Snapshot};

use super::{extent::errors_of, unclosed::unclosed};

/// What may be missing.
fn ends(language: Language) -> &'static [&'static str] {
    match language {
        Language::Ruby => &["", "\nend", "\nend\nend", "\nend\nend\nend"],
        Language::Lua => {
            &["", "\nend", "\nend\nend", "\nend\nend\nend", "\nuntil x", "\nuntil x\nend", "\nuntil x\nend\nend"]
        }
        _ => &[],
    }
}

/// Whether there is no error in `snapshot` if some ends stand behind the line of byte `at`.
pub(super) fn is_right(snapshot: &Snapshot, at: usize) -> bool {
    let end = snapshot.line_at(at).end;
    ends(snapshot.language()).iter().any(|ends| errors_of(&snapshot.with_replaced(end..end, ends)) == 0)
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
