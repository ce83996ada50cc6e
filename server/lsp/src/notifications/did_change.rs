//! `textDocument/didChange`

use pilotlight_assist::syntax::Change;
use serde::Deserialize;
use serde_json::Value;
use tower_lsp::gen_lsp_types::Range;

use crate::{
    position,
    session::{Problem, Session},
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

/// Takes the parameters unread: an edit that cannot be read is lost, and its document must know.
pub(crate) fn handle(session: &Session, params: Value) {
    let uri = params.pointer("/textDocument/uri").and_then(Value::as_str).map(str::to_owned);
    let changed = match (Params::deserialize(params), uri) {
        (Ok(params), _) => apply(session, params),
        (Err(error), Some(uri)) => Err(session.documents.lose(&uri, error.to_string())),
        (Err(error), None) => return session.complain(&format!("`textDocument/didChange`: {error}; ignored")),
    };
    match changed {
        Ok(()) => {}
        Err(problem @ Problem::StillLost(_)) => tracing::debug!("{problem}"),
        Err(problem) => session.complain(&problem.to_string()),
    }
}

fn apply(session: &Session, params: Params) -> Result<(), Problem> {
    let changes: Vec<_> = params
        .content_changes
        .into_iter()
        .map(|change| Change { span: change.range.map(position::span), text: change.text })
        .collect();
    let Document { uri, version } = params.text_document;
    session.documents.change(&uri, version, &changes, session.encoding())
}
