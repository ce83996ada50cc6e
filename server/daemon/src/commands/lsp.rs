//! `pilotlight lsp`: the LSP surface on standard input and output, by way of the resident daemon or all in this process.

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;

use crate::{advice, cli::Lsp, model, settings::Loaded};

pub(super) async fn run(arguments: Lsp, loaded: Loaded) -> Result<ExitCode> {
    let mut loaded = loaded;
    loaded.notices.extend(model::licence(&loaded.settings.engine));
    #[cfg(unix)]
    if !arguments.standalone {
        match bridge(&loaded).await {
            Ok(ended) => return ended.map(|()| ExitCode::SUCCESS),
            Err(error) => {
                let notice = format!(
                    "no resident daemon can be used, so this editor is served by a process of its own: {error:#}"
                );
                tracing::warn!("{notice}");
                loaded.notices.push(notice);
            }
        }
    }
    #[cfg(not(unix))]
    let _ = arguments;
    let assistant = model::resident(&loaded.settings);
    let Loaded { settings, command_line, notices } = loaded;
    let hint = advice::larger_model(&settings.engine);
    let settings = pilotlight_lsp::Settings { lsp: settings.lsp, command_line, notices, hint, bridged: false };
    let engine = assistant.clone();
    pilotlight_lsp::serve(assistant, settings, CancellationToken::new(), tokio::io::stdin(), tokio::io::stdout())
        .await
        .context("standard input or output failed")?;
    model::save(&engine).await;
    Ok(ExitCode::SUCCESS)
}

/// Passes on between the editor and the daemon. The outer error: there is no daemon, and nothing has been read yet.
#[cfg(unix)]
async fn bridge(loaded: &Loaded) -> Result<Result<()>> {
    use futures::FutureExt;

    let link = crate::resident::link::Link::new(loaded)?;
    let first = link.connect().await?;
    let again = move || {
        let link = std::sync::Arc::clone(&link);
        async move { link.connect().await.map_err(|error| format!("{error:#}")) }.boxed()
    };
    let ended = pilotlight_lsp::bridge(tokio::io::stdin(), tokio::io::stdout(), first, again).await;
    Ok(ended.context("standard input or output failed"))
}
