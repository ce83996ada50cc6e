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

/// What is to be done to a document.
pub(crate) struct Changed {
    pub(crate) uri: String,
    pub(crate) version: Option<i32>,
    pub(crate) changes: Vec<Change>,
}

pub(crate) fn handle(session: &Session, params: Value) {
    let uri = uri_in(&params).map(str::to_owned);
    let changed = match (read(params), uri) {
        (Ok(Changed { uri, version, changes }), _) => {
            session.documents.change(&uri, version, &changes, session.encoding())
        }
        (Err(error), Some(uri)) => Err(session.documents.lose(&uri, error.to_string())),
        (Err(error), None) => Err(Problem::Unreadable(error.to_string())),
    };
    match changed {
        Ok(()) => {}
        Err(problem @ Problem::StillLost(_)) => tracing::debug!("{problem}"),
        Err(problem) => session.complain(&problem.to_string()),
    }
}

/// The document that unread parameters are about: an edit that cannot be read is lost, and its document must know.
pub(crate) fn uri_in(params: &Value) -> Option<&str> {
    params.pointer("/textDocument/uri")?.as_str()
}

pub(crate) fn read(params: Value) -> serde_json::Result<Changed> {
    let Params { text_document: Document { uri, version }, content_changes } = Params::deserialize(params)?;
    let changes =
        content_changes.into_iter().map(|change| Change { span: change.range.map(position::span), text: change.text });
    Ok(Changed { uri, version, changes: changes.collect() })
}
