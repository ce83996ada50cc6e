//! Tokens that are cut out of a text before anything merges: characters and runs of spaces that were added to a vocabulary after its training.

use std::collections::HashMap;

/// The literals of a vocabulary, the longest first, by their first character.
#[derive(Default)]
pub(super) struct Literals(HashMap<char, Vec<(String, u32)>>);

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// No literal begins in it.
    Text(&'a str),
    /// A literal's id.
    Token(u32),
}

impl Literals {
    pub(super) fn new(literals: impl IntoIterator<Item = (String, u32)>) -> Self {
        let mut by_first: HashMap<char, Vec<(String, u32)>> = HashMap::new();
        for (text, id) in literals {
            if let Some(first) = text.chars().next() {
                by_first.entry(first).or_default().push((text, id));
            }
        }
        by_first.values_mut().for_each(|all| all.sort_by_key(|(text, _)| std::cmp::Reverse(text.len())));
        Self(by_first)
    }

    /// Calls `take` with the parts of `text` in order; none is empty.
    pub(super) fn cut<E>(&self, text: &str, mut take: impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut start = 0;
        if !self.0.is_empty() {
            let mut at = 0;
            while let Some(c) = text[at..].chars().next() {
                let here = self.0.get(&c).into_iter().flatten().find(|(literal, _)| text[at..].starts_with(literal));
                match here {
                    None => at += c.len_utf8(),
                    Some((literal, id)) => {
                        if start < at {
                            take(Part::Text(&text[start..at]))?;
                        }
                        take(Part::Token(*id))?;
                        at += literal.len();
                        start = at;
                    }
                }
            }
        }
        if start < text.len() { take(Part::Text(&text[start..])) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_is_cut_out_first() {
        let literals = Literals::new([("  ".to_owned(), 7), ("    ".to_owned(), 8), ("õ".to_owned(), 9)]);
        let parts = |text: &str| {
            let mut out = Vec::new();
            let taken: Result<(), ()> = literals.cut(text, |part| {
                out.push(match part {
                    Part::Text(text) => text.to_owned(),
                    Part::Token(id) => id.to_string(),
                });
                Ok(())
            });
            assert_eq!(taken, Ok(()));
            out
        };
        assert_eq!(parts("a       bõ"), ["a", "8", "7", " b", "9"]);
        assert_eq!(parts("plain"), ["plain"]);
        assert!(parts("").is_empty());
    }
}
