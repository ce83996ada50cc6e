//! A 10,000-line Rust file made of this repository's own sources, and people typing in it.

use std::path::{Path, PathBuf};

use pilotlight_syntax::{Change, Language, Position, Snapshot, Span};

pub(crate) const LINES: usize = 10_000;

/// This repository's Rust sources in the order of their paths, from the start again until there are [`LINES`] lines.
pub(crate) fn text() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = Vec::new();
    for room in ["server", "kernels"] {
        collect(&root.join(room), &mut paths);
    }
    paths.sort();
    let sources: Vec<String> = paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let mut lines: Vec<&str> = Vec::new();
    while lines.len() < LINES {
        let before = lines.len();
        lines.extend(sources.iter().flat_map(|source| source.lines()));
        assert!(lines.len() > before, "no Rust sources under {}", root.display());
    }
    lines.truncate(LINES);
    lines.join("\n") + "\n"
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, paths);
        } else if Language::from_path(&path) == Language::Rust {
            paths.push(path);
        }
    }
}

/// What is typed, a character an edit, and then taken back a character an edit.
pub(crate) struct Typing {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) const TYPING: [Typing; 4] = [
    // Brackets and quotes come in pairs, as editors that close them send them: the text between is typed into them.
    Typing { name: "statement", text: "let total = values.iter().map(|value| value * 2).sum::<u64>();" },
    Typing { name: "comment", text: "// The sum, doubled: see the notes above." },
    // Nothing closes these for a while.
    Typing { name: "open brackets", text: "if ready { for item in list { match item { Some(x) => {" },
    Typing { name: "open quote", text: "println!(\"hello world" },
];

/// The ends of lines that end a statement, spread over the file: where the typing goes.
pub(crate) fn places(text: &str, count: usize) -> Vec<Position> {
    let ends: Vec<Position> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.starts_with("        ") && line.ends_with(';') && line.is_ascii())
        .map(|(number, line)| Position { line: number as u32, character: line.len() as u32 })
        .collect();
    (0..count).map(|index| ends[index * ends.len() / count]).collect()
}

/// The edits of typing `text` on a new line at `place`, and of taking it back.
pub(crate) fn edits(place: Position, text: &str) -> Vec<Change> {
    let change = |start: Position, end: Position, text: String| Change { span: Some(Span { start, end }), text };
    let line = Position { line: place.line + 1, character: 0 };
    let at = |column: usize| Position { character: 8 + column as u32, ..line };
    let mut edits = vec![change(place, place, "\n        ".into())];
    edits.extend(text.char_indices().map(|(column, typed)| change(at(column), at(column), typed.into())));
    edits.extend((0..text.len()).rev().map(|column| change(at(column), at(column + 1), String::new())));
    edits.push(change(place, at(0), String::new()));
    edits
}

/// The number of lines and of syntax errors, to be said beside any figure.
pub(crate) fn describe(snapshot: &Snapshot) -> String {
    let rope = snapshot.rope();
    let (lines, bytes) = (rope.len_lines() - 1, rope.len_bytes());
    format!("{lines} lines, {bytes} bytes, {} syntax errors", snapshot.syntax_errors(0..bytes))
}
