//! `pilotlight serve`: the HTTP surface in a process of its own.

use std::process::ExitCode;

use anyhow::Result;

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
    http.serve(assistant.clone(), pilotlight_http::Activity::default(), interrupted()).await?;
    Ok(ExitCode::SUCCESS)
}

/// SIGINT or SIGTERM.
async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
