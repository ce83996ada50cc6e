//! CodeGemma's format (its technical report, arXiv 2406.11409): `<bos><|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>`, then the middle, then
//! `<|file_separator|>`. Files are told apart by `PATH\nTEXT<|file_separator|>`.

use super::{Family, PLAIN, header, path_of, prefix_first};
use crate::{Excerpt, Piece, Segment, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "codegemma",
    markers: &["<bos>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    stops: &["<|file_separator|>", "<eos>"],
    layout,
    with_excerpts: Some(with_excerpts),
    repository_share: Some(3),
    ..PLAIN
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    let opening = header(path, vec![Piece::Marker("<bos>")]);
    let sides = prefix_first(path, window, typed, ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]);
    std::iter::once(opening).chain(sides).collect()
}

fn with_excerpts(_repository: &str, excerpts: &[Excerpt], mut file: Vec<Segment>) -> Vec<Segment> {
    if excerpts.is_empty() || file.is_empty() {
        return file;
    }
    let path = path_of(&file);
    let files = excerpts.iter().map(|excerpt| {
        let text = Piece::Text(format!("{}\n{}", excerpt.id.path, excerpt.text));
        Segment { id: excerpt.id.clone(), pieces: vec![text, Piece::Marker("<|file_separator|>")] }
    });
    // Behind `<bos>`, which opens the whole prompt.
    let sides = file.split_off(1);
    let own = header(&path, vec![Piece::Text(format!("{path}\n"))]);
    file.into_iter().chain(files).chain([own]).chain(sides).collect()
}
