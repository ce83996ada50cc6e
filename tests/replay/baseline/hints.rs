//! Hints that were computed: found again at the same place, or up to 128 characters later if what was typed is what they said.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::wire::Prompt;

/// Hints that are kept.
const MOST: usize = 250;
/// Characters that may have been typed since.
const BACK: usize = 128;
/// Lines that may have scrolled out of the window since.
const SCROLLED: usize = 3;

/// The least recently used go first.
#[derive(Debug, Default)]
pub(super) struct Hints {
    hints: HashMap<u64, (usize, String)>,
    clock: usize,
}

impl Hints {
    /// Whether this very prompt was answered.
    pub(super) fn has(&self, prompt: &Prompt) -> bool {
        keys(prompt).any(|key| self.hints.contains_key(&key))
    }

    /// Keeps an answer, also for the windows that begin a few lines later.
    pub(super) fn insert(&mut self, prompt: &Prompt, content: String) {
        for key in keys(prompt) {
            self.clock += 1;
            self.hints.insert(key, (self.clock, content.clone()));
        }
        while self.hints.len() > MOST {
            let oldest = self.hints.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key);
            oldest.and_then(|key| self.hints.remove(&key));
        }
    }

    /// What an answer still says at this place; the one that says most.
    pub(super) fn find(&mut self, prompt: &Prompt) -> Option<String> {
        let left = format!("{}{}", prompt.prefix, prompt.middle);
        self.clock += 1;
        if let Some((used, content)) = self.hints.get_mut(&key(&left, &prompt.suffix)) {
            *used = self.clock;
            return Some(content.clone()).filter(|content| !content.is_empty());
        }
        left.char_indices()
            .rev()
            .take(BACK)
            .filter_map(|(at, _)| {
                let (_, content) = self.hints.get(&key(&left[..at], &prompt.suffix))?;
                content.strip_prefix(&left[at..]).filter(|rest| !rest.is_empty()).map(str::to_owned)
            })
            .max_by_key(String::len)
    }
}

/// The prompt's key, and those of the windows that have lost their first lines (never all of them).
fn keys(prompt: &Prompt) -> impl Iterator<Item = u64> + '_ {
    let later = prompt.prefix.match_indices('\n').map(|(at, _)| at + 1).filter(|&start| start < prompt.prefix.len());
    let starts = std::iter::once(0).chain(later.take(SCROLLED));
    starts.map(|start| key(&format!("{}{}", &prompt.prefix[start..], prompt.middle), &prompt.suffix))
}

fn key(left: &str, right: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (left, right).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(prefix: &str, middle: &str) -> Prompt {
        Prompt { extra: Vec::new(), prefix: prefix.into(), middle: middle.into(), suffix: "\n}\n".into(), indent: 0 }
    }

    #[test]
    fn a_hint_holds_while_it_is_typed() {
        let mut hints = Hints::default();
        hints.insert(&prompt("fn a() {\n", "le"), "t x = 1;".into());
        assert_eq!(hints.find(&prompt("fn a() {\n", "le")).as_deref(), Some("t x = 1;"));
        assert_eq!(hints.find(&prompt("fn a() {\n", "let x")).as_deref(), Some(" = 1;"));
        assert_eq!(hints.find(&prompt("fn a() {\n", "let y")), None);
        assert_eq!(hints.find(&prompt("fn a() {\n", "let x = 1;")), None, "nothing is left of it");
    }

    #[test]
    fn a_hint_survives_a_window_that_scrolls() {
        let mut hints = Hints::default();
        hints.insert(&prompt("one\ntwo\nthree\n", "x"), "y".into());
        assert!(hints.has(&prompt("two\nthree\n", "x")));
        assert!(!hints.has(&prompt("three\nfour\n", "x")));
    }
}
