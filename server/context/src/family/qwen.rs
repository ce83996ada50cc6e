//! Qwen2.5-Coder's format (its technical report, arXiv 2409.12186, section 3.2): `<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>`, then the middle, then `<|endoftext|>`.
//!
//! Prefix first: a keystroke changes the prompt before the suffix.

use super::{Family, Order, segment, side};
use crate::{Piece, Segment, Source, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "qwen2.5-coder",
    order: Order::Psm,
    markers: &["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    stops: &["<|endoftext|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"],
    layout,
};

fn layout(path: &str, window: &Window) -> Vec<Segment> {
    side(Source::Prefix, path, "<|fim_prefix|>", &window.prefix)
        .chain(side(Source::Suffix, path, "<|fim_suffix|>", &window.suffix))
        .chain([segment(Source::Footer, path, 0, vec![Piece::Marker("<|fim_middle|>")])])
        .collect()
}
