//! Requests that the server makes of its client, whose answers are waited for.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::wire::Outgoing;

/// Those without an answer yet.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    last: AtomicU64,
    // A std mutex: held for a look-up.
    open: Mutex<HashMap<String, oneshot::Sender<Value>>>,
}

impl Calls {
    /// Asks, and waits for the result.
    ///
    /// # Errors
    ///
    /// What the client says against it.
    pub(crate) async fn call(&self, outgoing: &Outgoing, method: &str, params: Value) -> Result<Value, String> {
        let id = format!("pilotlight/{method}/{}", self.last.fetch_add(1, Ordering::Relaxed));
        let receiver = self.opened(&id);
        outgoing.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let response = receiver.await.map_err(|_| "the client has gone".to_owned())?;
        match response.get("error") {
            Some(error) => Err(error["message"].as_str().unwrap_or("the client refuses").to_owned()),
            None => Ok(response.get("result").cloned().unwrap_or_default()),
        }
    }

    fn opened(&self, id: &str) -> oneshot::Receiver<Value> {
        let (sender, receiver) = oneshot::channel();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Those whose askers have gone.
        open.retain(|_, sender| !sender.is_closed());
        open.insert(id.to_owned(), sender);
        receiver
    }

    /// Takes a client's response; one that nobody waits for is dropped.
    pub(crate) fn answered(&self, response: Value) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = response["id"].as_str().and_then(|id| open.remove(id)) {
            // The asker may have gone this very moment.
            let _ = sender.send(response);
        } else {
            tracing::debug!("a response that nobody waits for");
        }
    }
}
