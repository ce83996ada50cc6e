//! The next edit as a model writes it: the lines around the cursor anew, of which one change is offered.

use std::{ops::Range, time::Instant};

use pilotlight_context::{
    next_edit::{Asked, Form, form},
    secrets,
    sources::Edit as Recent,
};
use pilotlight_engine::{Finish, Priority, Sampling};
use pilotlight_syntax::Snapshot;
use tokio_util::sync::CancellationToken;

use crate::{
    Assistant, ChangeSet, DocumentId, Edit, FileChange, Generation, Limits,
    actions::{
        asking::{BYTES_PER_TOKEN, around},
        line_ends,
    },
    generation,
    model::Model,
};

/// Tokens that an answer may have beyond twice the region's.
const ROOM: usize = 64;

impl Assistant {
    /// What the loaded model would change around the cursor of the state `snapshot`, if it was trained for that: the nearest change behind the cursor's line, or before it. Nothing where the text
    /// is another by now; nothing on the cursor's line, which is being typed; nothing that undoes what was just done, adds a syntax error, or stands where a secret is.
    pub(super) async fn written_edits(
        &self,
        document: &DocumentId,
        snapshot: &Snapshot,
        cursor: usize,
        cancel: &CancellationToken,
    ) -> Vec<(FileChange, Edit)> {
        let Ok((_, now, path)) = self.states(document) else { return Vec::new() };
        if now.revision() != snapshot.revision() {
            return Vec::new();
        }
        let workspace = self.workspace();
        let options = workspace.options_for(path.as_deref());
        let Some(model) = self.serving() else { return Vec::new() };
        let info = model.engine.info();
        let form = form(options.actions.next_edit_form.name(), &info.name, info.edit_form.as_deref());
        let Some(form) = form.filter(|form| form.markers.len() == model.encoder.specials(form.markers).len()) else {
            return Vec::new();
        };
        let off = !options.actions.enabled
            || snapshot.too_large().is_some()
            || self.excluded(self.name_of(document, path.as_deref()).as_deref(), &options.completion).is_some();
        let edits = if off { Vec::new() } else { self.recent_edits(document, snapshot) };
        let named = workspace.prompt_path(path.as_deref(), document);
        let Some(place) = Place::of(snapshot, cursor, form, &named, &edits) else { return Vec::new() };
        let room = options.actions.context_tokens * BYTES_PER_TOKEN;
        let writing = place.write(model, form, snapshot, (&named, &edits), room, self.session());
        let Some(Some(written)) = cancel.run_until_cancelled(writing).await else { return Vec::new() };
        let (here, region) = (snapshot.line_at(cursor), snapshot.slice(place.lines.clone()));
        let mut found: Vec<Edit> = changes(&region, &written)
            .into_iter()
            .filter(|(at, text)| !reverts(&region[at.clone()], text, &edits, &named))
            .map(|(at, text)| Edit {
                range: place.lines.start + at.start..place.lines.start + at.end,
                text: line_ends::written(&text, line_ends::of(snapshot)),
                doubt: None,
            })
            .filter(|edit| edit.range.end <= here.start || edit.range.start > here.end)
            .collect();
        found.sort_by_key(|edit| (edit.range.start < cursor, edit.range.start.abs_diff(cursor)));
        let change = |edit| FileChange {
            path: path.clone(),
            document: Some(document.clone()),
            before: snapshot.clone(),
            creates: false,
            edits: vec![edit],
        };
        found.into_iter().filter_map(|edit| checked(change(edit))).collect()
    }

    /// What was changed lately in files that a model may see, the edit that is going on included.
    fn recent_edits(&self, document: &DocumentId, now: &Snapshot) -> Vec<Recent> {
        let mut edits = self.trail().edits_until(document, now, |path| self.may_show(path.as_deref()));
        for edit in &mut edits {
            edit.before = secrets::masked(&edit.before).into_owned();
            edit.after = secrets::masked(&edit.after).into_owned();
        }
        edits
    }
}

/// Lines that a model writes anew.
struct Place {
    /// Their bytes.
    lines: Range<usize>,
    cursor: usize,
    /// As they were before the last change among them.
    earlier: String,
}

impl Place {
    /// `None` where nothing was changed that something could follow from, where there is no such cursor, and where a secret stands: what a model is not shown it could not write again.
    fn of(snapshot: &Snapshot, cursor: usize, form: &Form, path: &str, edits: &[Recent]) -> Option<Self> {
        let last = edits.last()?;
        let rope = snapshot.rope();
        let line = rope.byte_to_line(cursor.min(rope.len_bytes()));
        let (first, end) = (line.saturating_sub(form.reach), (line + form.reach + 1).min(rope.len_lines()));
        let lines = rope.line_to_byte(first)..rope.line_to_byte(end);
        let region = snapshot.slice(lines.clone());
        if !region.is_char_boundary(cursor - lines.start) || !secrets::secrets(&region).is_empty() {
            return None;
        }
        let at = last.line.checked_sub(first).filter(|_| last.path == path);
        let earlier = at.and_then(|at| replaced(&region, at, &last.after, &last.before)).unwrap_or(region);
        Some(Self { cursor: cursor - lines.start, lines, earlier })
    }

    /// Asks the model; `None` where it changes nothing, or its answer is none. The lines of the answer end with `\n`.
    async fn write(
        &self,
        model: &Model,
        form: &Form,
        snapshot: &Snapshot,
        (path, edits): (&str, &[Recent]),
        room: usize,
        session: u64,
    ) -> Option<String> {
        let region = snapshot.slice(self.lines.clone());
        let (before, after) = around(snapshot, &self.lines, room.saturating_sub(region.len() * 3));
        let (before, after) = (secrets::masked(&before), secrets::masked(&after));
        let (cursor, earlier) = (self.cursor, self.earlier.as_str());
        let from_start = before.len() == self.lines.start;
        let asked = Asked { path, before: &before, from_start, region: &region, cursor, after: &after, earlier, edits };
        let prompt = model.encoder.pieces(&(form.layout)(&asked));
        let draft = model.engine.tokenizer().encode(&line_ends::plain(&region));
        let limits = Limits {
            max_tokens: draft.len() * 2 + ROOM,
            sampling: Sampling::Greedy,
            stop: Vec::new(),
            priority: Priority::NextEdit,
        };
        let stops = model.encoder.specials(form.stops);
        let asked = generation::Asked { prompt, draft, ..Default::default() };
        let generation = Generation::of(&model.engine, asked, stops, &[], limits, session, Instant::now());
        let mut generation = generation.spelling(model.engine.tokenizer().clone());
        let mut answer = String::new();
        let mut said = false;
        while !said {
            match generation.next().await {
                Ok(Some(piece)) => answer += &piece,
                Ok(None) => break,
                Err(error) => {
                    tracing::info!(error, "no next edit");
                    return None;
                }
            }
            said = form.last.is_some_and(|last| answer.contains(last));
        }
        // What was cut off may have been meant to go on.
        if !said && generation.report().finish != Some(Finish::Stop) {
            return None;
        }
        let mut written = line_ends::plain(&(form.read)(&answer)?);
        match (region.ends_with('\n'), written.ends_with('\n')) {
            (true, false) => written.push('\n'),
            (false, true) => _ = written.pop(),
            _ => {}
        }
        (written != line_ends::plain(&region)).then_some(written)
    }
}

/// Whether the change from `old` to `new` undoes one of the person's changes or a part of it: takes out lines that it put in, and puts in lines that it took out.
fn reverts(old: &str, new: &str, edits: &[Recent], path: &str) -> bool {
    let of = |text: &str, whole: &str| text.lines().all(|line| whole.lines().any(|it| it.trim() == line.trim()));
    let something = !(old.trim().is_empty() && new.trim().is_empty());
    something && edits.iter().any(|edit| edit.path == path && of(old, &edit.after) && of(new, &edit.before))
}

/// `region` with the lines `new` in the place of the lines `old` from line `at` on; `None` where they do not stand there.
fn replaced(region: &str, at: usize, old: &str, new: &str) -> Option<String> {
    let start: usize = region.split_inclusive('\n').take(at).map(str::len).sum();
    let rest = region.get(start..)?.strip_prefix(old)?;
    Some(region[..start].to_owned() + new + rest)
}

/// The changed runs of lines, whatever ends them: bytes of `old`, and what stands there in `new`.
fn changes(old: &str, new: &str) -> Vec<(Range<usize>, String)> {
    let (old_text, new_text) = (line_ends::plain(old), line_ends::plain(new));
    let lines = |text| str::split_inclusive(text, '\n').collect::<Vec<_>>();
    let (old_plain, new_plain) = (lines(&old_text), lines(&new_text));
    let diff = similar::TextDiff::from_slices(&old_plain, &new_plain);
    let starts = |text: &str| -> Vec<usize> {
        let ends = text.split_inclusive('\n').scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        std::iter::once(0).chain(ends).collect()
    };
    let (old_lines, new_lines) = (starts(old), starts(new));
    let changed = diff.ops().iter().filter(|op| op.tag() != similar::DiffTag::Equal);
    changed
        .map(|op| {
            let (from, to) = (op.old_range(), op.new_range());
            let text = new[new_lines[to.start]..new_lines[to.end]].to_owned();
            (old_lines[from.start]..old_lines[from.end], text)
        })
        .collect()
}

/// The change, unless it would be a syntax error.
fn checked(change: FileChange) -> Option<(FileChange, Edit)> {
    let mut set = ChangeSet { files: vec![change], ..ChangeSet::default() };
    set.check();
    let file = set.files.pop()?;
    let edit = file.edits.first()?.clone();
    Some((file, edit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_lines_that_differ() {
        assert_eq!(changes("a\nb\nc\n", "a\nb\nc\n"), []);
        assert_eq!(changes("a\nb\nc\n", "a\nx\nc\ny\n"), [(2..4, "x\n".to_owned()), (6..6, "y\n".to_owned())]);
        assert_eq!(changes("a\nb", "b"), [(0..2, String::new())]);
    }

    #[test]
    fn runs_of_lines_in_a_text_that_ends_them_otherwise() {
        let old = "a\r\nb\r\nc\r\n";
        assert_eq!(changes(old, "a\nb\nc\n"), []);
        assert_eq!(changes(old, "a\nx\nc\ny\n"), [(3..6, "x\n".to_owned()), (9..9, "y\n".to_owned())]);
        assert_eq!(changes("a\rb\nc\n", "a\rb\nd\n"), [(4..6, "d\n".to_owned())], "a return alone ends no line");
    }

    #[test]
    fn a_cursor_of_another_state_is_nowhere() {
        use pilotlight_syntax::{Document, Language};

        let snapshot = Document::open(Language::Plain, 0, "aé\n").snapshot();
        let edits = [Recent { path: "a".into(), line: 0, before: "b\n".into(), after: "aé\n".into() }];
        let is_place = |cursor| {
            form("ember", "", None).is_some_and(|form| Place::of(&snapshot, cursor, form, "a", &edits).is_some())
        };
        assert!(is_place(0) && is_place(3) && is_place(4));
        assert!(!is_place(2), "in a character");
        assert!(!is_place(9), "behind the end");
    }

    #[test]
    fn what_was_just_done_is_not_undone() {
        let edit = |before: &str, after: &str| Recent {
            path: "a".into(),
            line: 3,
            before: before.into(),
            after: after.into(),
        };
        let edits = [edit("let a = 1;\nlet b = 1;\n", "let a = 2;\nlet b = 2;\n"), edit("gone();\n", "")];
        let reverts = |old: &str, new: &str| reverts(old, new, &edits, "a");
        assert!(reverts("let a = 2;\nlet b = 2;\n", "let a = 1;\nlet b = 1;\n"));
        assert!(reverts("let b = 2;\n", "let b = 1;\n"), "a part of it");
        assert!(reverts("", "    gone();\n"));
        assert!(!reverts("let c = 1;\n", "let c = 2;\n"));
        assert!(!reverts("let b = 2;\n", "let b = 3;\n"));
        assert!(!super::reverts("", "gone();\n", &edits, "b"), "another file");
    }

    #[test]
    fn a_region_as_it_was() {
        assert_eq!(replaced("a\nb\nc\n", 1, "b\n", "x\ny\n").as_deref(), Some("a\nx\ny\nc\n"));
        assert_eq!(replaced("a\nb\nc\n", 1, "c\n", "x\n"), None);
        assert_eq!(replaced("a\n", 5, "c\n", "x\n"), None);
    }
}
