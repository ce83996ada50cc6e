//! `textDocument/didSave`: the text comes along, so that a document whose edits went wrong is mended, and one that went apart in silence is found.

use tower_lsp::gen_lsp_types::DidSaveTextDocumentParams;

use crate::session::Session;

pub(crate) fn handle(session: &Session, params: DidSaveTextDocumentParams) {
    let uri = &params.text_document.uri.0;
    session.saved(uri);
    if let Err(problem) = session.documents.save(uri, params.text.as_deref()) {
        session.complain(&problem.to_string());
    }
    if let Ok(current) = session.documents.current(uri) {
        session.assistant.saved(&current.id);
    }
}
