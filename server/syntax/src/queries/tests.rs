//! The queries against their grammars, and against the annotated fixtures `queries/<language>/test/<query>.<extension>`: each line of
//! code is followed by what begins on it, as `queries/README.md` tells. `UPDATE_FIXTURES=1` writes what was found into them.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, ops::Range, path::PathBuf};

use super::*;
use crate::{DefinitionKind, Document, Import, UseKind};

#[test]
fn every_query_compiles_and_keeps_to_the_contract() {
    for language in Language::PARSED {
        for purpose in Purpose::ALL {
            let query = compile(language, purpose);
            let query = query.map_err(|error| format!("{} {purpose:?}: {error}", language.id())).unwrap().unwrap();
            for capture in query.capture_names() {
                let kind = capture.strip_prefix("definition.").and_then(DefinitionKind::from_name);
                let known = match purpose {
                    Purpose::Outline => *capture == "name" || kind.is_some(),
                    Purpose::Structure => {
                        ["units", "unit", "unit.prefix", "part", "comment", "string", "heredoc", "embedded"]
                            .contains(capture)
                    }
                    Purpose::Scopes => {
                        ["scope", "item", "reference", "outer", "qualified"].contains(capture) || kind.is_some()
                    }
                    Purpose::References => capture.strip_prefix("reference.").and_then(UseKind::from_name).is_some(),
                    Purpose::Imports => {
                        ["import.module", "import.name", "import.alias", "import.prefix", "import.group"]
                            .contains(capture)
                            || capture.starts_with('_')
                    }
                    Purpose::Sites => crate::sites::CAPTURES.contains(capture) || capture.starts_with('_'),
                    Purpose::Actions => crate::occasions::CAPTURES.contains(capture) || capture.starts_with('_'),
                };
                assert!(known, "{} {purpose:?}: @{capture} is not in the contract", language.id());
            }
        }
    }
    assert!(compile(Language::Plain, Purpose::Outline).unwrap().is_none());
}

#[test]
fn rust() {
    fixtures(Language::Rust, "rs");
}
#[test]
fn python() {
    fixtures(Language::Python, "py");
}
#[test]
fn javascript() {
    fixtures(Language::JavaScript, "js");
}
#[test]
fn typescript() {
    fixtures(Language::TypeScript, "ts");
}
#[test]
fn tsx() {
    fixtures(Language::Tsx, "tsx");
}
#[test]
fn go() {
    fixtures(Language::Go, "go");
}
#[test]
fn c() {
    fixtures(Language::C, "c");
}
#[test]
fn cpp() {
    fixtures(Language::Cpp, "cpp");
}
#[test]
fn java() {
    fixtures(Language::Java, "java");
}
#[test]
fn csharp() {
    fixtures(Language::CSharp, "cs");
}
#[test]
fn ruby() {
    fixtures(Language::Ruby, "rb");
}
#[test]
fn php() {
    fixtures(Language::Php, "php");
}
#[test]
fn kotlin() {
    fixtures(Language::Kotlin, "kt");
}
#[test]
fn swift() {
    fixtures(Language::Swift, "swift");
}
#[test]
fn lua() {
    fixtures(Language::Lua, "lua");
}
#[test]
fn bash() {
    fixtures(Language::Bash, "sh");
}

fn fixtures(language: Language, extension: &str) {
    for (purpose, name) in [
        (Purpose::Outline, "outline"),
        (Purpose::Structure, "structure"),
        (Purpose::Scopes, "scopes"),
        (Purpose::References, "references"),
        (Purpose::Imports, "imports"),
        (Purpose::Actions, "actions"),
    ] {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../queries");
        let path = root.join(folder(language).unwrap()).join(format!("test/{name}.{extension}"));
        let expected = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display())).unwrap();
        let comment = language.line_comment().unwrap();
        let code: String = expected.split_inclusive('\n').filter(|line| !is_annotation(line, comment)).collect();
        let snapshot = Document::open(language, 0, &code).snapshot();
        assert_eq!(snapshot.syntax_errors(0..code.len()), 0, "{} has a syntax error", path.display());
        let found = annotated(&code, comment, &captures(&snapshot, purpose));
        if std::env::var_os("UPDATE_FIXTURES").is_some() {
            std::fs::write(&path, &found).unwrap();
        } else {
            let differs = expected.lines().zip(found.lines()).position(|(left, right)| left != right);
            let line = differs.map_or(0, |line| line + 1);
            assert!(
                expected == found,
                "{}:{line} differs (UPDATE_FIXTURES=1 writes what was found):\n{found}",
                path.display()
            );
        }
    }
}

/// What a fixture of `purpose` shows: a name and its bytes.
fn captures(snapshot: &Snapshot, purpose: Purpose) -> BTreeSet<(String, usize, usize)> {
    let mut found = BTreeSet::new();
    let mut add = |name: &str, range: &Range<usize>| _ = found.insert((name.to_owned(), range.start, range.end));
    match purpose {
        Purpose::Outline => {
            for item in snapshot.outline() {
                add(&format!("definition.{}", item.kind.name()), &item.range);
                add("name", &item.name_range);
            }
        }
        Purpose::Structure => {
            let names = compiled(snapshot.language(), purpose).unwrap().capture_names();
            snapshot.matches(purpose, |_, captures| {
                for capture in captures {
                    add(names[capture.index as usize], &capture.node.byte_range());
                }
            });
        }
        Purpose::Scopes => {
            let scopes = snapshot.scopes();
            for scope in &scopes.scopes[1..] {
                add("scope", &scope.range);
            }
            for definition in &scopes.definitions {
                add(&format!("definition.{}", definition.kind.name()), &definition.range);
            }
            for reference in &scopes.references {
                add(if reference.definition.is_some() { "reference" } else { "reference.free" }, &reference.range);
            }
        }
        Purpose::References => {
            for used in snapshot.uses(0..usize::MAX) {
                add(used.kind.name(), &used.range);
            }
        }
        Purpose::Imports => {
            for import in snapshot.imports() {
                let Import { module, name, alias, range } = import;
                let name = name.map_or("*".to_owned(), |name| name);
                add(&format!("{module} | {name} | {}", alias.unwrap_or(String::from("-"))), &range);
            }
        }
        Purpose::Actions => {
            for occasion in snapshot.occasions(0..usize::MAX) {
                let is = |said: bool, word: &str| if said { format!(" {word}") } else { String::new() };
                let is = is(occasion.is_documented, "documented") + &is(occasion.is_empty, "empty");
                add(&format!("{}{is}", occasion.kind.name()), &occasion.range);
                if let Some(body) = &occasion.body {
                    add("body", body);
                }
            }
        }
        // Shown as they are read: `sites/tests.rs`.
        Purpose::Sites => {}
    }
    found
}

fn is_annotation(line: &str, comment: &str) -> bool {
    let marks = line.trim_start().strip_prefix(comment).map(str::trim_start);
    marks.is_some_and(|marks| marks.starts_with('^') || marks.starts_with("<-"))
}

/// `code` with, behind each line, a comment a capture name that shows where such captures begin on it.
fn annotated(code: &str, comment: &str, captures: &BTreeSet<(String, usize, usize)>) -> String {
    let mut text = String::new();
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        text += line;
        let width = line.trim_end().len();
        let mut rows: Vec<(&str, String)> = Vec::new();
        for (name, start, end) in
            captures.iter().filter(|(_, start, end)| (at..at + line.len()).contains(start) && end > start)
        {
            let (start, end) = (start - at, end - at);
            let more = if end > line.len() { ">" } else { "" };
            if start < comment.len() {
                rows.push((name, format!("{comment} <-{more}")));
                continue;
            }
            let marks = "^".repeat(end.min(width).saturating_sub(start).max(1)) + more;
            match rows
                .iter_mut()
                .find(|(of, row)| *of == name && row.len() < start && !row.ends_with('>') && !row.contains("<-"))
            {
                Some((_, row)) => *row += &format!("{}{marks}", " ".repeat(start - row.len())),
                None => rows.push((name, format!("{comment}{}{marks}", " ".repeat(start - comment.len())))),
            }
        }
        for (name, row) in rows {
            text += &format!("{row} {name}\n");
        }
        at += line.len();
    }
    text
}
