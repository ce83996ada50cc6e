//! SentencePiece's BPE (Kudo and Richardson, 2018): any two neighbours whose concatenation is a piece may merge, the piece of the greatest score
//! first and the leftmost of equals. Spaces are spelled U+2581; a character that is no piece falls back to its bytes.
//!
//! Two things differ from the original on purpose: no space is put before a text, and U+2581 itself is spelled by its bytes, so that decoding gives
//! every text back.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
};

/// How a space is spelled.
pub(super) const SPACE: char = '\u{2581}';

/// The pieces of a vocabulary.
pub(super) struct SentencePiece {
    /// By spelling: id and score.
    pieces: HashMap<String, (u32, f32)>,
    /// The id of each single byte.
    bytes: [u32; 256],
}

/// A run of the text: bytes `start..end`; empty once it has been merged into its left neighbour.
struct Symbol {
    start: usize,
    end: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

/// Two neighbours that may merge.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    /// The bytes of both: stale if they have changed since.
    bytes: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

impl SentencePiece {
    pub(super) fn new(pieces: HashMap<String, (u32, f32)>, bytes: [u32; 256]) -> Self {
        Self { pieces, bytes }
    }

    /// Appends the ids of a text without literals.
    pub(super) fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        for (i, run) in text.split(SPACE).enumerate() {
            if i > 0 {
                // Not a space: its bytes.
                ids.extend(SPACE.to_string().bytes().map(|byte| self.bytes[usize::from(byte)]));
            }
            self.merge(&run.replace(' ', SPACE.encode_utf8(&mut [0; 4])), ids);
        }
    }

    /// Merges what can be merged, and appends the ids.
    fn merge(&self, text: &str, ids: &mut Vec<u32>) {
        let count = text.chars().count();
        let mut symbols: Vec<Symbol> = Vec::with_capacity(count);
        for (i, (start, c)) in text.char_indices().enumerate() {
            let next = (i + 1 < count).then_some(i + 1);
            symbols.push(Symbol { start, end: start + c.len_utf8(), previous: i.checked_sub(1), next });
        }
        let pair = |symbols: &[Symbol], left: usize, right: usize| {
            let both = symbols[left].start..symbols[right].end;
            let (_, score) = self.pieces.get(&text[both.clone()])?;
            Some(Pair { score: *score, left, right, bytes: both.len() })
        };
        let mut pairs: BinaryHeap<Pair> = (1..count).filter_map(|right| pair(&symbols, right - 1, right)).collect();
        while let Some(Pair { left, right, bytes, .. }) = pairs.pop() {
            let gone = symbols[left].start == symbols[left].end || symbols[right].start == symbols[right].end;
            if gone || symbols[right].end - symbols[left].start != bytes {
                continue;
            }
            let next = symbols[right].next;
            symbols[left].end = symbols[right].end;
            symbols[left].next = next;
            symbols[right].start = symbols[right].end;
            if let Some(next) = next {
                symbols[next].previous = Some(left);
                pairs.extend(pair(&symbols, left, next));
            }
            if let Some(previous) = symbols[left].previous {
                pairs.extend(pair(&symbols, previous, left));
            }
        }
        let mut at = (count > 0).then_some(0);
        while let Some(i) = at {
            let piece = &text[symbols[i].start..symbols[i].end];
            match self.pieces.get(piece) {
                Some((id, _)) => ids.push(*id),
                None if piece.starts_with(SPACE) => ids.push(self.bytes[usize::from(b' ')]),
                None => ids.extend(piece.bytes().map(|byte| self.bytes[usize::from(byte)])),
            }
            at = symbols[i].next;
        }
    }
}

/// The byte that a token such as `<0x0A>` stands for.
pub(super) fn byte(token: &str) -> Option<u8> {
    let digits = token.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() != 2 { None } else { u8::from_str_radix(digits, 16).ok() }
}
