//! Ember's form, as `server/ember/train/samples.py` cuts its samples: suffix first, then the edits, then what stands before the region, and the region between two marks. Which weights were
//! trained on it their file says (`pilotlight.edit_form`).

use super::{Asked, Form, push, push_lines};
use crate::Piece;

/// The table's entry.
pub const FORM: Form = Form {
    name: "ember",
    models: &[],
    markers: &[
        "<|file|>",
        "<|suffix|>",
        "<|prefix|>",
        "<|edits|>",
        "<|region|>",
        "<|endregion|>",
        "<|cursor|>",
        "<|next|>",
    ],
    stops: &["<|eot|>"],
    last: None,
    reach: 6,
    layout,
    read,
};

/// As many edits as the samples have at most.
const MOST_EDITS: usize = 3;

fn layout(asked: &Asked<'_>) -> Vec<Piece> {
    let Asked { path, before, region, cursor, after, edits, .. } = asked;
    let mut pieces = vec![Piece::Marker("<|file|>")];
    push(&mut pieces, &format!("{path}\n"));
    pieces.push(Piece::Marker("<|suffix|>"));
    push(&mut pieces, after);
    for edit in &edits[edits.len().saturating_sub(MOST_EDITS)..] {
        pieces.push(Piece::Marker("<|edits|>"));
        push(&mut pieces, &format!("{}\n", edit.path));
        edit.before.lines().for_each(|line| push(&mut pieces, &format!("-{line}\n")));
        edit.after.lines().for_each(|line| push(&mut pieces, &format!("+{line}\n")));
    }
    pieces.push(Piece::Marker("<|prefix|>"));
    push(&mut pieces, before);
    pieces.push(Piece::Marker("<|region|>"));
    let (left, right) = region.split_at(*cursor);
    push(&mut pieces, left);
    pieces.push(Piece::Marker("<|cursor|>"));
    push_lines(&mut pieces, if right.is_empty() { "\n" } else { right });
    pieces.extend([Piece::Marker("<|endregion|>"), Piece::Marker("<|next|>")]);
    pieces
}

fn read(answer: &str) -> Option<String> {
    (!answer.is_empty()).then(|| answer.to_owned())
}
