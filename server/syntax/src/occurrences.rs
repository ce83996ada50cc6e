//! Where a name stands in a text, whatever it means there, and what stands around it.
//!
//! What qualifies a name is read from the text before it, not from the tree: that is the same in all languages, and holds in the arguments of macros, which have no tree.

use std::ops::Range;

use tree_sitter::Node;

use crate::{CommentOrString, Language, Snapshot};

/// One place where a name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Its bytes.
    pub range: Range<usize>,
    /// It is no code.
    pub dead: Option<CommentOrString>,
    /// What stands before it.
    pub before: Before,
    /// An opening parenthesis follows.
    pub called: bool,
    /// The grammar's names of the nodes around it, from the smallest: for what a tree alone can tell.
    pub around: Vec<String>,
}

/// What qualifies a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Bare,
    /// `a::`: the last name of the path, without what it is given by type.
    Path(String),
    /// `a.b.`: the names of the chain; empty where it begins with something else, as a call.
    Member(Vec<String>),
}

impl Snapshot {
    /// Every place where `name` stands as a word of its own, in the order of the text.
    pub fn occurrences(&self, name: &str) -> Vec<Occurrence> {
        let text = self.rope().to_string();
        if name.is_empty() {
            return Vec::new();
        }
        let word = |c: Option<char>| c.is_some_and(|c| is_word(c, self.language()));
        let alone = |at: usize| !word(text[..at].chars().next_back()) && !word(text[at + name.len()..].chars().next());
        let places = text.match_indices(name).map(|(at, _)| at).filter(|&at| alone(at));
        places.map(|at| self.occurrence(&text, at..at + name.len())).collect()
    }

    fn occurrence(&self, text: &str, range: Range<usize>) -> Occurrence {
        let after = text[range.end..].trim_start();
        let after = after.strip_prefix("::<").map_or(after, |rest| behind_brackets(rest, '<', '>').unwrap_or(after));
        let mut around = Vec::new();
        let root = self.tree().map(|tree| tree.root_node());
        let mut node: Option<Node> = root.and_then(|root| root.descendant_for_byte_range(range.start, range.end));
        // What a shell's string is given by `$name` is code, which ends where the name does.
        let given = text[..range.start].ends_with('$')
            && node.is_some_and(|it| it.byte_range() == range && it.kind() == "variable_name");
        let dead = |at: usize| self.in_comment_or_string(at).filter(|_| !given);
        while let Some(here) = node.filter(|_| around.len() < 8) {
            around.push(here.kind().to_owned());
            node = here.parent();
        }
        Occurrence {
            dead: dead(range.start + 1).or_else(|| dead(range.end)),
            before: before(&text[..range.start], self.language()),
            called: after.starts_with('(') || after.starts_with("?.("),
            around,
            range,
        }
    }

    /// The bytes of the brackets, and of what is in them, that follow byte `at` (blanks between are skipped): for what stands in a macro's arguments, where it has no tree of its own.
    pub fn brackets_after(&self, at: usize) -> Option<Range<usize>> {
        let rest = self.slice(at..self.rope().len_bytes());
        let start = at + rest.find(|c: char| !c.is_whitespace())?;
        let mut node = self.tree()?.root_node().descendant_for_byte_range(start, start + 1)?;
        while node.start_byte() == start && node.end_byte() == start + 1 {
            node = node.parent()?;
        }
        (node.start_byte() == start && rest[start - at..].starts_with('(')).then(|| node.byte_range())
    }
}

/// Whether a character may belong to a name; where `$` stands before names, and in none, it does not.
fn is_word(c: char, language: Language) -> bool {
    let marks = matches!(language, Language::Bash | Language::Kotlin | Language::Php);
    c.is_alphanumeric() || c == '_' || c == '$' && !marks
}

/// What follows the bracket that closes, `open` having been read.
fn behind_brackets(text: &str, open: char, close: char) -> Option<&str> {
    let mut depth = 1;
    for (at, c) in text.char_indices().take(400) {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            return Some(text[at + c.len_utf8()..].trim_start());
        }
    }
    None
}

fn before(text: &str, language: Language) -> Before {
    let text = text.trim_end();
    if let Some(path) = text.strip_suffix("::") {
        return Before::Path(last_of_path(path, language));
    }
    let mut rest = match text.strip_suffix("?.").or_else(|| text.strip_suffix("!.")).or_else(|| text.strip_suffix('.'))
    {
        // A range, or what is spread.
        Some(rest) if !rest.ends_with('.') => rest,
        _ => return Before::Bare,
    };
    let mut chain = Vec::new();
    loop {
        rest = rest.trim_end();
        let start = rest.char_indices().rev().take_while(|(_, c)| is_word(*c, language)).last().map(|(at, _)| at);
        let Some(start) = start else { return Before::Member(Vec::new()) };
        chain.insert(0, rest[start..].to_owned());
        rest = rest[..start].trim_end();
        let dot = ["?.", "!.", "."].iter().find_map(|dot| rest.strip_suffix(dot));
        match dot {
            Some(next) if !next.ends_with('.') => rest = next,
            // Of a path's last name nothing is known by its first.
            _ if rest.ends_with("::") || rest.ends_with("->") => return Before::Member(Vec::new()),
            _ => return Before::Member(chain),
        }
    }
}

/// `Vec` of `std::vec::Vec::<u8>`; empty for `<T as Trait>`.
fn last_of_path(path: &str, language: Language) -> String {
    let mut path = path.trim_end();
    if let Some(inner) = path.strip_suffix('>') {
        let mut depth = 1;
        let start = inner.char_indices().rev().take(400).find_map(|(at, c)| {
            depth += i32::from(c == '>') - i32::from(c == '<');
            (depth == 0).then_some(at)
        });
        match start {
            Some(start) => path = inner[..start].trim_end().trim_end_matches("::"),
            None => return String::new(),
        }
    }
    let word = |c: char| is_word(c, language);
    let start = path.char_indices().rev().take_while(|(_, c)| word(*c)).last().map_or(path.len(), |(at, _)| at);
    path[start..].to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Document, Language};

    fn check(language: Language, text: &str, name: &str) -> Vec<(Before, bool, bool)> {
        let found = Document::open(language, 0, text).snapshot().occurrences(name);
        found.into_iter().map(|it| (it.before, it.called, it.dead.is_some())).collect()
    }

    #[test]
    fn what_stands_before_a_name() {
        let member = |chain: &[&str]| Before::Member(chain.iter().map(|&it| it.to_owned()).collect());
        let text = "fn f() { n(); a.b.n; x().n(1); A::<u8>::n(); <A as B>::n; a\n  .n; 0..n; nn; m!(s.n::<A>(1)); \"n\" } // n\n";
        let expected = [
            (Before::Bare, true, false),
            (member(&["a", "b"]), false, false),
            (member(&[]), true, false),
            (Before::Path("A".to_owned()), true, false),
            (Before::Path(String::new()), false, false),
            (member(&["a"]), false, false),
            (Before::Bare, false, false),
            (member(&["s"]), true, false),
            (Before::Bare, false, true),
            (Before::Bare, false, true),
        ];
        assert_eq!(check(Language::Rust, text, "n"), expected);
        assert_eq!(
            check(Language::TypeScript, "a?.n(...n)", "n"),
            [(member(&["a"]), true, false), (Before::Bare, false, false)]
        );
        // Where `$` marks a name it is no part of one.
        let live =
            |language, text: &str| check(language, text, "out_dir").into_iter().map(|it| !it.2).collect::<Vec<_>>();
        let text = "out_dir=1\nrm \"$out_dir\"/* $out_dir ${out_dir} \"${out_dir}/a\" 'out_dir' $out_dirs\ncat <<E\n$out_dir out_dir\nE\n";
        assert_eq!(live(Language::Bash, text), [true, true, true, true, true, false, true, false]);
        let text = "val out_dir = 1\nval s = \"$out_dir ${out_dir} out_dir\"\n";
        // To the grammar `$out_dir` is text of the string here.
        assert_eq!(live(Language::Kotlin, text), [true, false, true, false]);
        assert_eq!(live(Language::TypeScript, "$out_dir(out_dir)"), [true]);
        assert_eq!(check(Language::Python, "# n\nn = \"n\"\n", "n").iter().filter(|it| it.2).count(), 2);
    }
}
