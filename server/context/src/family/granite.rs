//! Granite 4's format (its model card): `<|fim_prefix|>P<|fim_suffix|>S<|fim_middle|>`, then the middle, then `<|end_of_text|>`. Granite Code and
//! Granite 3 have StarCoder's.

use super::{Family, PLAIN, prefix_first};
use crate::{Segment, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "granite",
    markers: &["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"],
    stops: &["<|end_of_text|>"],
    layout,
    ..PLAIN
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    prefix_first(path, window, typed, ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"])
}
