//! The format of Qwen2.5-Coder and Qwen3-Coder (the former's technical report, arXiv 2409.12186, section 3.2): `<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>`, then the middle, then `<|endoftext|>`.
//!
//! With other files before it (the report's repository level): `<|repo_name|>R\n(<|file_sep|>PATH\nTEXT)*<|file_sep|>PATH\n<|fim_prefix|>P…`.
//!
//! Prefix first: the middle is anchored at the start of a line, and what is typed from there on stands behind `<|fim_middle|>`.

use super::{Family, PLAIN, header, path_of, prefix_first};
use crate::{Excerpt, Piece, Segment, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "qwen2.5-coder",
    markers: &["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    stops: &["<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"],
    layout,
    with_excerpts: Some(with_excerpts),
    repository_share: Some(3),
    ..PLAIN
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    prefix_first(path, window, typed, ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"])
}

fn with_excerpts(repository: &str, excerpts: &[Excerpt], file: Vec<Segment>) -> Vec<Segment> {
    if excerpts.is_empty() {
        return file;
    }
    let path = path_of(&file);
    let opened = |marker: &'static str, text: String| header(&path, vec![Piece::Marker(marker), Piece::Text(text)]);
    // Texts end with their line, so that the next marker begins one.
    let files = excerpts.iter().map(|excerpt| excerpt.as_file("<|file_sep|>"));
    std::iter::once(opened("<|repo_name|>", format!("{repository}\n")))
        .chain(files)
        .chain([opened("<|file_sep|>", format!("{path}\n"))])
        .chain(file)
        .collect()
}
