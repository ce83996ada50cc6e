//! `workspace/didChangeWorkspaceFolders`

use tower_lsp::gen_lsp_types::DidChangeWorkspaceFoldersParams;

use crate::session::Session;

pub(crate) fn handle(session: &Session, params: DidChangeWorkspaceFoldersParams) {
    let event = &params.event;
    let added = event.added.iter().map(|folder| folder.uri.as_ref());
    let removed = event.removed.iter().map(|folder| folder.uri.as_ref());
    session.change_roots(added, removed);
}
