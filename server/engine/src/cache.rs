//! Which tokens the pages of the KV cache hold, and which of them a sequence can use.
//!
//! A tree: a node is a page of up to [`PAGE`] tokens, its children are the pages that have been seen to follow it, and a path from a root is a sequence whose
//! KV is held. Sequences that begin alike share pages, so the states before an undo, the last cursors, other documents and other workspaces cost only
//! what is their own. Pages are as long as a block of attention, which therefore runs over contiguous memory as it did before there were pages; a sequence that leaves
//! another inside a page begins with a copy of that page's head.
//!
//! Reuse is exact and as long as anything held allows: children are sorted by their tokens, so those with the longest common beginning are neighbours of
//! where a sequence would stand. The last token is never reused: its logits are needed.
//!
//! When pages run out the end of the branch that is worth least is given up ([`worth`]).
//!
//! A backend with two memories moves pages between them itself (`backend/cuda/spill.rs`); to this tree a page is a page.

mod moved;
#[cfg(test)]
mod tests;
mod worth;

use std::collections::HashMap;

pub(crate) use moved::Moved;

use crate::{
    backend::{PAGE, Page},
    figures::{CacheFigures, PageFigures},
};

/// A page's place in the tree.
#[derive(Debug, Default)]
struct Node {
    /// At most [`PAGE`]; none for a page that is free, or taken and not written yet.
    tokens: Vec<u32>,
    parent: Option<Page>,
    /// In the order of their tokens.
    children: Vec<Page>,
    /// Requests in progress whose branch this is part of.
    held: u32,
    /// Tokens before this page's.
    depth: usize,
    /// How often it was of use, weighed by how urgent that was.
    uses: f64,
    /// The value of what was given up last when it was of use last: GreedyDual's clock, which ages what is not used.
    since: f64,
    /// `since`, and what it would cost to compute it again.
    worth: f64,
    /// Read from a snapshot.
    restored: bool,
    /// Who used it last, and the number of that use.
    user: (u64, u64),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Cache {
    nodes: Vec<Node>,
    roots: Vec<Page>,
    free: Vec<Page>,
    clock: f64,
    /// Requests that have ended.
    ended: u64,
    figures: CacheFigures,
}

/// A sequence that a request in progress holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Branch {
    pages: Vec<Page>,
    length: usize,
    /// Where what is exact ends, for a branch that goes on with keys and values from elsewhere ([`Cache::part`]). Nobody else ever sees what lies behind.
    exact: Option<usize>,
}

impl Branch {
    /// In order; the last ones may hold nothing yet.
    pub(crate) fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// Tokens whose KV is there.
    pub(crate) fn len(&self) -> usize {
        self.length
    }
}

/// How a sequence is served.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Placement {
    /// The sequence's first [`Branch::len`] tokens need not be computed.
    pub(crate) branch: Branch,
    /// The page whose first so many positions are to be copied to the branch's last page before anything else: from, to, positions.
    pub(crate) copy: Option<(Page, Page, usize)>,
}

/// All pages are held.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Cache {
    /// Of so many pages, empty; `page_bytes` is for the figures.
    pub(crate) fn new(pages: usize, page_bytes: usize) -> Self {
        Self {
            nodes: (0..pages).map(|_| Node::default()).collect(),
            roots: Vec::new(),
            free: (0..pages as Page).rev().collect(),
            clock: 0.0,
            ended: 0,
            figures: CacheFigures { pages, page_bytes, ..CacheFigures::default() },
        }
    }

    /// Finds as much of `sequence` (not empty) as is held, and holds it.
    pub(crate) fn place(&mut self, sequence: &[u32]) -> Result<Placement, Full> {
        let (found, matched) = self.find(sequence);
        let length = matched.min(sequence.len() - 1);
        let (whole, rest) = (length / PAGE, length % PAGE);
        let mut branch = Branch { pages: found[..whole].to_vec(), length, exact: None };
        branch.pages.iter().for_each(|&page| self.nodes[page as usize].held += 1);
        let mut copy = None;
        if rest > 0 {
            let source = found[whole];
            let from = &mut self.nodes[source as usize];
            from.held += 1; // It must not be given up for its own copy.
            if from.held == 1 && from.children.is_empty() && from.tokens.len() == rest {
                branch.pages.push(source);
            } else {
                let tokens = from.tokens[..rest].to_vec();
                let taken = self.append(&mut branch);
                self.nodes[source as usize].held -= 1;
                let Ok(to) = taken else {
                    self.unhold(&branch);
                    return Err(Full);
                };
                self.nodes[to as usize].restored = self.nodes[source as usize].restored;
                self.write(to, &tokens);
                copy = Some((source, to, rest));
            }
        }
        self.count(sequence, &found, matched, length);
        Ok(Placement { branch, copy })
    }

    /// Makes room for `count` more tokens behind the branch.
    pub(crate) fn reserve(&mut self, branch: &mut Branch, count: usize) -> Result<(), Full> {
        while branch.pages.len() * PAGE < branch.length + count {
            self.append(branch)?;
        }
        Ok(())
    }

    /// Notes that the backend has stored these tokens behind the branch, where there is room for them.
    pub(crate) fn extend(&mut self, branch: &mut Branch, mut tokens: &[u32]) {
        if branch.exact.is_some() {
            branch.length += tokens.len();
            return;
        }
        while !tokens.is_empty() {
            let at = branch.length / PAGE;
            let (some, rest) = tokens.split_at(tokens.len().min(PAGE - branch.length % PAGE));
            self.write(branch.pages[at], some);
            branch.length += some.len();
            tokens = rest;
            if branch.length.is_multiple_of(PAGE) {
                self.merge(branch, at);
            }
        }
    }

    /// What is on the branch's last page is not to be trusted.
    pub(crate) fn drop_last(&mut self, branch: &mut Branch) {
        if let Some(page) = branch.pages.pop() {
            self.nodes[page as usize].held -= 1;
            self.give_up(page);
            branch.length = branch.length.min(branch.pages.len() * PAGE);
        }
    }

    /// Notes whose request it was that ends now.
    pub(crate) fn sign(&mut self, branch: &Branch, session: u64) {
        self.ended += 1;
        branch.pages.iter().for_each(|&page| self.nodes[page as usize].user = (session, self.ended));
    }

    /// The request is over, or has lost its place; what it computed stays for others. `urgency` (0 to 1) says how much its use counts.
    pub(crate) fn release(&mut self, mut branch: Branch, urgency: f64) {
        self.unhold(&branch);
        if let Some(exact) = branch.exact.take() {
            branch.length = exact;
        }
        let written = branch.length.div_ceil(PAGE);
        for &page in &branch.pages[..written] {
            self.used(page, urgency);
        }
        for &page in branch.pages[written..].iter().rev() {
            self.give_up(page);
        }
        if let Some(&last) = branch.pages[..written].last() {
            self.drop_redundant(last);
        }
    }

    /// Takes a free page for tokens that were held in an earlier run, behind `parent`.
    pub(crate) fn restore(&mut self, parent: Option<Page>, tokens: &[u32]) -> Option<Page> {
        let page = self.free.pop()?;
        let depth = parent.map_or(0, |parent| self.nodes[parent as usize].depth + PAGE);
        self.nodes[page as usize] = Node { parent, depth, uses: 1.0, restored: true, ..Node::default() };
        self.link(page);
        self.write(page, tokens);
        Some(page)
    }

    /// What it holds and has done.
    pub(crate) fn figures(&self) -> CacheFigures {
        CacheFigures { pages_used: self.nodes.len() - self.free.len(), ..self.figures.clone() }
    }

    /// Every page that holds something, in no order.
    pub(crate) fn map(&self) -> Vec<PageFigures> {
        let used = |&page: &Page| !self.tokens(page).is_empty();
        let pages: Vec<Page> = (0..self.nodes.len() as Page).filter(used).collect();
        let places: HashMap<Page, usize> = pages.iter().enumerate().map(|(at, &page)| (page, at)).collect();
        let figures = |page: &Page| {
            let node = &self.nodes[*page as usize];
            let (session, at) = node.user;
            PageFigures {
                parent: node.parent.and_then(|parent| places.get(&parent).copied()),
                tokens: node.tokens.len(),
                depth: node.depth,
                in_use: node.held > 0,
                session,
                age: self.ended - at,
                restored: node.restored,
            }
        };
        pages.iter().map(figures).collect()
    }

    /// The pages along which the longest beginning of `sequence` is held, and its length.
    fn find(&self, sequence: &[u32]) -> (Vec<Page>, usize) {
        let (mut pages, mut matched, mut siblings) = (Vec::new(), 0, &self.roots);
        loop {
            let rest = &sequence[matched..];
            let at = siblings.partition_point(|&page| self.tokens(page) <= rest);
            let neighbours = [at.checked_sub(1), Some(at)].into_iter().flatten().filter_map(|i| siblings.get(i));
            let common = neighbours.map(|&page| (common(self.tokens(page), rest), page));
            // Of equals the first: one that ends there stands before one that goes on.
            let Some((common, page)) = common.rev().max_by_key(|&(common, _)| common).filter(|&(n, _)| n > 0) else {
                return (pages, matched);
            };
            pages.push(page);
            matched += common;
            if common < PAGE {
                return (pages, matched);
            }
            siblings = &self.nodes[page as usize].children;
        }
    }

    /// Counts why a sequence found what it found.
    fn count(&mut self, sequence: &[u32], found: &[Page], matched: usize, reused: usize) {
        let hits = &mut self.figures.hits;
        let end = found.last().map(|&page| &self.nodes[page as usize]);
        let cause = match end {
            _ if reused == 0 => &mut hits.none,
            Some(end) if end.restored => &mut hits.restored,
            _ if matched == sequence.len() => &mut hits.truncation,
            Some(end) if end.children.is_empty() && matched == end.depth + end.tokens.len() => &mut hits.extension,
            _ => &mut hits.branch,
        };
        *cause += 1;
    }

    /// Takes a page, its last, for a branch.
    fn append(&mut self, branch: &mut Branch) -> Result<Page, Full> {
        let page = match self.free.pop() {
            Some(page) => page,
            None => {
                self.evict()?;
                self.free.pop().ok_or(Full)?
            }
        };
        let (parent, depth) = (branch.pages.last().copied(), branch.pages.len() * PAGE);
        self.nodes[page as usize] = Node { parent, depth, held: 1, ..Node::default() };
        branch.pages.push(page);
        if branch.exact.is_some() {
            // In no list: nobody finds it, and it follows nothing.
            self.nodes[page as usize].parent = None;
        } else {
            self.link(page);
        }
        Ok(page)
    }

    fn unhold(&mut self, branch: &Branch) {
        branch.pages.iter().for_each(|&page| self.nodes[page as usize].held -= 1);
    }

    /// Appends to a page's tokens, and puts it where it belongs among its siblings now.
    fn write(&mut self, page: Page, tokens: &[u32]) {
        self.unlink(page);
        self.nodes[page as usize].tokens.extend_from_slice(tokens);
        self.link(page);
        self.figures.tokens += tokens.len();
    }

    /// Two requests may have computed the same page: the branch goes on with the older one's, so that nobody has to look in two places.
    fn merge(&mut self, branch: &mut Branch, at: usize) {
        let page = branch.pages[at];
        let siblings = self.siblings(page);
        let Some(&same) = siblings.iter().find(|&&other| other != page && self.tokens(other) == self.tokens(page))
        else {
            return;
        };
        let children = std::mem::take(&mut self.nodes[page as usize].children);
        self.figures.branches += usize::from(!children.is_empty()); // An end, now.
        for child in children {
            self.nodes[child as usize].parent = Some(same);
            self.link(child);
            self.figures.branches -= 1; // It is no new one.
        }
        self.nodes[page as usize].held -= 1;
        self.nodes[same as usize].held += 1;
        branch.pages[at] = same;
        self.give_up(page);
    }

    /// Of a page and its siblings, those that only repeat the beginning of another are given up.
    fn drop_redundant(&mut self, page: Page) {
        let is_end = |node: &Node| node.held == 0 && node.children.is_empty();
        if !is_end(&self.nodes[page as usize]) {
            return;
        }
        let others: Vec<Page> = self.siblings(page).iter().copied().filter(|&other| other != page).collect();
        if others.iter().any(|&other| self.tokens(other).starts_with(self.tokens(page))) {
            self.give_up(page);
            return;
        }
        for other in others {
            if is_end(&self.nodes[other as usize]) && self.tokens(page).starts_with(self.tokens(other)) {
                self.give_up(other);
            }
        }
    }

    /// Frees a page that nothing needs.
    fn give_up(&mut self, page: Page) {
        self.unlink(page);
        let node = std::mem::take(&mut self.nodes[page as usize]);
        debug_assert!(node.held == 0 && node.children.is_empty());
        self.figures.tokens -= node.tokens.len();
        self.free.push(page);
    }

    fn tokens(&self, page: Page) -> &[u32] {
        &self.nodes[page as usize].tokens
    }

    fn siblings(&self, page: Page) -> &Vec<Page> {
        match self.nodes[page as usize].parent {
            Some(parent) => &self.nodes[parent as usize].children,
            None => &self.roots,
        }
    }

    /// Puts a page among its siblings.
    fn link(&mut self, page: Page) {
        let siblings = self.siblings(page);
        let at = siblings.partition_point(|&other| self.tokens(other) <= self.tokens(page));
        // An end is a branch; the first child of an end goes on with the same one.
        if self.nodes[page as usize].parent.is_none() || !siblings.is_empty() {
            self.figures.branches += 1;
        }
        self.siblings_mut(page).insert(at, page);
        self.appraise_around(page, at);
    }

    fn unlink(&mut self, page: Page) {
        let siblings = self.siblings_mut(page);
        let Some(at) = siblings.iter().position(|&other| other == page) else { return };
        siblings.remove(at);
        if self.nodes[page as usize].parent.is_none() || !self.siblings(page).is_empty() {
            self.figures.branches -= 1;
        }
        self.appraise_around(page, at);
        if let Some(parent) = self.nodes[page as usize].parent {
            self.appraise(parent);
        }
    }

    fn siblings_mut(&mut self, page: Page) -> &mut Vec<Page> {
        match self.nodes[page as usize].parent {
            Some(parent) => &mut self.nodes[parent as usize].children,
            None => &mut self.roots,
        }
    }
}

/// The length of the common beginning.
fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
