//! `pilotlight stop`: ends the daemons in good order.

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use tokio::io::AsyncReadExt;

use crate::resident::{
    hello::{Answer, Want},
    link,
};

/// A daemon answers what it was asked before it ends.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run() -> Result<ExitCode> {
    let (mut any, mut failed) = (false, false);
    for answer in link::ask_all(Want::Stop).await? {
        let (answer, mut stream) = match answer {
            Ok(answer) => answer,
            Err(error) => {
                (any, failed) = (true, true);
                eprintln!("pilotlight: {error:#}");
                continue;
            }
        };
        let Answer::Leaving { pid, build, clients } = answer else { continue };
        any = true;
        // The connection is closed by the end of the process.
        if tokio::time::timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await.is_err() {
            failed = true;
            eprintln!("pilotlight: process {pid} was asked to end, and has not within {} s", PATIENCE.as_secs());
            continue;
        }
        println!("stopped pilotlight {}, process {pid}", build.version);
        match clients {
            0 => {}
            1 => println!("  one editor is connected: its next request starts a daemon again"),
            n => println!("  {n} editors are connected: the next request of one starts a daemon again"),
        }
    }
    if !any {
        println!("No daemon is running.");
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
