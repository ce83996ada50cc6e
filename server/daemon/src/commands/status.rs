//! `pilotlight status`: which daemons run, for whom, and what they hold.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::{
    cli::Status,
    resident::{
        hello::{Answer, Want},
        link,
        report::Report,
    },
};

pub(super) async fn run(arguments: Status) -> Result<ExitCode> {
    let answers = link::ask_all(Want::Status).await?;
    let reports: Vec<Report> = answers
        .into_iter()
        .filter_map(|(answer, _)| match answer {
            Answer::Status(report) => Some(*report),
            _ => None,
        })
        .collect();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&json!({ "daemons": reports }))?);
    } else if reports.is_empty() {
        println!("No daemon is running. An editor starts one (`pilotlight lsp`).");
    } else {
        reports.iter().for_each(print);
    }
    Ok(if reports.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(report: &Report) {
    let Report { pid, version, uptime_seconds, socket, model, state, memory_bytes, idle_exit_seconds, .. } = report;
    println!("pilotlight {version}, process {pid}, up {}", duration(*uptime_seconds));
    println!("  model        {model} ({state})");
    println!("  memory       {:.1} MiB", *memory_bytes as f64 / f64::from(1 << 20));
    println!("  socket       {}", socket.display());
    if let Some(log) = &report.log {
        println!("  log          {}", log.display());
    }
    if report.retired {
        println!("  hand-over    a newer daemon has its place; this one ends with its last client");
    } else {
        println!("  idle exit    after {} without an editor", duration(*idle_exit_seconds));
    }
    println!("  connections  {}", report.connections.len());
    for client in &report.connections {
        let pid = client.pid.map_or("unknown".to_owned(), |pid| pid.to_string());
        let folders: Vec<_> = client.workspaces.iter().map(|folder| folder.display().to_string()).collect();
        let folders = if folders.is_empty() { "no folder".to_owned() } else { folders.join(", ") };
        println!("    process {pid} ({}), for {}: {folders}", client.version, duration(client.seconds));
    }
}

fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
