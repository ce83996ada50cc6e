//! `textDocument/didOpen`

use tower_lsp::gen_lsp_types::{DidOpenTextDocumentParams, TextDocumentItem};

use crate::session::Session;

pub(crate) fn handle(session: &Session, params: DidOpenTextDocumentParams) {
    let TextDocumentItem { uri, language_id, version, text } = params.text_document;
    if let Err(problem) = session.documents.open(&uri.0, &String::from(language_id), version, &text) {
        session.complain(&problem.to_string());
    }
}
