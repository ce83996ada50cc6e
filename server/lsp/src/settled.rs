//! `$/pilotlight/settled`, for the bridge: which state of a document's definitions its uses have, so that the next daemon offers no more than this one would.

use std::convert::Infallible;

use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use crate::{
    bridge::SETTLED,
    session::{Session, uri_of_document},
};

/// Tells of each document of this connection that is settled, if the other side is a bridge.
pub(crate) fn follow(session: &Session) -> impl Future<Output = Infallible> + use<> {
    let (assistant, outgoing) = (session.assistant.clone(), session.outgoing.clone());
    let mut settled = assistant.settled();
    let bridged = session.bridged;
    async move {
        if !bridged {
            return std::future::pending().await;
        }
        loop {
            let document = match settled.recv().await {
                Ok(document) => document,
                // What is not told is offered once more, after a daemon's end.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return std::future::pending().await,
            };
            if let Some(state) = assistant.settled_state(&document) {
                let uri = uri_of_document(&document);
                let text = state.rope().to_string();
                outgoing.notify(SETTLED, json!({ "uri": uri, "version": state.version(), "text": text }));
            }
        }
    }
}
