//! Takes a connection's messages in, strictly in the order of arrival.
//!
//! Each handler is polled once, here, before the next message is looked at. Notifications and short requests finish in that step: an edit is applied before
//! anything behind it is seen. A completion request takes its snapshot and its place in the line of requests in that step, so its position refers to the text that the client
//! had; what it waits for afterwards goes on in a task of its own.

use std::{
    io,
    panic::AssertUnwindSafe,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::BoxFuture};
use serde_json::Value;
use tokio::{io::AsyncRead, task::JoinSet};
use tokio_util::{codec::FramedRead, sync::CancellationToken};
use tower_lsp::jsonrpc::{ErrorCode, Id, Request, Response};

use crate::{
    bridge::FAREWELL,
    server::Server,
    wire::{Frames, Incoming, Outgoing, refusal},
};

/// How long a daemon that ends waits for what it is computing.
const FINISH: Duration = Duration::from_secs(4);

/// Serves until `exit` or the end of `read`; requests that are still unanswered then are dropped. After `leave` they are answered, and the other side is told that
/// this was no accident.
pub(crate) async fn run<R>(read: R, mut server: Server, outgoing: Outgoing, leave: CancellationToken) -> io::Result<()>
where
    R: AsyncRead + Send + Unpin,
{
    let mut frames = FramedRead::new(read, Frames::default());
    let mut running = JoinSet::new();
    loop {
        let frame = tokio::select! {
            frame = frames.next() => frame,
            Some(_) = running.join_next() => continue,
            () = leave.cancelled() => {
                let finished = async { while running.join_next().await.is_some() {} };
                let _ = tokio::time::timeout(FINISH, finished).await;
                outgoing.notify(FAREWELL, Value::Null);
                return Ok(());
            }
        };
        let body = match frame {
            None => return Ok(()),
            Some(Err(error)) => return Err(error),
            Some(Ok(Err(malformed))) => {
                outgoing.send(&refusal(Id::Null, ErrorCode::ParseError, malformed.to_string()));
                continue;
            }
            Some(Ok(Ok(body))) => body,
        };
        let request = match Incoming::parse(&body) {
            Ok(Incoming::Request(request)) => request,
            Ok(Incoming::Response(response)) => {
                server.session().calls.answered(response);
                continue;
            }
            Err(response) => {
                outgoing.send(&response);
                continue;
            }
        };
        let exit = request.method() == "exit";
        match start(&mut server, request) {
            Started::Done(Some(response)) => _ = outgoing.send(&response),
            Started::Done(None) => {}
            Started::Running(future) => {
                let outgoing = outgoing.clone();
                running.spawn(async move {
                    if let Some(response) = future.await {
                        outgoing.send(&response);
                    }
                });
            }
        }
        if exit {
            let before = io::Error::other("the client said `exit` without `shutdown`");
            return if server.session().is_shut_down() { Ok(()) } else { Err(before) };
        }
    }
}

/// A handler after its first step.
enum Started {
    Done(Option<Response>),
    Running(BoxFuture<'static, Option<Response>>),
}

/// Hands the message to its handler and takes the first step.
fn start(server: &mut Server, request: Request) -> Started {
    if request.id().is_none()
        && let Some(complaint) = server.cannot_take(request.method(), request.params())
    {
        server.session().complain(&complaint);
    }
    let (method, id) = (request.method().to_owned(), request.id().cloned());
    let handled = AssertUnwindSafe(server.call(request)).catch_unwind();
    let mut future = async move {
        match (handled.await, id) {
            (Ok(None), Some(id)) => {
                // The service is silent about unknown methods that begin with `$/`, but LSP wants requests answered.
                Some(*refusal(id, ErrorCode::MethodNotFound, format!("`{method}` is not known here")))
            }
            (Ok(response), _) => response,
            (Err(panic), id) => {
                let what = panic_message(&*panic);
                tracing::error!(method, what, "a handler panicked");
                id.map(|id| *refusal(id, ErrorCode::InternalError, format!("`{method}` failed: {what}")))
            }
        }
    }
    .boxed();
    // The waker may be a blind one: whoever polls next, at once, leaves a real one.
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(response) => Started::Done(response),
        Poll::Pending => Started::Running(future),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a bug")
}
