//! Tests of `cache`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A cache and what a backend would have on its pages: at each position a hash of the sequence up to there, which is what KV depends on.
struct Tree {
    cache: Cache,
    kv: Vec<Vec<u64>>,
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
    fn new(pages: usize) -> Self {
        Self { cache: Cache::new(pages, 1), kv: vec![vec![]; pages] }
    }

    /// Holds `sequence`; gives the branch and how much of it was there.
    fn ask(&mut self, sequence: &[u32]) -> Result<(Branch, usize), Full> {
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
    fn feed(&mut self, branch: &mut Branch, sequence: &[u32], end: usize) -> Result<(), Full> {
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
    fn run(&mut self, sequence: &[u32]) -> usize {
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

    fn longest(&self, sequence: &[u32]) -> usize {
        self.held().iter().map(|held| common(held, sequence)).max().unwrap_or(0)
    }

    /// What must always be true.
    fn check(&self) {
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

/// Tokens `from..from + count`.
fn run_of(from: u32, count: u32) -> Vec<u32> {
    (from..from + count).collect()
}

#[test]
fn only_what_is_new_is_computed() {
    let mut tree = Tree::new(20);
    let text = run_of(0, 150);
    assert_eq!(tree.run(&text[..100]), 0);
    assert_eq!(tree.run(&text), 100, "typed");
    assert_eq!(tree.run(&text), 149, "the same again: the last token is computed for its logits");
    assert_eq!(tree.run(&text[..70]), 69, "deleted");
    assert_eq!(tree.run(&text[..64]), 63);
    assert_eq!(tree.run(&text[..65]), 64);
    let edited = [&text[..80], &run_of(900, 20)].concat();
    assert_eq!(tree.run(&edited), 80, "edited");
    assert_eq!(tree.run(&text), 149, "undone");
    let hits = tree.cache.figures().hits;
    assert_eq!((hits.none, hits.extension, hits.truncation, hits.branch, hits.restored), (1, 1, 5, 1, 0));
    // One page for the first 64 of all, three for the rest.
    assert_eq!((tree.cache.figures().pages_used, tree.cache.figures().branches), (4, 2));
}

#[test]
fn documents_with_a_common_header_share_it() {
    let mut tree = Tree::new(40);
    let header = run_of(0, 640);
    for document in 0..10 {
        let text = [&header[..], &run_of(1000 * (document + 1), 50)].concat();
        assert_eq!(tree.run(&text), if document == 0 { 0 } else { 640 });
    }
    let figures = tree.cache.figures();
    assert_eq!((figures.pages_used, figures.branches, figures.tokens), (10 + 10, 10, 640 + 500));
}

#[test]
fn the_map_says_what_each_page_goes_on_from_and_who_used_it_last() {
    let mut tree = Tree::new(40);
    let header = run_of(0, 64);
    for (session, first) in [(7, 1000), (8, 2000)] {
        let text = [&header[..], &run_of(first, 10)].concat();
        let branch = tree.ask(&text).unwrap().0;
        assert!(tree.cache.map().iter().any(|page| page.in_use));
        tree.cache.sign(&branch, session);
        tree.cache.release(branch, 1.0);
    }
    let map = tree.cache.map();
    let root = map.iter().position(|page| page.parent.is_none()).unwrap();
    let mut pages: Vec<_> =
        map.iter().map(|p| (p.depth, p.tokens, p.session, p.age, p.in_use, p.parent == Some(root))).collect();
    pages.sort_unstable();
    assert_eq!(pages, [(0, 64, 8, 0, false, false), (64, 10, 7, 1, false, true), (64, 10, 8, 0, false, true)]);
}

#[test]
fn what_only_repeats_a_beginning_is_not_kept() {
    let mut tree = Tree::new(20);
    let (one, two) = (tree.ask(&run_of(0, 30)).unwrap().0, tree.ask(&run_of(0, 40)).unwrap().0);
    assert_eq!(tree.cache.figures().branches, 2, "both are held");
    tree.cache.release(one, 1.0);
    tree.cache.release(two, 1.0);
    tree.check();
    assert_eq!((tree.cache.figures().branches, tree.cache.figures().pages_used), (1, 1));
}

#[test]
fn two_that_compute_the_same_at_once_end_up_with_one() {
    let mut tree = Tree::new(20);
    let text = run_of(0, 200);
    let [mut a, mut b] = [(); 2].map(|()| tree.cache.place(&text).unwrap().branch);
    for end in [50, 64, 130, 200] {
        tree.feed(&mut a, &text, end).unwrap();
        tree.feed(&mut b, &text, end).unwrap();
    }
    assert_eq!(a.pages()[..3], b.pages()[..3]);
    tree.cache.release(b, 1.0);
    tree.cache.release(a, 1.0);
    tree.check();
    assert_eq!(tree.cache.figures().pages_used, 4);
    assert_eq!(tree.run(&text), 199);
}

#[test]
fn what_is_used_and_dear_stays() {
    // Room for three documents of two pages each, and two pages to spare.
    let mut tree = Tree::new(8);
    for document in [1, 2, 3, 1, 2, 1, 3] {
        tree.run(&run_of(1000 * document, 128));
    }
    // A fourth and a fifth: what has been used once only goes, end first, before what has been used.
    tree.run(&run_of(4000, 128));
    tree.run(&run_of(5000, 128));
    for (document, kept) in [(1, 127), (2, 127), (3, 127), (5, 127)] {
        assert_eq!(tree.longest(&run_of(1000 * document, 128)).min(127), kept, "document {document}");
    }
    assert_eq!(tree.longest(&run_of(4000, 128)), 0);
    assert_eq!(tree.cache.figures().evictions, 2);

    // Of two ends in one place, the one goes of which less would have to be computed again.
    let mut tree = Tree::new(3);
    tree.run(&run_of(0, 60));
    tree.run(&[&run_of(0, 50)[..], &[700]].concat());
    tree.run(&[&run_of(0, 5)[..], &run_of(800, 50)].concat());
    tree.run(&run_of(3000, 10));
    assert_eq!(tree.longest(&[&run_of(0, 50)[..], &[700]].concat()), 50);
    assert_eq!((tree.longest(&run_of(0, 60)), tree.longest(&[&run_of(0, 5)[..], &run_of(800, 50)].concat())), (60, 55));

    // What was used often but long ago goes in the end.
    let mut tree = Tree::new(4);
    for _ in 0..20 {
        tree.run(&run_of(0, 64));
    }
    for i in 1..60 {
        tree.run(&run_of(1000 * i, 64));
    }
    assert_eq!(tree.longest(&run_of(0, 64)), 0);
}

#[test]
fn what_a_person_typed_stays_longer_than_what_was_computed_ahead() {
    let mut tree = Tree::new(4);
    let (typed, _) = tree.ask(&run_of(0, 64)).unwrap();
    tree.cache.release(typed, 1.0);
    for i in 1..10 {
        let (ahead, _) = tree.ask(&run_of(1000 * i, 64)).unwrap();
        tree.cache.release(ahead, 0.1);
    }
    assert_eq!(tree.longest(&run_of(0, 64)), 64);
}

#[test]
fn what_is_held_is_never_given_up() {
    let mut tree = Tree::new(4);
    let (a, _) = tree.ask(&run_of(0, 100)).unwrap();
    let (b, _) = tree.ask(&run_of(500, 100)).unwrap();
    assert_eq!(tree.ask(&run_of(900, 10)).unwrap_err(), Full);
    tree.check();
    // Room for what they share is no room for a copy of its end.
    assert_eq!(tree.ask(&run_of(0, 90)).unwrap_err(), Full);
    tree.check();
    tree.cache.release(b, 1.0);
    let (c, reused) = tree.ask(&run_of(0, 90)).unwrap();
    assert_eq!(reused, 89);
    for branch in [a, c] {
        tree.cache.release(branch, 1.0);
    }
    tree.check();
    assert_eq!(tree.run(&run_of(0, 100)), 99);
}

#[test]
fn a_page_that_is_not_to_be_trusted_is_dropped() {
    let mut tree = Tree::new(4);
    tree.run(&run_of(0, 100));
    let Placement { mut branch, copy } = tree.cache.place(&run_of(0, 90)).unwrap();
    assert!(copy.is_some());
    tree.cache.drop_last(&mut branch);
    assert_eq!(branch.len(), 64);
    tree.cache.release(branch, 1.0);
    tree.check();
    assert_eq!(tree.run(&run_of(0, 100)), 99);
}

/// What happens next.
#[derive(Clone, Debug)]
enum Act {
    /// A sequence: the beginning of one asked before (by index), up to a place in it, and so many tokens of an alphabet of few.
    Ask { from: prop::sample::Index, keep: prop::sample::Index, tokens: Vec<u32>, hold: bool },
    /// More tokens behind one that is held.
    Decode { which: prop::sample::Index, tokens: Vec<u32> },
    /// One that is held is over.
    Release(prop::sample::Index),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let index = any::<prop::sample::Index>;
    let tokens = || prop::collection::vec(0..3u32, 0..90);
    let act = prop_oneof![
        6 => (index(), index(), tokens(), any::<bool>())
            .prop_map(|(from, keep, tokens, hold)| Act::Ask { from, keep, tokens, hold }),
        3 => (index(), tokens()).prop_map(|(which, tokens)| Act::Decode { which, tokens }),
        2 => index().prop_map(Act::Release),
    ];
    prop::collection::vec(act, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Whatever is asked in whatever order, and with little memory, reuse is the longest beginning of anything held, each page has the KV
    /// that its place says, and no page is lost.
    #[test]
    fn reuse_is_the_longest_that_anything_held_allows(pages in 12..40usize, acts in acts()) {
        let mut tree = Tree::new(pages);
        let mut asked = vec![vec![7]];
        let mut held: Vec<(Branch, Vec<u32>)> = vec![];
        for act in acts {
            match act {
                Act::Ask { from, keep, tokens, hold } => {
                    let old = from.get(&asked);
                    let sequence = [&old[..=keep.index(old.len())], &tokens].concat();
                    let sequence = sequence[..sequence.len().min(400)].to_vec();
                    if let Ok((branch, _)) = tree.ask(&sequence) {
                        if hold && held.len() < 3 {
                            held.push((branch, sequence.clone()));
                        } else {
                            tree.cache.release(branch, 1.0);
                        }
                    }
                    asked.push(sequence);
                }
                Act::Decode { which, tokens } if !held.is_empty() => {
                    let i = which.index(held.len());
                    let (branch, sequence) = &mut held[i];
                    sequence.extend(tokens);
                    sequence.truncate(400);
                    if tree.feed(branch, sequence, sequence.len()).is_err() {
                        let (branch, _) = held.swap_remove(i);
                        tree.cache.release(branch, 0.0);
                    }
                }
                Act::Release(which) if !held.is_empty() => {
                    let (branch, sequence) = held.swap_remove(which.index(held.len()));
                    tree.cache.release(branch, 1.0);
                    asked.push(sequence);
                }
                _ => {}
            }
            tree.check();
        }
        held.into_iter().for_each(|(branch, _)| tree.cache.release(branch, 1.0));
        tree.check();
        prop_assert!(tree.cache.nodes.iter().all(|node| node.held == 0));
    }
}

#[test]
fn what_is_held_elsewhere_is_found_in_runs_and_never_shared() {
    let mut tree = Tree::new(40);
    let text: Vec<u32> = (0..400).map(|i| 1000 + i * 7 % 389).collect();
    let with = |head: std::ops::Range<u32>| head.chain(text.iter().copied()).collect::<Vec<u32>>();
    let (old, new) = (with(0..50), with(100..183));
    tree.run(&old);
    let Placement { mut branch, copy } = tree.cache.place(&new).unwrap();
    assert_eq!((branch.len(), copy), (0, None));
    let runs = tree.cache.moved(&new, 0);
    let mut at = 0;
    for run in &runs {
        assert!(run.at >= at && run.length >= 16 && run.by == 33, "{run:?}");
        at = run.at + run.length;
        let held = &tree.cache.tokens(run.page)[run.offset..][..run.length];
        assert_eq!(held, &new[run.at..at]);
    }
    let covered: usize = runs.iter().map(|run| run.length).sum();
    // All but some tokens at the ends of pages; the last is always computed.
    assert!(at < new.len() && covered > 350, "{covered} of 400: {runs:?}");

    let used = tree.cache.figures().pages_used;
    tree.cache.part(&mut branch);
    tree.cache.hold(&runs, true);
    tree.cache.reserve(&mut branch, new.len()).unwrap();
    tree.cache.hold(&runs, false);
    tree.cache.skip(&mut branch, 400);
    tree.cache.extend(&mut branch, &new[400..]);
    assert_eq!(branch.len(), new.len());
    assert_eq!(tree.longest(&new), 0, "nobody finds it");
    tree.cache.release(branch, 1.0);
    tree.check();
    assert_eq!((tree.cache.figures().pages_used, tree.longest(&new)), (used, 0));
    // A little of it is not worth it.
    assert_eq!(tree.cache.moved(&[&new[..200], &(5000..5400).collect::<Vec<u32>>()].concat(), 0), []);
}

/// A branch that leaves what is exact in the middle of a page gives that page back as it was.
#[test]
fn a_branch_that_parts_inside_a_page_leaves_its_beginning() {
    let mut tree = Tree::new(12);
    let sequence: Vec<u32> = (0..100).collect();
    tree.run(&sequence);
    let other: Vec<u32> = (0..90).chain(500..700).collect();
    let Placement { mut branch, copy } = tree.cache.place(&other).unwrap();
    let (from, to, length) = copy.unwrap();
    tree.kv[to as usize] = tree.kv[from as usize][..length].to_vec();
    tree.cache.part(&mut branch);
    tree.cache.reserve(&mut branch, 200).unwrap();
    tree.cache.skip(&mut branch, 200);
    tree.cache.release(branch, 1.0);
    tree.check();
    assert_eq!((tree.longest(&other), tree.longest(&sequence)), (90, 100));
}
