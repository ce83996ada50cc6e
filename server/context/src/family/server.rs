//! No family's format: a server that writes the prompt itself is given what stands before the cursor and what stands after it, each behind a name that says so.
//!
//! Its window is cut as for a family that reads the suffix first: the head stays where it is while that serves, and what is typed ends the prefix.

use super::{Family, Order, PLAIN, PartialWords, suffix_first};
use crate::{Segment, window::Window};

/// The table's entry. The names are the engine's; a test in `assist` holds them together.
pub const FAMILY: Family = Family {
    name: "server",
    order: Order::Spm,
    markers: &["<suffix part>", "<prefix part>"],
    partial_words: PartialWords::Trained,
    layout,
    ..PLAIN
};

fn layout(path: &str, window: &Window, _typed: &str) -> Vec<Segment> {
    suffix_first(path, window, "<suffix part>", "<prefix part>", None)
}
