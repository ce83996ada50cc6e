//! The binary `pilotlight`: command line, configuration, sockets, wiring. Nothing else.

mod advice;
mod cli;
mod commands;
mod http;
mod model;
mod places;
#[cfg(unix)]
mod resident;
mod settings;

use std::{
    io::{Write as _, stderr},
    process::ExitCode,
    time::Instant,
};

use clap::Parser;

fn main() -> ExitCode {
    let started = Instant::now();
    let cli = cli::Cli::parse();
    cli.start_log();
    // Who reads a command's output may stop reading (`| head`). What serves must outlive those it writes to.
    #[cfg(unix)]
    if !cli.command.serves() {
        sigpipe::reset();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(stderr(), "pilotlight: no thread can be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(commands::run(cli, started));
    // A read of standard input may be under way and cannot be interrupted: do not wait for it.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| {
        // `eprintln` would panic where nothing can be written.
        let _ = writeln!(stderr(), "pilotlight: {error:#}");
        ExitCode::FAILURE
    })
}
