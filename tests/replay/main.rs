//! Real typing, replayed: the same keys through Pilotlight's LSP server and through llama.vim's algorithm against llama-server (README.md beside this file).

mod arguments;
mod baseline;
mod dice;
mod driver;
mod editor;
mod encoder;
mod exact;
mod server;
mod source;
mod table;
mod trace;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pilotlight_assist::options::Options;
use pilotlight_engine::EngineOptions;

use arguments::{CI, Cli, Command, CompareArguments, Play, RunArguments, Set, list};
use baseline::{Format, LlamaServer, LlamaVim};
use server::{Pace, Server};
use table::{Comparison, Counters, Results, Run, Setting};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Run(arguments) => {
            let run = run(&arguments).await?;
            fs::write(&arguments.out, serde_json::to_vec(&run)?)
                .with_context(|| arguments.out.display().to_string())?;
            print!("{}", Comparison::of(&run, None).table());
        }
        Command::Compare(arguments) => compare(&arguments).await?,
        Command::Check { set, record } => return check(&set, record).await,
        Command::Exact { set, play, model, every } => return exact(&set, &play, &model, every).await,
        Command::Approximate { set, play, model, record } => approximate(&set, &play, &model, record).await?,
        Command::Table { ours, baseline, shape } => tabulate(&ours, baseline.as_deref(), &shape)?,
        Command::Count { set } => count(&set)?,
        Command::Pin { set } => {
            let sources = source::discover(&set.sources)?;
            fs::write(list(), serde_json::to_string_pretty(&sources)? + "\n")?;
            println!("{} files", sources.len());
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run(arguments: &RunArguments) -> Result<Run> {
    let RunArguments { set, play, model, human_pace, look_ahead, recall, .. } = arguments;
    let sessions = set.sessions()?;
    let pace = if *human_pace { Pace::Human } else { Pace::Answers };
    let mut server = pilotlight(model, play.threads, (*look_ahead, *recall), pace).await?;
    let info = server.model().await?;
    let setting = Setting {
        model: info.name,
        backend: info.backend,
        human_pace: *human_pace,
        look_ahead: *look_ahead,
        recall: *recall,
        ..setting("pilotlight", set, play, model)?
    };
    let records = driver::play(&mut server, &sessions, play.extent(), &bar(play.keys)).await?;
    Ok(Run { setting, records })
}

async fn compare(arguments: &CompareArguments) -> Result<()> {
    let CompareArguments { set, play, model, format, llama_server, recall, out } = arguments;
    let path = model.to_str().context("the model's path is not UTF-8")?;
    let sessions = set.sessions()?;
    let mut ours = pilotlight(path, play.threads, (false, *recall), Pace::Answers).await?;
    let llama = LlamaServer::start(llama_server, model, *format, play.threads, &out.with_extension("log")).await?;
    let mut theirs = LlamaVim::new(llama);
    let info = ours.model().await?;
    let name = info.name;
    let asked = match format {
        Format::Infill => "llama.vim's algorithm, llama-server's /infill",
        Format::Ember => "llama.vim's algorithm, llama-server's /completion in ember's format",
    };
    let mut runs = [
        Run {
            setting: Setting {
                model: name.clone(),
                backend: info.backend,
                recall: *recall,
                ..setting("pilotlight", set, play, path)?
            },
            records: Vec::new(),
        },
        Run {
            setting: Setting { model: name, look_ahead: true, ..setting(asked, set, play, path)? },
            records: Vec::new(),
        },
    ];
    let progress = bar(2 * play.keys);
    for (index, session) in sessions.iter().enumerate() {
        let most = play.extent().next(runs[0].records.len());
        runs[0].records.extend(driver::play_session(&mut ours, index, session, most, &progress).await?);
        let most = play.extent().next(runs[1].records.len());
        runs[1].records.extend(driver::play_session(&mut theirs, index, session, most, &progress).await?);
        runs[1].setting.background_tokens = theirs.background;
        for (run, extension) in runs.iter().zip(["ours.json", "baseline.json"]) {
            fs::write(out.with_extension(extension), serde_json::to_vec(run)?)?;
        }
    }
    print!("{}", Comparison::of(&runs[0], Some(&runs[1])).table());
    Ok(())
}

/// What all runs have in common.
fn setting(peer: &str, set: &Set, play: &Play, model: &str) -> Result<Setting> {
    Ok(Setting {
        peer: peer.to_owned(),
        model: model.to_owned(),
        model_sha256: model_hash(model)?,
        backend: "llama.cpp".to_owned(),
        threads: play.threads,
        seed: set.seed,
        per_session: play.per_session,
        human_pace: false,
        look_ahead: false,
        recall: false,
        background_tokens: 0,
    })
}

/// The server that is measured. Looking ahead depends on the clock, and so does what recall knows of the other document: both are off where counters are to repeat.
async fn pilotlight(model: &str, threads: usize, (look_ahead, recall): (bool, bool), pace: Pace) -> Result<Server> {
    let engine = EngineOptions { model: model.to_owned(), threads, ..EngineOptions::default() };
    let mut options = Options::default();
    options.completion.look_ahead = look_ahead;
    options.completion.look_ahead_always = true;
    options.completion.recall = Some(recall);
    Server::start(engine, options, pace).await
}

async fn check(set: &Set, record: bool) -> Result<ExitCode> {
    let arguments = RunArguments {
        set: Set { sources: set.sources.clone(), seed: set.seed },
        play: Play { keys: CI.keys, per_session: CI.per_session, threads: 2 },
        model: "ember".to_owned(),
        human_pace: false,
        look_ahead: false,
        recall: false,
        out: PathBuf::new(),
    };
    let run = run(&arguments).await?;
    let found = Counters::of(&run);
    print!("{}", Comparison::of(&run, None).table());
    let mut results = match Results::read()? {
        Some(results) => results,
        None if record => {
            Results { ember: Comparison::of(&run, None), qwen_0_5b_shape: None, ci: None, approximate: None }
        }
        None => bail!("there is no results.json: tests/replay/run check --record"),
    };
    if record {
        results.ci = Some(found);
        results.write()?;
        return Ok(ExitCode::SUCCESS);
    }
    let committed =
        results.ci.context("results.json has no counters of CI's sample: tests/replay/run check --record")?;
    let differences = found.differences(&committed);
    for difference in &differences {
        println!("{difference}");
    }
    let failed = usize::from(!differences.is_empty());
    println!("{} passed, {failed} failed", 1 - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn exact(set: &Set, play: &Play, model: &str, every: usize) -> Result<ExitCode> {
    let (server, options, context) = under_test(play, model).await?;
    let mut twin = exact::Twin::cold(server, options, context, every.max(1)).await?;
    driver::play(&mut twin, &set.sessions()?, play.extent(), &bar(play.keys)).await?;
    println!("{}", serde_json::to_string_pretty(&twin.agreement)?);
    let compared = twin.agreement.compared;
    let failed = if compared == 0 { 1 } else { twin.agreement.disagreements.len() };
    println!("{} passed, {failed} failed", compared - failed.min(compared));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn approximate(set: &Set, play: &Play, model: &str, record: bool) -> Result<()> {
    let (server, options, context) = under_test(play, model).await?;
    let mut twin = exact::Twin::hasty(server, options, context).await?;
    driver::play(&mut twin, &set.sessions()?, play.extent(), &bar(play.keys)).await?;
    let found = twin.approximation();
    println!("{}", serde_json::to_string_pretty(&found)?);
    if record {
        let mut results = Results::read()?.context("there is no results.json to write this into")?;
        results.approximate = Some(found);
        results.write()?;
    }
    Ok(())
}

/// A server for a twin, its engine's options and the tokens of a prompt.
async fn under_test(play: &Play, model: &str) -> Result<(Server, EngineOptions, usize)> {
    let server = pilotlight(model, play.threads, (false, false), Pace::Answers).await?;
    let options = EngineOptions { model: model.to_owned(), threads: play.threads, ..EngineOptions::default() };
    Ok((server, options, Options::default().completion.context_tokens))
}

fn tabulate(ours: &Path, baseline: Option<&Path>, shape: &[PathBuf]) -> Result<()> {
    let read = |path: &Path| -> Result<Run> {
        let text = fs::read(path).with_context(|| path.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| path.display().to_string())
    };
    let compare = |ours: &Path, baseline: Option<&Path>| -> Result<Comparison> {
        Ok(Comparison::of(&read(ours)?, baseline.map(read).transpose()?.as_ref()))
    };
    let before = Results::read()?;
    let ember = compare(ours, baseline)?;
    let measured = shape.first().map(|ours| compare(ours, shape.get(1).map(PathBuf::as_path))).transpose()?;
    let (kept, ci, approximate) =
        before.map_or((None, None, None), |results| (results.qwen_0_5b_shape, results.ci, results.approximate));
    let results = Results { ember, qwen_0_5b_shape: measured.or(kept), ci, approximate };
    print!("{}", results.ember.table());
    if let Some(shape) = &results.qwen_0_5b_shape {
        print!("\n{}", shape.table());
    }
    results.write()
}

fn count(set: &Set) -> Result<()> {
    let sessions = set.sessions()?;
    let mut languages = std::collections::BTreeMap::<String, usize>::new();
    for session in &sessions {
        let opened = |draft: &trace::Draft| editor::Editor::open(draft.opened(), editor::Style::of(draft.extension()));
        let mut editors: Vec<editor::Editor> = session.drafts.iter().map(opened).collect();
        let mut typist = trace::typist::Typist::new(session);
        while let Some(action) = typist.next(&editors, None) {
            editors[action.document].press(&action.key);
            *languages.entry(session.drafts[action.document].extension().to_owned()).or_default() += 1;
        }
        for (editor, draft) in editors.iter().zip(&session.drafts) {
            anyhow::ensure!(editor.text() == draft.finished(), "{} does not end as it was", draft.path);
        }
    }
    println!("{} sessions, {} keys: {languages:?}", sessions.len(), languages.values().sum::<usize>());
    Ok(())
}

fn model_hash(model: &str) -> Result<String> {
    let bytes = match model {
        "ember" => pilotlight_ember::WEIGHTS.to_vec(),
        path => fs::read(path).with_context(|| path.to_owned())?,
    };
    Ok(source::hash(&bytes))
}

fn bar(keys: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos}/{len} keys {wide_bar} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(keys as u64).with_style(style)
}
