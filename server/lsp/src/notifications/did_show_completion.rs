//! `textDocument/didShowCompletion` of Copilot's clients: the item is on the screen.

use pilotlight_assist::Acceptance;
use serde::Deserialize;

use crate::{requests::execute_command::ShownItem, session::Session};

#[derive(Deserialize)]
pub(crate) struct Params {
    item: ShownItem,
}

pub(crate) fn handle(session: &Session, params: Params) {
    session.report(params.item.id(), Acceptance::Shown);
}
