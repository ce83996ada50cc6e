//! Opens the HTTP surface: where it listens, and who may ask.

#[cfg(unix)]
use std::fmt;
use std::{future::Future, net::SocketAddr};

use anyhow::{Context, Result, bail};
use pilotlight_assist::Assistant;
use pilotlight_http::{Activity, Options, Tokens};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::sync::watch;
#[cfg(unix)]
use tokio_util::sync::CancellationToken;

/// How soon an address that is taken is tried again: at first, when a daemon of the same model may be about to leave it, and then seldom enough to let its successor
/// have it before another model's daemon.
#[cfg(unix)]
const AGAIN: [std::time::Duration; 2] = [std::time::Duration::from_millis(500), std::time::Duration::from_secs(15)];
/// So often soon.
#[cfg(unix)]
const SOON: usize = 20;

/// A listening surface.
#[derive(Debug)]
pub(crate) struct Http {
    listener: TcpListener,
    options: Options,
    tokens: Tokens,
}

impl Http {
    /// Listens where `options` say.
    ///
    /// # Errors
    ///
    /// The address is none or taken, the file of tokens is not good, or anybody on the network could ask.
    pub(crate) async fn open(options: Options) -> Result<Self> {
        let listen = &options.listen;
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("http.listen: cannot listen at {listen}"))?;
        let tokens = tokens(&options, &[listener.local_addr()?])?;
        Ok(Self { listener, options, tokens })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Whether a token is asked for.
    pub(crate) fn asks_for_a_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Serves until `stop` is done; `activity` follows what is written.
    pub(crate) async fn serve(
        self,
        assistant: Assistant,
        activity: Activity,
        stop: impl Future<Output = ()> + Send + 'static,
    ) {
        let Self { listener, options, tokens } = self;
        pilotlight_http::serve(listener, assistant, &options, tokens, activity, stop).await;
    }
}

/// Whether a daemon could listen as `options` say, as far as that can be told without doing it: one may have the address already.
///
/// # Errors
///
/// As of [`Http::open`].
pub(crate) async fn check(options: &Options) -> Result<()> {
    let listen = &options.listen;
    let addresses = tokio::net::lookup_host(listen).await.with_context(|| {
        format!("http.listen: expected an address and a port such as 127.0.0.1:8012, found {listen:?}")
    })?;
    tokens(options, &addresses.collect::<Vec<_>>()).map(drop)
}

/// Who may ask.
fn tokens(options: &Options, addresses: &[SocketAddr]) -> Result<Tokens> {
    let tokens = match &options.tokens {
        Some(path) => Tokens::read(path).context("http.tokens")?,
        None => Tokens::default(),
    };
    if let Some(address) = addresses.iter().find(|address| tokens.is_empty() && !address.ip().is_loopback()) {
        bail!(
            "http.listen: {address} can be reached from other machines, and no token is asked for. Expected a file of tokens \
             (`http.tokens` or `--tokens FILE`: one a line; `openssl rand -hex 24` makes one), or a loopback address such as 127.0.0.1"
        );
    }
    Ok(tokens)
}

/// What became of a daemon's HTTP surface.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) enum State {
    Opening,
    /// Another program has the address; it is tried again.
    Waiting(String),
    Open(SocketAddr),
    Failed(String),
}

#[cfg(unix)]
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening => f.write_str("opening"),
            Self::Waiting(listen) => write!(f, "waits for {listen}, which another program has"),
            Self::Open(address) => write!(f, "http://{address}"),
            Self::Failed(why) => write!(f, "none: {why}"),
        }
    }
}

/// Serves until `stop` is tripped, from when the address is free: another daemon may have it for as long as it is used. What is wrong leaves the editors alone.
#[cfg(unix)]
pub(crate) async fn hold(
    options: Options,
    assistant: Assistant,
    activity: Activity,
    state: watch::Sender<State>,
    stop: CancellationToken,
) {
    let listen = options.listen.clone();
    let mut tries = 0;
    let http = loop {
        match Http::open(options.clone()).await {
            Ok(http) => break http,
            Err(error) if is_taken(&error) => {
                if tries == 0 {
                    tracing::warn!(error = format!("{error:#}"), "no HTTP until the address is free");
                    state.send_replace(State::Waiting(listen.clone()));
                }
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "no HTTP; editors are served");
                state.send_replace(State::Failed(format!("{error:#}")));
                return;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(AGAIN[usize::from(tries > SOON)]) => tries += 1,
            () = stop.cancelled() => return,
        }
    };
    tracing::info!(listen, "listening for HTTP");
    if let Ok(address) = http.address() {
        state.send_replace(State::Open(address));
    }
    http.serve(assistant, activity, stop.cancelled_owned()).await;
}

#[cfg(unix)]
fn is_taken(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}
