//! What goes into the prompt: windows around the cursor, budgets, segments, and one file a fill-in-the-middle family.
//!
//! Pure: the same input gives the same plan. No IO, clock, threads or randomness, and no knowledge of engines or editors: tokens are counted through
//! [`TokenCounter`], which `assist` implements, and markers leave this room by name, never as text.

pub mod anchor;
pub mod family;
pub mod plan;
pub mod segment;
pub mod window;

pub use anchor::Anchor;
pub use family::{Family, Order, PartialWords, UnknownFamily};
pub use plan::{Budget, Input, TokenCounter, plan};
pub use segment::{Piece, Plan, Segment, SegmentId, Source};
