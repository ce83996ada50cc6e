//! `textDocument/inlineCompletion` (LSP 3.18): ghost text.

use pilotlight_assist::Trigger;
use serde::Deserialize;
use tower_lsp::{
    gen_lsp_types::{
        InlineCompletionContext, InlineCompletionItem, InlineCompletionResponse, InlineCompletionTriggerKind, Position,
    },
    jsonrpc::Result,
};

use crate::{
    ghost::{Ask, ghost},
    position,
    session::Session,
};

/// The specification's, and the document's version as Copilot's clients send it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    text_document: Document,
    position: Position,
    context: InlineCompletionContext,
}

#[derive(Deserialize)]
struct Document {
    uri: String,
    version: Option<i32>,
}

/// One item, or none: also where a newer request has taken over.
pub(crate) async fn handle(session: &Session, params: Params) -> Result<InlineCompletionResponse> {
    let ask = Ask {
        uri: params.text_document.uri,
        version: params.text_document.version,
        position: position::from_lsp(params.position),
        trigger: match params.context.trigger_kind {
            InlineCompletionTriggerKind::Invoked => Trigger::Invoked,
            _ => Trigger::Automatic,
        },
        selected: params.context.selected_completion_info,
        whole_word: false,
        patience: None,
    };
    let items = ghost(session, ask).await?.map(|ghost| InlineCompletionItem {
        range: Some(ghost.range),
        // What the editor compares with the text in `range` as the person types on.
        filter_text: Some(ghost.text.clone()),
        command: Some(ghost.accept()),
        insert_text: ghost.text.into(),
    });
    Ok(Vec::from_iter(items).into())
}
