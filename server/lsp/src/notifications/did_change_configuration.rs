//! `workspace/didChangeConfiguration`: the editor's settings as they are now, in place of those that it gave before.

use serde_json::Value;
use tower_lsp::gen_lsp_types::DidChangeConfigurationParams;

use crate::session::Session;

pub(crate) fn handle(session: &Session, params: DidChangeConfigurationParams) {
    if says_something(&params.settings) {
        session.change_settings(|layers| layers.set_editor(params.settings));
    }
}

/// A client that wants to be asked sends `null`, and one that has nothing set for this server (Eglot) an empty object: what was given before holds.
pub(crate) fn says_something(settings: &Value) -> bool {
    !settings.is_null() && settings.as_object().is_none_or(|settings| !settings.is_empty())
}
