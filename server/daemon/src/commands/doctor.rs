//! `pilotlight doctor`: what was found, and whether all is well.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use pilotlight_assist::{Assistant, Check};
use pilotlight_engine::{Engine, ModelInfo, ModelSource};
use serde::Serialize;

use crate::{
    advice,
    cli::Doctor,
    http, model,
    settings::{Loaded, Settings, user_file},
};

/// Everything that `--json` prints.
#[derive(Serialize)]
struct Report {
    healthy: bool,
    version: &'static str,
    machine: Vec<Found>,
    model: Vec<Found>,
    checks: Vec<Check>,
    /// How to get a larger model, where none is configured; what still works, where a server does not.
    advice: Option<String>,
    /// Why the model cannot be used, if so.
    error: Option<String>,
}

/// A fact with no judgement.
#[derive(Serialize)]
struct Found {
    name: &'static str,
    found: String,
}

/// `config` is the file of settings, if another than the user's was named.
pub(super) async fn run(arguments: Doctor, loaded: Loaded, config: Option<PathBuf>) -> Result<ExitCode> {
    let Loaded { settings, notices, .. } = loaded;
    let settings = &settings;
    let assistant = model::without_spare(settings);
    let (model, error) = match model::loaded(&assistant, settings).await {
        Ok(info) => (model_facts(info), None),
        Err(error) => (Vec::new(), Some(format!("{error:#}"))),
    };
    let (mut checks, error) = match assistant.check().await {
        Ok(checks) => (checks, error),
        Err(why) => (Vec::new(), error.or(Some(why))),
    };
    if settings.engine.remote.url.is_empty() {
        // Its memory may be all that there is, on a GPU.
        drop(assistant);
        checks.push(ember(settings).await);
    }
    let mut wrong = notices;
    if !settings.http.listen.is_empty() {
        wrong.extend(http::check(&settings.http).await.err().map(|error| format!("{error:#}")));
    }
    checks.extend(wrong.into_iter().map(|found| Check { name: "settings", ok: false, found }));
    let healthy = error.is_none() && checks.iter().all(|check| check.ok);
    let spare = "until the server serves, the built-in model answers in editors".to_owned();
    let away = (error.is_some() && !settings.engine.remote.url.is_empty()).then_some(spare);
    let advice = away.or_else(|| advice::larger_model(&settings.engine));
    let report =
        Report { healthy, version: env!("CARGO_PKG_VERSION"), machine: machine(config), model, checks, advice, error };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The built-in model's known answers, computed as the model that is to serve is.
async fn ember(settings: &Settings) -> Check {
    let options = settings.engine.clone();
    let loaded = tokio::task::spawn_blocking(move || Engine::load_with(&ModelSource::Ember, &options)).await;
    match loaded.map_err(|error| error.to_string()).and_then(|engine| engine.map_err(|error| error.to_string())) {
        Ok(engine) => Assistant::check_ember(&engine).await,
        Err(found) => Check { name: "known answers of ember", ok: false, found },
    }
}

fn print(report: &Report) {
    println!("pilotlight {}", report.version);
    for fact in report.machine.iter().chain(&report.model) {
        println!("  {:<28} {}", fact.name, fact.found);
    }
    for check in &report.checks {
        println!("{} {:<28} {}", if check.ok { "✓" } else { "✗" }, check.name, check.found);
    }
    if let Some(error) = &report.error {
        println!("✗ {error}");
    }
    if let Some(advice) = &report.advice {
        println!("· {advice}");
    }
    println!("{}", if report.healthy { "All is well." } else { "Something is wrong: see the lines marked ✗." });
}

fn machine(config: Option<PathBuf>) -> Vec<Found> {
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let memory = advice::memory().map_or("unknown".to_owned(), |(total, available)| {
        format!("{:.1} GiB, {:.1} GiB available", gib(total), gib(available))
    });
    let cores = std::thread::available_parallelism().map_or("unknown".to_owned(), |n| n.to_string());
    let settings = config.or_else(user_file).map_or("no home folder".to_owned(), |path| {
        format!("{}{}", path.display(), if path.exists() { "" } else { " (not there: defaults)" })
    });
    vec![
        Found { name: "processor", found: format!("{cores} threads, {}", features().join(" ")) },
        Found { name: "memory", found: memory },
        Found { name: "GPU", found: pilotlight_engine::backend::gpu() },
        Found { name: "settings", found: settings },
    ]
}

fn model_facts(info: &ModelInfo) -> Vec<Found> {
    // Of a server's model its weights are not known.
    if info.parameters == 0 {
        return vec![
            Found { name: "model", found: info.name.clone() },
            Found { name: "context", found: format!("{} tokens", info.context_length) },
            Found { name: "computed by", found: info.backend.clone() },
        ];
    }
    let size =
        format!("{:.1} M weights, {:.1} MiB", info.parameters as f64 / 1e6, info.bytes as f64 / f64::from(1 << 20));
    vec![
        Found { name: "model", found: format!("{} ({}), {size}", info.name, info.architecture) },
        Found { name: "context", found: format!("{} tokens", info.context_length) },
        Found { name: "computed by", found: info.backend.clone() },
        Found { name: "licence", found: info.licence.clone().unwrap_or_else(|| "the file names none".to_owned()) },
    ]
}

/// Instruction sets that the kernels can use.
#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    let mut found = vec!["x86-64"];
    macro_rules! look {
        ($($feature:tt),*) => { $(if std::is_x86_feature_detected!($feature) { found.push($feature) })* };
    }
    look!("avx2", "fma", "avxvnni", "avx512f", "avx512bw", "avx512vnni", "avx512bf16");
    found
}

/// Instruction sets that the kernels can use.
#[cfg(target_arch = "aarch64")]
fn features() -> Vec<&'static str> {
    let mut found = vec!["aarch64"];
    macro_rules! look {
        ($($feature:tt),*) => { $(if std::arch::is_aarch64_feature_detected!($feature) { found.push($feature) })* };
    }
    look!("neon", "dotprod", "i8mm");
    found
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<&'static str> {
    vec![std::env::consts::ARCH]
}
