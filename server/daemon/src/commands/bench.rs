//! `pilotlight bench`: how fast this machine computes a model, or random weights of a model's shape.

use std::process::ExitCode;

use anyhow::Result;
use indicatif::ProgressBar;
use pilotlight_engine::bench::{self, Measured, Plan, Report};

use crate::{cli::Bench, settings::Settings};

pub(super) async fn run(arguments: Bench, settings: &Settings) -> Result<ExitCode> {
    let plan = Plan { prefill: arguments.prefill, depths: arguments.depth, milliseconds: arguments.milliseconds };
    let (json, shape, dtype) = (arguments.json, arguments.random_weights, arguments.dtype);
    let options = settings.engine.clone();
    let report = tokio::task::spawn_blocking(move || {
        let bar = if json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let progress = |what: &str| bar.set_message(what.to_owned());
        let report = match &shape {
            Some(shape) => bench::random_weights(shape, &dtype, &options, &plan, progress),
            None => bench::model(&options, &plan, progress),
        };
        bar.finish_and_clear();
        report
    })
    .await??;
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(report: &Report) {
    let Report { model, backend, threads, bandwidth, .. } = report;
    println!("{model}: {:.1} M weights, {:.1} MB", report.parameters as f64 / 1e6, report.bytes as f64 / 1e6);
    let reads = match threads {
        0 => format!("a copy on the device moves {:.0} GB/s", bandwidth / 1e9),
        threads => format!("{threads} threads read {:.1} GB/s", bandwidth / 1e9),
    };
    println!("{backend}; {reads}; loaded in {:.1} s", report.load_s);
    println!(
        "{:<10} {:>6} {:>6} {:>11} {:>11} {:>10} {:>11} {:>9}",
        "step", "tokens", "depth", "median ms", "least ms", "tokens/s", "floor ms", "bandwidth"
    );
    for (step, all) in [("decode", &report.decode), ("keystroke", &report.keystroke), ("prefill", &report.prefill)] {
        for Measured {
            tokens, depth, median_ms, least_ms, tokens_per_second, floor_ms, percent_of_bandwidth, ..
        } in all
        {
            println!(
                "{step:<10} {tokens:>6} {depth:>6} {median_ms:>11.3} {least_ms:>11.3} {tokens_per_second:>10.1} {floor_ms:>11.3} {percent_of_bandwidth:>7.0} %"
            );
        }
    }
}
