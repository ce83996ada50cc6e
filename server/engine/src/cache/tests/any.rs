//! Whatever is asked in whatever order.

use proptest::prelude::*;

use super::*;

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
