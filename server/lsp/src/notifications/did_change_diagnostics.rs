//! `pilotlight/didChangeDiagnostics`, our own: what other servers report of a document, for prompts near it, and for fixes where the client hands none with its question.

use pilotlight_assist::Note;
use serde::Deserialize;
use tower_lsp::gen_lsp_types::{Range, TextDocumentIdentifier};

use crate::session::Session;

/// Kept of one document: prompts show three, near the cursor.
const MOST: usize = 100;
/// Characters of a message.
const LONGEST: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params {
    text_document: TextDocumentIdentifier,
    diagnostics: Vec<Said>,
}

/// A diagnostic, as far as it matters here.
#[derive(Deserialize)]
struct Said {
    range: Range,
    message: String,
}

pub(crate) fn handle(session: &Session, params: Params) {
    let current = match session.documents.current(&params.text_document.uri.0) {
        Ok(current) => current,
        Err(problem) => return session.complain(&problem.to_string()),
    };
    let note = |said: Said| {
        let message = said.message.lines().next().unwrap_or_default().chars().take(LONGEST).collect();
        Note { line: said.range.start.line as usize, message }
    };
    session.assistant.diagnosed(&current.id, params.diagnostics.into_iter().take(MOST).map(note).collect());
}
