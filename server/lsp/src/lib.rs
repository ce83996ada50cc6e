//! The LSP surface: the only room that knows LSP types. It must not know engines, prompts or trees.
//!
//! [`serve`] is one client's connection. A message's way: `wire` (frames, JSON-RPC) -> `dispatch` (in the order of arrival) -> `server` (which method is
//! whose) -> one file a method in `requests` and `notifications` -> `session` (this client's documents and answers) -> `pilotlight_assist`.

pub mod client;

mod bridge;
mod capabilities;
mod dispatch;
mod ghost;
mod notifications;
mod options;
mod position;
mod progress;
mod requests;
mod server;
mod session;
mod settings;
mod settled;
mod status;
mod uri;
mod wire;
mod workspace_edit;

use std::{io, time::Duration};

use pilotlight_assist::Assistant;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

pub use bridge::bridge;
pub use options::{CompletionMenu, Options};
pub use settings::Settings;

/// How long a client that does not read may hold up the end of its connection.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves one client until it says `exit` or goes away; documents that it left open are closed then. `assistant` is this connection's own handle to what may be shared
/// by any number of them ([`Assistant::for_client`]).
///
/// When `leave` is tripped, no further message is read, what was asked is answered, and the connection ends.
///
/// # Errors
///
/// Reading or writing failed, or the client said `exit` without `shutdown` (LSP 3.17, "Exit Notification": the process's exit status is 1 then).
pub async fn serve<R, W>(
    assistant: Assistant,
    settings: impl Into<Settings>,
    leave: CancellationToken,
    read: R,
    write: W,
) -> io::Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (outgoing, mut writer) = wire::Outgoing::start(write);
    let session = session::Session::new(assistant, settings.into(), outgoing.clone());
    let status = status::follow(&session);
    let progress = progress::follow(&session);
    let settled = settled::follow(&session);
    let ended = tokio::select! {
        ended = dispatch::run(read, server::Server::new(session), outgoing, leave) => ended,
        never = status => match never {},
        never = progress => match never {},
        never = settled => match never {},
        written = &mut writer => return flatten(written),
    };
    let written = tokio::time::timeout(LAST_WORDS, writer).await;
    ended.and(written.map_or(Ok(()), flatten))
}

fn flatten(written: Result<io::Result<()>, tokio::task::JoinError>) -> io::Result<()> {
    written.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
}
