//! A changed definition can be carried to its uses.

use std::path::PathBuf;

use pilotlight_assist::{
    DefinitionChange, DocumentId, Edit, FileChange, Hole, Offer, PropagateError, propagate::difference::still_waiting,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::jsonrpc::{Error, Result};

use super::{Asked, What, failure};
use crate::{
    progress::Progress,
    requests::execute_command,
    session::{Current, Session},
    workspace_edit::{for_client, workspace_edit},
};

/// Its kind.
pub(super) const KIND: &str = "refactor.rewrite.propagate";

/// One action for each change of a definition that the selection touches.
pub(super) async fn offered(session: &Session, asked: &Asked, progress: &Progress<'_>) -> Result<Vec<Value>> {
    let Asked { uri, current, selection, .. } = asked;
    if !asked.wants(KIND) {
        return Ok(Vec::new());
    }
    let revision = current.snapshot.revision();
    let mut actions = Vec::new();
    let all = changes(session, &current.id).await?;
    for change in all.iter().cloned() {
        let line = |at: usize| current.snapshot.line_at(at);
        let head = line(change.name_range.start).start..=line(change.head_end()).end;
        if selection.end < *head.start() || selection.start > *head.end() {
            continue;
        }
        progress.show();
        let offer = match propagate(session, &current.id, revision, change).await {
            Ok(offer) => offer,
            Err(PropagateError::Cannot(because)) => {
                tracing::debug!(because, "no change is carried");
                continue;
            }
            // Edited while we looked, or in no folder: nothing is offered.
            Err(error) => {
                tracing::debug!(%error, "no change is carried");
                return Ok(Vec::new());
            }
        };
        let writes = |hole: &Hole| session.assistant.writes(hole);
        let Some(title) = title(&offer, writes) else { continue };
        let data = asked.data(What::Change { at: offer.change.name_range.start });
        let mut action = json!({ "title": title, "kind": KIND, "data": data });
        if !session.profile.get().is_some_and(|profile| profile.resolves_edit) {
            fill(session, &mut action, uri, &offer, &all)?;
        }
        actions.push(action);
    }
    Ok(actions)
}

/// Fills the edit in.
pub(super) async fn resolve(
    session: &Session,
    action: &mut Value,
    uri: &str,
    current: &Current,
    revision: u64,
    at: usize,
) -> Result<()> {
    if current.snapshot.revision() != revision {
        return Err(refused(&PropagateError::MovedOn));
    }
    let all = changes(session, &current.id).await?;
    let change = all.iter().find(|change| change.name_range.start == at).cloned();
    let change = change.ok_or_else(|| refused(&PropagateError::MovedOn))?;
    let offer = propagate(session, &current.id, revision, change).await.map_err(|error| refused(&error))?;
    let offer = if offer.set.holes.is_empty() { offer } else { written(session, current, offer).await? };
    fill(session, action, uri, &offer, &all)
}

/// The same with what the model writes, if it can.
async fn written(session: &Session, current: &Current, offer: Offer) -> Result<Offer> {
    let cancel = CancellationToken::new();
    let _guard = cancel.clone().drop_guard();
    let progress = Progress::begin_or_create(session, None, "Pilotlight: writing");
    progress.show();
    session.assistant.write_missing(&current.id, offer, &cancel).await.map_err(|error| refused(&error))
}

/// `all` are the document's changes, of which the others still wait then.
fn fill(session: &Session, action: &mut Value, uri: &str, offer: &Offer, all: &[DefinitionChange]) -> Result<()> {
    let edit = workspace_edit(session, &offer.set);
    action["edit"] = edit.map_err(|because| refused(&PropagateError::Cannot(because)))?;
    let waiting = still_waiting(all, &offer.change);
    let arguments = if waiting.is_empty() { json!([uri]) } else { json!([uri, waiting]) };
    action["command"] =
        json!({ "title": "The change is carried", "command": execute_command::CARRIED, "arguments": arguments });
    let left = &offer.set.left;
    if !left.is_empty() {
        let lines = left.iter().map(|left| format!("{}:{}: {}", left.path.display(), left.line + 1, left.because));
        let message = format!("What is left to do by hand:\n{}", lines.collect::<Vec<_>>().join("\n"));
        session.outgoing.notify("window/logMessage", json!({ "type": 3, "message": message }));
    }
    Ok(())
}

/// Computed on a thread of its own: trees of two states are read.
async fn changes(session: &Session, document: &DocumentId) -> Result<Vec<DefinitionChange>> {
    let (assistant, document) = (session.assistant.clone(), document.clone());
    let changes = tokio::task::spawn_blocking(move || assistant.changes_of(&document)).await;
    changes.map_err(|_| Error::internal_error())?.map_err(|error| refused(&error))
}

/// What carrying it does, as far as the client can have it.
async fn propagate(
    session: &Session,
    document: &DocumentId,
    revision: u64,
    change: DefinitionChange,
) -> std::result::Result<Offer, PropagateError> {
    let cancel = CancellationToken::new();
    // A request that is cancelled is dropped, and this with it.
    let _guard = cancel.clone().drop_guard();
    let Offer { change, set } = session.assistant.propagate(document, revision, change, cancel).await?;
    Ok(Offer { change, set: for_client(session, set) })
}

pub(crate) fn refused(error: &PropagateError) -> Error {
    failure(matches!(error, PropagateError::MovedOn | PropagateError::NotOpen(_)), error.to_string())
}

/// `None` where there is nothing to carry it to. What a model could write is to be looked at too.
fn title(offer: &Offer, writes: impl Fn(&Hole) -> bool) -> Option<String> {
    let holes: Vec<_> = offer.set.holes.iter().filter(|hole| writes(hole)).collect();
    let mut files: Vec<PathBuf> = offer.set.files.iter().map(FileChange::name).collect();
    files.extend(holes.iter().map(|hole| hole.path.clone()));
    files.sort();
    files.dedup();
    // What is made in lines that a model writes anew is counted with these.
    let anew = |path: &PathBuf, edit: &Edit| {
        let holds = |hole: &&&Hole| {
            hole.anew && hole.path == *path && hole.range.start <= edit.range.start && edit.range.end <= hole.range.end
        };
        holes.iter().any(|hole| holds(&hole))
    };
    let edits = offer.set.files.iter().flat_map(|file| file.edits.iter().map(|edit| (file.name(), edit)));
    let edits = edits.filter(|(path, edit)| !anew(path, edit));
    let edits: Vec<&Edit> = edits.map(|(_, edit)| edit).collect();
    let doubtful = edits.iter().filter(|edit| edit.doubt.is_some()).count() + holes.len();
    let all = edits.iter().filter(|edit| edit.doubt.is_none()).count() + doubtful;
    let many = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let look = if doubtful > 0 { format!(", {doubtful} of them to look at first") } else { String::new() };
    let (uses, files) = (many(all, "use"), many(files.len(), "file"));
    (all > 0).then(|| format!("Carry this change to its {uses} in {files}{look}"))
}
