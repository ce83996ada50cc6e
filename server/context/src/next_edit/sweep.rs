//! sweep-next-edit's form, on Qwen2.5-Coder's repository tokens (blog.sweep.dev, "Open sourcing a 1.5B parameter Next-Edit Autocomplete Model"): the file, the last changes as `original:` and
//! `updated:`, then a fixed window of 21 lines as it was, as it is, and open for what it becomes.

use super::{Asked, Form, push, push_lines};
use crate::Piece;

const FILE: Piece = Piece::Marker("<|file_sep|>");

/// The table's entry.
pub const FORM: Form = Form {
    name: "sweep",
    models: &["sweep-next-edit", "sweep_next_edit"],
    markers: &["<|file_sep|>"],
    stops: &["<|file_sep|>", "<|endoftext|>"],
    last: None,
    reach: 10,
    layout,
    read,
};

fn layout(asked: &Asked<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut file = |name: &str, texts: &[&str]| {
        pieces.push(FILE);
        push(&mut pieces, &format!("{name}\n"));
        texts.iter().for_each(|text| push_lines(&mut pieces, text));
    };
    let Asked { path, before, region, after, earlier, edits, .. } = asked;
    file(path, &[before, region, after]);
    for edit in *edits {
        file(&format!("{}.diff", edit.path), &["original:\n", &edit.before, "updated:\n", &edit.after]);
    }
    file(&format!("original/{path}"), &[earlier]);
    file(&format!("current/{path}"), &[region]);
    file(&format!("updated/{path}"), &[]);
    pieces
}

fn read(answer: &str) -> Option<String> {
    (!answer.is_empty()).then(|| answer.to_owned())
}
