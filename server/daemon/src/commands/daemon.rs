//! `pilotlight daemon`: the resident daemon.

use std::process::ExitCode;

use anyhow::{Context, Result};
use pilotlight_assist::options::overlay;
use serde_json::Value;

use crate::{
    cli::{Daemon, Global},
    resident::{folder, host},
    settings::{Loaded, Settings},
};

pub(super) async fn run(arguments: Daemon, global: &Global) -> Result<ExitCode> {
    raise_descriptors();
    if !arguments.handed {
        return host::run(Loaded::read(global)?.told(), None).await;
    }
    // Whoever started it closes its end once all is written, and sent its standard error to the log.
    let handed: Value = serde_json::from_reader(std::io::stdin()).context("the settings on standard input")?;
    // It may be of another version, whose settings have other names: what is not known is told, the rest holds.
    let (settings, told) = overlay(&Settings::default(), &handed, "the settings on standard input");
    for told in told {
        tracing::warn!("{told}");
    }
    host::run(settings, folder::log_path()).await
}

/// As many open files as may be: each editor and each workspace takes some.
fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Some systems refuse "without limit" here; then it stays as it was.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
