//! `pilotlight status`: which daemons run, for whom, and what they hold.

use std::process::ExitCode;

use anyhow::Result;
use pilotlight_assist::Predictions;
use pilotlight_engine::Figures;
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
    let (mut reports, mut silent): (Vec<Report>, bool) = Default::default();
    for answer in link::ask_all(Want::Status).await? {
        match answer {
            Ok((Answer::Status(report), _)) => reports.push(*report),
            Ok(_) => {}
            Err(error) => {
                silent = true;
                eprintln!("pilotlight: {error:#}");
            }
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&json!({ "daemons": reports }))?);
    } else if reports.is_empty() && !silent {
        println!("No daemon is running. An editor starts one (`pilotlight lsp`).");
    } else {
        reports.iter().for_each(print);
    }
    Ok(if silent || reports.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(report: &Report) {
    let Report { pid, version, uptime_seconds, socket, model, state, memory_bytes, idle_exit_seconds, .. } = report;
    println!("pilotlight {version}, process {pid}, up {}", duration(*uptime_seconds));
    println!("  model        {model} ({state})");
    println!("  memory       {:.1} MiB", *memory_bytes as f64 / f64::from(1 << 20));
    if let Some(figures) = &report.figures {
        print_figures(figures);
        let Predictions { accepting, resting } = &report.predictions;
        println!(
            "  looked ahead {} completions for what follows an acceptance, {} used; {} prompts where the cursor rested, {} used",
            accepting.made, accepting.used, resting.made, resting.used
        );
    }
    println!("  socket       {}", socket.display());
    if let Some(http) = &report.http {
        println!("  HTTP         {http}");
    }
    if let Some(log) = report.log.as_ref().filter(|log| log.exists()) {
        println!("  log          {}", log.display());
    }
    if report.retired {
        println!("  hand-over    another daemon has its place; this one ends with its last client");
    } else {
        println!("  idle exit    after {} without an editor or a request by HTTP", duration(*idle_exit_seconds));
    }
    println!("  connections  {}", report.connections.len());
    for client in &report.connections {
        let pid = client.pid.map_or("unknown".to_owned(), |pid| pid.to_string());
        let folders: Vec<_> = client.workspaces.iter().map(|folder| folder.display().to_string()).collect();
        let folders = if folders.is_empty() { "no folder".to_owned() } else { folders.join(", ") };
        println!("    process {pid} ({}), for {}: {folders}", client.version, duration(client.seconds));
    }
}

/// What the engine has done and holds.
fn print_figures(figures: &Figures) {
    let Figures { requests, cache, speculation } = figures;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "  requests     {} completed, {} cancelled, {} timed out, {} failed; {} now",
        requests.completed, requests.cancelled, requests.timed_out, requests.failed, requests.waiting
    );
    println!(
        "  KV cache     {} tokens in {} sequences, {} of {} pages ({:.1} of {:.0} MiB), {} given up",
        cache.tokens,
        cache.branches,
        cache.pages_used,
        cache.pages,
        mib(cache.bytes_used()),
        mib(cache.bytes()),
        cache.evictions
    );
    let hits = &cache.hits;
    println!(
        "  found there  {} went on, {} were there whole, {} in part, {} from the last run; {} found nothing",
        hits.extension, hits.truncation, hits.branch, hits.restored, hits.none
    );
    println!("  speculation  {} tokens drafted, {} right", speculation.drafted, speculation.accepted);
}

fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
