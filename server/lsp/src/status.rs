//! What the editor's status bar shows: `didChangeStatus`, in the shape that clients of Copilot's language server know.

use std::{convert::Infallible, time::Duration};

use pilotlight_assist::Status;
use serde_json::json;
use tower_lsp::gen_lsp_types::MessageType;

use crate::session::Session;

/// Work that is over sooner than this is not worth a flicker in the status bar.
const FLICKER: Duration = Duration::from_millis(150);

/// The parameters of `didChangeStatus`, and the answer of the command `pilotlight.status`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Shown {
    /// Whether it works on something.
    busy: bool,
    /// In words; may be empty.
    message: String,
    /// `Normal` or `Error`. (Copilot's server also has `Warning` and `Inactive`.)
    kind: &'static str,
}

impl From<&Status> for Shown {
    fn from(status: &Status) -> Self {
        let (busy, message, kind) = match status {
            Status::Loading { model } => (true, format!("loading {model}"), "Normal"),
            Status::Ready { model } => (false, model.clone(), "Normal"),
            Status::Busy { model } => (true, model.clone(), "Normal"),
            Status::Failed { message } => (false, message.clone(), "Error"),
        };
        Self { busy, message, kind }
    }
}

/// Tells the client the status and each change of it, from `initialized` on. A failure is also shown as a message: nothing else would say why no suggestion
/// ever comes.
pub(crate) fn follow(session: &Session) -> impl Future<Output = Infallible> + use<> {
    let mut status = session.assistant.status();
    let (initialized, outgoing) = (session.initialized.clone(), session.outgoing.clone());
    let profile = session.profile.clone();
    async move {
        initialized.cancelled().await;
        let wanted = profile.get().is_some_and(|profile| profile.options.status_notifications);
        let mut told = None;
        loop {
            let now = status.borrow_and_update().clone();
            let brief = matches!(now, Status::Busy { .. })
                && matches!(tokio::time::timeout(FLICKER, status.changed()).await, Ok(Ok(())));
            let shown = Shown::from(&now);
            if !brief && told.as_ref() != Some(&shown) {
                if let Status::Failed { message } = &now {
                    let params = json!({ "type": MessageType::Error, "message": format!("Pilotlight: {message}") });
                    outgoing.notify("window/showMessage", params);
                }
                if wanted {
                    outgoing.notify("didChangeStatus", json!(shown));
                }
                told = Some(shown);
            }
            if !brief && status.changed().await.is_err() {
                // The assistant is gone, and nothing will change any more.
                return std::future::pending().await;
            }
        }
    }
}
