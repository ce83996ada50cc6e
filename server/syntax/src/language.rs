//! The languages that have a grammar here; every other one is plain text.

use std::path::Path;

/// A source language, or plain text where no grammar is linked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[allow(missing_docs)]
pub enum Language {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Go,
    C,
    Cpp,
    Java,
    Plain,
}

impl Language {
    /// Every language with a grammar, in the order of the enum.
    pub const PARSED: [Self; 9] = [
        Self::Rust,
        Self::Python,
        Self::JavaScript,
        Self::TypeScript,
        Self::Tsx,
        Self::Go,
        Self::C,
        Self::Cpp,
        Self::Java,
    ];

    /// From LSP's `languageId`, and from what Neovim, Zed and others send in its place; in any case of letters. Unknown ids are
    /// [`Language::Plain`].
    pub fn from_id(id: &str) -> Self {
        match id.to_ascii_lowercase().as_str() {
            "rust" => Self::Rust,
            "python" | "starlark" | "bzl" => Self::Python,
            "javascript" | "javascriptreact" | "javascript.jsx" | "jsx" => Self::JavaScript,
            "typescript" => Self::TypeScript,
            "typescriptreact" | "typescript.tsx" | "tsx" => Self::Tsx,
            "go" => Self::Go,
            "c" => Self::C,
            "cpp" | "c++" | "cuda" | "cuda-cpp" | "arduino" => Self::Cpp,
            "java" => Self::Java,
            _ => Self::Plain,
        }
    }

    /// From a file's well-known name or its extension. Extensions count in any case of letters, but for `.C` and `.H`, which are C++ by
    /// the compilers' convention; `.h` is C.
    pub fn from_path(path: &Path) -> Self {
        match path.file_name().and_then(|name| name.to_str()) {
            Some(
                "SConstruct" | "SConscript" | "wscript" | "Tiltfile" | "BUILD" | "WORKSPACE" | ".pythonrc"
                | ".pythonstartup",
            ) => {
                return Self::Python;
            }
            Some("Jakefile") => return Self::JavaScript,
            _ => {}
        }
        let Some(extension) = path.extension().and_then(|extension| extension.to_str()) else {
            return Self::Plain;
        };
        if matches!(extension, "C" | "H") {
            return Self::Cpp;
        }
        match extension.to_ascii_lowercase().as_str() {
            "rs" => Self::Rust,
            "py" | "pyi" | "pyw" | "bzl" | "bazel" | "star" | "gyp" | "gypi" => Self::Python,
            "js" | "mjs" | "cjs" | "jsx" | "es6" => Self::JavaScript,
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            "go" => Self::Go,
            "c" | "h" => Self::C,
            "cc" | "cpp" | "cxx" | "c++" | "cppm" | "ixx" | "hh" | "hpp" | "hxx" | "h++" | "ipp" | "inl" | "tpp"
            | "txx" | "cu" | "cuh" | "ino" => Self::Cpp,
            "java" => Self::Java,
            _ => Self::Plain,
        }
    }

    /// LSP's `languageId` (LSP 3.17, `TextDocumentItem`).
    pub fn id(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Tsx => "typescriptreact",
            Self::Go => "go",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Java => "java",
            Self::Plain => "plaintext",
        }
    }

    /// The tree-sitter grammar; `None` for plain text.
    pub fn grammar(self) -> Option<tree_sitter::Language> {
        Some(match self {
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::C => tree_sitter_c::LANGUAGE.into(),
            Self::Cpp => tree_sitter_cpp::LANGUAGE.into(),
            Self::Java => tree_sitter_java::LANGUAGE.into(),
            Self::Plain => return None,
        })
    }

    /// Whether the members of a type or a module parse by themselves, outside of it (Python's need their indentation, JavaScript's their
    /// class).
    pub(crate) fn members_stand_alone(self) -> bool {
        matches!(self, Self::Rust | Self::C | Self::Cpp | Self::Java)
    }

    /// What begins a comment that ends with its line; `None` for plain text.
    pub fn line_comment(self) -> Option<&'static str> {
        match self {
            Self::Python => Some("#"),
            Self::Plain => None,
            _ => Some("//"),
        }
    }

    /// What opens and closes a block comment; `None` where there is no such thing.
    pub fn block_comment(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Python | Self::Plain => None,
            _ => Some(("/*", "*/")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_own_language() {
        for language in Language::PARSED {
            assert_eq!(Language::from_id(language.id()), language);
        }
        assert_eq!(Language::from_id(Language::Plain.id()), Language::Plain);
        assert_eq!(Language::from_id("JavaScriptReact"), Language::JavaScript);
        assert_eq!(Language::from_id("brainfuck"), Language::Plain);
    }

    #[test]
    fn paths() {
        for (path, language) in [
            ("src/main.rs", Language::Rust),
            ("a/b.PY", Language::Python),
            ("SConstruct", Language::Python),
            ("x.d.ts", Language::TypeScript),
            ("x.mts", Language::TypeScript),
            ("x.tsx", Language::Tsx),
            ("x.jsx", Language::JavaScript),
            ("x.h", Language::C),
            ("x.H", Language::Cpp),
            ("x.C", Language::Cpp),
            ("x.cuh", Language::Cpp),
            ("Main.java", Language::Java),
            ("go.mod", Language::Plain),
            ("rs", Language::Plain),
            ("", Language::Plain),
        ] {
            assert_eq!(Language::from_path(Path::new(path)), language, "{path}");
        }
    }

    #[test]
    fn every_grammar_is_one_this_tree_sitter_can_load() {
        for language in Language::PARSED {
            let grammar = language.grammar().unwrap();
            tree_sitter::Parser::new().set_language(&grammar).unwrap();
        }
        assert!(Language::Plain.grammar().is_none());
    }
}
