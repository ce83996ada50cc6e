//! The lines around a use that are written anew where it has to follow a change of a type: few, and whole.

use std::ops::Range;

use pilotlight_syntax::Snapshot;

use crate::changes::Hole;

/// Lines of a region at most.
const MOST_LINES: usize = 12;

/// The lines of the statement around `used` (bytes); where that is long, those of the use alone. `None` where these are many too.
pub(super) fn around(snapshot: &Snapshot, used: Range<usize>) -> Option<Range<usize>> {
    let lines = |range: Range<usize>| {
        let whole = snapshot.line_at(range.start).start..snapshot.line_at(range.end).end;
        let rope = snapshot.rope();
        (rope.byte_to_line(whole.end) - rope.byte_to_line(whole.start) < MOST_LINES).then_some(whole)
    };
    let statement = snapshot.statement_at(used.start).map(|unit| unit.range);
    let statement = statement.filter(|it| it.start <= used.start && used.end <= it.end);
    statement.and_then(lines).or_else(|| lines(used))
}

/// Makes one of regions of a file that overlap: two uses in a statement are one piece of work.
pub(super) fn joined(holes: &mut Vec<Hole>) {
    let mut kept: Vec<Hole> = Vec::with_capacity(holes.len());
    for hole in holes.drain(..) {
        let meets = |it: &&mut Hole| {
            it.anew
                && hole.anew
                && it.path == hole.path
                && it.range.start < hole.range.end
                && hole.range.start < it.range.end
        };
        match kept.iter_mut().find(meets) {
            Some(other) => {
                other.range = other.range.start.min(hole.range.start)..other.range.end.max(hole.range.end);
            }
            None => kept.push(hole),
        }
    }
    *holes = kept;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use pilotlight_syntax::{Document, Language};

    use super::*;

    #[test]
    fn a_statement_or_the_lines_of_the_use() {
        let lines = |text: &str| {
            let snapshot = Document::open(Language::Rust, 0, text).snapshot();
            let at = text.find("area(").unwrap();
            around(&snapshot, at..at + text[at..].find(')').unwrap() + 1).map(|range| text[range].to_owned())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            lines("fn f() {\n    let x =\n        area(1);\n    g();\n}\n"),
            some("    let x =\n        area(1);")
        );
        let many = "        g();\n".repeat(20);
        let branch = format!("fn f() {{\n    if area(1) > 2 {{\n{many}    }}\n}}\n");
        assert_eq!(lines(&branch), some("    if area(1) > 2 {"));
        let long = format!("fn f() {{\n    area(\n{});\n}}\n", "        1,\n".repeat(20));
        assert_eq!(lines(&long), None);
    }
}
