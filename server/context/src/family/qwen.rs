//! Qwen2.5-Coder's format (its technical report, arXiv 2409.12186, section 3.2): `<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>`, then the middle, then `<|endoftext|>`.
//!
//! With other files before it (the report's repository level): `<|repo_name|>R\n(<|file_sep|>PATH\nTEXT)*<|file_sep|>PATH\n<|fim_prefix|>P…`.
//!
//! Prefix first: the middle is anchored at the start of a line, and what is typed from there on stands behind `<|fim_middle|>`.

use super::{Family, Order, PartialWords, segment, side};
use crate::{Excerpt, Piece, Segment, Source, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "qwen2.5-coder",
    order: Order::Psm,
    markers: &["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    stops: &["<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"],
    partial_words: PartialWords::Heal,
    layout,
    with_excerpts: Some(with_excerpts),
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    side(Source::Prefix, path, "<|fim_prefix|>", &window.prefix)
        .chain(side(Source::Suffix, path, "<|fim_suffix|>", &window.suffix))
        .chain([
            segment(Source::Footer, path, 0, vec![Piece::Marker("<|fim_middle|>")]),
            segment(Source::Typed, path, 0, vec![Piece::Text(typed.to_owned())]),
        ])
        .collect()
}

fn with_excerpts(repository: &str, excerpts: &[Excerpt], file: Vec<Segment>) -> Vec<Segment> {
    if excerpts.is_empty() {
        return file;
    }
    let path = file.first().map(|first| first.id.path.clone()).unwrap_or_default();
    let opened = |marker: &'static str, text: String| {
        segment(Source::Header, &path, 0, vec![Piece::Marker(marker), Piece::Text(text)])
    };
    // Texts end with their line, so that the next marker begins one.
    let files = excerpts.iter().map(|excerpt| excerpt.as_file("<|file_sep|>"));
    std::iter::once(opened("<|repo_name|>", format!("{repository}\n")))
        .chain(files)
        .chain([opened("<|file_sep|>", format!("{path}\n"))])
        .chain(file)
        .collect()
}
