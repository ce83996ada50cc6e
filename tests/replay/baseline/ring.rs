//! llama.vim's extra context: chunks of what was seen lately, queued, and taken in one by one when the person rests.

use std::collections::VecDeque;

use crate::dice::Dice;

/// Chunks in the ring, and in its queue.
const CHUNKS: usize = 16;
/// Lines that a chunk is picked from; a chunk has half of them.
pub(super) const CHUNK_LINES: usize = 64;
/// Lines to travel before chunks are picked.
const FAR: usize = 32;

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) path: String,
    pub(super) lines: Vec<String>,
}

/// The ring and its queue.
#[derive(Debug)]
pub(super) struct Ring {
    chunks: VecDeque<Chunk>,
    queue: VecDeque<Chunk>,
    /// The line at which chunks were last picked.
    picked: Option<usize>,
}

impl Ring {
    pub(super) fn new() -> Self {
        Self { chunks: VecDeque::new(), queue: VecDeque::new(), picked: None }
    }

    /// What goes into a request.
    pub(super) fn extra(&self) -> Vec<Chunk> {
        self.chunks.iter().cloned().collect()
    }

    /// Queues a part of `lines`, unless it is known; `evict`s what is much like it, or gives way to that.
    pub(super) fn pick(&mut self, lines: &[&str], path: &str, evict: bool, dice: Dice) {
        if lines.len() < 3 {
            return;
        }
        let lines = part(lines, dice);
        let known = self.chunks.iter().chain(&self.queue).any(|chunk| chunk.lines == lines);
        let alike = |chunk: &Chunk| similarity(&chunk.lines, &lines) > 0.9;
        if known || (!evict && self.chunks.iter().chain(&self.queue).any(alike)) {
            return;
        }
        self.queue.retain(|chunk| !alike(chunk));
        self.chunks.retain(|chunk| !alike(chunk));
        if self.queue.len() == CHUNKS {
            self.queue.pop_front();
        }
        self.queue.push_back(Chunk { path: path.to_owned(), lines });
    }

    /// Removes the chunks that say much of what stands around the cursor.
    pub(super) fn evict_like(&mut self, around: &[&str], dice: Dice) {
        let lines = part(around, dice);
        self.chunks.retain(|chunk| similarity(&chunk.lines, &lines) <= 0.5);
    }

    /// Moves a chunk from the queue into the ring.
    pub(super) fn take_in(&mut self) -> bool {
        let Some(chunk) = self.queue.pop_front() else { return false };
        if self.chunks.len() == CHUNKS {
            self.chunks.pop_front();
        }
        self.chunks.push_back(chunk);
        true
    }

    /// Whether the cursor is far from where chunks were last picked; it is picked from here then.
    pub(super) fn travelled(&mut self, line: usize) -> bool {
        let far = self.picked.is_none_or(|picked| picked.abs_diff(line) > FAR);
        if far {
            self.picked = Some(line);
        }
        far
    }
}

/// All of a short piece, or half a chunk's lines from somewhere in a longer one.
fn part(lines: &[&str], dice: Dice) -> Vec<String> {
    let half = CHUNK_LINES / 2;
    let from = if lines.len() + 1 < CHUNK_LINES { 0 } else { dice.below(lines.len() - half + 1) };
    let end = if lines.len() + 1 < CHUNK_LINES { lines.len() } else { (from + half + 1).min(lines.len()) };
    lines[from..end].iter().map(|line| (*line).to_owned()).collect()
}

/// Twice the lines of one that the other has, of all lines.
fn similarity(left: &[String], right: &[String]) -> f64 {
    let common = left.iter().filter(|line| right.contains(line)).count();
    2.0 * common as f64 / (left.len() + right.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(from: usize, count: usize) -> Vec<String> {
        (from..from + count).map(|line| format!("line {line}")).collect()
    }

    fn pick(ring: &mut Ring, from: usize, evict: bool) {
        let lines = lines(from, 20);
        ring.pick(&lines.iter().map(String::as_str).collect::<Vec<_>>(), "a.rs", evict, Dice::new(0));
    }

    #[test]
    fn chunks_wait_in_the_queue_until_they_are_taken_in() {
        let mut ring = Ring::new();
        pick(&mut ring, 0, true);
        assert!(ring.extra().is_empty());
        assert!(ring.take_in());
        assert_eq!(ring.extra().len(), 1);
        assert!(!ring.take_in());
    }

    #[test]
    fn what_is_much_alike_is_evicted_or_not_taken() {
        let mut ring = Ring::new();
        pick(&mut ring, 0, true);
        ring.take_in();
        pick(&mut ring, 1, false);
        assert!(!ring.take_in(), "19 of 20 lines are there already");
        pick(&mut ring, 1, true);
        assert!(ring.extra().is_empty(), "the old one gave way");
        assert!(ring.take_in());
    }

    #[test]
    fn the_ring_holds_sixteen() {
        let mut ring = Ring::new();
        for chunk in 0..20 {
            pick(&mut ring, chunk * 100, true);
            ring.take_in();
        }
        assert_eq!(ring.extra().len(), CHUNKS);
        assert_eq!(ring.extra()[0].lines[0], "line 400");
    }
}
