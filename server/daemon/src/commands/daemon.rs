//! `pilotlight daemon`: the resident daemon.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    cli::{Daemon, Global},
    resident::{folder, host},
    settings::Loaded,
};

pub(super) async fn run(arguments: Daemon, global: &Global) -> Result<ExitCode> {
    if !arguments.handed {
        return host::run(Loaded::read(global)?.strict()?, None).await;
    }
    // Whoever started it closes its end once all is written, and sent its standard error to the log.
    let settings = serde_json::from_reader(std::io::stdin()).context("the settings on standard input")?;
    host::run(settings, folder::log_path()).await
}
