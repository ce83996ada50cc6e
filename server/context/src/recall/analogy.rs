//! What becomes of a line where the lines around it are others: beside `fn set_width(` it is `self.width = width;` where beside `fn set_height(` it was `self.height = height;`.
//!
//! A word stands for the one that is in its place in the line compared with; so do the parts in which the two differ, in any spelling (`sort_key` and `SortKey`).

use std::collections::{HashMap, HashSet};

/// Longer lines are no code that a person repeats, in bytes; they say nothing and stay as they are.
const LONGEST: usize = 400;
/// Longer words are data, and are not taken apart.
const LONGEST_WORD: usize = 64;

/// Words that stand for others.
#[derive(Debug, Default)]
pub(super) struct Analogy {
    words: HashMap<String, String>,
    parts: HashMap<String, String>,
}

impl Analogy {
    /// What makes the first line of each pair the second, as far as they have the same shape, from the front and from the back. The first pair that says something of a word is believed.
    pub(super) fn of<'t>(pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Self {
        let mut analogy = Self::default();
        for (there, here) in pairs {
            if there == here || there.len().max(here.len()) > LONGEST {
                continue;
            }
            let (there, here): (Vec<_>, Vec<_>) = (tokens(there).collect(), tokens(here).collect());
            let same_kind =
                |(there, here): &(&Token<'_>, &Token<'_>)| there.text == here.text || there.is_word && here.is_word;
            let mut alike = 0;
            for (there, here) in there.iter().zip(&here).take_while(same_kind) {
                alike += 1;
                analogy.add(there.text, here.text);
            }
            let (there, here) = (&there[alike..], &here[alike..]);
            for (there, here) in there.iter().rev().zip(here.iter().rev()).take_while(same_kind) {
                analogy.add(there.text, here.text);
            }
        }
        analogy
    }

    /// What makes a line begin with what was typed, if that has its shape and other whole words.
    pub(super) fn typing(line: &str, typed: &str) -> Option<Self> {
        if line.len() > LONGEST {
            return None;
        }
        let mut analogy = Self::default();
        let mut there = tokens(line);
        for token in tokens(typed) {
            let stands = there.next()?;
            if stands.text == token.text {
                continue;
            }
            if !(stands.is_word && token.is_word) {
                return None;
            }
            if token.start + token.text.len() == typed.len() {
                break; // It may go on.
            }
            analogy.add(stands.text, token.text);
        }
        (analogy.len() > 0).then_some(analogy)
    }

    fn add(&mut self, there: &str, here: &str) {
        if there == here || self.words.contains_key(there) {
            return;
        }
        self.words.insert(there.to_owned(), here.to_owned());
        let (old, new) = (pieces(there), pieces(here));
        let same = |(old, new): &(&&str, &&str)| old.eq_ignore_ascii_case(new);
        let front = old.iter().zip(&new).take_while(same).count();
        let (old, new) = (&old[front..], &new[front..]);
        let back = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
        let differing = |pieces: &[&str]| -> Vec<String> {
            let named = pieces[..pieces.len() - back].iter().filter(|piece| **piece != "_");
            named.map(|piece| piece.to_lowercase()).collect()
        };
        let (old, new) = (differing(old), differing(new));
        if !old.is_empty() && !new.is_empty() {
            for (old, new) in spellings(&old).into_iter().zip(spellings(&new)) {
                self.parts.entry(old).or_insert(new);
            }
        }
    }

    /// How many words stand for others.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// How many of them `text` has.
    pub(super) fn uses(&self, text: &str) -> usize {
        let known = |token: &Token<'_>| self.words.contains_key(token.text);
        tokens(text).filter(known).map(|token| token.text).collect::<HashSet<_>>().len()
    }

    /// `text` as it is here.
    pub(super) fn write(&self, text: &str) -> String {
        if text.len() > LONGEST {
            return text.to_owned();
        }
        let mut written = String::with_capacity(text.len() + 16);
        let mut end = 0;
        for token in tokens(text) {
            written.push_str(&text[end..token.start]);
            self.write_word(token.text, &mut written);
            end = token.start + token.text.len();
        }
        written.push_str(&text[end..]);
        written
    }

    fn write_word(&self, word: &str, written: &mut String) {
        if let Some(other) = self.words.get(word).or_else(|| self.parts.get(word)) {
            return written.push_str(other);
        }
        if word.len() > LONGEST_WORD {
            return written.push_str(word);
        }
        let pieces = pieces(word);
        // The longest part that is known, of those the first.
        for many in (1..pieces.len()).rev() {
            let mut start = 0;
            for (at, piece) in pieces[..=pieces.len() - many].iter().enumerate() {
                let end = start + pieces[at..at + many].iter().map(|piece| piece.len()).sum::<usize>();
                if end - start > 1
                    && let Some(other) = self.parts.get(&word[start..end])
                {
                    return written.extend([&word[..start], other, &word[end..]]);
                }
                start += piece.len();
            }
        }
        written.push_str(word);
    }
}

/// A word or one other character that is not blank.
struct Token<'t> {
    text: &'t str,
    start: usize,
    is_word: bool,
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text[at..].find(|c: char| !c.is_whitespace())?;
        let first = text[start..].chars().next()?;
        at = match is_word(first) {
            true => {
                text[start..].find(|c: char| !is_word(c) || c.is_whitespace()).map_or(text.len(), |end| start + end)
            }
            false => start + first.len_utf8(),
        };
        Some(Token { text: &text[start..at], start, is_word: is_word(first) })
    })
}

/// What a word is made of, every character of it: `get`, `_`, `HTTP`, `Url` and `2` of `get_HTTPUrl2`.
fn pieces(word: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let (mut found, mut start) = (Vec::new(), 0);
    for (at, pair) in chars.windows(2).enumerate() {
        let ((_, before), (border, after)) = (pair[0], pair[1]);
        let next_is_lower = chars.get(at + 2).is_some_and(|(_, next)| next.is_lowercase());
        if before == '_'
            || after == '_'
            || before.is_numeric() != after.is_numeric()
            || after.is_uppercase() && (!before.is_uppercase() || next_is_lower)
        {
            found.push(&word[start..border]);
            start = border;
        }
    }
    found.push(&word[start..]);
    found
}

/// A name of these parts as it is written: `sort_key`, `SORT_KEY`, `SortKey`, `sortKey`, `sortkey`.
fn spellings(parts: &[String]) -> [String; 5] {
    let titled = |part: &String| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    };
    let snake = parts.join("_");
    let titles: Vec<String> = parts.iter().map(titled).collect();
    let camel = [&parts[..1], &titles[1..]].concat().concat();
    [snake.clone(), snake.to_uppercase(), titles.concat(), camel, parts.concat()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_pieces_that_are_all_of_them() {
        for (word, expected) in [
            ("get_HTTPUrl2", "get|_|HTTP|Url|2"),
            ("sortKey", "sort|Key"),
            ("SORT_KEY", "SORT|_|KEY"),
            ("__init__", "_|_|init|_|_"),
            ("x", "x"),
            ("größeÄndern", "größe|Ändern"),
        ] {
            assert_eq!(pieces(word).join("|"), expected);
            assert_eq!(pieces(word).concat(), word);
        }
    }

    #[test]
    fn what_differs_between_the_lines_around_is_written_in_every_spelling() {
        let written = |there: &str, here: &str, line: &str| Analogy::of([(there, here)].into_iter()).write(line);
        assert_eq!(
            written(
                "fn set_height(&mut self, height: u32) {",
                "fn set_width(&mut self, width: u32) {",
                "self.height = height;"
            ),
            "self.width = width;"
        );
        assert_eq!(
            written(
                "def by_sort_key(rows):",
                "def by_name(rows):",
                "return SortKey(SORT_KEY, sortKey, sortkey, the_sort_key_of)"
            ),
            "return Name(NAME, name, name, the_name_of)"
        );
        assert_eq!(written("case 1:", "case 2:", "return take(args[1], 10);"), "return take(args[2], 10);");
        assert_eq!(written("let größe = ä(1);", "let länge = ä(1);", "drop(größe) // größer"), "drop(länge) // größer");
    }

    #[test]
    fn lines_of_another_shape_say_only_what_their_ends_do() {
        let analogy = Analogy::of([("one(first);", "two(first, [last]);")].into_iter());
        assert_eq!(
            (analogy.write("one(first)"), analogy.len(), analogy.uses("one(one, first)")),
            ("two(first)".to_owned(), 1, 1)
        );
        assert_eq!(Analogy::of([("if (a) {", "}")].into_iter()).len(), 0);
        assert_eq!(Analogy::of([("", "x"), ("x", "")].into_iter()).write("x"), "x");
    }

    #[test]
    fn what_is_typed_says_what_words_are() {
        let line = "self.args = args;";
        let begun = |typed: &str| Analogy::typing(line, typed).map(|analogy| analogy.write(line));
        assert_eq!(begun("self.kwargs ").as_deref(), Some("self.kwargs = kwargs;"));
        assert_eq!(begun("self.kwargs=").as_deref(), Some("self.kwargs = kwargs;"));
        assert_eq!(begun("this.kwa").as_deref(), Some("this.args = args;"), "`kwa` may be any word yet");
        assert_eq!(
            [begun("self.kwargs"), begun("self."), begun("self(x"), begun("self.args = args; x = ")],
            [const { None }; 4]
        );
    }

    #[test]
    fn data_stays_as_it_is() {
        let data = "aB1_".repeat(20_000);
        let word = "aB1_".repeat(50);
        let analogy = Analogy::of([(data.as_str(), "x"), ("see(aB)", "see(cD)")].into_iter());
        assert_eq!(analogy.len(), 1);
        assert_eq!(analogy.write(&data), data);
        assert_eq!(analogy.write(&format!("{word}, aB_1")), format!("{word}, cD_1"));
        assert!(Analogy::typing(&data, "x = ").is_none());
    }

    #[test]
    fn the_first_pair_is_believed() {
        let analogy = Analogy::of([("open(a)", "open(b)"), ("close(a)", "close(c)")].into_iter());
        assert_eq!(analogy.write("use(a)"), "use(b)");
    }
}
