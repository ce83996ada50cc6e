//! What one client's person did lately: edits with their before and after, and places that were looked at.

use std::{collections::VecDeque, path::PathBuf};

use pilotlight_context::sources::{Edit, Place};
use pilotlight_syntax::Snapshot;

use crate::DocumentId;

/// Edits and places that are remembered.
const EDITS: usize = 6;
const PLACES: usize = 4;
/// Edits so many lines apart are two.
const APART: usize = 6;
/// A jump of more lines, or to another file, leaves a place behind.
const JUMP: usize = 40;
/// Lines of an edit, on each side, that are still worth showing.
const LONGEST: usize = 16;

/// The last of each.
#[derive(Debug, Default)]
pub(crate) struct Trail {
    edits: VecDeque<(Option<PathBuf>, Edit)>,
    places: VecDeque<(Option<PathBuf>, Place)>,
    /// The edit that is going on.
    current: Option<Current>,
    at: Option<At>,
}

#[derive(Debug)]
struct Current {
    document: DocumentId,
    /// The path or the name that tells whether a model may see it.
    judged_by: Option<PathBuf>,
    path: String,
    /// Before its first change.
    base: Snapshot,
    /// The line of its last change.
    line: usize,
}

#[derive(Debug)]
struct At {
    document: DocumentId,
    judged_by: Option<PathBuf>,
    path: String,
    snapshot: Snapshot,
    line: usize,
}

impl Trail {
    /// A change at `line` of a document that was `before`.
    pub(crate) fn changed(
        &mut self,
        document: &DocumentId,
        judged_by: Option<PathBuf>,
        path: String,
        before: Snapshot,
        line: usize,
    ) {
        if let Some(current) = &mut self.current {
            if current.document == *document && current.line.abs_diff(line) <= APART {
                current.line = line;
                return;
            }
            let now = (current.document == *document).then(|| before.clone());
            self.finish(now);
        }
        self.current = Some(Current { document: document.clone(), judged_by, path, base: before, line });
    }

    /// Ends the edit that is going on, in a document that is `now` so; `None` where it is not known any more.
    pub(crate) fn finish(&mut self, now: Option<Snapshot>) {
        let Some(current) = self.current.take() else { return };
        let Some(now) = now else { return };
        if let Some((line, before, after)) = hunk(&current.base, &now) {
            let edit = Edit { path: current.path, line, before, after };
            self.edits.retain(|(_, known)| (&known.path, known.line) != (&edit.path, edit.line));
            self.edits.push_back((current.judged_by, edit));
            if self.edits.len() > EDITS {
                self.edits.pop_front();
            }
        }
    }

    /// The document whose edit is going on.
    pub(crate) fn editing(&self) -> Option<&DocumentId> {
        self.current.as_ref().map(|current| &current.document)
    }

    /// The person is at `line`.
    pub(crate) fn looked(
        &mut self,
        document: &DocumentId,
        judged_by: Option<PathBuf>,
        path: &str,
        snapshot: &Snapshot,
        line: usize,
    ) {
        let now = At { document: document.clone(), judged_by, path: path.to_owned(), snapshot: snapshot.clone(), line };
        let Some(last) = self.at.replace(now) else { return };
        if last.document != *document || last.line.abs_diff(line) > JUMP {
            let place = Place::of(&last.path, last.snapshot.rope(), last.line);
            self.places.retain(|(_, known)| known.path != place.path || known.line.abs_diff(place.line) > JUMP);
            self.places.push_back((last.judged_by, place));
            if self.places.len() > PLACES {
                self.places.pop_front();
            }
        }
    }

    /// The edits, oldest first, of files that `shown` lets pass.
    pub(crate) fn edits(&self, shown: impl Fn(&Option<PathBuf>) -> bool) -> Vec<Edit> {
        self.edits.iter().filter(|(judged_by, _)| shown(judged_by)).map(|(_, edit)| edit.clone()).collect()
    }

    /// The same with the edit that is going on in a document that is `now` so.
    pub(crate) fn edits_until(
        &self,
        document: &DocumentId,
        now: &Snapshot,
        shown: impl Fn(&Option<PathBuf>) -> bool,
    ) -> Vec<Edit> {
        let going_on = self.current.as_ref().filter(|it| it.document == *document && shown(&it.judged_by));
        let current = going_on.and_then(|it| {
            let (line, before, after) = hunk(&it.base, now)?;
            Some(Edit { path: it.path.clone(), line, before, after })
        });
        self.edits(shown).into_iter().chain(current).collect()
    }

    /// The places, oldest first, of files that `shown` lets pass.
    pub(crate) fn places(&self, shown: impl Fn(&Option<PathBuf>) -> bool) -> Vec<Place> {
        self.places.iter().filter(|(judged_by, _)| shown(judged_by)).map(|(_, place)| place.clone()).collect()
    }
}

/// The first line that differs, and the lines of both sides up to the last that does. `None` for no difference, and for one that is too long to show.
///
/// By the pieces that the ropes are made of, not by lines: the states of one document share nearly all of them, and an edit waits for this.
fn hunk(before: &Snapshot, after: &Snapshot) -> Option<(usize, String, String)> {
    let (old, new) = (before.rope(), after.rope());
    let (old_len, new_len) = (old.len_bytes(), new.len_bytes());
    let (old_end, new_end) = (old.chunks_at_byte(old_len).0.reversed(), new.chunks_at_byte(new_len).0.reversed());
    let front = common(old.chunks().map(str::as_bytes), new.chunks().map(str::as_bytes), false);
    let back = common(old_end.map(str::as_bytes), new_end.map(str::as_bytes), true);
    if front == old_len && front == new_len {
        return None;
    }
    let line = old.byte_to_line(front).min(new.byte_to_line(front));
    // Whole lines only: the one that the common end begins in is none unless it begins there on both sides.
    let lines_behind = |rope: &ropey::Rope, at: usize| {
        let line = rope.byte_to_line(at);
        rope.len_lines() - line - usize::from(rope.line_to_byte(line) < at)
    };
    let behind = lines_behind(old, old_len - back).min(lines_behind(new, new_len - back));
    let (old_rest, new_rest) = (old.len_lines() - line, new.len_lines() - line);
    let behind = behind.min(old_rest).min(new_rest);
    let (old_count, new_count) = (old_rest - behind, new_rest - behind);
    if old_count.max(new_count) > LONGEST {
        return None;
    }
    let text =
        |rope: &ropey::Rope, count: usize| (line..line + count).map(|line| rope.line(line).to_string()).collect();
    Some((line, text(old, old_count), text(new, new_count)))
}

/// How many bytes two texts have in common at their beginnings; `backwards`: at their ends, where their pieces come from.
fn common<'a>(
    mut left: impl Iterator<Item = &'a [u8]>,
    mut right: impl Iterator<Item = &'a [u8]>,
    backwards: bool,
) -> usize {
    let split = |piece: &'a [u8], count: usize| match backwards {
        false => piece.split_at(count),
        true => {
            let (rest, taken) = piece.split_at(piece.len() - count);
            (taken, rest)
        }
    };
    let (mut a, mut b): (&[u8], &[u8]) = (&[], &[]);
    let mut same = 0;
    loop {
        while a.is_empty() {
            let Some(next) = left.next() else { return same };
            a = next;
        }
        while b.is_empty() {
            let Some(next) = right.next() else { return same };
            b = next;
        }
        let count = a.len().min(b.len());
        let ((a_now, a_rest), (b_now, b_rest)) = (split(a, count), split(b, count));
        // Most pieces are the very same.
        if !std::ptr::eq(a_now, b_now) && a_now != b_now {
            let pairs = a_now.iter().zip(b_now);
            let equal = |(a, b): &(&u8, &u8)| a == b;
            let more = if backwards { pairs.rev().take_while(equal).count() } else { pairs.take_while(equal).count() };
            return same + more;
        }
        same += count;
        (a, b) = (a_rest, b_rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilotlight_syntax::{Change, Document, Language, Position, PositionEncoding, Span};

    fn state(text: &str) -> Snapshot {
        Document::open(Language::Plain, 0, text).snapshot()
    }

    #[test]
    fn an_edit_is_told_once_it_is_left() {
        let (a, b): (DocumentId, DocumentId) = ("a".into(), "b".into());
        let mut trail = Trail::default();
        let (first, second) = (state("one\ntwo\nthree\n"), state("one\n2\nthree\n"));
        trail.changed(&a, None, "a".to_owned(), first, 1);
        trail.changed(&a, None, "a".to_owned(), state("one\nt\nthree\n"), 1);
        assert!(trail.edits(|_| true).is_empty());
        assert_eq!(trail.edits_until(&a, &second, |_| true)[0].after, "2\n");
        assert!(trail.edits_until(&b, &second, |_| true).is_empty());
        assert_eq!(trail.editing(), Some(&a));
        trail.finish(Some(second));
        trail.changed(&b, None, "b".to_owned(), state("x\n"), 0);
        let told = trail.edits(|_| true);
        let expected = Edit { path: "a".to_owned(), line: 1, before: "two\n".to_owned(), after: "2\n".to_owned() };
        assert_eq!(told, [expected]);
        assert!(trail.edits(|_| false).is_empty());
    }

    #[test]
    fn a_place_is_left_behind_by_a_jump() {
        let a: DocumentId = "a".into();
        let text = state(&"line\n".repeat(200));
        let mut trail = Trail::default();
        trail.looked(&a, None, "a", &text, 10);
        trail.looked(&a, None, "a", &text, 12);
        assert!(trail.places(|_| true).is_empty());
        trail.looked(&a, None, "a", &text, 150);
        assert_eq!(trail.places(|_| true)[0].line, 12);
    }

    /// What it comes to line by line.
    fn by_lines(before: &Snapshot, after: &Snapshot) -> Option<(usize, String, String)> {
        let (old, new): (Vec<_>, Vec<_>) = (before.rope().lines().collect(), after.rope().lines().collect());
        let common = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        let (old, new) = (&old[common..], &new[common..]);
        let behind = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        let (old, new) = (&old[..old.len() - behind], &new[..new.len() - behind]);
        let text = |lines: &[ropey::RopeSlice<'_>]| lines.iter().map(ToString::to_string).collect::<String>();
        (old.len().max(new.len()) <= LONGEST && old.len() + new.len() > 0).then(|| (common, text(old), text(new)))
    }

    #[test]
    fn a_hunk_is_what_differs_line_by_line() {
        let texts = [
            "",
            "a",
            "\n",
            "a\n",
            "a\nb",
            "a\nb\n",
            "a\n\nb\n",
            "b\nb\n",
            "xb\n",
            "a\r\nb\r\n",
            "a\rb\n",
            "a\r\r\nb\n",
            "é\nb\n",
            "è\nb\n",
            "a\nb\nc\n",
            "a\nc\n",
            "c\nb\na",
            "a\nb\nb\nb\n",
            "\r\n",
            "\r",
        ];
        for (before, after) in texts.iter().flat_map(|before| texts.map(|after| (*before, after))) {
            let (old, new) = (state(before), state(after));
            assert_eq!(hunk(&old, &new), by_lines(&old, &new), "{before:?} {after:?}");
        }
        let long: String = (0..20_000).map(|i| format!("line {}\n", i % 7)).collect();
        let mut document = Document::open(Language::Plain, 0, &long);
        let first = document.snapshot();
        for (line, character, text) in [(9000, 3, "new"), (9003, 0, "\n\n"), (9001, 6, "ü")] {
            let at = Position { line, character };
            let change = Change { span: Some(Span { start: at, end: at }), text: text.to_owned() };
            document.edit(1, &[change], PositionEncoding::Utf8).expect("the place is in the text");
            let now = document.snapshot();
            assert_eq!(hunk(&first, &now), by_lines(&first, &now));
            assert_eq!(hunk(&now, &first), by_lines(&now, &first));
            assert_eq!(hunk(&now, &state(&now.rope().to_string())), None);
        }
    }
}
