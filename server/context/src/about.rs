//! What else of the workspace is shown with lines that a model is asked about in words: by the same sources and the same planner as for a completion.

use std::ops::Range;

use pilotlight_syntax::Snapshot;

use crate::{
    Excerpt, Surroundings, TokenCounter,
    planner::{self, Choice},
    sources::{self, Here},
};

/// Lines of a file that are asked about.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The file, as prompts name it.
    pub path: &'a str,
    /// Its text.
    pub snapshot: &'a Snapshot,
    /// The bytes of the lines.
    pub lines: Range<usize>,
    /// The bytes that the model is shown anyway, these lines among them.
    pub shown: Range<usize>,
}

/// Excerpts of at most `budget` tokens together, the most wanted last; secrets are masked.
pub fn excerpts(
    about: &About<'_>,
    around: &Surroundings<'_>,
    budget: usize,
    counter: &dyn TokenCounter,
) -> Vec<Excerpt> {
    let About { path, snapshot, lines, shown } = about;
    let line = |at: usize| snapshot.rope().byte_to_line(at.min(snapshot.rope().len_bytes()));
    let here = Here { path, snapshot, cursor: lines.end, lines: line(shown.start)..line(shown.end) + 1 };
    let candidates = sources::propose(&here, around, budget);
    let window = snapshot.slice(shown.clone());
    let choice = Choice { candidates: &candidates, kept: &[], warm_tail: 0, budget, window: &window };
    planner::choose(choice, counter).0
}
