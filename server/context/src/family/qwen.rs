//! Qwen2.5-Coder's format (its technical report, arXiv 2409.12186, section 3.2): `<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>`, then the middle, then `<|endoftext|>`.
//!
//! Prefix first: the middle is anchored at the start of a line, and what is typed from there on stands behind `<|fim_middle|>`.

use super::{Family, Order, PartialWords, segment, side};
use crate::{Piece, Segment, Source, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "qwen2.5-coder",
    order: Order::Psm,
    markers: &["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    stops: &["<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"],
    partial_words: PartialWords::Heal,
    layout,
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
