//! Ember's own format (server/ember/train/README.md): `<|bos|>(<|file|>PATH\nCHUNK)*<|file|>PATH\n<|suffix|>S(<|recent|>SNIPPET)*<|prefix|>P`, then the middle, then `<|eot|>`.
//!
//! Suffix first and no middle marker, so a keystroke is a pure append to the prompt and an accepted completion leaves its KV in place.

use super::{Family, Order, PLAIN, PartialWords, header, suffix_first};
use crate::{Excerpt, Piece, Segment, Source, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "ember",
    order: Order::Spm,
    markers: &["<|bos|>", "<|file|>", "<|suffix|>", "<|prefix|>", "<|recent|>"],
    stops: &["<|eot|>", "<|file|>"],
    // Trained on holes inside of words too, but on too few: three characters into a line it is right about the rest four times as often with healing (7.7 % instead of 2.0, 960 lines).
    partial_words: PartialWords::Heal,
    layout,
    with_excerpts: Some(with_excerpts),
    recalls: true,
    ..PLAIN
};

fn layout(path: &str, window: &Window, _typed: &str) -> Vec<Segment> {
    let opening = vec![Piece::Marker("<|bos|>"), Piece::Marker("<|file|>"), Piece::Text(format!("{path}\n"))];
    std::iter::once(header(path, opening)).chain(suffix_first(path, window, "<|suffix|>", "<|prefix|>", None)).collect()
}

/// Other files stand before the open one; what is volatile, behind its suffix.
fn with_excerpts(_repository: &str, excerpts: &[Excerpt], file: Vec<Segment>) -> Vec<Segment> {
    let (mut out, mut stable, mut recent) = (Vec::new(), Vec::new(), Vec::new());
    for excerpt in excerpts {
        if excerpt.id.source.is_volatile() {
            recent.push(excerpt.as_snippet("<|recent|>"));
        } else {
            stable.push(excerpt.as_file("<|file|>"));
        }
    }
    for mut part in file {
        if part.id.source == Source::Header && !stable.is_empty() {
            // The first marker opens the whole prompt, not this file.
            let opening = Segment { id: part.id.clone(), pieces: part.pieces.drain(..1).collect() };
            out.push(opening);
            out.append(&mut stable);
        }
        if part.id.source == Source::Prefix {
            out.append(&mut recent);
        }
        out.push(part);
    }
    out
}
