//! `textDocument/didClose`

use tower_lsp::gen_lsp_types::DidCloseTextDocumentParams;

use crate::session::Session;

pub(crate) fn handle(session: &Session, params: DidCloseTextDocumentParams) {
    if let Err(problem) = session.documents.close(&params.text_document.uri.0) {
        session.complain(&problem.to_string());
    }
}
