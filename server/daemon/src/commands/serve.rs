//! `pilotlight serve`: the HTTP surface in a process of its own.

use std::{pin::pin, process::ExitCode};

use anyhow::Result;
use pilotlight_http::Activity;
use tokio::signal;
use tokio_util::sync::CancellationToken;

use crate::{advice, cli::Serve, http::Http, model, settings::Settings};

/// Where it listens unless it is told: the port that clients of llama.cpp's fill in the middle expect.
const USUAL: &str = "127.0.0.1:8012";

pub(super) async fn run(arguments: Serve, settings: &Settings) -> Result<ExitCode> {
    let mut options = settings.http.clone();
    if let Some(listen) = arguments.listen {
        options.listen = listen;
    }
    if options.listen.is_empty() {
        options.listen = USUAL.to_owned();
    }
    options.tokens = arguments.tokens.or(options.tokens);
    let http = Http::open(options).await?;
    let assistant = model::assistant(settings);
    let info = model::loaded(&assistant, settings).await?;
    let who =
        if http.asks_for_a_token() { "everybody with a token" } else { "programs of this machine, without a token" };
    eprintln!("{} at http://{} for {who}. The status page is there too. Ctrl-C ends it.", info.name, http.address()?);
    if let Some(hint) = advice::larger_model(&settings.engine) {
        eprintln!("{hint}.");
    }
    let mut signals = Signals::new()?;
    let stop = CancellationToken::new();
    let mut serving = pin!(http.serve(assistant, Activity::default(), stop.clone().cancelled_owned()));
    tokio::select! {
        () = &mut serving => {}
        () = signals.next() => {
            eprintln!("Answering what is under way. Once more ends it at once.");
            stop.cancel();
            tokio::select! {
                () = &mut serving => {}
                () = signals.next() => {}
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// SIGINT and SIGTERM: from the first to the last they are ours, for the system's handler is gone.
struct Signals {
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
    #[cfg(unix)]
    terminate: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        let _ = signal::ctrl_c().await;
    }
}
