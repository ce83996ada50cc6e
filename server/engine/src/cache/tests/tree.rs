//! A cache with the KV that a backend would have, which says after each step whether all is as it must be.

use std::collections::BTreeSet;

use super::*;

/// A cache and what a backend would have on its pages: at each position a hash of the sequence up to there, which is what KV depends on.
pub(super) struct Tree {
    pub(super) cache: Cache,
    pub(super) kv: Vec<Vec<u64>>,
}

/// Of each beginning of a sequence.
fn hashes(sequence: &[u32]) -> Vec<u64> {
    let next = |hash: &mut u64, token: &u32| {
        *hash = (*hash ^ u64::from(*token + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        Some(*hash)
    };
    sequence.iter().scan(1, next).collect()
}

impl Tree {
    pub(super) fn new(pages: usize) -> Self {
        Self { cache: Cache::new(pages, 1), kv: vec![vec![]; pages] }
    }

    /// Holds `sequence`; gives the branch and how much of it was there.
    pub(super) fn ask(&mut self, sequence: &[u32]) -> Result<(Branch, usize), Full> {
        let expected = self.longest(sequence).min(sequence.len() - 1);
        let Placement { mut branch, copy } = self.cache.place(sequence)?;
        if let Some((from, to, length)) = copy {
            self.kv[to as usize] = self.kv[from as usize][..length].to_vec();
        }
        let reused = branch.len();
        assert_eq!(reused, expected, "the longest beginning that is held");
        for (position, hash) in hashes(&sequence[..reused]).into_iter().enumerate() {
            assert_eq!(self.kv[branch.pages()[position / PAGE] as usize][position % PAGE], hash);
        }
        self.check();
        match self.feed(&mut branch, sequence, sequence.len()) {
            Ok(()) => Ok((branch, reused)),
            Err(Full) => {
                self.cache.release(branch, 0.0);
                Err(Full)
            }
        }
    }

    /// Computes the sequence up to `end`, in chunks.
    pub(super) fn feed(&mut self, branch: &mut Branch, sequence: &[u32], end: usize) -> Result<(), Full> {
        let hashes = hashes(sequence);
        while branch.len() < end {
            let chunk = &sequence[branch.len()..end.min(branch.len() + 100)];
            self.cache.reserve(branch, chunk.len())?;
            for (position, &hash) in hashes.iter().enumerate().take(branch.len() + chunk.len()).skip(branch.len()) {
                let page = &mut self.kv[branch.pages()[position / PAGE] as usize];
                page.truncate(position % PAGE);
                assert_eq!(page.len(), position % PAGE, "what is before is there");
                page.push(hash);
            }
            self.cache.extend(branch, chunk);
            self.check();
        }
        Ok(())
    }

    /// As `ask`, and the request is over at once. Gives how much was there.
    pub(super) fn run(&mut self, sequence: &[u32]) -> usize {
        let (branch, reused) = self.ask(sequence).unwrap();
        self.cache.release(branch, 1.0);
        self.check();
        reused
    }

    /// Every sequence that is held, to its end.
    fn held(&self) -> Vec<Vec<u32>> {
        let (mut all, mut open) = (vec![], vec![(vec![], &self.cache.roots)]);
        while let Some((before, siblings)) = open.pop() {
            for &page in siblings {
                let node = &self.cache.nodes[page as usize];
                let tokens = [&before[..], &node.tokens].concat();
                open.push((tokens.clone(), &node.children));
                all.push(tokens);
            }
        }
        all
    }

    pub(super) fn longest(&self, sequence: &[u32]) -> usize {
        self.held().iter().map(|held| common(held, sequence)).max().unwrap_or(0)
    }

    /// What must always be true.
    pub(super) fn check(&self) {
        let cache = &self.cache;
        let (mut seen, mut ends, mut tokens) = (BTreeSet::new(), 0, 0);
        let mut open = vec![(None, 0, &cache.roots)];
        while let Some((parent, depth, siblings)) = open.pop() {
            for pair in siblings.windows(2) {
                let [a, b] = [pair[0], pair[1]].map(|page| cache.tokens(page));
                assert!(a <= b, "siblings are sorted");
                assert!(a.len() < PAGE || a != b, "no two full pages are the same");
            }
            for &page in siblings {
                let node = &cache.nodes[page as usize];
                assert!(seen.insert(page), "page {page} is in two places");
                assert_eq!((node.parent, node.depth), (parent, depth));
                assert!(node.children.is_empty() || node.tokens.len() == PAGE || node.held > 0);
                ends += usize::from(node.children.is_empty());
                tokens += node.tokens.len();
                open.push((Some(page), depth + PAGE, &node.children));
            }
        }
        let free: BTreeSet<Page> = cache.free.iter().copied().collect();
        assert_eq!(free.len(), cache.free.len());
        assert!(free.is_disjoint(&seen) && free.len() + seen.len() == cache.nodes.len(), "no page is lost");
        let figures = cache.figures();
        assert_eq!((figures.branches, figures.tokens, figures.pages_used), (ends, tokens, seen.len()));
    }
}
