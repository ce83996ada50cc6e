//! Zeta 1's form, on Qwen2.5-Coder: an instruction in words, the edits as diffs, and an excerpt with the region and the cursor between marks that are plain text there. What it was trained
//! on is told letter by letter (zed-industries/zeta on Hugging Face): in other words it would not be the same question.

use std::fmt::Write as _;

use super::{Asked, Form};
use crate::{Piece, sources::Edit};

const INSTRUCTION: &str = "You are a code completion assistant and your task is to analyze user edits and then rewrite an excerpt that the user provides, suggesting the appropriate edits within the excerpt, taking into account the cursor location.";
const START_OF_FILE: &str = "<|start_of_file|>";
const START: &str = "<|editable_region_start|>";
const END: &str = "<|editable_region_end|>";
const CURSOR: &str = "<|user_cursor_is_here|>";

/// The table's entry. What is newer has a number in its name, and is found before it.
pub const FORM: Form = Form {
    name: "zeta-1",
    models: &["zeta"],
    markers: &["<|endoftext|>"],
    stops: &["<|endoftext|>"],
    last: Some(END),
    reach: 10,
    layout,
    read,
};

fn layout(asked: &Asked<'_>) -> Vec<Piece> {
    let Asked { path, before, from_start, region, cursor, after, edits, .. } = asked;
    let mut said = format!("### Instruction:\n{INSTRUCTION}\n\n### User Edits:\n\n");
    for edit in *edits {
        _ = write!(said, "User edited \"{}\":\n```diff\n{}```\n\n", edit.path, diff(edit));
    }
    let start = if *from_start { format!("{START_OF_FILE}\n") } else { String::new() };
    let (left, right) = region.split_at(*cursor);
    let region = format!("{START}\n{left}{CURSOR}{}{END}\n", ended(right, true));
    let excerpt = format!("{start}{}{region}{}", ended(before, false), ended(after, false));
    _ = write!(said, "### User Excerpt:\n\n```{path}\n{excerpt}```\n\n### Response:\n\n");
    vec![Piece::Text(said)]
}

/// With a line's end at its end, where it is anything or has to have one.
fn ended(text: &str, always: bool) -> String {
    let ends = text.ends_with('\n') || text.is_empty() && !always;
    if ends { text.to_owned() } else { format!("{text}\n") }
}

fn diff(edit: &Edit) -> String {
    let Edit { line, before, after, .. } = edit;
    let (old, new) = (before.lines().count(), after.lines().count());
    let mut out = format!("@@ -{0},{old} +{0},{new} @@\n", line + 1);
    before.lines().for_each(|text| _ = writeln!(out, "-{text}"));
    after.lines().for_each(|text| _ = writeln!(out, "+{text}"));
    out
}

fn read(answer: &str) -> Option<String> {
    let inside = answer.split_once(START)?.1.split_once(END)?.0;
    let region = inside.strip_prefix('\n').unwrap_or(inside).replace(CURSOR, "");
    (!region.is_empty()).then_some(region)
}
