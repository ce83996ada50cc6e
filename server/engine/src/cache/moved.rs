//! Tokens that are held, but elsewhere: behind another text or at other positions.
//!
//! Their keys and values are not those that a computation here would give, for what they attended to was different; turned to their new positions they are near enough
//! for an answer at once (`Request::answer_now`), which says that it is approximate. What such a branch goes on to compute is never shared.

use std::collections::HashMap;

use super::{Branch, Cache, common};
use crate::backend::Page;

/// Tokens by which a run is recognised; none is shorter. A page has four places to look.
const GRAM: usize = 16;

/// A run of tokens that lies on one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Where it is.
    pub(crate) page: Page,
    pub(crate) offset: usize,
    /// Where it is wanted: a position of the sequence.
    pub(crate) at: usize,
    pub(crate) length: usize,
    /// Positions by which it is moved.
    pub(crate) by: isize,
}

impl Cache {
    /// Runs that cover as much of `sequence[from..]` as is held elsewhere, the last token excepted, in order; none unless they cover most of it.
    pub(crate) fn moved(&self, sequence: &[u32], from: usize) -> Vec<Moved> {
        let wanted = &sequence[..sequence.len() - 1];
        let missing = wanted.len().saturating_sub(from);
        let mut grams: HashMap<&[u32], usize> = HashMap::new();
        for at in from..(from + missing).saturating_sub(GRAM - 1) {
            grams.entry(&wanted[at..at + GRAM]).or_insert(at);
        }
        let mut runs = Vec::new();
        for page in 0..self.nodes.len() as Page {
            let (tokens, mut done) = (self.tokens(page), 0);
            for (i, gram) in tokens.chunks_exact(GRAM).enumerate() {
                let offset = i * GRAM;
                let Some(&at) = grams.get(gram).filter(|_| offset >= done) else { continue };
                let (before, there) = (&tokens[done..offset], &wanted[from..at]);
                let left = before.iter().rev().zip(there.iter().rev()).take_while(|(a, b)| a == b).count();
                let right = common(&tokens[offset..], &wanted[at..]);
                done = offset + right;
                let (offset, at) = (offset - left, at - left);
                let by = at as isize - (self.nodes[page as usize].depth + offset) as isize;
                runs.push(Moved { page, offset, at, length: left + right, by });
            }
        }
        // From the left the longest, those that were used last first.
        let used = |run: &Moved| self.nodes[run.page as usize].user.1;
        runs.sort_by_key(|run| (run.at, std::cmp::Reverse((run.length, used(run)))));
        let (mut at, mut covered) = (from, 0);
        runs.retain_mut(|run| {
            let skip = at.saturating_sub(run.at);
            if run.length < skip + GRAM {
                return false;
            }
            (run.offset, run.at, run.length) = (run.offset + skip, run.at + skip, run.length - skip);
            at = run.at + run.length;
            covered += run.length;
            true
        });
        if covered * 2 < missing { Vec::new() } else { runs }
    }

    /// From here on the branch is its request's alone, and is forgotten with it.
    pub(crate) fn part(&mut self, branch: &mut Branch) {
        branch.exact = Some(branch.length);
    }

    /// Keeps the runs' pages from being given up, or lets them go again.
    pub(crate) fn hold(&mut self, runs: &[Moved], on: bool) {
        for run in runs {
            let held = &mut self.nodes[run.page as usize].held;
            *held = if on { *held + 1 } else { *held - 1 };
        }
    }

    /// Notes that a run's keys and values have been copied to where the branch ends.
    pub(crate) fn skip(&mut self, branch: &mut Branch, length: usize) {
        debug_assert!(branch.exact.is_some(), "what is moved is not shared");
        branch.length += length;
    }
}
