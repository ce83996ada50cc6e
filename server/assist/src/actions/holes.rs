//! Holes: what is still to be written, between what stands before it and behind it. Any model that fills in the middle does these.

use std::ops::Range;

use pilotlight_syntax::{Language, Occasion, OccasionKind, Snapshot};

use super::{Action, How, Place, When, line_ends};

/// See the module.
pub(super) static ACTIONS: [Action; 2] = [
    Action {
        id: "write-body",
        title: "Write the body of `{}`",
        when: When::On { kind: OccasionKind::Function, place: Place::Lines, which: |function, _| function.is_empty },
        how: How::Fill,
    },
    Action {
        id: "complete-placeholder",
        title: "Write what belongs here",
        when: When::On { kind: OccasionKind::Placeholder, place: Place::Lines, which: |it, all| !is_body(it, all) },
        how: How::Fill,
    },
];

/// A hole, as the model is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    /// The bytes that go.
    pub(super) range: Range<usize>,
    /// What stands in their place around what the model writes: line breaks and indentation.
    pub(super) before: String,
    pub(super) after: String,
    /// It is all that a body will have, and may be several statements.
    pub(super) is_body: bool,
}

impl Hole {
    /// The hole that an occasion is; `occasions` are those in it.
    pub(super) fn of(snapshot: &Snapshot, occasions: &[Occasion], occasion: &Occasion) -> Self {
        let Some(body) = occasion.body.clone() else { return Self::instead(occasion.range.clone(), false) };
        // Comments and documentation in it stay: they say what is to be written.
        let inside = |it: &&Occasion| it.kind == OccasionKind::Placeholder && contains(&body, &it.range);
        if let Some(placeholder) = occasions.iter().find(inside)
            && stands_alone(snapshot, &placeholder.range)
        {
            return Self::instead(placeholder.range.clone(), true);
        }
        let placeholder = occasions.iter().find(inside).map(|it| it.range.clone());
        let start = placeholder.as_ref().map_or(body.end, |it| it.start);
        let start = occasion.range.start + snapshot.slice(occasion.range.start..start).trim_end().len();
        let (end, indentation) = (line_ends::of(snapshot), indentation(snapshot, occasion.range.start));
        let indentation_inside = format!("{end}{indentation}{}", unit(snapshot));
        let said = placeholder.map_or(String::new(), |it| comments(snapshot, occasions, it.end..body.end));
        let said = if said.is_empty() { said } else { format!("{indentation_inside}{said}") };
        let delimited = snapshot.slice(body.end..body.end + 1) == "}";
        Self {
            range: start..body.end,
            before: said + &indentation_inside,
            after: if delimited { format!("{end}{indentation}") } else { String::new() },
            is_body: true,
        }
    }

    /// In the place of a piece of code that has its lines or expression to itself.
    fn instead(range: Range<usize>, is_body: bool) -> Self {
        Self { range, before: String::new(), after: String::new(), is_body }
    }
}

/// Whether a piece of code is as much to be written as before, in `written`, where it was to be: comments are no body, and neither is another placeholder.
pub(super) fn is_open_still(written: &Snapshot, occasion: &Occasion) -> bool {
    let start = occasion.range.start;
    let is = |it: &Occasion| it.kind == occasion.kind && it.range.start == start;
    let is_open = |it: &Occasion| it.kind == OccasionKind::Placeholder || it.is_empty;
    written.occasions(start..start).iter().any(|it| is(it) && is_open(it))
}

/// What stands in a part of an empty body behind its first placeholder, but for further ones.
fn comments(snapshot: &Snapshot, occasions: &[Occasion], range: Range<usize>) -> String {
    let inside = |it: &&Occasion| it.kind == OccasionKind::Placeholder && contains(&range, &it.range);
    let mut said = String::new();
    let mut at = range.start;
    for placeholder in occasions.iter().filter(inside) {
        said += snapshot.slice(at..placeholder.range.start).trim_end();
        at = placeholder.range.end;
    }
    said += &snapshot.slice(at..range.end);
    said.trim_start_matches(|c: char| c == ';' || c.is_whitespace()).trim_end().to_owned()
}

/// Whether a placeholder is all that a function has.
fn is_body(placeholder: &Occasion, all: &[Occasion]) -> bool {
    let of = |function: &Occasion| function.body.as_ref().is_some_and(|body| contains(body, &placeholder.range));
    all.iter().any(|it| it.kind == OccasionKind::Function && it.is_empty && of(it))
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Whether nothing else is on its lines.
fn stands_alone(snapshot: &Snapshot, range: &Range<usize>) -> bool {
    let before = snapshot.slice(snapshot.line_at(range.start).start..range.start);
    let after = snapshot.slice(range.end..snapshot.line_at(range.end).end);
    before.trim().is_empty() && after.trim().is_empty()
}

/// The blanks that begin the line of byte `at`.
pub(super) fn indentation(snapshot: &Snapshot, at: usize) -> String {
    let line = snapshot.slice(snapshot.line_at(at));
    line[..line.len() - line.trim_start().len()].to_owned()
}

/// What one step of indentation is in this text: what its first indented line begins with, or the language's custom.
fn unit(snapshot: &Snapshot) -> String {
    let blanks = snapshot.rope().lines().take(1000).find_map(|line| {
        let line = line.to_string();
        let text = line.trim_start_matches([' ', '\t']);
        let blanks = line[..line.len() - text.len()].to_owned();
        // A comment's continuation is one step to the right of nothing.
        (blanks.len() != 1 || blanks == "\t").then_some(blanks).filter(|it| !it.is_empty() && !text.trim().is_empty())
    });
    let custom = match snapshot.language() {
        Language::Go => "\t",
        Language::JavaScript | Language::TypeScript | Language::Tsx => "  ",
        _ => "    ",
    };
    match blanks {
        Some(blanks) if blanks.starts_with('\t') => "\t".to_owned(),
        Some(blanks) if blanks.len() <= 8 => blanks,
        _ => custom.to_owned(),
    }
}
