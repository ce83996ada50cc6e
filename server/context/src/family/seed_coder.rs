//! Seed-Coder's format (arXiv 2506.03524, section 3): `<[fim-suffix]>S<[fim-prefix]>P<[fim-middle]>`, then the middle, then the end of text. Zeta 2, made
//! of it, edits regions instead; where it is asked to fill in, this is the form of its base.

use super::{Family, Order, PLAIN, PartialWords, suffix_first};
use crate::{Segment, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "seed-coder",
    order: Order::Spm,
    markers: &["<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"],
    // Cut at characters in training, words included.
    partial_words: PartialWords::Trained,
    layout,
    ..PLAIN
};

fn layout(path: &str, window: &Window, _typed: &str) -> Vec<Segment> {
    suffix_first(path, window, "<[fim-suffix]>", "<[fim-prefix]>", Some("<[fim-middle]>"))
}
