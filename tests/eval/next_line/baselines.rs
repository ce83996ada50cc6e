//! What needs no model: the line that follows the most similar line of the package, and an n-gram model of the package's tokens.

use std::collections::{BTreeMap, HashMap, HashSet};

use pilotlight_assist::syntax::index::{FileId, words};

use crate::{
    encoder::Encoder,
    package::{Hidden, Package},
    score::Line,
};

/// Tokens that the n-gram model looks back at most.
const ORDER: usize = 8;
/// Tokens of a line at most.
const MOST: usize = 64;

/// A package as the baselines see it.
pub(crate) struct Baselines {
    /// Its files' lines, trimmed, none of them blank.
    lines: BTreeMap<FileId, Vec<String>>,
    /// Its files' tokens.
    tokens: BTreeMap<FileId, Vec<u32>>,
}

impl Baselines {
    pub(crate) fn of(package: &Package, encoder: &Encoder) -> Self {
        let lines = package.texts.iter().map(|(id, text)| (*id, trimmed(text)));
        let tokens = package.texts.iter().map(|(id, text)| (*id, encoder.tokenizer.encode(text)));
        Self { lines: lines.collect(), tokens: tokens.collect() }
    }

    /// The line after the one that is most like the line above the hidden one, of all other files and of what stands above. Of equals the last: this file's, the nearest.
    pub(crate) fn similar_line(&self, hidden: &Hidden) -> Line {
        let above = trimmed(&hidden.snapshot.slice(0..hidden.snapshot.line_at(hidden.cursor).start));
        let Some(last) = above.last() else {
            return Line { text: String::new(), tokens: 0, ended: true, confidence: 0.0 };
        };
        let words = |line: &str| {
            let mut found = HashSet::new();
            words::identifiers(line, |word| _ = found.insert(word.to_owned()));
            found
        };
        let wanted = words(last);
        let mut best = (0.0, "");
        let others = self.lines.iter().filter(|(id, _)| **id != hidden.file).map(|(_, lines)| lines);
        for lines in others.chain([&above]) {
            for pair in lines.windows(2) {
                let [line, next] = pair else { continue };
                let alike = if line == last {
                    // Longer is surer.
                    1.0 + line.len() as f64 / 1000.0
                } else {
                    let have = words(line);
                    have.intersection(&wanted).count() as f64 / have.union(&wanted).count().max(1) as f64
                };
                if alike >= best.0 {
                    best = (alike, next);
                }
            }
        }
        let rest = best.1.strip_prefix(hidden.typed.as_str()).unwrap_or_default();
        Line { text: rest.to_owned(), tokens: 0, ended: true, confidence: 0.0 }
    }

    /// Token by token what most often follows the longest end of the text that stands elsewhere in the package, at most [`ORDER`] tokens of it.
    pub(crate) fn n_gram(&self, hidden: &Hidden, encoder: &Encoder) -> Line {
        let mut own = encoder.tokenizer.encode(&hidden.snapshot.slice(0..hidden.cursor));
        let others: Vec<&[u32]> =
            self.tokens.iter().filter(|(id, _)| **id != hidden.file).map(|(_, tokens)| tokens.as_slice()).collect();
        let mut text = Vec::new();
        for _ in 0..MOST {
            let Some(next) = follows(&own, others.iter().copied().chain([own.as_slice()])) else { break };
            let bytes = encoder.tokenizer.bytes(next);
            if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                text.extend_from_slice(&bytes[..end]);
                break;
            }
            text.extend_from_slice(bytes);
            own.push(next);
        }
        Line { text: String::from_utf8_lossy(&text).into_owned(), tokens: 0, ended: true, confidence: 0.0 }
    }
}

/// What follows the longest end of `text` that stands in `corpus`, most often; of equals the lowest id.
fn follows<'t>(text: &[u32], corpus: impl Iterator<Item = &'t [u32]>) -> Option<u32> {
    let last = *text.last()?;
    let mut counts: BTreeMap<usize, HashMap<u32, usize>> = BTreeMap::new();
    for tokens in corpus {
        for at in 0..tokens.len().saturating_sub(1) {
            if tokens[at] == last {
                let same = tokens[..=at].iter().rev().zip(text.iter().rev()).take(ORDER);
                let long = same.take_while(|(left, right)| left == right).count();
                *counts.entry(long).or_default().entry(tokens[at + 1]).or_default() += 1;
            }
        }
    }
    let (_, next) = counts.pop_last()?;
    next.into_iter().max_by_key(|(id, count)| (*count, std::cmp::Reverse(*id))).map(|(id, _)| id)
}

fn trimmed(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_end_that_stands_elsewhere_tells_what_follows() {
        let follows = |text: &[u32], corpus: &[&[u32]]| follows(text, corpus.iter().copied());
        // After `1 2` came 3 once; after `2` alone 9 came more often.
        assert_eq!(follows(&[7, 1, 2], &[&[1, 2, 3], &[5, 2, 9], &[6, 2, 9]]), Some(3));
        assert_eq!(follows(&[8, 2], &[&[1, 2, 3], &[5, 2, 9], &[6, 2, 9]]), Some(9));
        assert_eq!(follows(&[8, 2], &[&[1, 2, 4], &[1, 2, 3]]), Some(3));
        assert_eq!(follows(&[4], &[&[1, 2], &[4]]), None);
        assert_eq!(follows(&[], &[&[1, 2]]), None);
    }
}
