//! What goes to the other side: one queue, written in order by one task.

use std::io;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    task::JoinHandle,
};

/// A handle to the queue; the writing task ends, everything written, when the last handle is gone.
///
/// The queue is unbounded: a peer that writes without reading must not stop us from reading, or both would wait for ever.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    chunks: mpsc::UnboundedSender<Vec<u8>>,
}

impl Outgoing {
    /// Starts the task that writes to `write`. It ends early if writing fails.
    pub(crate) fn start<W>(mut write: W) -> (Self, JoinHandle<io::Result<()>>)
    where
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let (chunks, mut queue) = mpsc::unbounded_channel::<Vec<u8>>();
        let writer = tokio::spawn(async move {
            while let Some(chunk) = queue.recv().await {
                write.write_all(&chunk).await?;
                if queue.is_empty() {
                    write.flush().await?;
                }
            }
            write.shutdown().await
        });
        (Self { chunks }, writer)
    }

    /// A queue that nobody writes.
    pub(crate) fn closed() -> Self {
        Self { chunks: mpsc::unbounded_channel().0 }
    }

    /// Queues `message`; whether there is still somebody to write it.
    pub(crate) fn send(&self, message: &impl Serialize) -> bool {
        match serde_json::to_vec(message) {
            Ok(body) => self.frame(&body),
            Err(error) => {
                // Our own types: only a map with keys that are no strings could do this.
                tracing::error!(%error, "a message cannot be written as JSON");
                true
            }
        }
    }

    /// Queues a message that is written already.
    pub(crate) fn frame(&self, body: &[u8]) -> bool {
        let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        frame.extend_from_slice(body);
        self.write(frame)
    }

    /// Queues a notification.
    pub(crate) fn notify(&self, method: &str, params: Value) -> bool {
        let mut message = json!({ "jsonrpc": "2.0", "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message)
    }

    /// Queues bytes as they are.
    pub(crate) fn write(&self, bytes: Vec<u8>) -> bool {
        self.chunks.send(bytes).is_ok()
    }
}
