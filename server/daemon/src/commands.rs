//! One file a command.

mod complete;
mod demo;
mod doctor;
mod explain;
mod index;
mod lsp;

use std::{process::ExitCode, time::Instant};

use anyhow::Result;

use crate::{
    cli::{Cli, Command},
    settings::Settings,
};

/// Runs the command; `started` is when the process began.
pub(crate) async fn run(cli: Cli, started: Instant) -> Result<ExitCode> {
    let settings = Settings::load(&cli.global)?;
    match cli.command {
        Command::Try(arguments) => demo::run(arguments, &settings, started).await,
        Command::Lsp(_) => lsp::run(&settings).await,
        Command::Complete(arguments) => complete::run(arguments, &settings).await,
        Command::Doctor(arguments) => doctor::run(arguments, &settings).await,
        Command::Explain(arguments) => explain::run(arguments, &settings).await,
        Command::Index(arguments) => index::run(&arguments),
        Command::Schema => {
            print!("{}", Settings::schema());
            Ok(ExitCode::SUCCESS)
        }
    }
}
