//! `pilotlight/didChangeDiagnostics`, our own: what other servers report of a document, for prompts near it, and for fixes where the client hands none with its question.

use pilotlight_assist::Note;
use serde::Deserialize;
use tower_lsp::gen_lsp_types::TextDocumentIdentifier;

use crate::{requests::code_action::Said, session::Session};

/// Kept of one document: prompts show three, near the cursor.
const MOST: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    text_document: TextDocumentIdentifier,
    diagnostics: Vec<Said>,
}

pub(crate) fn handle(session: &Session, params: Params) {
    let current = match session.documents.current(&params.text_document.uri.0) {
        Ok(current) => current,
        Err(problem) => return session.complain(&problem.to_string()),
    };
    let note = |said: Said| Note { line: said.range.start.line as usize, message: said.message };
    session.assistant.diagnosed(&current.id, params.diagnostics.into_iter().take(MOST).map(note).collect());
}
