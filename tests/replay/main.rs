//! Real typing, replayed: the same keys through Pilotlight's LSP server and through llama.vim's algorithm against llama-server (README.md beside this file).

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
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use pilotlight_assist::options::Options;
use pilotlight_engine::EngineOptions;

use baseline::{Format, LlamaServer, LlamaVim};
use driver::Extent;
use server::{Pace, Server};
use table::{Comparison, Counters, Results, Run, Setting};
use trace::Session;

/// The keys that CI plays, and of how long a session each.
const CI: Extent = Extent { keys: 3000, per_session: 250 };

#[derive(Debug, Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays keys and writes down what each cost.
    Run(RunArguments),
    /// Plays keys on Pilotlight and on the baseline, session by session in turns, so that both meet the same machine.
    Compare(CompareArguments),
    /// Plays CI's sample and compares its counters with results.json; `--record` writes them there.
    Check {
        #[command(flatten)]
        set: Set,
        #[arg(long)]
        record: bool,
    },
    /// Compares the warm engine's tokens with a cold one's at every so many keys.
    Exact {
        #[command(flatten)]
        set: Set,
        #[command(flatten)]
        play: Play,
        #[arg(long, default_value = "ember")]
        model: String,
        #[arg(long, default_value_t = 10)]
        every: usize,
    },
    /// Measures how often an answer from moved keys (`completion.answer-now`) is another than the exact one; `--record` writes it into results.json.
    Approximate {
        #[command(flatten)]
        set: Set,
        #[command(flatten)]
        play: Play,
        #[arg(long, default_value = "ember")]
        model: String,
        #[arg(long)]
        record: bool,
    },
    /// Puts runs together: results.json, and a table to read.
    Table {
        /// Pilotlight's run on ember, and the baseline's.
        ours: PathBuf,
        baseline: Option<PathBuf>,
        /// Runs on the 0.5B shape.
        #[arg(long, num_args = 1..=2)]
        shape: Vec<PathBuf>,
    },
    /// Counts the keys of the set when nothing is suggested.
    Count {
        #[command(flatten)]
        set: Set,
    },
    /// Writes sources.json anew from what the provisioning script fetched.
    Pin {
        #[command(flatten)]
        set: Set,
    },
}

#[derive(Debug, Args)]
struct Set {
    /// The folder that `tests/replay/provision` prints.
    #[arg(long)]
    sources: PathBuf,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Args)]
struct Play {
    /// Keys in all.
    #[arg(long, default_value_t = CI.keys)]
    keys: usize,
    /// Keys of one session at most.
    #[arg(long, default_value_t = CI.per_session)]
    per_session: usize,
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

#[derive(Debug, Args)]
struct RunArguments {
    #[command(flatten)]
    set: Set,
    #[command(flatten)]
    play: Play,
    /// `ember` or a GGUF file.
    #[arg(long, default_value = "ember")]
    model: String,
    /// Waits between keys as a person does; without it each key follows the answer to the last, so that counters repeat exactly.
    #[arg(long)]
    human_pace: bool,
    /// Lets Pilotlight work ahead while nothing is typed.
    #[arg(long)]
    look_ahead: bool,
    /// Lets it answer with lines from places like the cursor's.
    #[arg(long)]
    recall: bool,
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct CompareArguments {
    #[command(flatten)]
    set: Set,
    #[command(flatten)]
    play: Play,
    /// A GGUF file, for both.
    #[arg(long)]
    model: PathBuf,
    /// How the baseline asks.
    #[arg(long, value_enum)]
    format: Format,
    /// The llama-server to measure against: `tests/bench/llama-cpp` prints its folder.
    #[arg(long)]
    llama_server: PathBuf,
    /// Lets Pilotlight answer with lines from places like the cursor's.
    #[arg(long)]
    recall: bool,
    /// Pilotlight's run goes to OUT.ours.json, the baseline's to OUT.baseline.json, llama-server's log to OUT.log.
    #[arg(long)]
    out: PathBuf,
}

impl Set {
    fn sessions(&self) -> Result<Vec<Session>> {
        let sources = source::pinned(&list())?;
        let files: Vec<(String, String)> = sources
            .iter()
            .map(|source| Ok((source.path.clone(), source.read(&self.sources)?)))
            .collect::<Result<_>>()?;
        Ok(Session::all(&files, self.seed))
    }
}

impl Play {
    fn extent(&self) -> Extent {
        Extent { keys: self.keys, per_session: self.per_session }
    }
}

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
    let mut results = match read_results()? {
        Some(results) => results,
        None if record => {
            Results { ember: Comparison::of(&run, None), qwen_0_5b_shape: None, ci: None, approximate: None }
        }
        None => bail!("there is no results.json: tests/replay/run check --record"),
    };
    if record {
        results.ci = Some(found);
        write_results(&results)?;
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
        let mut results = read_results()?.context("there is no results.json to write this into")?;
        results.approximate = Some(found);
        write_results(&results)?;
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
    let before = read_results()?;
    let ember = compare(ours, baseline)?;
    let measured = shape.first().map(|ours| compare(ours, shape.get(1).map(PathBuf::as_path))).transpose()?;
    let (kept, ci, approximate) =
        before.map_or((None, None, None), |results| (results.qwen_0_5b_shape, results.ci, results.approximate));
    let results = Results { ember, qwen_0_5b_shape: measured.or(kept), ci, approximate };
    print!("{}", results.ember.table());
    if let Some(shape) = &results.qwen_0_5b_shape {
        print!("\n{}", shape.table());
    }
    write_results(&results)
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

fn list() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("replay/sources.json")
}

fn results_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("replay/results.json")
}

fn read_results() -> Result<Option<Results>> {
    let path = results_path();
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).map(Some).with_context(|| path.display().to_string())
}

fn write_results(results: &Results) -> Result<()> {
    let path = results_path();
    fs::write(&path, serde_json::to_string_pretty(results)? + "\n").with_context(|| path.display().to_string())
}

fn bar(keys: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{pos}/{len} keys {wide_bar} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(keys as u64).with_style(style)
}
