//! `textDocument/codeAction` and `codeAction/resolve`: a changed definition can be carried to its uses ([`propagate`]), and a model can write what is still to be written ([`model`]). The edit
//! itself comes when an action is resolved.

pub(crate) mod model;
mod propagate;

use std::ops::Range;

use pilotlight_assist::{Chosen, Diagnostic};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_lsp::{
    gen_lsp_types as types,
    jsonrpc::{Error, ErrorCode, Result},
};

use crate::{
    position,
    progress::Progress,
    session::{Current, Session},
};

/// Every kind of action that there may be.
pub(crate) fn kinds() -> Vec<String> {
    std::iter::once(propagate::KIND.to_owned()).chain(model::kinds()).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    text_document: Document,
    range: types::Range,
    context: Context,
    work_done_token: Option<Value>,
    partial_result_token: Option<Value>,
}

#[derive(Deserialize)]
struct Document {
    uri: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(default)]
    diagnostics: Vec<Value>,
    only: Option<Vec<String>>,
    trigger_kind: Option<u8>,
}

/// A diagnostic of the client's, as far as it matters here.
#[derive(Deserialize)]
pub(crate) struct Said {
    pub(crate) range: types::Range,
    pub(crate) message: String,
}

/// Where actions are asked for.
struct Asked {
    uri: String,
    current: Current,
    /// The selection, as the client gave it and in bytes.
    range: types::Range,
    selection: Range<usize>,
    /// As the client gave them, and as they are read.
    diagnostics: Vec<Value>,
    wrong: Vec<Diagnostic>,
    only: Option<Vec<String>>,
    /// The editor asks by itself, at every move of the cursor.
    automatic: bool,
}

/// What `codeAction/resolve` needs to find an action again.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Data {
    uri: String,
    /// The state of the document for which it was offered.
    revision: u64,
    what: What,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
enum What {
    /// The change of the definition whose name begins at this byte.
    Change { at: usize },
    /// See there.
    Action(Action),
}

/// An action by a model, for a selection.
#[derive(Debug, Deserialize, Serialize)]
struct Action {
    id: String,
    start: usize,
    end: usize,
    /// What is wrong: from, to, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wrong: Vec<(usize, usize, String)>,
}

impl From<Action> for Chosen {
    fn from(Action { id, start, end, wrong }: Action) -> Self {
        let diagnostics = wrong.into_iter().map(|(start, end, message)| Diagnostic { range: start..end, message });
        Self { id, selection: start..end, diagnostics: diagnostics.collect(), ..Self::default() }
    }
}

/// What there is at the range: at once what a look at the tree tells, then what the workspace has to be searched for.
pub(crate) async fn handle(session: &Session, params: Params) -> Result<Vec<Value>> {
    let uri = params.text_document.uri;
    let current = session.documents.current(&uri).map_err(|problem| Error::invalid_params(problem.to_string()))?;
    let range = params.range;
    let selection = selection(session, &current, &uri, range)?;
    if current.lost.is_some() {
        return Ok(Vec::new());
    }
    let Context { diagnostics, only, trigger_kind } = params.context;
    let wrong = diagnostics.iter().filter_map(|diagnostic| {
        let Said { range, message } = Said::deserialize(diagnostic).ok()?;
        Some(Diagnostic { range: self::selection(session, &current, &uri, range).ok()?, message })
    });
    let mut wrong: Vec<Diagnostic> = wrong.collect();
    // Neovim hands each server its own diagnostics only, and this one has none: then what it was told of others' counts, where a person asks.
    if wrong.is_empty() && trigger_kind != Some(2) {
        wrong = session.assistant.reported(&current.id, &selection);
    }
    let asked = Asked { uri, current, range, selection, diagnostics, wrong, only, automatic: trigger_kind == Some(2) };
    let first = model::offered(session, &asked).await?;
    let now = session.documents.current(&asked.uri).map(|current| current.snapshot.revision());
    if now.ok() != Some(asked.current.snapshot.revision()) {
        // Edited while we looked: what was found may be the new text's.
        return Ok(Vec::new());
    }
    let tell = |actions: &[Value]| match &params.partial_result_token {
        Some(token) if !actions.is_empty() => {
            session.outgoing.notify("$/progress", json!({ "token": token, "value": actions }));
        }
        _ => {}
    };
    tell(&first);
    let progress = Progress::begin(session, params.work_done_token, "Pilotlight: looking for uses");
    let second = propagate::offered(session, &asked, &progress).await?;
    if params.partial_result_token.is_some() {
        // What has been told in parts is not told again.
        tell(&second);
        return Ok(Vec::new());
    }
    Ok([first, second].concat())
}

/// `codeAction/resolve`: the edit. Refused where the document has moved on.
pub(crate) async fn resolve(session: &Session, mut action: Value) -> Result<Value> {
    let data = action.get("data").cloned().unwrap_or_default();
    let Data { uri, revision, what } = serde_json::from_value(data)
        .map_err(|error| Error::invalid_params(format!("expected an action that this server gave: {error}")))?;
    let current = session.documents.current(&uri).map_err(|problem| Error::invalid_params(problem.to_string()))?;
    match what {
        What::Change { at } => propagate::resolve(session, &mut action, &uri, &current, revision, at).await?,
        What::Action(what) => {
            action["edit"] = model::done(session, &current, revision, what.into(), None).await?.edit;
        }
    }
    Ok(action)
}

/// The command in the place of an action whose edit cannot come later: it is done, and the client is sent the edit.
pub(crate) async fn act(session: &Session, data: Data, token: Option<Value>) -> Result<()> {
    let Data { uri, revision, what } = data;
    let What::Action(what) = what else {
        return Err(Error::invalid_params("expected the data of an action by a model"));
    };
    let current = session.documents.current(&uri).map_err(|problem| Error::invalid_params(problem.to_string()))?;
    let edited = model::done(session, &current, revision, what.into(), token).await?;
    model::apply(session, edited).await
}

/// The person's own instruction for a range: done, and the client is sent the edit.
pub(crate) async fn rewrite(
    session: &Session,
    uri: &str,
    range: types::Range,
    instruction: String,
    token: Option<Value>,
) -> Result<()> {
    let current = session.documents.current(uri).map_err(|problem| Error::invalid_params(problem.to_string()))?;
    let selection = selection(session, &current, uri, range)?;
    let chosen = Chosen { id: model::INSTRUCTED.to_owned(), selection, instruction, ..Chosen::default() };
    let edited = model::done(session, &current, current.snapshot.revision(), chosen, token).await?;
    model::apply(session, edited).await
}

/// A range of the client's as bytes.
pub(crate) fn selection(session: &Session, current: &Current, uri: &str, range: types::Range) -> Result<Range<usize>> {
    let span = position::span(range);
    let offset = |position| {
        let offset = current.snapshot.offset(position, session.encoding());
        offset.map_err(|error| Error::invalid_params(format!("{uri}: {error}")))
    };
    let (start, end) = (offset(span.start)?, offset(span.end)?);
    Ok(start..end.max(start))
}

impl Asked {
    /// Whether the client wants actions of this kind.
    fn wants(&self, kind: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|wanted| covers(wanted, kind)))
    }

    fn data(&self, what: What) -> Data {
        Data { uri: self.uri.clone(), revision: self.current.snapshot.revision(), what }
    }
}

/// Whether a kind that the client asks for is `kind` or one above it.
fn covers(wanted: &str, kind: &str) -> bool {
    wanted.is_empty() || wanted == kind || kind.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'))
}

/// LSP's `ContentModified` where asking again may help, its `RequestFailed` where not.
fn failure(again: bool, message: String) -> Error {
    Error { code: ErrorCode::ServerError(if again { -32801 } else { -32803 }), message: message.into(), data: None }
}

pub(crate) use propagate::refused;
