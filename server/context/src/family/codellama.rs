//! CodeLlama's format (arXiv 2308.12950, section 2.3): `<s> ▁<PRE> P ▁<SUF>S ▁<MID>`, then the middle, then `▁<EOT>`.
//!
//! The prefix is tokenised with a space before it, as SentencePiece tokenises every text; the suffix is not.

use super::{Family, PLAIN, header, prefix_first};
use crate::{Piece, Segment, Source, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "codellama",
    markers: &["<s>", "▁<PRE>", "▁<SUF>", "▁<MID>"],
    stops: &["▁<EOT>", "</s>"],
    layout,
    ..PLAIN
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    let mut sides = prefix_first(path, window, typed, ["▁<PRE>", "▁<SUF>", "▁<MID>"]);
    let first = sides.iter_mut().filter(|part| part.id.source == Source::Prefix).flat_map(|part| &mut part.pieces);
    for text in first.filter_map(|piece| if let Piece::Text(text) = piece { Some(text) } else { None }).take(1) {
        text.insert(0, ' ');
    }
    std::iter::once(header(path, vec![Piece::Marker("<s>")])).chain(sides).collect()
}
