//! `textDocument/didPartiallyAcceptCompletion` of Copilot's clients: the beginning of the item is in the document.

use serde::Deserialize;

use crate::{requests::execute_command::ShownItem, session::Session};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    item: ShownItem,
    /// UTF-16 units from the start of the item's `insertText`.
    accepted_length: usize,
}

pub(crate) fn handle(session: &Session, params: Params) {
    session.report_partial(params.item.id(), params.accepted_length);
}
