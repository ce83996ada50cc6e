//! The queries of `queries/<language>/`, compiled when first asked for. Their captures are the contract of `queries/README.md`.

use std::sync::OnceLock;

use tree_sitter::{CaptureQuantifier, Query, QueryError};

use crate::Language;

/// The captures of scopes.scm that say how the text is built; the others say what its names mean.
const STRUCTURE: [&str; 7] = ["units", "unit", "unit.prefix", "block", "comment", "string", "embedded"];

/// The compiled queries of one language.
pub(crate) struct Queries {
    /// scopes.scm, of it the patterns of [`STRUCTURE`].
    pub(crate) structure: Query,
}

/// The queries of `language`; `None` for plain text.
pub(crate) fn of(language: Language) -> Option<&'static Queries> {
    static COMPILED: [OnceLock<Option<Queries>>; Language::PARSED.len()] =
        [const { OnceLock::new() }; Language::PARSED.len()];
    let cell = COMPILED.get(language as usize)?;
    cell.get_or_init(|| match compile(language) {
        Ok(queries) => queries,
        Err(error) => {
            // A test compiles all of them.
            tracing::error!(language = language.id(), %error, "a query does not fit its grammar");
            None
        }
    })
    .as_ref()
}

fn compile(language: Language) -> Result<Option<Queries>, QueryError> {
    let (Some(grammar), Some(folder)) = (language.grammar(), folder(language)) else { return Ok(None) };
    let mut structure = Query::new(&grammar, &source(folder, |files| files.scopes))?;
    keep(&mut structure, |capture| STRUCTURE.contains(&capture));
    Ok(Some(Queries { structure }))
}

/// Disables the patterns without a capture that `wanted` accepts.
fn keep(query: &mut Query, wanted: impl Fn(&str) -> bool) {
    for pattern in 0..query.pattern_count() {
        let used = query.capture_quantifiers(pattern).iter().zip(query.capture_names());
        let keep = used.into_iter().any(|(&quantifier, name)| quantifier != CaptureQuantifier::Zero && wanted(name));
        if !keep {
            query.disable_pattern(pattern);
        }
    }
}

/// The text of a query, with what its first line `; inherits: <folder>` names before it.
fn source(folder: &str, file: impl Fn(&Files) -> &'static str + Copy) -> String {
    let text = FILES.iter().find(|(name, _)| *name == folder).map_or("", |(_, files)| file(files));
    let base = text.lines().next().and_then(|line| line.strip_prefix("; inherits:"));
    base.map_or(String::new(), |base| source(base.trim(), file)) + text
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

struct Files {
    scopes: &'static str,
}

macro_rules! files {
    ($($folder:literal),*) => {
        [$(($folder, Files {
            scopes: include_str!(concat!("../../../queries/", $folder, "/scopes.scm")),
        })),*]
    };
}

/// By folder. `ecma` is no language: JavaScript and TypeScript inherit it.
static FILES: [(&str, Files); 10] =
    files!["rust", "python", "ecma", "javascript", "typescript", "tsx", "go", "c", "cpp", "java"];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_query_compiles_for_its_grammar() {
        for language in Language::PARSED {
            let start = std::time::Instant::now();
            compile(language).map_err(|error| format!("{}: {error}", language.id())).unwrap().unwrap();
            println!("{}: {:?}", language.id(), start.elapsed());
        }
        assert!(compile(Language::Plain).unwrap().is_none());
    }
}
