//! `pilotlight fix`: what a compiler says is wrong, mended by a model that does what it is told. A diff on standard output; files are written only when asked for.

mod report;

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use pilotlight_assist::{
    ActionError, ChangeSet, Chosen, Diagnostic, DocumentId, Left, Workspace,
    syntax::{Language, Position, PositionEncoding},
};
use tokio_util::sync::CancellationToken;

use super::{
    changed::{self, Output},
    place::{Place, project_of},
};
use crate::{cli::Fix, model, settings::Settings};
use report::Wrong;

/// Diagnostics of one file that are asked about at once: what is further down is often their consequence.
const AT_ONCE: usize = 8;

pub(super) async fn run(arguments: Fix, settings: &Settings) -> Result<ExitCode> {
    match fixed(&arguments, settings).await {
        Ok(code) => Ok(code),
        Err(error) => {
            eprintln!("pilotlight: {error:#}");
            Ok(ExitCode::from(2))
        }
    }
}

async fn fixed(arguments: &Fix, settings: &Settings) -> Result<ExitCode> {
    let (wrong, left) = wrong(arguments)?;
    if wrong.is_empty() && left.is_empty() {
        eprintln!("nothing is wrong: there is no error or warning in what was read");
        return Ok(ExitCode::FAILURE);
    }
    let root = match (&arguments.folder, wrong.keys().next()) {
        (Some(folder), _) => dunce::canonicalize(folder).with_context(|| folder.display().to_string())?,
        (None, Some(first)) => project_of(first),
        (None, None) => std::env::current_dir()?,
    };
    let output = Output { write: arguments.write, all: false, json: arguments.json };
    let mut set = ChangeSet { left, ..ChangeSet::default() };
    if wrong.is_empty() {
        return changed::finish(&set, &root, output);
    }
    let assistant = model::assistant(settings);
    assistant.set_workspace(Workspace::new(settings.assist(), [root.clone()]));
    let info = model::loaded(&assistant, settings).await;
    ensure!(
        assistant.abilities().chats,
        "{} does not do what it is told: name a model with a chat template (--model), or a server that has one (engine.remote)",
        info.map_or_else(|_| "the model".to_owned(), |info| info.name.clone())
    );
    for (path, wrong) in wrong {
        let mut leave = |line: usize, because: String| set.left.push(Left { path: path.clone(), line, because });
        let line = wrong.first().map_or(0, |it| it.start.line as usize);
        if !path.starts_with(&root) {
            leave(line, format!("it is not under {}", root.display()));
            continue;
        }
        if wrong.len() > AT_ONCE {
            let because = format!("{} more are for another time", wrong.len() - AT_ONCE);
            leave(wrong[AT_ONCE].start.line as usize, because);
        }
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                leave(line, format!("it cannot be read: {error}"));
                continue;
            }
        };
        let document: DocumentId = Arc::from(path.display().to_string());
        assistant.open(document.clone(), Some(path.clone()), Language::from_path(&path), 0, &text);
        let snapshot = assistant.snapshot(&document)?;
        let offset = |at: Position| snapshot.offset(at, PositionEncoding::Utf32).ok();
        let diagnostics: Vec<Diagnostic> = wrong
            .iter()
            .take(AT_ONCE)
            .filter_map(|it| {
                let range = offset(it.start)?..offset(it.end)?.max(offset(it.start)?);
                Some(Diagnostic { range, message: it.message.clone() })
            })
            .collect();
        let Some(first) = diagnostics.first() else {
            leave(line, "the file has no such line: it is not what was looked at".to_owned());
            continue;
        };
        let selection = first.range.clone();
        let chosen = Chosen { id: "fix".to_owned(), selection, diagnostics, ..Chosen::default() };
        match assistant.act(&document, snapshot.revision(), chosen, &|_| (), CancellationToken::new()).await {
            Ok(done) => set.merge(done.set),
            Err(error @ (ActionError::Useless(_) | ActionError::Unavailable(_))) => leave(line, error.to_string()),
            Err(error) => return Err(anyhow::Error::new(error).context(path.display().to_string())),
        }
    }
    changed::finish(&set, &root, output)
}

/// What is wrong, by file.
type ByFile = BTreeMap<PathBuf, Vec<Wrong>>;

/// What is wrong; what of it is in files that are not here.
fn wrong(arguments: &Fix) -> Result<(ByFile, Vec<Left>)> {
    if let Some(place) = &arguments.place {
        let given = Place::read(place)?;
        let message = arguments.message.clone().unwrap_or_else(|| "something is wrong here".to_owned());
        let wrong = Wrong { start: given.position, end: given.position, message };
        return Ok((BTreeMap::from([(given.full, vec![wrong])]), Vec::new()));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input: expected diagnostics as JSON")?;
    Ok(located(report::read(&text)?))
}

fn located(report: Vec<(String, Wrong)>) -> (ByFile, Vec<Left>) {
    let (mut all, mut left) = (ByFile::new(), Vec::new());
    for (path, wrong) in report {
        // A compiler names files from where it was run, which is mostly here; of its own libraries some that are nowhere.
        match dunce::canonicalize(Path::new(&path)) {
            Ok(full) => {
                let known = all.entry(full).or_default();
                if !known.contains(&wrong) {
                    known.push(wrong);
                }
            }
            Err(error) => {
                let because = format!("it is not here: {error}");
                let one = Left { path: path.into(), line: wrong.start.line as usize, because };
                if !left.contains(&one) {
                    left.push(one);
                }
            }
        }
    }
    (all, left)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_file_that_is_not_here_is_left_and_the_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().canonicalize().unwrap().join("a.rs");
        fs::write(&here, "a\n").unwrap();
        let at = Position { line: 3, character: 0 };
        let wrong = || Wrong { start: at, end: at, message: "no".to_owned() };
        let named = |path: &Path| (path.display().to_string(), wrong());
        let gone = Path::new("/rustc/0/library/core/src/option.rs");
        let (all, left) = located(vec![named(gone), named(&here), named(gone), named(&here)]);
        assert_eq!(all, ByFile::from([(here, vec![wrong()])]));
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].path.as_path(), left[0].line), (gone, 3));
        assert!(left[0].because.starts_with("it is not here: "), "{}", left[0].because);
    }
}
