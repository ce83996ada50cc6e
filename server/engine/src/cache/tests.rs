//! Tests of `cache`.

#![allow(clippy::unwrap_used)]

mod any;
mod tree;

use self::tree::Tree;
use super::*;

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
