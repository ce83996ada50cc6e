//! `pilotlight/didMoveCursor`, our own: where the cursor has come to rest without an edit, so that the first keystroke there finds its prompt computed.

use tower_lsp::gen_lsp_types::TextDocumentPositionParams;

use crate::{position, session::Session};

pub(crate) fn handle(session: &Session, params: TextDocumentPositionParams) {
    let current = match session.documents.current(&params.text_document.uri.0) {
        Ok(current) => current,
        Err(problem) => return session.complain(&problem.to_string()),
    };
    // Where the two texts differ a place is nothing to go by; completions are off then, and have been told of.
    if current.lost.is_some() {
        return;
    }
    match current.snapshot.offset(position::from_lsp(params.position), session.encoding()) {
        Ok(cursor) => session.assistant.rest_at(&current.id, current.snapshot, cursor),
        Err(error) => session.complain(&format!("`pilotlight/didMoveCursor`: {error}; ignored")),
    }
}
