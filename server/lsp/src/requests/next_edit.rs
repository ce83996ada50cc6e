//! `textDocument/copilotInlineEdit`, and `pilotlight/nextEdit` with the same parameters and answer: the next place that must follow what was changed.

use pilotlight_assist::{NextEdit, PropagateError};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::{
    gen_lsp_types::Position,
    jsonrpc::{Error, Result},
};

use super::{code_action::refused, execute_command};
use crate::{
    position,
    session::Session,
    workspace_edit::{text_edit, uri_of},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    text_document: Document,
    position: Position,
}

#[derive(Deserialize)]
struct Document {
    uri: String,
    version: Option<i32>,
}

/// One edit or none: clients disagree on whether several would be alternatives.
pub(crate) async fn handle(session: &Session, params: Params) -> Result<Value> {
    let Document { uri, version } = params.text_document;
    let current = session.documents.current(&uri).map_err(|problem| Error::invalid_params(problem.to_string()))?;
    let cursor = current
        .snapshot
        .offset(position::from_lsp(params.position), session.encoding())
        .map_err(|error| Error::invalid_params(format!("{uri}: {error}")))?;
    let here = current.snapshot.version();
    if current.lost.is_some() || version.is_some_and(|version| version != here) {
        return Ok(json!({ "edits": [] }));
    }
    let cancel = CancellationToken::new();
    let _guard = cancel.clone().drop_guard();
    let edits: Vec<Value> = match session.assistant.next_edit(&current.id, cursor, cancel).await {
        Ok(next) => next.and_then(|next| shown(session, &next)).into_iter().collect(),
        // Closed meanwhile.
        Err(PropagateError::NotOpen(_)) => Vec::new(),
        Err(error) => return Err(refused(&error)),
    };
    Ok(json!({ "edits": edits }))
}

fn shown(session: &Session, next: &NextEdit) -> Option<Value> {
    let uri = uri_of(&next.file).ok()?;
    if session.documents.current(&uri).ok()?.lost.is_some() {
        return None;
    }
    let edit = text_edit(session, &next.file, &next.edit);
    Some(json!({
        "text": edit["newText"],
        "range": edit["range"],
        "textDocument": { "uri": uri, "version": next.file.before.version() },
        "command": { "title": "Take the next edit", "command": execute_command::TAKE_EDIT, "arguments": [next.id.0] },
    }))
}
