//! The format of StarCoder (arXiv 2305.06161), Granite Code and Granite 3: `<fim_prefix>P<fim_suffix>S<fim_middle>`, then the middle, then the end of text.

use super::{Family, PLAIN, prefix_first};
use crate::{Segment, window::Window};

/// The table's entry.
pub const FAMILY: Family = Family {
    name: "starcoder",
    markers: &["<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<filename>"],
    foreign: &["<|im_start|>"],
    layout,
    ..PLAIN
};

fn layout(path: &str, window: &Window, typed: &str) -> Vec<Segment> {
    prefix_first(path, window, typed, ["<fim_prefix>", "<fim_suffix>", "<fim_middle>"])
}
