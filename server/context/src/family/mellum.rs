//! Mellum's format (the model card of Mellum-4b-base): `(<filename>PATH\nTEXT)*<filename>PATH\n<fim_suffix>S<fim_prefix>P<fim_middle>`, then the middle,
//! then `<|endoftext|>`.
//!
//! Its markers are StarCoder's, in another order; `<|im_start|>` tells the vocabularies apart.

use super::{Family, Order, PLAIN, PartialWords, header, suffix_first};
use crate::{Excerpt, Piece, Segment, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "mellum",
    order: Order::Spm,
    markers: &["<filename>", "<fim_suffix>", "<fim_prefix>", "<fim_middle>", "<|im_start|>"],
    stops: &["<|endoftext|>"],
    // The middle's marker ends the prompt: nothing can be taken off it.
    partial_words: PartialWords::Trained,
    layout,
    with_excerpts: Some(with_excerpts),
    repository_share: Some(3),
    ..PLAIN
};

fn layout(path: &str, window: &Window, _typed: &str) -> Vec<Segment> {
    let opening = header(path, vec![Piece::Marker("<filename>"), Piece::Text(format!("{path}\n"))]);
    let sides = suffix_first(path, window, "<fim_suffix>", "<fim_prefix>", Some("<fim_middle>"));
    std::iter::once(opening).chain(sides).collect()
}

fn with_excerpts(_repository: &str, excerpts: &[Excerpt], file: Vec<Segment>) -> Vec<Segment> {
    excerpts.iter().map(|excerpt| excerpt.as_file("<filename>")).chain(file).collect()
}
