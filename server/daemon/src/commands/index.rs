//! `pilotlight index`: reads a workspace into the index and its cache, with a bar, and says what was found and what was left out.

use std::{
    process::ExitCode,
    sync::{RwLock, atomic::AtomicBool},
};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use pilotlight_assist::syntax::index::{Index, Limits, cache, scan};

use crate::cli;

pub(super) fn run(arguments: &cli::Index) -> Result<ExitCode> {
    let folder = arguments.folder.clone().unwrap_or_else(|| ".".into());
    let root = dunce::canonicalize(&folder).with_context(|| folder.display().to_string())?;
    anyhow::ensure!(root.is_dir(), "expected a folder, found the file {}", root.display());
    let index = RwLock::new(Index::default());
    let file = scan::cache_file(&root);
    let cached = file.as_deref().filter(|_| !arguments.anew).and_then(|file| cache::load(&root, file));
    // Draws nothing where standard error is not a terminal.
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}")?);
    bar.set_message("looking");
    let progress = |done: usize, total: usize| {
        if total > 0 {
            bar.set_message("indexing");
            bar.set_length(total as u64);
        }
        bar.set_position(done as u64);
    };
    let report = scan::scan(&root, Limits::default(), &index, cached, &progress, &AtomicBool::new(false));
    bar.finish_and_clear();
    let index = index.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let saved = match &file {
        Some(file) => cache::save(&index, &root, file)
            .map(|()| file.display().to_string())
            .map_err(|error| format!("not written: {}: {error}", file.display())),
        None => Err("not written: there is no folder for caches (HOME is not set)".to_owned()),
    };
    let definitions: usize = index.files().map(|(_, file)| file.facts.definitions.len()).sum();
    if arguments.json {
        let document = serde_json::json!({
            "root": root, "files": report.files, "indexed": report.indexed, "reused": report.reused, "left_out": report.left_out,
            "definitions": definitions, "seconds": report.took.as_secs_f64(), "peak_resident_bytes": resident(), "cache": saved.as_ref().ok(),
        });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        let seconds = report.took.as_secs_f64();
        println!("{}: {} files, {definitions} definitions, in {seconds:.2} s", root.display(), report.files);
        println!("  read {}, taken from the cache {}", report.indexed, report.reused);
        for (why, count) in &report.left_out {
            println!("  left out, {why}: {count}");
        }
        println!("  cache: {}", saved.as_deref().unwrap_or_else(|error| error));
    }
    Ok(if saved.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The most memory this process has held, in bytes, where the system tells (Linux).
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
