//! Zeta's forms, on Seed-Coder's suffix-first order: what stands behind the region, then the edits as a file of diffs, then the file up to the region. Zeta 2 puts the region in the marks of a
//! merge, Zeta 2.1 between numbered ones (zed-industries/zed, `zeta_prompt`). A region of up to eleven lines is one block there, so two numbers are enough.

use std::fmt::Write as _;

use super::{Asked, Form, push, push_lines};
use crate::{Piece, sources::Edit};

const SUFFIX: Piece = Piece::Marker("<[fim-suffix]>");
const PREFIX: Piece = Piece::Marker("<[fim-prefix]>");
const MIDDLE: Piece = Piece::Marker("<[fim-middle]>");
const FILE: Piece = Piece::Marker("<filename>");

/// Where the person is.
const CURSOR: &str = "<|user_cursor|>";
const UPDATED: &str = ">>>>>>> UPDATED";
const NO_EDITS: &str = "NO_EDITS";
const FIRST: &str = "<|marker_1|>";
const SECOND: &str = "<|marker_2|>";

const MARKERS: &[&str] = &["<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"];
const STOPS: &[&str] = &["<[end▁of▁sentence]>", "<[fim-suffix]>"];

/// Zeta 2.
pub const ZETA_2: Form = Form {
    name: "zeta-2",
    models: &["zeta-2", "zeta2"],
    markers: MARKERS,
    stops: STOPS,
    last: Some(UPDATED),
    reach: 10,
    layout,
    read,
};

/// Zeta 2.1.
pub const ZETA_2_1: Form =
    Form { name: "zeta-2.1", models: &["zeta-2.1", "zeta2.1"], reach: 5, layout: layout_2_1, read: read_2_1, ..ZETA_2 };

fn layout(asked: &Asked<'_>) -> Vec<Piece> {
    let mut pieces = opened(asked);
    push(&mut pieces, "<<<<<<< CURRENT\n");
    push_region(&mut pieces, asked);
    push(&mut pieces, "=======\n");
    pieces.push(MIDDLE);
    pieces
}

fn read(answer: &str) -> Option<String> {
    let region = answer.split(UPDATED).next().unwrap_or_default().replace(CURSOR, "");
    (!region.is_empty() && region.trim() != NO_EDITS).then_some(region)
}

fn layout_2_1(asked: &Asked<'_>) -> Vec<Piece> {
    let mut pieces = opened(asked);
    pieces.push(Piece::Marker(FIRST));
    push_region(&mut pieces, asked);
    pieces.push(Piece::Marker(SECOND));
    push(&mut pieces, "\n");
    pieces.push(MIDDLE);
    pieces
}

fn read_2_1(answer: &str) -> Option<String> {
    let inside = answer.split_once(FIRST)?.1.split_once(SECOND)?.0;
    // The same mark twice is the span of nothing.
    let region = inside.strip_prefix('\n').unwrap_or(inside).replace(CURSOR, "");
    (!region.is_empty() && !region.contains(FIRST)).then_some(region)
}

/// All that comes before the region.
fn opened(asked: &Asked<'_>) -> Vec<Piece> {
    let mut pieces = vec![SUFFIX];
    push(&mut pieces, "\n");
    push_lines(&mut pieces, asked.after);
    pieces.extend([PREFIX, FILE]);
    push(&mut pieces, "edit_history\n");
    asked.edits.iter().for_each(|edit| push_lines(&mut pieces, &diff(edit)));
    pieces.push(FILE);
    push(&mut pieces, &format!("{}\n", asked.path));
    push_lines(&mut pieces, asked.before);
    pieces
}

/// With the person in it.
fn push_region(pieces: &mut Vec<Piece>, asked: &Asked<'_>) {
    let (before, after) = asked.region.split_at(asked.cursor);
    push(pieces, before);
    pieces.push(Piece::Marker(CURSOR));
    push_lines(pieces, if after.is_empty() { "\n" } else { after });
}

/// As a unified diff without lines around.
fn diff(edit: &Edit) -> String {
    let Edit { path, line, before, after } = edit;
    let mut out = format!("--- a/{path}\n+++ b/{path}\n");
    let (old, new) = (before.lines().count(), after.lines().count());
    _ = writeln!(out, "@@ -{0},{old} +{0},{new} @@", line + 1);
    before.lines().for_each(|text| _ = writeln!(out, "-{text}"));
    after.lines().for_each(|text| _ = writeln!(out, "+{text}"));
    out
}
