//! What a command does with a change set: a diff on standard output, or the files written; what is not in it on standard error.

use std::{path::Path, process::ExitCode};

use anyhow::Result;
use pilotlight_assist::{ChangeSet, FileChange, Which, syntax::PositionEncoding};
use serde_json::{Value, json};

/// What a person chooses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// Write the files.
    pub(super) write: bool,
    /// Take what is not certain too.
    pub(super) all: bool,
    /// One JSON document.
    pub(super) json: bool,
}

/// Shows or writes the set: the exit status is 0 if there is something to change.
pub(super) fn finish(set: &ChangeSet, root: &Path, output: Output) -> Result<ExitCode> {
    let which = if output.all { Which::All } else { Which::Certain };
    let name = |file: &FileChange| relative(root, &file.name());
    let diff = set.diff(which, name);
    let written = if output.write { set.write(&[root.to_owned()], which)? } else { 0 };
    if output.json {
        println!("{:#}", report(set, root, &diff, written));
    } else {
        print!("{diff}");
        tell(set, root, which);
        if output.write {
            eprintln!("{} written", counted(written, "file"));
        }
    }
    Ok(if diff.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn relative(root: &Path, path: &Path) -> String {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    // As `git apply` reads it.
    if cfg!(windows) { name.replace('\\', "/") } else { name }
}

/// What is not in the diff, on standard error.
fn tell(set: &ChangeSet, root: &Path, which: Which) {
    let (certain, doubtful, files) = set.counts();
    eprintln!("certain: {} in {}; not certain: {doubtful}", counted(certain, "place"), counted(files, "file"));
    let doubtful = set
        .files
        .iter()
        .filter(|_| which == Which::Certain)
        .flat_map(|file| file.edits.iter().filter_map(|edit| Some(file.left(edit, edit.doubt.clone()?))));
    for left in doubtful.chain(set.left.iter().cloned()) {
        eprintln!("  {}:{}: {}", relative(root, &left.path), left.line + 1, left.because);
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn report(set: &ChangeSet, root: &Path, diff: &str, written: usize) -> Value {
    let edits = |file: &FileChange| -> Vec<_> {
        let edits = file.edits.iter().map(|edit| {
            let at = file.before.position(edit.range.start, PositionEncoding::Utf32);
            json!({ "bytes": [edit.range.start, edit.range.end], "line": at.line + 1, "column": at.character + 1, "text": edit.text, "doubt": edit.doubt })
        });
        edits.collect()
    };
    let files = set
        .files
        .iter()
        .map(|file| json!({ "path": relative(root, &file.name()), "creates": file.creates, "edits": edits(file) }));
    let left = set
        .left
        .iter()
        .map(|left| json!({ "path": relative(root, &left.path), "line": left.line + 1, "because": left.because }));
    let (files, left): (Vec<_>, Vec<_>) = (files.collect(), left.collect());
    json!({ "root": root, "files": files, "left": left, "diff": diff, "written": written })
}
