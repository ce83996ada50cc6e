//! The queries of `queries/<language>/`, compiled when first asked for. Their captures are the contract of `queries/README.md`.

use std::{ops::Range, sync::OnceLock};

use streaming_iterator::StreamingIterator;
use tree_sitter::{Node, Query, QueryCapture, QueryCursor, QueryError};

use crate::{Language, Snapshot};

/// What is asked of a tree: one file of a language's folder each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What the text defines.
    Outline,
    /// How the text is built: its units, blocks, comments and strings.
    Structure,
    /// What its names mean.
    Scopes,
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
    const ALL: [Self; 3] = [Self::Outline, Self::Structure, Self::Scopes];
}

impl Snapshot {
    /// Calls `each` with the pattern and the captures of every match that touches bytes `range`, all of them by `None`. `None` for plain
    /// text.
    pub(crate) fn matches<'tree>(
        &'tree self,
        purpose: Purpose,
        range: Option<Range<usize>>,
        mut each: impl FnMut(usize, &[QueryCapture<'tree>]),
    ) -> Option<&'static Query> {
        let query = compiled(self.language(), purpose)?;
        let root = self.tree()?.root_node();
        let mut cursor = QueryCursor::new();
        if let Some(range) = range {
            cursor.set_byte_range(range);
        }
        let text = |node: Node| self.rope().byte_slice(node.byte_range()).chunks().map(str::as_bytes);
        let mut matches = cursor.matches(query, root, text);
        while let Some(found) = matches.next() {
            each(found.pattern_index, found.captures());
        }
        Some(query)
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
        Language::Plain => return None,
    })
}

macro_rules! files {
    ($($folder:literal),*) => {
        [$(($folder, [
            include_str!(concat!("../../../queries/", $folder, "/outline.scm")),
            include_str!(concat!("../../../queries/", $folder, "/structure.scm")),
            include_str!(concat!("../../../queries/", $folder, "/scopes.scm")),
        ])),*]
    };
}

/// The texts by folder, in the order of [`Purpose`]. `ecma` is no language: JavaScript and TypeScript inherit it.
static FILES: [(&str, [&str; Purpose::ALL.len()]); 10] =
    files!["rust", "python", "ecma", "javascript", "typescript", "tsx", "go", "c", "cpp", "java"];

#[cfg(test)]
mod tests;
