//! `workspace/didChangeConfiguration`: the editor's settings as they are now, in place of those that it gave before.

use tower_lsp::gen_lsp_types::DidChangeConfigurationParams;

use crate::session::Session;

pub(crate) fn handle(session: &Session, params: DidChangeConfigurationParams) {
    // A client that wants to be asked sends `null`; this server takes what it is sent.
    if !params.settings.is_null() {
        session.change_settings(|layers| layers.set_editor(params.settings));
    }
}
