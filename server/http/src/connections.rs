//! Connections: taken until the end is asked for, each served on a task of its own.

use std::{future::Future, io::ErrorKind, pin::pin, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, task::JoinSet};

/// How long a connection may take to say what it wants: anybody who can connect could hold it otherwise.
pub(crate) const HEADERS: Duration = Duration::from_secs(30);
/// After a connection that could not be taken: with too many open files, some may be closed by then.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stop` is done; then what is being answered gets as long as `answers` may take. Dropping the future ends all connections.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    headers: Duration,
    answers: Duration,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(headers);
    let (graceful, mut tasks) = (GracefulShutdown::new(), JoinSet::new());
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Who went away before being served is no trouble of ours.
                    if !matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) {
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(PAUSE).await;
                    }
                    continue;
                }
            },
            Some(_) = tasks.join_next() => continue,
            () = &mut stop => break,
        };
        let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection has ended");
            }
        });
    }
    // Nobody else is to come: another process may listen here from now on.
    drop(listener);
    if tokio::time::timeout(answers, graceful.shutdown()).await.is_err() {
        tracing::warn!("a connection did not end in time");
    }
}
