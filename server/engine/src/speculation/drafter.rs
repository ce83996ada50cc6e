//! Where drafts come from: the text that the caller expects, the prompt, and what was said lately.
//!
//! The place that a sequence is at is found by its last tokens: where they stood before, what followed then may follow now. Longest match first, the latest of
//! equals. Looking through all the text anew at each step takes microseconds for thousands of tokens, next to a step's milliseconds, and needs no index that would
//! have to be built at each keystroke; and a draft that went wrong finds its way back by itself.

use std::collections::VecDeque;

use super::{MOST, Strength};

/// Tokens that must match for what followed to be drafted.
const LEAST: usize = 2;

/// Tokens compared at most: more say no more.
const ENOUGH: usize = 32;

/// Outputs remembered, with the tokens before them by which they are found.
const OUTPUTS: usize = 32;
const BEFORE: usize = 16;

/// So many matching tokens are as good as more: a text that goes round in circles matches itself everywhere.
const SURE: usize = 8;

/// How far a script's place may be from where it was expected, if only one token matches.
const NEAR: usize = 2;

/// What was said lately.
#[derive(Debug, Default)]
pub(crate) struct Drafter {
    /// The latest last.
    outputs: VecDeque<Vec<u32>>,
}

/// A text that the caller expects to be said, more or less, and how far that has come.
#[derive(Debug)]
pub(crate) struct Script {
    tokens: Vec<u32>,
    strength: Strength,
    /// What is to be said next, as far as known.
    at: usize,
    /// Something else is being said: this is where it was left, and where it may go on.
    lost: bool,
}

impl Drafter {
    /// Remembers what a request of this sequence said after its prompt.
    pub(crate) fn remember(&mut self, sequence: &[u32], prompt: usize) {
        if sequence.len() - prompt < LEAST {
            return;
        }
        let output = &sequence[prompt.saturating_sub(BEFORE)..];
        self.outputs.retain(|old| !output.starts_with(old));
        if self.outputs.len() == OUTPUTS {
            self.outputs.pop_front();
        }
        self.outputs.push_back(output.to_vec());
    }

    /// Puts what may follow `sequence` into `draft`, at most [`MOST`] tokens, and tells how well it fits.
    pub(crate) fn propose(&self, sequence: &[u32], script: &Script, draft: &mut Vec<u32>) -> Strength {
        draft.clear();
        if let Some(next) = script.next() {
            draft.extend_from_slice(next);
            return script.strength;
        }
        let mut best = (0, &[][..]);
        for text in self.outputs.iter().rev().map(Vec::as_slice).chain([sequence]).rev() {
            let found = longest(text, sequence);
            // The sequence itself comes first, then what was said last.
            if found.0 > best.0 {
                best = found;
            }
        }
        let (length, next) = best;
        draft.extend_from_slice(&next[..next.len().min(MOST)]);
        Strength::of_match(length)
    }
}

impl Script {
    pub(crate) fn new(tokens: Vec<u32>, strength: Strength) -> Self {
        Self { tokens, strength, at: 0, lost: false }
    }

    /// What it says comes next; `None` where it is over or its place is not known.
    fn next(&self) -> Option<&[u32]> {
        let next = self.tokens.get(self.at..).filter(|next| !self.lost && !next.is_empty())?;
        Some(&next[..next.len().min(MOST)])
    }

    /// Follows what was said: `said` ends with the token that is new.
    pub(crate) fn follow(&mut self, said: &[u32]) {
        let (Some(new), false) = (said.last(), self.tokens.is_empty()) else { return };
        let next = self.at.min(self.tokens.len());
        if self.tokens.get(next) == Some(new) {
            (self.at, self.lost) = (next + 1, false);
            return;
        }
        // Something else was said: left out, put in, or put in its place. Where the last tokens stand is where it goes on: the longest match, further on rather than back, the nearest of
        // equals. A single token counts only nearby, and back it goes only where that is sure: after a jump that was wrong.
        let distance = |end: usize| end.abs_diff(next);
        let ends = (1..=self.tokens.len()).filter(|&end| self.tokens[end - 1] == *new);
        let matches = ends.map(|end| (suffix(&self.tokens[..end], said), end));
        let fits = |&(length, end): &(usize, usize)| match end > next {
            true => length >= LEAST || distance(end) <= NEAR,
            false => length >= SURE,
        };
        let worth = |&(length, end): &(usize, usize)| (length.min(SURE), end > next, usize::MAX - distance(end));
        let best = matches.filter(fits).max_by_key(worth);
        self.lost = best.is_none();
        if let Some((_, end)) = best {
            self.at = end;
        }
    }
}

/// The longest match of the sequence's end inside `text` that has something after it, the latest of equals: its length, and what follows it.
fn longest<'a>(text: &'a [u32], sequence: &[u32]) -> (usize, &'a [u32]) {
    let mut best = (LEAST - 1, &[][..]);
    let Some(last) = sequence.last() else { return (0, best.1) };
    for end in (1..text.len()).rev() {
        if text[end - 1] == *last {
            let length = suffix(&text[..end], sequence);
            if length > best.0 {
                best = (length, &text[end..]);
                if length == ENOUGH {
                    break;
                }
            }
        }
    }
    if best.1.is_empty() { (0, best.1) } else { best }
}

/// The length of the common end, [`ENOUGH`] at most.
fn suffix(a: &[u32], b: &[u32]) -> usize {
    a.iter().rev().zip(b.iter().rev()).take(ENOUGH).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposed(drafter: &Drafter, sequence: &[u32]) -> Vec<u32> {
        let mut draft = vec![99];
        drafter.propose(sequence, &Script::new(Vec::new(), Strength::of_draft(1.0)), &mut draft);
        draft
    }

    #[test]
    fn what_followed_the_longest_match_is_drafted() {
        let drafter = Drafter::default();
        assert_eq!(proposed(&drafter, &[1, 2, 3, 4, 9, 2, 3]), [4, 9, 2, 3]);
        // Three tokens say more than two, though these stand later.
        assert_eq!(proposed(&drafter, &[1, 2, 3, 4, 2, 3, 5, 1, 2, 3]), [4, 2, 3, 5, 1, 2, 3]);
        // Of equals the latest.
        assert_eq!(proposed(&drafter, &[2, 3, 4, 2, 3, 5, 2, 3]), [5, 2, 3]);
        // One token says nothing.
        assert!(proposed(&drafter, &[1, 2, 3, 4, 2]).is_empty());
        assert!(proposed(&drafter, &[]).is_empty());
        // A run goes on, its own end included.
        assert_eq!(proposed(&drafter, &[7; 5]), [7]);
        let long: Vec<u32> = (0..100).chain(0..10).collect();
        assert_eq!(proposed(&drafter, &long), (10..10 + MOST as u32).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_said_lately_is_found_by_what_stood_before_it() {
        let mut drafter = Drafter::default();
        drafter.remember(&[10, 11, 12, 13, 14, 15], 3);
        assert_eq!(proposed(&drafter, &[1, 11, 12]), [13, 14, 15]);
        // The longer form of it takes its place, and nothing is remembered without end.
        drafter.remember(&[10, 11, 12, 13, 14, 15, 16], 3);
        assert_eq!(drafter.outputs.len(), 1);
        (0..100).for_each(|i| drafter.remember(&[1000 + i, 2000 + i, 3000 + i], 1));
        assert_eq!(drafter.outputs.len(), OUTPUTS);
        drafter.remember(&[1, 2], 1);
        assert_eq!(drafter.outputs.len(), OUTPUTS, "a token is not worth it");
        // The text at hand comes before what was said, where both fit as well.
        drafter.remember(&[5, 6, 7, 8], 2);
        assert_eq!(proposed(&drafter, &[5, 6, 1, 5, 6]), [1, 5, 6]);
    }

    /// Says `said`, and counts how many of its tokens the script had next.
    fn foretold(script: &[u32], said: &[u32]) -> usize {
        let mut script = Script::new(script.to_vec(), Strength::of_draft(1.0));
        let mut count = 0;
        for end in 1..=said.len() {
            count += usize::from(script.next().is_some_and(|next| next[0] == said[end - 1]));
            script.follow(&said[..end]);
        }
        count
    }

    #[test]
    fn a_script_is_followed_and_found_again_after_an_edit() {
        let text: Vec<u32> = (100..140).collect();
        assert_eq!(foretold(&text, &text), 40);
        let with = |at: usize, leave: usize, put: &[u32]| [&text[..at], put, &text[at + leave..]].concat();
        // A token put in its place: that one is missed, and the one after it, of which nothing could be known.
        assert_eq!(foretold(&text, &with(20, 1, &[7])), 38);
        // Two put in: the second and what they were put before are missed.
        assert_eq!(foretold(&text, &with(20, 0, &[7, 8])), 39);
        // One left out: found at once.
        assert_eq!(foretold(&text, &with(20, 1, &[])), 38);
        // Ten left out: found by two tokens.
        assert_eq!(foretold(&text, &with(20, 10, &[])), 28);
        // A text in circles: once one round of it is another, the script is left for that round and not for good.
        let round =
            |other: u32| -> Vec<u32> { (0..20).flat_map(|n| [1, 2, if n == 10 { other } else { 3 }]).collect() };
        assert!(foretold(&round(9), &round(3)) > 50, "{}", foretold(&round(9), &round(3)));
        // Past its end it says nothing.
        assert_eq!(foretold(&text[..5], &text), 5);
        assert_eq!(foretold(&[], &text), 0);
    }
}
