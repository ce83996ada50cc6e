//! What a page is worth: GreedyDual-Size (Cao and Irani, 1997), where the cost of a page is what it would take to compute again the tokens that none of its
//! siblings holds, and pages all have one size.

use std::collections::HashMap;

use super::{Cache, Full, Page, common};

/// What a use counts at most: what was useful often is not kept for ever.
const MOST_USES: f64 = 8.0;

/// Tokens of context that double the cost of computing a token: attention against the rest.
const DEEP: f64 = 4096.0;

impl Cache {
    /// The `most` pages that are worth most, each after the one before it: page, the index of that one in this list, tokens.
    pub(crate) fn best(&self, most: usize) -> Vec<(Page, Option<usize>, &[u32])> {
        let mut ranked: Vec<Page> =
            (0..self.nodes.len() as Page).filter(|&page| !self.tokens(page).is_empty()).collect();
        ranked.sort_by(|&a, &b| self.nodes[b as usize].worth.total_cmp(&self.nodes[a as usize].worth));
        let (mut best, mut places) = (Vec::new(), HashMap::new());
        for page in ranked {
            // With all that comes before it.
            let before = std::iter::successors(Some(page), |&page| self.nodes[page as usize].parent);
            let mut path: Vec<Page> = before.take_while(|page| !places.contains_key(page)).collect();
            if best.len() + path.len() > most {
                continue;
            }
            while let Some(page) = path.pop() {
                let parent = self.nodes[page as usize].parent.and_then(|parent| places.get(&parent).copied());
                places.insert(page, best.len());
                best.push((page, parent, self.tokens(page)));
            }
        }
        best
    }

    /// Notes that a page was of use.
    pub(super) fn used(&mut self, page: Page, urgency: f64) {
        let node = &mut self.nodes[page as usize];
        node.uses = (node.uses + urgency).min(MOST_USES);
        node.since = self.clock;
        self.appraise(page);
    }

    /// Gives up the end of a branch that is worth least.
    pub(super) fn evict(&mut self) -> Result<(), Full> {
        let ends = (0..).zip(&self.nodes).filter(|(_, node)| node.held == 0 && node.children.is_empty());
        let (page, worth) =
            ends.map(|(page, node)| (page, node.worth)).min_by(|a, b| a.1.total_cmp(&b.1)).ok_or(Full)?;
        self.clock = worth;
        self.figures.evictions += 1;
        self.give_up(page);
        Ok(())
    }

    /// Values a page's siblings at and around a place anew.
    pub(super) fn appraise_around(&mut self, page: Page, at: usize) {
        for i in at.saturating_sub(1)..at + 2 {
            if let Some(&sibling) = self.siblings(page).get(i) {
                self.appraise(sibling);
            }
        }
    }

    /// Values a page: what is lost with it are the tokens that no sibling holds.
    pub(super) fn appraise(&mut self, page: Page) {
        let (node, siblings) = (&self.nodes[page as usize], self.siblings(page));
        let first = siblings.partition_point(|&other| self.tokens(other) < &node.tokens[..]);
        let at = siblings[first..].iter().position(|&other| other == page).map_or(first, |i| first + i);
        let neighbours = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|i| siblings.get(i));
        let shared = neighbours.map(|&other| common(self.tokens(other), &node.tokens)).max().unwrap_or(0);
        let cost = (node.tokens.len() - shared) as f64 * (1.0 + node.depth as f64 / DEEP);
        let worth = node.since + node.uses * cost;
        self.nodes[page as usize].worth = worth;
    }
}
