//! One file a command.

mod bench;
mod changed;
mod complete;
#[cfg(unix)]
mod daemon;
mod demo;
mod doctor;
mod explain;
mod fix;
mod index;
mod lsp;
mod models;
mod place;
mod refactor;
mod serve;
#[cfg(unix)]
mod status;
#[cfg(unix)]
mod stop;

use std::{process::ExitCode, time::Instant};

use anyhow::{Result, ensure};

use crate::{
    cli::{Cli, Command},
    settings::{Loaded, Settings},
};

/// Runs the command; `started` is when the process began.
pub(crate) async fn run(cli: Cli, started: Instant) -> Result<ExitCode> {
    let loaded = || Loaded::read(&cli.global);
    let without = matches!(
        cli.command,
        Command::Status(_) | Command::Stop | Command::Index(_) | Command::Models(_) | Command::Schema(_)
    );
    ensure!(!without || cli.global.says_nothing(), "--model, --config, --threads and --set are not for this command");
    match cli.command {
        Command::Try(arguments) => demo::run(arguments, &loaded()?.told(), started).await,
        Command::Lsp(arguments) => lsp::run(arguments, Loaded::read_or_told(&cli.global)?).await,
        Command::Complete(arguments) => complete::run(arguments, &loaded()?.told()).await,
        Command::Doctor(arguments) => doctor::run(arguments, loaded()?, cli.global.config.clone()).await,
        Command::Explain(arguments) => explain::run(arguments, &loaded()?.told()).await,
        Command::Bench(arguments) => bench::run(arguments, &loaded()?.told()).await,
        Command::Refactor(arguments) => refactor::run(arguments, &loaded()?.told()).await,
        Command::Fix(arguments) => fix::run(arguments, &loaded()?.told()).await,
        Command::Index(arguments) => index::run(&arguments),
        Command::Models(arguments) => models::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments, &loaded()?.told()).await,
        #[cfg(unix)]
        Command::Daemon(arguments) => daemon::run(arguments, &cli.global).await,
        #[cfg(unix)]
        Command::Status(arguments) => status::run(arguments).await,
        #[cfg(unix)]
        Command::Stop => stop::run().await,
        #[cfg(not(unix))]
        Command::Daemon(_) | Command::Status(_) | Command::Stop => {
            anyhow::bail!(
                "there is no resident daemon on this system yet: `pilotlight lsp` serves each editor by itself"
            )
        }
        Command::Schema(arguments) => {
            print!("{}", if arguments.page { Settings::page() } else { Settings::schema() });
            Ok(ExitCode::SUCCESS)
        }
    }
}
