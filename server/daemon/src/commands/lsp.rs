//! `pilotlight lsp`: the LSP surface on standard input and output.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{model, settings::Settings};

pub(super) async fn run(settings: &Settings) -> Result<ExitCode> {
    let assistant = model::assistant(settings);
    pilotlight_lsp::serve(assistant, settings.lsp.clone(), tokio::io::stdin(), tokio::io::stdout())
        .await
        .context("standard input or output failed")?;
    Ok(ExitCode::SUCCESS)
}
