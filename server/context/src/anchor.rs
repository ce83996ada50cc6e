//! What the last plan of a document leaves for the next: where its window was, so that the next prompt begins with the same tokens.
//!
//! For prefix-first families this is the *anchored middle*: prefix and suffix stay frozen as they were at the anchor, and what has been typed since stands behind the middle marker, as if the
//! model had written it. Every keystroke is then an append, although the prefix comes before the suffix in the prompt. (The idea of moving the increment behind the middle is EFIM's, arXiv
//! 2505.21889; the partial word at its end, which EFIM trains for, is mended by token healing here.)

use pilotlight_syntax::Snapshot;

use crate::{
    plan::TokenCounter,
    window::{Chunk, TOKEN_BYTES, Window, stands_at},
};

/// The most tokens that may stand behind the middle marker before the window is frozen anew.
pub const MOST_TYPED: usize = 192;

/// A window and the byte it was cut around.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The text on both sides.
    pub window: Window,
    /// Where the prefix ends: the cursor (suffix-first), or the start of the line that the cursor was on (prefix-first).
    pub at: usize,
}

impl Anchor {
    /// The next plan makes a new anchor; its window begins and ends where this one does while that serves.
    pub fn weigh(&mut self) {
        self.at = usize::MAX;
    }

    /// What was typed since, if all else around the cursor is still as it was and it is not too much.
    pub(crate) fn typed_since(&self, snapshot: &Snapshot, cursor: usize, counter: &dyn TokenCounter) -> Option<String> {
        let few = cursor.checked_sub(self.at)? <= MOST_TYPED * TOKEN_BYTES;
        let typed = few.then(|| snapshot.slice(self.at..cursor))?;
        let before = self.at.checked_sub(text_bytes(&self.window.prefix))?;
        let same = stands_at(snapshot, before, &self.window.prefix) && self.window.suffix_fits(snapshot, cursor);
        (same && counter.count(&typed) <= MOST_TYPED).then_some(typed)
    }
}

fn text_bytes(chunks: &[Chunk]) -> usize {
    chunks.iter().map(|chunk| chunk.text.len()).sum()
}
