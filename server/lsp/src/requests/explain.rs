//! `pilotlight/explain`: why this suggestion, or why none.

use pilotlight_assist::{CompletionId, Explanation};
use serde::Deserialize;
use tower_lsp::{gen_lsp_types::TextDocumentIdentifier, jsonrpc::Result};

use crate::session::Session;

/// Which answer: the completion of that id (in its item's command), else the last of that document, else the last of all.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    id: Option<u64>,
    text_document: Option<TextDocumentIdentifier>,
}

/// `null` where it is not known, or not any more.
pub(crate) async fn handle(session: &Session, params: Params) -> Result<Option<Explanation>> {
    let recent = session.recent();
    let answer = match params.id {
        Some(id) => recent.by_id(CompletionId(id)),
        None => recent.last(params.text_document.as_ref().map(|document| document.uri.as_ref())),
    };
    Ok(answer.map(|answer| answer.explanation.clone()))
}
