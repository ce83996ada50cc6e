//! DeepSeek-Coder's format (arXiv 2401.14196, section 3.1.2): `<｜begin▁of▁sentence｜><｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>`, then the middle, then
//! `<｜end▁of▁sentence｜>`.

use super::{Family, Order, PartialWords, header, prefix_first};
use crate::{Piece, Segment, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "deepseek-coder",
    order: Order::Psm,
    markers: &["<｜begin▁of▁sentence｜>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    foreign: &[],
    stops: &["<｜end▁of▁sentence｜>"],
    partial_words: PartialWords::Heal,
    layout,
    with_excerpts: None,
    repository_share: None,
    recalls: false,
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    let opening = header(path, vec![Piece::Marker("<｜begin▁of▁sentence｜>")]);
    let sides = prefix_first(path, window, typed, ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"]);
    std::iter::once(opening).chain(sides).collect()
}
