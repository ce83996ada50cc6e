//! What is chosen, what is kept and when it gives way.

use super::*;
use crate::{SegmentId, Source};

struct Words;

impl TokenCounter for Words {
    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

fn candidate(path: &str, gain: f32, words: usize) -> Candidate {
    let id = SegmentId { source: Source::Definition, path: path.to_owned(), line: 0 };
    let text = (0..words).map(|word| format!("{path}word{word}\n")).collect();
    Candidate { id, text, gain }
}

fn chosen(candidates: &[Candidate], kept: &[Excerpt], warm_tail: usize, budget: usize, window: &str) -> Vec<Excerpt> {
    choose(Choice { candidates, kept, warm_tail, budget, window }, &Words).0
}

fn names(excerpts: &[Excerpt]) -> Vec<&str> {
    excerpts.iter().map(|excerpt| excerpt.id.path.as_str()).collect()
}

#[test]
fn the_budget_goes_to_what_gains_most_for_its_size() {
    let candidates = [candidate("big", 1.0, 80), candidate("small", 0.9, 10), candidate("tiny", 0.1, 5)];
    assert_eq!(names(&chosen(&candidates, &[], 0, 110, "")), ["big", "small", "tiny"]);
    assert_eq!(names(&chosen(&candidates, &[], 0, 40, "")), ["small", "tiny"]);
    let (_, left_out) =
        choose(Choice { candidates: &candidates, kept: &[], warm_tail: 0, budget: 40, window: "" }, &Words);
    assert_eq!((left_out[0].id.path.as_str(), left_out.len()), ("big", 1));
}

#[test]
fn nothing_stands_there_twice() {
    let candidates =
        [candidate("a", 1.0, 10), Candidate { text: candidate("a", 1.0, 10).text, ..candidate("b", 0.9, 1) }];
    assert_eq!(names(&chosen(&candidates, &[], 0, 1000, "")), ["a"]);
    let window = &candidates[0].text;
    assert!(chosen(&candidates, &[], 0, 1000, window).is_empty());
}

#[test]
fn what_is_warm_gives_way_only_to_a_gain_that_pays_for_it() {
    let old = chosen(&[candidate("old", 0.5, 10)], &[], 0, 16, "");
    assert_eq!(names(&old), ["old"]);
    // A little better, with a thousand warm tokens behind it: not worth it. The same with nothing behind it: it is.
    let better = [candidate("old", 0.5, 10), candidate("new", 0.9, 10)];
    assert_eq!(names(&chosen(&better, &old, 1000, 16, "")), ["old"]);
    assert_eq!(names(&chosen(&better, &old, 0, 16, "")), ["new"]);
    let best = [candidate("old", 0.5, 10), candidate("new", 9.0, 10)];
    assert_eq!(names(&chosen(&best, &old, 1000, 16, "")), ["new"]);
    // There is room: it is put behind what is there, if it pays for what stands behind both.
    assert_eq!(names(&chosen(&best, &old, 1000, 100, "")), ["old", "new"]);
}

#[test]
fn what_says_no_longer_what_it_would_say_now_loses_that_share_of_its_gain() {
    let old = chosen(&[candidate("list", 2.0, 4)], &[], 0, 100, "");
    let now = |words: &str| vec![Candidate { text: words.to_owned(), ..candidate("list", 2.0, 0) }];
    // With a thousand warm tokens behind it, half of it may be out of date, all of it may not.
    let half = now("listword0\nlistword1\nfresh\nother\n");
    assert_eq!(chosen(&half, &old, 1000, 100, "")[0].text, old[0].text);
    let all = now("fresh\nother\n");
    assert_eq!(chosen(&all, &old, 1000, 100, "")[0].text, all[0].text);
}

#[test]
fn secrets_are_masked_and_the_volatile_stands_last() {
    let mut edit = candidate("a", 5.0, 3);
    edit.id.source = Source::Edit;
    edit.text.push_str("password = \"swordfish\"\n");
    let excerpts = chosen(&[edit, candidate("z", 0.5, 3)], &[], 0, 1000, "");
    assert_eq!(names(&excerpts), ["z", "a"]);
    assert!(!excerpts[1].text.contains("swordfish") && excerpts[1].text.contains("password = \"*********\""));
}
