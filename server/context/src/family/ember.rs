//! Ember's own format (server/ember/train/README.md): `<|bos|><|file|>PATH\n<|suffix|>S<|prefix|>P`, then the middle, then `<|eot|>`.
//!
//! Suffix first and no middle marker, so a keystroke is a pure append to the prompt and an accepted completion leaves its KV in place.

use super::{Family, Order, PartialWords, segment, side};
use crate::{Piece, Segment, Source, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "ember",
    order: Order::Spm,
    markers: &["<|bos|>", "<|file|>", "<|suffix|>", "<|prefix|>"],
    stops: &["<|eot|>", "<|file|>"],
    partial_words: PartialWords::Trained,
    layout,
};

fn layout(path: &str, window: &Window, _typed: &str) -> Vec<Segment> {
    let header = segment(
        Source::Header,
        path,
        0,
        vec![Piece::Marker("<|bos|>"), Piece::Marker("<|file|>"), Piece::Text(format!("{path}\n"))],
    );
    std::iter::once(header)
        .chain(side(Source::Suffix, path, "<|suffix|>", &window.suffix))
        .chain(side(Source::Prefix, path, "<|prefix|>", &window.prefix))
        .collect()
}
