//! `textDocument/didFocus` of Copilot's clients: which document the person looks at. Nothing depends on it yet; it is taken so that those clients are not
//! answered with complaints.

use serde_json::Value;

use crate::session::Session;

pub(crate) fn handle(_: &Session, params: Value) {
    let document = params.pointer("/textDocument/uri").and_then(Value::as_str);
    tracing::debug!(document, "focus");
}
