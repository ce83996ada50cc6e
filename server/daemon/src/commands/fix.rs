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

use anyhow::{Context, Result, bail, ensure};
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
    let wrong = wrong(arguments)?;
    let Some(first) = wrong.keys().next() else {
        eprintln!("nothing is wrong: there is no error or warning in what was read");
        return Ok(ExitCode::FAILURE);
    };
    let root = match &arguments.folder {
        Some(folder) => folder.canonicalize().with_context(|| folder.display().to_string())?,
        None => project_of(first),
    };
    let assistant = model::assistant(settings);
    assistant.set_workspace(Workspace::new(settings.assist(), [root.clone()]));
    let info = model::loaded(&assistant, settings).await;
    ensure!(
        assistant.abilities().chats,
        "{} does not do what it is told: name a model with a chat template (--model), or a server that has one (engine.remote)",
        info.map_or_else(|_| "the model".to_owned(), |info| info.name.clone())
    );
    let mut set = ChangeSet::default();
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
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        let Ok(text) = String::from_utf8(text) else { bail!("{}: expected UTF-8 text", path.display()) };
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
    let output = Output { write: arguments.write, all: false, json: arguments.json };
    changed::finish(&set, &root, output)
}

/// What is wrong, by file.
fn wrong(arguments: &Fix) -> Result<BTreeMap<PathBuf, Vec<Wrong>>> {
    let mut all: BTreeMap<PathBuf, Vec<Wrong>> = BTreeMap::new();
    if let Some(place) = &arguments.place {
        let given = Place::read(place)?;
        let message = arguments.message.clone().unwrap_or_else(|| "something is wrong here".to_owned());
        all.entry(given.full).or_default().push(Wrong { start: given.position, end: given.position, message });
        return Ok(all);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input: expected diagnostics as JSON")?;
    for (path, wrong) in report::read(&text)? {
        // A compiler names files from where it was run, which is mostly here.
        let full = fs::canonicalize(Path::new(&path)).with_context(|| path.clone())?;
        let known = all.entry(full).or_default();
        if !known.contains(&wrong) {
            known.push(wrong);
        }
    }
    Ok(all)
}
