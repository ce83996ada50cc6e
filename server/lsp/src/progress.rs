//! `$/progress` of the workspace's index, for clients that show it.

use std::{convert::Infallible, time::Duration};

use pilotlight_assist::IndexProgress;
use serde_json::{Value, json};

use crate::session::Session;

/// A bar that moves more often is not read.
const STEP: Duration = Duration::from_millis(250);
const TOKEN: &str = "pilotlight/index";

/// Tells the client how far its own folders are, from `initialized` on. What is done within a step is not worth a bar.
pub(crate) fn follow(session: &Session) -> impl Future<Output = Infallible> + use<> {
    let mut progress = session.assistant.indexing();
    let assistant = session.assistant.clone();
    let (initialized, outgoing, profile) =
        (session.initialized.clone(), session.outgoing.clone(), session.profile.clone());
    async move {
        initialized.cancelled().await;
        if !profile.get().is_some_and(|profile| profile.progress) {
            return std::future::pending().await;
        }
        let tell = |value: Value| outgoing.notify("$/progress", json!({ "token": TOKEN, "value": value }));
        let mut begun = 0u64;
        let mut open = false;
        loop {
            tokio::time::sleep(STEP).await;
            let now = progress.borrow_and_update().clone();
            let root = match &now {
                Some(IndexProgress::Running { root, .. } | IndexProgress::Done { root, .. }) => Some(root),
                None => None,
            };
            let own = root.is_some_and(|root| assistant.workspace().folders.iter().any(|folder| folder.root == *root));
            match now {
                Some(IndexProgress::Running { done, total, .. }) if own => {
                    if !open {
                        begun += 1;
                        let id = format!("{TOKEN}/{begun}");
                        // Its answer says nothing that matters.
                        outgoing.send(&json!({
                            "jsonrpc": "2.0", "id": id, "method": "window/workDoneProgress/create", "params": { "token": TOKEN },
                        }));
                        tell(json!({ "kind": "begin", "title": "Pilotlight: indexing", "percentage": 0 }));
                        open = true;
                    }
                    let percentage = (done * 100).checked_div(total).unwrap_or(0);
                    tell(json!({ "kind": "report", "message": format!("{done} files"), "percentage": percentage }));
                }
                Some(IndexProgress::Done { files, .. }) if own && open => {
                    tell(json!({ "kind": "end", "message": format!("{files} files") }));
                    open = false;
                }
                _ => {}
            }
            if progress.changed().await.is_err() {
                // The assistant is gone, and nothing will change any more.
                return std::future::pending().await;
            }
        }
    }
}
