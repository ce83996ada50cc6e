//! Snippets of every language with every construct that the queries know: the code of the query fixtures, with `\n` and with `\r\n`.

use std::path::Path;

use pilotlight_syntax::Language;

/// How many snippets a language has.
pub(crate) const SNIPPETS: usize = 6;

pub(crate) fn of(language: Language) -> Vec<String> {
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../queries");
    let comment = language.line_comment().unwrap();
    let mut texts = Vec::new();
    for name in ["outline", "structure", "scopes"] {
        let (folder, extension) = match language {
            Language::Rust => ("rust", "rs"),
            Language::Python => ("python", "py"),
            Language::JavaScript => ("javascript", "js"),
            Language::TypeScript => ("typescript", "ts"),
            Language::Tsx => ("tsx", "tsx"),
            Language::Go => ("go", "go"),
            Language::C => ("c", "c"),
            Language::Cpp => ("cpp", "cpp"),
            Language::Java => ("java", "java"),
            Language::CSharp => ("csharp", "cs"),
            Language::Ruby => ("ruby", "rb"),
            Language::Php => ("php", "php"),
            Language::Kotlin => ("kotlin", "kt"),
            Language::Swift => ("swift", "swift"),
            Language::Lua => ("lua", "lua"),
            Language::Bash => ("bash", "sh"),
            Language::Plain => unreachable!("plain text has no queries"),
        };
        let path = queries.join(folder).join("test").join(format!("{name}.{extension}"));
        let annotated = std::fs::read_to_string(&path).unwrap();
        let is_code = |line: &&str| {
            let marks = line.trim_start().strip_prefix(comment).map(str::trim_start);
            !marks.is_some_and(|marks| marks.starts_with('^') || marks.starts_with("<-"))
        };
        let code: String = annotated.split_inclusive('\n').filter(is_code).collect();
        texts.push(code.replace('\n', "\r\n"));
        texts.push(code);
    }
    texts
}
