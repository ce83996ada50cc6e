//! A small LSP client: the editor's side of the protocol, for `pilotlight try` and the tests.

use std::{
    collections::HashMap,
    future::{Ready, ready},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures::{FutureExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use tokio_util::codec::FramedRead;

use crate::wire::{Frames, Outgoing};

/// Why there is no result.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ClientError {
    /// The server answered with an error.
    #[error("{method}: {message} ({code})")]
    Refused {
        /// What was asked.
        method: String,
        /// JSON-RPC's code.
        code: i64,
        /// The server's words.
        message: String,
    },
    /// The connection is closed.
    #[error("the server has gone")]
    Gone,
}

/// One connection to a server. What is sent is written in the order of the calls.
#[derive(Debug)]
pub struct Client {
    shared: Arc<Shared>,
    reader: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    outgoing: Outgoing,
    // A std mutex: held for a look-up.
    requests: Mutex<Requests>,
}

/// The requests that have no response yet.
#[derive(Debug, Default)]
struct Requests {
    last: u64,
    open: HashMap<u64, Open>,
    closed: bool,
}

#[derive(Debug)]
struct Open {
    method: String,
    /// `None` once it was cancelled: the response is still to come.
    answer: Option<oneshot::Sender<Result<Value, ClientError>>>,
}

impl Client {
    /// Speaks over `read` and `write`; notifications of the server are dropped.
    pub fn new<R, W>(read: R, write: W) -> Self
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        Self::listening(read, write).0
    }

    /// Speaks over `read` and `write`, and hands out the messages that answer no request of this client, as they came. Requests of the server are answered with
    /// `null` as well, and an edit as made: whoever listens makes it.
    pub fn listening<R, W>(read: R, write: W) -> (Self, mpsc::UnboundedReceiver<Value>)
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (outgoing, _) = Outgoing::start(write);
        let shared = Arc::new(Shared { outgoing, requests: Mutex::default() });
        let (others, receiver) = mpsc::unbounded_channel();
        let reading = Arc::clone(&shared);
        let reader = tokio::spawn(async move { reading.read(read, &others).await }).abort_handle();
        (Self { shared, reader }, receiver)
    }

    /// Sends a request, now. Its future gives the result; dropping that cancels the request (`$/cancelRequest`).
    pub fn request(&self, method: &str, params: Value) -> Pending {
        let (answer, receiver) = oneshot::channel();
        let mut requests = self.shared.requests();
        requests.last += 1;
        let id = requests.last;
        if !requests.closed {
            requests.open.insert(id, Open { method: method.to_owned(), answer: Some(answer) });
        }
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        // Under the lock, so that ids go out in their order.
        self.shared.outgoing.send(&message);
        Pending { id, shared: Arc::clone(&self.shared), receiver }
    }

    /// Sends a notification, now: there is nothing to wait for but the error.
    pub fn notify(&self, method: &str, params: Value) -> Ready<Result<(), ClientError>> {
        ready(self.shared.outgoing.notify(method, params).then_some(()).ok_or(ClientError::Gone))
    }

    /// Sends bytes as they are, without a frame: to see what a server makes of bad input.
    pub fn write(&self, bytes: impl Into<Vec<u8>>) {
        self.shared.outgoing.write(bytes.into());
    }

    /// The methods of the requests that have no response yet, cancelled ones included.
    pub fn unanswered(&self) -> Vec<String> {
        self.shared.requests().open.values().map(|open| open.method.clone()).collect()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Shared {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read<R: AsyncRead + Unpin>(&self, read: R, others: &mpsc::UnboundedSender<Value>) {
        let mut frames = FramedRead::new(read, Frames::default());
        while let Some(Ok(frame)) = frames.next().await {
            match frame.map_err(|error| error.to_string()).and_then(|body| parse(&body)) {
                Ok(message) => self.take(message, others),
                Err(error) => tracing::warn!(error, "the server sent something unreadable"),
            }
        }
        let mut requests = self.requests();
        requests.closed = true;
        requests.open.clear();
    }

    fn take(&self, message: Value, others: &mpsc::UnboundedSender<Value>) {
        let id = message.get("id").and_then(Value::as_u64);
        if message.get("method").is_some() {
            if let Some(id) = message.get("id") {
                let edit = message["method"] == "workspace/applyEdit";
                let result = if edit { json!({ "applied": true }) } else { Value::Null };
                self.outgoing.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
            }
        } else if let Some(open) = id.and_then(|id| self.requests().open.remove(&id)) {
            if let Some(answer) = open.answer {
                // The asker may have gone this very moment.
                let _ = answer.send(result(open.method, &message));
            }
            return;
        }
        // Nobody need listen.
        let _ = others.send(message);
    }
}

fn parse(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn result(method: String, message: &Value) -> Result<Value, ClientError> {
    match message.get("error") {
        None => Ok(message.get("result").cloned().unwrap_or_default()),
        Some(error) => Err(ClientError::Refused {
            method,
            code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
            message: error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
        }),
    }
}

/// A request that was sent: its result to come.
#[derive(Debug)]
pub struct Pending {
    id: u64,
    shared: Arc<Shared>,
    receiver: oneshot::Receiver<Result<Value, ClientError>>,
}

impl Future for Pending {
    type Output = Result<Value, ClientError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.receiver.poll_unpin(context).map(|answer| answer.unwrap_or(Err(ClientError::Gone)))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        let cancelled = match self.shared.requests().open.get_mut(&self.id) {
            Some(open) => open.answer.take().is_some(),
            None => false,
        };
        if cancelled {
            self.shared.outgoing.notify("$/cancelRequest", json!({ "id": self.id }));
        }
    }
}
