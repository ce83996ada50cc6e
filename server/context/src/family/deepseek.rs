//! DeepSeek-Coder's format (arXiv 2401.14196, section 3.1.2): `<｜begin▁of▁sentence｜><｜fim▁begin｜>P<｜fim▁hole｜>S<｜fim▁end｜>`, then the middle, then
//! `<｜end▁of▁sentence｜>`.

use super::{Family, PLAIN, header, prefix_first};
use crate::{Piece, Segment, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "deepseek-coder",
    markers: &["<｜begin▁of▁sentence｜>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    stops: &["<｜end▁of▁sentence｜>"],
    layout,
    ..PLAIN
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    let opening = header(path, vec![Piece::Marker("<｜begin▁of▁sentence｜>")]);
    let sides = prefix_first(path, window, typed, ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"]);
    std::iter::once(opening).chain(sides).collect()
}
