//! The queries of `queries/<language>/`, compiled when first asked for. Their captures are the contract of `queries/README.md`.

use std::{
    cell::Cell,
    ops::{ControlFlow, Range},
    sync::OnceLock,
    time::Duration,
};

use ropey::Rope;
use streaming_iterator::StreamingIterator;
use tree_sitter::{Node, Query, QueryCapture, QueryCursor, QueryCursorOptions, QueryError, TextProvider};

use crate::{Language, Snapshot, deadline::Deadline};

/// What is asked of a tree: one file of a language's folder each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What the text defines.
    Outline,
    /// How the text is built: its units, blocks, comments and strings.
    Structure,
    /// What its names mean.
    Scopes,
    /// Where it uses names.
    References,
    /// What it takes from other files.
    Imports,
    /// What a change of a definition meets: signatures, calls, keys, and what tells types.
    Sites,
    /// Where a code action has something to do.
    Actions,
}

impl Language {
    /// Compiles the queries of this language, which takes up to tenths of a second once in a process. Without this call the first
    /// question that needs a query waits for it.
    pub fn warm(self) {
        for purpose in Purpose::ALL {
            let _ = compiled(self, purpose);
        }
    }
}

impl Purpose {
    const ALL: [Self; 7] =
        [Self::Outline, Self::Structure, Self::Scopes, Self::References, Self::Imports, Self::Sites, Self::Actions];
}

impl Snapshot {
    /// Calls `each` with the pattern and the captures of every match in the text. `None` for plain text, and past `DEADLINE`: what was found
    /// until then is to be thrown away.
    pub(crate) fn matches<'tree>(
        &'tree self,
        purpose: Purpose,
        each: impl FnMut(usize, &[QueryCapture<'tree>]),
    ) -> Option<()> {
        self.matches_in(purpose, 0..usize::MAX, each)
    }

    /// As [`Snapshot::matches`], for the matches that touch bytes `range`.
    pub(crate) fn matches_in<'tree>(
        &'tree self,
        purpose: Purpose,
        range: Range<usize>,
        mut each: impl FnMut(usize, &[QueryCapture<'tree>]),
    ) -> Option<()> {
        // tree-sitter's cursor needs a time that grows with the square of the number of brackets in a row that nothing closes.
        const DEADLINE: Duration = Duration::from_secs(1);
        let query = compiled(self.language(), purpose)?;
        let deadline = Deadline::after(DEADLINE);
        let late = Cell::new(false);
        let mut in_time = |_: &_| {
            late.set(deadline.has_passed());
            if late.get() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = QueryCursorOptions::new().progress_callback(&mut in_time);
        let mut cursor = QueryCursor::new();
        cursor.set_byte_range(range);
        let mut matches = cursor.matches_with_options(query, self.tree()?.root_node(), RopeText(self.rope()), options);
        while let Some(found) = matches.next() {
            each(found.pattern_index, found.captures());
        }
        if late.get() {
            tracing::warn!(language = self.language().id(), ?purpose, "a query ran out of time: taken as plain text");
            return None;
        }
        Some(())
    }

    /// Calls `each` with the captures, by name, of every pattern of structure.scm that begins at a node with byte `at` in it, from the root
    /// inwards. `None` for plain text.
    ///
    /// The way goes down the tree alone, at a few microseconds: a query over all of the tree, even for one byte of it, looks at every
    /// sibling.
    pub(crate) fn structure_at<'tree>(&'tree self, at: usize, mut each: impl FnMut(&str, Node<'tree>)) -> Option<()> {
        let query = compiled(self.language(), Purpose::Structure)?;
        let mut way = self.tree()?.walk();
        let mut cursor = QueryCursor::new();
        cursor.set_max_start_depth(Some(0));
        loop {
            let mut matches = cursor.matches(query, way.node(), RopeText(self.rope()));
            while let Some(found) = matches.next() {
                for capture in found.captures() {
                    each(query.capture_names()[capture.index as usize], capture.node);
                }
            }
            if way.goto_first_child_for_byte(at).is_none() || way.node().start_byte() > at {
                return Some(());
            }
        }
    }
}

/// The text of nodes, for the predicates of queries.
struct RopeText<'rope>(&'rope Rope);

impl<'rope> TextProvider<&'rope [u8]> for RopeText<'rope> {
    type I = std::iter::Map<ropey::iter::Chunks<'rope>, fn(&'rope str) -> &'rope [u8]>;

    fn text(&mut self, node: Node) -> Self::I {
        self.0.byte_slice(node.byte_range()).chunks().map(str::as_bytes)
    }
}

/// A query of `language`; `None` for plain text.
pub(crate) fn compiled(language: Language, purpose: Purpose) -> Option<&'static Query> {
    type Cells = [OnceLock<Option<Query>>; Purpose::ALL.len()];
    static CELLS: [Cells; Language::PARSED.len()] =
        [const { [const { OnceLock::new() }; Purpose::ALL.len()] }; Language::PARSED.len()];
    let cell = &CELLS.get(language as usize)?[purpose as usize];
    cell.get_or_init(|| match compile(language, purpose) {
        Ok(query) => query,
        Err(error) => {
            // A test compiles all of them.
            tracing::error!(language = language.id(), ?purpose, %error, "a query does not fit its grammar");
            None
        }
    })
    .as_ref()
}

fn compile(language: Language, purpose: Purpose) -> Result<Option<Query>, QueryError> {
    let (Some(grammar), Some(folder)) = (language.grammar(), folder(language)) else { return Ok(None) };
    Query::new(&grammar, &source(folder, purpose)).map(Some)
}

/// The text of a query, with what its first line `; inherits: <folder>` names before it.
fn source(folder: &str, purpose: Purpose) -> String {
    let files = FILES.iter().find(|(name, _)| *name == folder);
    let text = files.map_or("", |(_, texts)| texts[purpose as usize]);
    let base = text.lines().next().and_then(|line| line.strip_prefix("; inherits:"));
    base.map_or(String::new(), |base| source(base.trim(), purpose)) + text
}

fn folder(language: Language) -> Option<&'static str> {
    Some(match language {
        Language::Rust => "rust",
        Language::Python => "python",
        Language::JavaScript => "javascript",
        Language::TypeScript => "typescript",
        Language::Tsx => "tsx",
        Language::Go => "go",
        Language::C => "c",
        Language::Cpp => "cpp",
        Language::Java => "java",
        Language::CSharp => "csharp",
        Language::Ruby => "ruby",
        Language::Php => "php",
        Language::Kotlin => "kotlin",
        Language::Swift => "swift",
        Language::Lua => "lua",
        Language::Bash => "bash",
        Language::Plain => return None,
    })
}

macro_rules! files {
    ($($folder:literal),*) => {
        [$(($folder, [
            include_str!(concat!("../../../queries/", $folder, "/outline.scm")),
            include_str!(concat!("../../../queries/", $folder, "/structure.scm")),
            include_str!(concat!("../../../queries/", $folder, "/scopes.scm")),
            include_str!(concat!("../../../queries/", $folder, "/references.scm")),
            include_str!(concat!("../../../queries/", $folder, "/imports.scm")),
            include_str!(concat!("../../../queries/", $folder, "/sites.scm")),
            include_str!(concat!("../../../queries/", $folder, "/actions.scm")),
        ])),*]
    };
}

/// The texts by folder, in the order of [`Purpose`]. `ecma` is no language: JavaScript and TypeScript inherit it.
static FILES: [(&str, [&str; Purpose::ALL.len()]); 17] = files![
    "rust",
    "python",
    "ecma",
    "javascript",
    "typescript",
    "tsx",
    "go",
    "c",
    "cpp",
    "java",
    "csharp",
    "ruby",
    "php",
    "kotlin",
    "swift",
    "lua",
    "bash"
];

/// Changes when any query does: what was found by other queries is not to be believed.
pub(crate) fn fingerprint() -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
