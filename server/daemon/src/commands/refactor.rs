//! `pilotlight refactor`: a definition and all its uses, changed together, or what a model writes. A diff on standard output; files are written only when asked for.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use pilotlight_assist::{
    Assistant, ChangeSet, Chosen, DocumentId, PropagateError, Workspace,
    syntax::{Change, Language, PositionEncoding},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    changed::{self, Output},
    place::{self, Place, project_of},
};
use crate::{
    cli::{Refactor, RefactorKind},
    model,
    settings::Settings,
};

pub(super) async fn run(arguments: Refactor, settings: &Settings) -> Result<ExitCode> {
    match done(&arguments, settings).await {
        Ok(code) => Ok(code),
        Err(error) => {
            eprintln!("pilotlight: {error:#}");
            Ok(ExitCode::from(2))
        }
    }
}

async fn done(arguments: &Refactor, settings: &Settings) -> Result<ExitCode> {
    let document: DocumentId = Arc::from("given");
    let cancel = CancellationToken::new;
    let asks_model = matches!(arguments.what, RefactorKind::List { .. } | RefactorKind::Do { .. });
    let assistant = if asks_model { model::assistant(settings) } else { model::none(settings) };
    let (root, set) = match &arguments.what {
        RefactorKind::List { place, to } => {
            let (_, selection) = selected(&assistant, &document, arguments, settings, place, to.as_deref()).await?;
            let offered = assistant.actions(&document, selection, &[])?;
            if arguments.json {
                println!(
                    "{:#}",
                    json!(
                        offered.iter().map(|it| json!({ "id": it.action.id, "title": it.title })).collect::<Vec<_>>()
                    )
                );
            } else {
                offered.iter().for_each(|it| println!("{:24} {}", it.action.id, it.title));
            }
            return Ok(if offered.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        RefactorKind::Do { action, place, to, instruction } => {
            let (root, selection) = selected(&assistant, &document, arguments, settings, place, to.as_deref()).await?;
            let revision = assistant.snapshot(&document)?.revision();
            let instruction = instruction.clone().unwrap_or_default();
            let chosen = Chosen { id: action.clone(), selection, instruction, ..Chosen::default() };
            (
                root,
                assistant.act(&document, revision, chosen, &|_| (), cancel()).await.with_context(|| place.clone())?.set,
            )
        }
        RefactorKind::Rename { place, name } => {
            let given = Place::read(place)?;
            let root = root(arguments, &given.full)?;
            assistant.set_workspace(Workspace::new(settings.assist(), [root.clone()]));
            let language = Language::from_path(&given.full);
            assistant.open(document.clone(), Some(given.full.clone()), language, 0, &given.text);
            let offset = assistant.snapshot(&document)?.offset(given.position, PositionEncoding::Utf32);
            let offset = offset.with_context(|| place.clone())?;
            let offer = assistant.rename(&document, offset, name, cancel()).await.with_context(|| place.clone())?;
            (root, offer.set)
        }
        RefactorKind::Propagate { file, since, before } => {
            let full = dunce::canonicalize(file).with_context(|| file.display().to_string())?;
            let now = read(&full)?;
            let before = match before {
                Some(before) => read(before)?,
                None => at_revision(&full, since)?,
            };
            let root = root(arguments, &full)?;
            assistant.set_workspace(Workspace::new(settings.assist(), [root.clone()]));
            assistant.open(document.clone(), Some(full.clone()), Language::from_path(&full), 0, &before);
            assistant.change(&document, 1, &[Change { span: None, text: now }], PositionEncoding::Utf8)?;
            (root, propagated(&assistant, &document, &full).await?)
        }
    };
    let output = Output { write: arguments.write, all: arguments.all, json: arguments.json };
    changed::finish(&set, &root, output)
}

/// Opens a file with a selection in it for the model, once that is there: the workspace's folder, and the selection in bytes.
async fn selected(
    assistant: &Assistant,
    document: &DocumentId,
    arguments: &Refactor,
    settings: &Settings,
    place: &str,
    to: Option<&str>,
) -> Result<(PathBuf, Range<usize>)> {
    let given = Place::read(place)?;
    let root = root(arguments, &given.full)?;
    assistant.set_workspace(Workspace::new(settings.assist(), [root.clone()]));
    let language = Language::from_path(&given.full);
    assistant.open(document.clone(), Some(given.full.clone()), language, 0, &given.text);
    let snapshot = assistant.snapshot(document)?;
    let offset = |position| snapshot.offset(position, PositionEncoding::Utf32).with_context(|| place.to_owned());
    let start = offset(given.position)?;
    let end = to.map(place::position).transpose()?.map(offset).transpose()?.unwrap_or(start);
    ensure!(start <= end, "expected --to behind {place}, found {}", to.unwrap_or_default());
    model::loaded(assistant, settings).await?;
    Ok((root, start..end))
}

/// Every change of the file's definitions, carried.
async fn propagated(assistant: &Assistant, document: &DocumentId, file: &Path) -> Result<ChangeSet> {
    let changes = assistant.changes_of(document)?;
    if changes.is_empty() {
        eprintln!("{}: no definition has another name or other parameters", file.display());
    }
    let revision = assistant.snapshot(document)?.revision();
    let mut set = ChangeSet::default();
    for change in changes {
        let name = change.old_name.clone();
        match assistant.propagate(document, revision, change, CancellationToken::new()).await {
            Ok(offer) => set.merge(offer.set),
            Err(PropagateError::Cannot(because)) => eprintln!("{name} is not carried: {because}"),
            Err(error) => return Err(error.into()),
        }
    }
    set.check();
    Ok(set)
}

fn root(arguments: &Refactor, file: &Path) -> Result<PathBuf> {
    let root = match &arguments.folder {
        Some(folder) => dunce::canonicalize(folder).with_context(|| folder.display().to_string())?,
        None => project_of(file),
    };
    ensure!(file.starts_with(&root), "expected a file under {}, found {}", root.display(), file.display());
    Ok(root)
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| path.display().to_string())?;
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{}: expected UTF-8 text", path.display()))
}

/// The file as git has it.
fn at_revision(file: &Path, revision: &str) -> Result<String> {
    let (Some(folder), Some(name)) = (file.parent(), file.file_name().and_then(|name| name.to_str())) else {
        bail!("{}: expected a file whose name is UTF-8", file.display());
    };
    let object = format!("{revision}:./{name}");
    let shown = Command::new("git").arg("-C").arg(folder).args(["show", "--end-of-options", &object]).output();
    let shown = shown.context("git cannot be run: name the earlier text with --before FILE")?;
    let complaint = || String::from_utf8_lossy(&shown.stderr).trim().to_owned();
    ensure!(
        shown.status.success(),
        "git has no {object}: {}; or name the earlier text with --before FILE",
        complaint()
    );
    String::from_utf8(shown.stdout).map_err(|_| anyhow::anyhow!("{object}: expected UTF-8 text"))
}
