//! What the editor's status bar shows: `didChangeStatus`, in the shape that clients of Copilot's language server know, and why nothing is suggested.

use std::{convert::Infallible, time::Duration};

use pilotlight_assist::Status;
use serde_json::json;
use tokio::sync::watch;
use tower_lsp::gen_lsp_types::MessageType;

use crate::session::Session;

/// What is over sooner than this is not worth a flicker in the status bar.
const FLICKER: Duration = Duration::from_millis(150);

/// The parameters of `didChangeStatus`, and the answer of the command `pilotlight.status`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    /// Whether it works on something.
    busy: bool,
    /// In words; may be empty.
    message: String,
    /// `Normal`, `Warning` or `Error`. (Copilot's server also has `Inactive`.)
    kind: &'static str,
    /// Why the last answer to this client was empty, if it was. (Copilot's server has no such thing.)
    #[serde(skip_serializing_if = "Option::is_none")]
    nothing_because: Option<String>,
}

impl Shown {
    pub(crate) fn new(status: &Status, nothing_because: Option<&str>) -> Self {
        let (busy, message, kind) = match status {
            Status::Loading { model } => (true, format!("loading {model}"), "Normal"),
            Status::Ready { model } => (false, model.clone(), "Normal"),
            Status::Busy { model } => (true, model.clone(), "Normal"),
            Status::Degraded { message, .. } => (false, message.clone(), "Warning"),
            Status::Failed { message } => (false, message.clone(), "Error"),
        };
        // A failure is the reason itself.
        let nothing_because = nothing_because.filter(|_| kind != "Error").map(str::to_owned);
        Self { busy, message, kind, nothing_because }
    }
}

/// Tells the client the status and each change of it, from `initialized` on. A failure is also shown as a message: nothing else would say why no suggestion
/// ever comes.
pub(crate) fn follow(session: &Session) -> impl Future<Output = Infallible> + use<> {
    let (mut status, mut nothing) = (session.assistant.status(), session.nothing.subscribe());
    let (initialized, outgoing) = (session.initialized.clone(), session.outgoing.clone());
    let profile = session.profile.clone();
    async move {
        initialized.cancelled().await;
        let wanted = profile.get().is_some_and(|profile| profile.options.status_notifications);
        let mut told: Option<Shown> = None;
        loop {
            let now = status.borrow_and_update().clone();
            let shown = Shown::new(&now, nothing.borrow_and_update().as_deref());
            let passing = matches!(now, Status::Busy { .. })
                || told.as_ref().is_some_and(|told| told.nothing_because != shown.nothing_because);
            let brief = passing
                && matches!(tokio::time::timeout(FLICKER, changed(&mut status, &mut nothing)).await, Ok(Ok(())));
            if !brief && told.as_ref() != Some(&shown) {
                let kind = match &now {
                    Status::Failed { message } => Some((MessageType::Error, message)),
                    // Once; each further word of the same trouble is for the status bar.
                    Status::Degraded { message, .. } if told.as_ref().is_none_or(|told| told.kind != "Warning") => {
                        Some((MessageType::Warning, message))
                    }
                    _ => None,
                };
                if let Some((kind, message)) = kind {
                    let params = json!({ "type": kind, "message": format!("Pilotlight: {message}") });
                    outgoing.notify("window/showMessage", params);
                }
                if wanted {
                    outgoing.notify("didChangeStatus", json!(shown));
                }
                told = Some(shown);
            }
            if !brief && changed(&mut status, &mut nothing).await.is_err() {
                // The assistant is gone, and nothing will change any more.
                return std::future::pending().await;
            }
        }
    }
}

async fn changed(
    status: &mut watch::Receiver<Status>,
    nothing: &mut watch::Receiver<Option<String>>,
) -> Result<(), watch::error::RecvError> {
    tokio::select! {
        changed = status.changed() => changed,
        changed = nothing.changed() => changed,
    }
}
