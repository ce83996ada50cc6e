//! What goes into the prompt: windows around the cursor, budgets, segments, and one file a fill-in-the-middle family.
//!
//! Pure: the same input gives the same plan. No IO, clock, threads or randomness, and no knowledge of engines or editors: tokens are counted through
//! [`TokenCounter`], which `assist` implements, and markers leave this room by name, never as text.

pub mod about;
pub mod anchor;
pub mod excerpt;
pub mod family;
pub mod lines;
pub mod next_edit;
pub mod plan;
pub mod planner;
pub mod recall;
pub mod secrets;
pub mod segment;
pub mod sources;
pub mod window;

pub use anchor::Anchor;
pub use excerpt::{Candidate, Excerpt, LeftOut};
pub use family::{Family, Order, PartialWords, UnknownFamily};
pub use plan::{Budget, Input, Repository, TokenCounter, plan, plan_with};
pub use segment::{Piece, Plan, Segment, SegmentId, Source};
pub use sources::{Surroundings, Texts};
