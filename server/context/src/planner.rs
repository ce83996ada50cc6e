//! Which candidates stand in the prompt, and in which order: the most gain for the budget, nothing twice, and no more of the cache broken than the gain pays for.
//!
//! What a prompt begins with is the same tokens as the last one's only up to the first change, so a new excerpt costs the prefill of everything behind it. The planner therefore looks at every
//! beginning of the last choice that it might keep, fills the rest greedily, and takes the beginning whose gain minus that cost is highest.

use std::collections::HashSet;

use pilotlight_syntax::index::words;

use crate::{Candidate, Excerpt, LeftOut, Source, TokenCounter, secrets};

/// The gain that pays for the prefill of a thousand tokens.
pub const PRICE: f32 = 1.5;
/// Bytes a token, roughly: for ranking. What is chosen is counted.
const BYTES: usize = 3;
/// What an excerpt costs besides its text: a marker and its path.
const OVERHEAD: usize = 12;
/// A candidate of which less is new says nothing new.
const LEAST_NEW: f32 = 0.35;
/// The percentage of the budget that definitions and outlines get before everything else has had its turn.
const MOST_DEFINITIONS: usize = 50;
/// The most excerpts of one prompt.
const MOST: usize = 48;
/// Left-out candidates that are told.
const MOST_TOLD: usize = 40;
/// What is left of the gain of an excerpt that no source proposes any more.
const FADED: f32 = 0.2;

/// What the planner chooses from, and within what.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// What the sources propose.
    pub candidates: &'a [Candidate],
    /// The last plan's choice, in prompt order: warm, as far as it is kept from the beginning on.
    pub kept: &'a [Excerpt],
    /// Tokens behind the excerpts that would be found in the cache if none of them changed.
    pub warm_tail: usize,
    /// Tokens for all excerpts.
    pub budget: usize,
    /// What stands in the prompt anyway: the window's text.
    pub window: &'a str,
}

/// Chooses. The same choice gives the same answer.
pub fn choose(choice: Choice<'_>, counter: &dyn TokenCounter) -> (Vec<Excerpt>, Vec<LeftOut>) {
    let mut best: Option<(f32, Vec<Excerpt>, Vec<LeftOut>)> = None;
    // What is kept is worth the same however much of it is: looked at once.
    let gains: Vec<f32> = choice.kept.iter().map(|kept| gain_now(kept, choice.candidates)).collect();
    // From all kept to none: of equals, the one that keeps more.
    for keep in (0..=choice.kept.len()).rev() {
        let Some((excerpts, left_out)) = with_kept(choice, &gains[..keep], counter) else { continue };
        let common = excerpts.iter().zip(choice.kept).take_while(|(new, old)| new.text == old.text).count();
        let changed = common < excerpts.len() || common < choice.kept.len();
        let new: usize = excerpts[common..].iter().map(|excerpt| excerpt.tokens).sum();
        let cost = if changed && !choice.kept.is_empty() { new + choice.warm_tail } else { 0 };
        let gain: f32 = excerpts.iter().map(|excerpt| excerpt.gain).sum();
        let worth = gain - PRICE * cost as f32 / 1000.0;
        if best.as_ref().is_none_or(|(known, ..)| worth > known + 1e-4) {
            best = Some((worth, excerpts, left_out));
        }
    }
    best.map(|(_, excerpts, left_out)| (excerpts, left_out)).unwrap_or_default()
}

/// What a kept excerpt would gain now: less where it says no longer what it would say now, but it costs nothing where it is.
fn gain_now(kept: &Excerpt, candidates: &[Candidate]) -> f32 {
    let now = candidates.iter().find(|candidate| candidate.id == kept.id);
    now.map_or(kept.gain * FADED, |now| now.gain * told_by(&kept.text, &now.text))
}

/// The first of the kept ones as they are, as many as there are gains, alone or with what is best besides. `None` where they are over the budget.
fn with_kept(choice: Choice<'_>, gains: &[f32], counter: &dyn TokenCounter) -> Option<(Vec<Excerpt>, Vec<LeftOut>)> {
    let mut seen = Seen::default();
    seen.add(choice.window);
    let mut chosen: Vec<Excerpt> = Vec::new();
    let mut spent = 0;
    for (kept, gain) in choice.kept.iter().zip(gains) {
        // What stands in the window by now is of no more use.
        let gain = gain * seen.new_share(&kept.text);
        seen.add(&kept.text);
        spent += kept.tokens;
        chosen.push(Excerpt { gain, ..kept.clone() });
    }
    if spent > choice.budget {
        return None;
    }
    let mut rest: Vec<&Candidate> =
        choice.candidates.iter().filter(|candidate| !chosen.iter().any(|kept| kept.id == candidate.id)).collect();
    // Nothing holds as many names for its size as a list of names: it comes first.
    let rank = |candidate: &Candidate| match candidate.id.source {
        Source::Names => f32::INFINITY,
        _ => candidate.gain / (candidate.text.len() / BYTES + OVERHEAD + 8) as f32,
    };
    rest.sort_by(|left, right| rank(right).total_cmp(&rank(left)).then_with(|| left.id.cmp(&right.id)));
    // Those who say what a thing is may not crowd out those who show how it is used, as long as there are any.
    let is_definition =
        |source: Source| matches!(source, Source::Definition | Source::Enclosing | Source::Module | Source::Sibling);
    let (first, second): (Vec<&Candidate>, Vec<&Candidate>) = {
        let mut share = 0;
        rest.into_iter().partition(|candidate| {
            let definition = is_definition(candidate.id.source);
            share += if definition { candidate.text.len() / BYTES + OVERHEAD } else { 0 };
            !definition || share * 100 <= choice.budget * MOST_DEFINITIONS
        })
    };
    let mut left_out = Vec::new();
    let mut fresh: Vec<Excerpt> = Vec::new();
    for candidate in first.into_iter().chain(second) {
        let mut leave = |because| {
            if left_out.len() < MOST_TOLD {
                let tokens = candidate.text.len() / BYTES;
                left_out.push(LeftOut { id: candidate.id.clone(), gain: candidate.gain, tokens, because });
            }
        };
        let new = seen.new_share(&candidate.text);
        if new < LEAST_NEW {
            leave("what it says stands in the prompt already");
            continue;
        }
        if chosen.len() + fresh.len() >= MOST {
            leave("the prompt has its most excerpts already");
            continue;
        }
        // Far too long: not even counted.
        if spent + candidate.text.len() / 12 > choice.budget {
            leave("the budget is spent on what gains more for its size");
            continue;
        }
        let text = secrets::masked(&candidate.text).into_owned();
        let tokens = counter.count(&format!("{}\n{text}", candidate.id.path)) + 1;
        if spent + tokens > choice.budget {
            leave("the budget is spent on what gains more for its size");
            continue;
        }
        spent += tokens;
        seen.add(&candidate.text);
        fresh.push(Excerpt { id: candidate.id.clone(), text, gain: candidate.gain * new, tokens });
    }
    // The most certain first, the volatile last; among equals by name, so that the order does not depend on small changes of gain.
    fresh.sort_by_key(|excerpt| {
        (excerpt.id.source.is_volatile(), excerpt.id.source, excerpt.id.path.clone(), excerpt.id.line)
    });
    chosen.extend(fresh);
    Some((chosen, left_out))
}

/// The share of what `now` names that `kept` names too.
fn told_by(kept: &str, now: &str) -> f32 {
    if kept == now {
        return 1.0;
    }
    let mut names = HashSet::new();
    words::identifiers(kept, |name| _ = names.insert(name));
    let (mut all, mut told) = (0, 0);
    words::identifiers(now, |name| {
        all += 1;
        told += usize::from(names.contains(name));
    });
    if all == 0 { 1.0 } else { told as f32 / all as f32 }
}

/// The lines that stand in the prompt.
#[derive(Default)]
struct Seen {
    lines: HashSet<u64>,
}

impl Seen {
    fn add(&mut self, text: &str) {
        self.lines.extend(telling(text));
    }

    /// The share of `text`'s telling lines that is new.
    fn new_share(&self, text: &str) -> f32 {
        let (mut all, mut new) = (0, 0);
        for line in telling(text) {
            all += 1;
            new += usize::from(!self.lines.contains(&line));
        }
        if all == 0 { 0.0 } else { new as f32 / all as f32 }
    }
}

/// Lines that say something, each as a number.
fn telling(text: &str) -> impl Iterator<Item = u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    text.lines().map(str::trim).filter(|line| line.chars().filter(|c| c.is_alphanumeric()).count() >= 3).map(|line| {
        let mut hasher = DefaultHasher::new();
        // `fn f() {` and `fn f()` say the same.
        line.trim_end_matches(['{', '}', ';', ',', ' ', '…']).hash(&mut hasher);
        hasher.finish()
    })
}

#[cfg(test)]
mod tests;
