//! `textDocument/codeAction`: a changed definition can be carried to its uses. The edit itself comes with `codeAction/resolve` where the client can wait for it.

use pilotlight_assist::{DefinitionChange, Offer, PropagateError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower_lsp::{
    gen_lsp_types::Range,
    jsonrpc::{Error, ErrorCode, Result},
};

use crate::{position, requests::execute_command, session::Session, workspace_edit::workspace_edit};

/// The kind of the one action there is.
pub(crate) const PROPAGATE: &str = "refactor.rewrite.propagate";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    text_document: Document,
    range: Range,
    context: Context,
    work_done_token: Option<Value>,
}

#[derive(Deserialize)]
struct Document {
    uri: String,
}

#[derive(Deserialize)]
struct Context {
    only: Option<Vec<String>>,
}

/// What `codeAction/resolve` needs to find the change again.
#[derive(Debug, Deserialize, Serialize)]
struct Data {
    uri: String,
    /// The state of the document for which it was offered.
    revision: u64,
    /// Where the changed name begins, in bytes.
    at: usize,
}

/// One action for each change of a definition that the range touches.
pub(crate) async fn handle(session: &Session, params: Params) -> Result<Vec<Value>> {
    let uri = params.text_document.uri;
    let current = session.documents.current(&uri).map_err(|problem| Error::invalid_params(problem.to_string()))?;
    let span = position::span(params.range);
    let encoding = session.encoding();
    let invalid = |error| Error::invalid_params(format!("{uri}: {error}"));
    let start = current.snapshot.offset(span.start, encoding).map_err(invalid)?;
    let end = current.snapshot.offset(span.end, encoding).map_err(invalid)?;
    let wanted = params.context.only.as_ref().is_none_or(|only| only.iter().any(|kind| covers(kind)));
    if !wanted || current.lost.is_some() {
        return Ok(Vec::new());
    }
    let revision = current.snapshot.revision();
    let mut actions = Vec::new();
    for change in changes(session, &current.id).await? {
        let head = current.snapshot.line_at(change.name_range.start).start..=head_end(&change);
        if end < *head.start() || start > *head.end() {
            continue;
        }
        let _progress = Progress::begin(session, params.work_done_token.clone());
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
        let (certain, doubtful, _) = offer.set.counts();
        if certain + doubtful == 0 {
            continue;
        }
        let data = Data { uri: uri.clone(), revision, at: offer.change.name_range.start };
        let mut action = json!({ "title": title(&offer), "kind": PROPAGATE, "data": data });
        if !session.profile.get().is_some_and(|profile| profile.resolves_edit) {
            fill(session, &mut action, &uri, &offer)?;
        }
        actions.push(action);
    }
    Ok(actions)
}

/// `codeAction/resolve`: the edit. Refused where the document has moved on.
pub(crate) async fn resolve(session: &Session, mut action: Value) -> Result<Value> {
    let data = action.get("data").cloned().unwrap_or_default();
    let Data { uri, revision, at } = serde_json::from_value(data)
        .map_err(|error| Error::invalid_params(format!("expected an action that this server gave: {error}")))?;
    let current = session.documents.current(&uri).map_err(|problem| Error::invalid_params(problem.to_string()))?;
    if current.snapshot.revision() != revision {
        return Err(refused(&PropagateError::MovedOn));
    }
    let changes = changes(session, &current.id).await?;
    let change = changes.into_iter().find(|change| change.name_range.start == at);
    let change = change.ok_or_else(|| refused(&PropagateError::MovedOn))?;
    let offer = propagate(session, &current.id, revision, change).await.map_err(|error| refused(&error))?;
    fill(session, &mut action, &uri, &offer)?;
    Ok(action)
}

fn fill(session: &Session, action: &mut Value, uri: &str, offer: &Offer) -> Result<()> {
    let edit = workspace_edit(session, &offer.set);
    action["edit"] = edit.map_err(|because| refused(&PropagateError::Cannot(because)))?;
    action["command"] =
        json!({ "title": "The change is carried", "command": execute_command::CARRIED, "arguments": [uri] });
    if !offer.set.left.is_empty() {
        let lines =
            offer.set.left.iter().map(|left| format!("{}:{}: {}", left.path.display(), left.line + 1, left.because));
        let message = format!("What is left to do by hand:\n{}", lines.collect::<Vec<_>>().join("\n"));
        session.outgoing.notify("window/logMessage", json!({ "type": 3, "message": message }));
    }
    Ok(())
}

/// Computed on a thread of its own: trees of two states are read.
async fn changes(session: &Session, document: &pilotlight_assist::DocumentId) -> Result<Vec<DefinitionChange>> {
    let (assistant, document) = (session.assistant.clone(), document.clone());
    let changes = tokio::task::spawn_blocking(move || assistant.changes_of(&document)).await;
    changes.map_err(|_| Error::internal_error())?.map_err(|error| refused(&error))
}

async fn propagate(
    session: &Session,
    document: &pilotlight_assist::DocumentId,
    revision: u64,
    change: DefinitionChange,
) -> std::result::Result<Offer, PropagateError> {
    let cancel = CancellationToken::new();
    // A request that is cancelled is dropped, and this with it.
    let _guard = cancel.clone().drop_guard();
    session.assistant.propagate(document, revision, change, cancel).await
}

/// LSP's `ContentModified` where asking again may help, its `RequestFailed` where not.
pub(crate) fn refused(error: &PropagateError) -> Error {
    let code = match error {
        PropagateError::MovedOn | PropagateError::NotOpen(_) => ErrorCode::ServerError(-32801),
        _ => ErrorCode::ServerError(-32803),
    };
    Error { code, message: error.to_string().into(), data: None }
}

/// Whether a kind that the client asks for is ours or one above it.
fn covers(kind: &str) -> bool {
    kind.is_empty() || PROPAGATE == kind || PROPAGATE.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.'))
}

/// Where what tells the change ends: the name, or the parameters.
fn head_end(change: &DefinitionChange) -> usize {
    let list = change.parameters.as_ref().map_or(0, |parameters| parameters.new.list.end);
    list.max(change.name_range.end)
}

fn title(offer: &Offer) -> String {
    let (certain, doubtful, files) = offer.set.counts();
    let many = |count: usize, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
    let look = if doubtful > 0 { format!(", {doubtful} of them to look at first") } else { String::new() };
    format!("Carry this change to its {} in {}{look}", many(certain + doubtful, "use"), many(files, "file"))
}

/// `$/progress` while uses are looked for, ended however that ends.
struct Progress<'a> {
    session: &'a Session,
    token: Option<Value>,
}

impl<'a> Progress<'a> {
    fn begin(session: &'a Session, token: Option<Value>) -> Self {
        let progress = Self { session, token };
        progress.tell(json!({ "kind": "begin", "title": "Pilotlight: looking for uses" }));
        progress
    }

    fn tell(&self, value: Value) {
        if let Some(token) = &self.token {
            self.session.outgoing.notify("$/progress", json!({ "token": token, "value": value }));
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.tell(json!({ "kind": "end" }));
    }
}
