//! Additions: documentation, and tests beside the code.

use std::path::{Path, PathBuf};

use pilotlight_syntax::{DefinitionKind, Document, Item, Language, OccasionKind, Snapshot};

use super::{Action, Answer, How, Place, When, layout};

/// See the module.
pub(super) static ACTIONS: [Action; 3] = [
    Action {
        id: "document",
        title: "Document `{}`",
        when: When::On { kind: OccasionKind::Function, place: Place::Head, which: |it, _| !it.is_documented },
        how: How::Ask(documentation, Answer::Documentation),
    },
    Action {
        id: "document-type",
        title: "Document `{}`",
        when: When::On { kind: OccasionKind::Type, place: Place::Head, which: |it, _| !it.is_documented },
        how: How::Ask(documentation, Answer::Documentation),
    },
    Action {
        id: "test",
        title: "Add tests of `{}`",
        when: When::On { kind: OccasionKind::Function, place: Place::Head, which: |it, _| !it.is_empty },
        how: How::Ask(tests, Answer::Tests),
    },
];

fn documentation(language: Language) -> Option<String> {
    let form = match language {
        Language::Rust => "a `///` comment",
        Language::Python => "a docstring in three double quotes",
        Language::Go => "a `//` comment that begins with the name",
        Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Java | Language::C | Language::Cpp => {
            "a `/** … */` comment"
        }
        _ => return None,
    };
    Some(format!(
        "Write the documentation of what is shown: {form} that says in a few plain words what it is for, and what is not obvious of what it takes and gives. Answer with that alone, without the code."
    ))
}

fn tests(language: Language) -> Option<String> {
    let form = match language {
        Language::Rust => "functions with #[test], as they stand in a module that has `use super::*;`",
        Language::Python => "functions whose names begin with test_, for pytest, with the imports that they need",
        Language::Go => {
            "functions of Go's package testing; a file that is new begins with its package clause and imports"
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            "calls of test() with the imports that they need, in the framework that the code around uses (else node:test)"
        }
        _ => return None,
    };
    Some(format!(
        "Write tests of the function that is shown: {form}. Test what it does, at its edges too. Answer with the tests alone, without the code."
    ))
}

/// The file in which tests of a file stand; `None` where that is the file itself.
pub(super) fn tests_file(path: &Path, language: Language) -> Option<PathBuf> {
    let (stem, extension) = (path.file_stem()?.to_str()?, path.extension()?.to_str()?);
    let name = match language {
        Language::Python => format!("test_{stem}.py"),
        Language::Go => format!("{stem}_test.go"),
        Language::JavaScript | Language::TypeScript | Language::Tsx => format!("{stem}.test.{extension}"),
        _ => return None,
    };
    Some(path.with_file_name(name))
}

/// The last module of tests in a Rust file.
fn module(snapshot: &Snapshot) -> Option<Item> {
    let is = |it: &Item| it.kind == DefinitionKind::Module && it.name == "tests";
    snapshot.outline().into_iter().rev().find(is)
}

fn is_closed(snapshot: &Snapshot, module: &Item) -> bool {
    snapshot.slice(module.range.clone()).ends_with('}')
}

/// The files that a Rust file's module of tests may be, one of which there is; `None` where its tests stand in itself. None of them where the module's place is not told by its name alone.
pub(super) fn module_files(snapshot: &Snapshot, path: Option<&Path>) -> Option<Vec<PathBuf>> {
    let module = module(snapshot).filter(|it| !is_closed(snapshot, it))?;
    let before = snapshot.slice(0..module.range.start);
    let mut attributes = before.lines().rev().take_while(|line| line.trim_start().starts_with("#["));
    if module.parent.is_some() || attributes.any(|line| line.contains("path")) {
        return Some(Vec::new());
    }
    let folder = path.and_then(|path| {
        let owns_its_folder = ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| path.ends_with(name));
        if owns_its_folder { path.parent().map(Path::to_owned) } else { Some(path.with_extension("")) }
    });
    Some(folder.map(|folder| vec![folder.join("tests.rs"), folder.join("tests/mod.rs")]).unwrap_or_default())
}

/// Where in a Rust file its tests go: into its module of tests, or into one at its end. The byte, and the text there.
pub(super) fn in_module(snapshot: &Snapshot, tests: &str) -> (usize, String) {
    let within = Document::open(Language::Rust, 0, tests).snapshot();
    let indented = layout::moved(tests, ("", "    "), "", &within, 0).unwrap_or_else(|| tests.to_owned()) + "\n";
    if let Some(module) = module(snapshot).filter(|it| is_closed(snapshot, it)) {
        return (module.range.end - 1, format!("\n{indented}"));
    }
    let end = snapshot.rope().len_bytes();
    let gap = if end == 0 || snapshot.slice(end - 1..end) == "\n" { "\n" } else { "\n\n" };
    (end, format!("{gap}#[cfg(test)]\nmod tests {{\n    use super::*;\n\n{indented}}}\n"))
}
