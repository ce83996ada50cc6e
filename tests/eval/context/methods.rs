//! The ways to choose what a prompt shows of other files, each within the same budget: ours, and those of the field.

use std::collections::{BTreeMap, HashMap, HashSet};

use pilotlight_assist::syntax::index::{FileId, words};
use pilotlight_context::{Budget, Input, Repository, TokenCounter, family::ember, plan_with};

use crate::{
    dice::Dice,
    package::{Hidden, Package},
    ring::Ring,
};

/// Tokens of the open file, for every method the same.
pub(crate) const WINDOW: usize = 1024;
/// Lines around the cursor that similarity is measured with.
const AROUND: usize = 32;
/// Lines of a window, and its step.
const LINES: usize = 20;
const STEP: usize = 10;
/// Windows that are ranked: more than any budget buys.
const MOST: usize = 60;
/// Files that the person of the ring's session looked at before this one.
const VISITED: usize = 12;

/// The other ways, by name: each ranks what it would show, the best first.
pub(crate) const OTHERS: [(&str, Ranking); 4] =
    [("nothing", |_, _| Vec::new()), ("ring", ring), ("jaccard", jaccard), ("bm25", bm25)];
/// Ours.
pub(crate) const OURS: &str = "pilotlight";

pub(crate) type Ranking = fn(&Package, &Hidden) -> Vec<String>;

/// Our planner, with nothing but the package and the open file: no edits, no places.
pub(crate) fn ours(package: &Package, hidden: &Hidden, budget: usize, counter: &dyn TokenCounter) -> String {
    let around = package.around(hidden);
    let input = Input { path: &hidden.path, snapshot: &hidden.snapshot, cursor: hidden.cursor, anchor: None };
    let repository = Repository { name: &package.name, around, budget, kept: None };
    let plan = plan_with(&ember::FAMILY, input, Budget::shared(WINDOW), Some(repository), counter);
    let spent: usize = plan.excerpts.iter().map(|excerpt| excerpt.tokens).sum();
    assert!(spent <= budget, "{spent} tokens for {budget}");
    plan.excerpts.into_iter().map(|excerpt| format!("{}\n{}\n", excerpt.id.path, excerpt.text)).collect()
}

/// llama.vim's ring (tests/replay/baseline/ring.rs has its algorithm) after a session that looked at files of the package, those of the same folder first, each picked from where the person
/// entered and left it. The newest chunks count first.
fn ring(package: &Package, hidden: &Hidden) -> Vec<String> {
    let folder = |path: &str| path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let dice = Dice::new(7).on(&hidden.path).at(hidden.cursor);
    let others: Vec<FileId> = package.texts.keys().copied().filter(|id| *id != hidden.file).collect();
    let path = |id: &FileId| package.index.file(*id).map(|file| file.path.to_string()).unwrap_or_default();
    let (near, far): (Vec<FileId>, Vec<FileId>) =
        dice.shuffled(others).into_iter().partition(|id| folder(&path(id)) == folder(&hidden.path));
    let visited: Vec<FileId> = near.into_iter().chain(far).take(VISITED).collect();
    let mut ring = Ring::new();
    // The nearest was visited last.
    for (visit, id) in visited.iter().rev().enumerate() {
        let text = &package.texts[id];
        let lines: Vec<&str> = text.lines().collect();
        for pick in 0..2 {
            let dice = dice.at(visit * 2 + pick);
            let at = dice.below(lines.len().max(1));
            let around = &lines[at.saturating_sub(32)..(at + 32).min(lines.len())];
            ring.pick(around, &path(id), true, dice);
            ring.take_in();
        }
    }
    let chunks = ring.extra();
    chunks.iter().rev().map(|chunk| format!("{}\n{}\n", chunk.path, chunk.lines.join("\n"))).collect()
}

/// The windows of other files that are most like the lines around the cursor, by the Jaccard index of their words.
fn jaccard(package: &Package, hidden: &Hidden) -> Vec<String> {
    let query: HashSet<String> = identifiers(&around(hidden)).into_iter().collect();
    let mut windows = windows(package, hidden);
    windows.retain(|window| !window.1.is_empty());
    let score = |window: &(String, HashSet<String>)| {
        let common = window.1.intersection(&query).count();
        common as f64 / (window.1.len() + query.len() - common) as f64
    };
    windows.sort_by_cached_key(|window| (std::cmp::Reverse((score(window) * 1e9) as u64), window.0.clone()));
    windows.into_iter().map(|(text, _)| text).take(MOST).collect()
}

/// The windows that BM25 (k1 1.2, b 0.75) ranks highest for the words around the cursor, over all windows of the package.
fn bm25(package: &Package, hidden: &Hidden) -> Vec<String> {
    let query: HashSet<String> = identifiers(&around(hidden)).into_iter().collect();
    let texts: Vec<String> = windows(package, hidden).into_iter().map(|(text, _)| text).collect();
    let counts: Vec<HashMap<String, usize>> = texts
        .iter()
        .map(|text| {
            let mut counts = HashMap::new();
            identifiers(text).into_iter().for_each(|word| *counts.entry(word).or_default() += 1);
            counts
        })
        .collect();
    let length = |counts: &HashMap<String, usize>| counts.values().sum::<usize>() as f64;
    let average = counts.iter().map(length).sum::<f64>() / counts.len().max(1) as f64;
    let rare: BTreeMap<&String, f64> = query
        .iter()
        .map(|word| {
            let having = counts.iter().filter(|counts| counts.contains_key(word)).count() as f64;
            (word, (1.0 + (counts.len() as f64 - having + 0.5) / (having + 0.5)).ln())
        })
        .collect();
    let score = |counts: &HashMap<String, usize>| -> f64 {
        let long = 0.25 + 0.75 * length(counts) / average.max(1.0);
        let of = |(word, rare): (&&String, &f64)| {
            let count = counts.get(*word).copied().unwrap_or(0) as f64;
            rare * count * 2.2 / (count + 1.2 * long)
        };
        rare.iter().map(of).sum()
    };
    let mut ranked: Vec<(f64, &String)> = counts.iter().map(score).zip(&texts).collect();
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0).then_with(|| left.1.cmp(right.1)));
    ranked.into_iter().map(|(_, text)| text.clone()).take(MOST).collect()
}

fn around(hidden: &Hidden) -> String {
    let rope = hidden.snapshot.rope();
    let line = rope.byte_to_line(hidden.cursor);
    let (first, end) = (line.saturating_sub(AROUND), (line + AROUND / 4).min(rope.len_lines()));
    (first..end).map(|line| rope.line(line).to_string()).collect()
}

/// Every window of every other file, under its path, with its words.
fn windows(package: &Package, hidden: &Hidden) -> Vec<(String, HashSet<String>)> {
    let mut windows = Vec::new();
    for (id, text) in package.texts.iter().filter(|(id, _)| **id != hidden.file) {
        let lines: Vec<&str> = text.lines().collect();
        let path = package.index.file(*id).map(|file| file.path.to_string()).unwrap_or_default();
        for first in (0..lines.len()).step_by(STEP) {
            let window = lines[first..(first + LINES).min(lines.len())].join("\n");
            let words = identifiers(&window).into_iter().collect();
            windows.push((format!("{path}\n{window}\n"), words));
        }
    }
    windows
}

fn identifiers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    words::identifiers(text, |word| found.push(word.to_owned()));
    found
}

/// As many of `texts` as the budget buys; of the first that it does not, the lines that it does. What is there already is not taken twice.
pub(crate) fn within(texts: &[String], budget: usize, counter: &dyn TokenCounter) -> String {
    let (mut out, mut spent) = (String::new(), 0);
    let mut seen: HashSet<String> = HashSet::new();
    for text in texts {
        // Windows overlap by half: to count their common lines twice would be to build a straw man.
        let new: Vec<&str> = text.lines().filter(|line| line.trim().len() < 4 || !seen.contains(*line)).collect();
        if new.len() <= 2 {
            continue;
        }
        let text = new.join("\n") + "\n";
        let tokens = counter.count(&text) + 1;
        if spent + tokens > budget {
            for line in text.split_inclusive('\n') {
                spent += counter.count(line) + 1;
                if spent > budget {
                    break;
                }
                out.push_str(line);
            }
            break;
        }
        spent += tokens;
        seen.extend(text.lines().map(str::to_owned));
        out.push_str(&text);
    }
    out
}
