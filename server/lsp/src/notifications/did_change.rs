//! `textDocument/didChange`

use pilotlight_assist::syntax::{Change, PositionEncoding};
use serde::Deserialize;
use serde_json::Value;
use tower_lsp::gen_lsp_types::Range;

use crate::{
    position,
    session::{Documents, Problem, Session, Texts},
};

/// Not the generated type: that one takes an edit with a range that it cannot read for a replacement of the whole text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    text_document: Document,
    content_changes: Vec<ContentChange>,
}

#[derive(Deserialize)]
struct Document {
    uri: String,
    version: Option<i32>,
}

#[derive(Deserialize)]
struct ContentChange {
    range: Option<Range>,
    text: String,
}

pub(crate) fn handle(session: &Session, params: Value) {
    match apply(&session.documents, params, session.encoding()) {
        Ok(()) => {}
        Err(problem @ Problem::StillLost(_)) => tracing::debug!("{problem}"),
        Err(problem) => session.complain(&problem.to_string()),
    }
}

/// Takes the parameters unread: an edit that cannot be read is lost, and its document must know.
pub(crate) fn apply<T: Texts>(
    documents: &Documents<T>,
    params: Value,
    encoding: PositionEncoding,
) -> Result<(), Problem> {
    let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).map(str::to_owned);
    let Params { text_document: Document { uri, version }, content_changes } = match (Params::deserialize(params), uri)
    {
        (Ok(params), _) => params,
        (Err(error), Some(uri)) => return Err(documents.lose(&uri, error.to_string())),
        (Err(error), None) => return Err(Problem::Unreadable(error.to_string())),
    };
    let changes: Vec<_> = content_changes
        .into_iter()
        .map(|change| Change { span: change.range.map(position::span), text: change.text })
        .collect();
    documents.change(&uri, version, &changes, encoding)
}
