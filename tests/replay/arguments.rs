//! What can be asked of the replay, and of which sessions.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::{baseline::Format, driver::Extent, source, trace::Session};

/// The keys that CI plays, and of how long a session each.
pub(crate) const CI: Extent = Extent { keys: 3000, per_session: 250 };

#[derive(Debug, Parser)]
#[command(about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
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
pub(crate) struct Set {
    /// The folder that `tests/replay/provision` prints.
    #[arg(long)]
    pub(crate) sources: PathBuf,
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Play {
    /// Keys in all.
    #[arg(long, default_value_t = CI.keys)]
    pub(crate) keys: usize,
    /// Keys of one session at most.
    #[arg(long, default_value_t = CI.per_session)]
    pub(crate) per_session: usize,
    #[arg(long, default_value_t = 2)]
    pub(crate) threads: usize,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) set: Set,
    #[command(flatten)]
    pub(crate) play: Play,
    /// `ember` or a GGUF file.
    #[arg(long, default_value = "ember")]
    pub(crate) model: String,
    /// Waits between keys as a person does; without it each key follows the answer to the last, so that counters repeat exactly.
    #[arg(long)]
    pub(crate) human_pace: bool,
    /// Lets Pilotlight work ahead while nothing is typed.
    #[arg(long)]
    pub(crate) look_ahead: bool,
    /// Lets it answer with lines from places like the cursor's.
    #[arg(long)]
    pub(crate) recall: bool,
    #[arg(long)]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArguments {
    #[command(flatten)]
    pub(crate) set: Set,
    #[command(flatten)]
    pub(crate) play: Play,
    /// A GGUF file, for both.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// How the baseline asks.
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// The llama-server to measure against: `tests/bench/llama-cpp` prints its folder.
    #[arg(long)]
    pub(crate) llama_server: PathBuf,
    /// Lets Pilotlight answer with lines from places like the cursor's.
    #[arg(long)]
    pub(crate) recall: bool,
    /// Pilotlight's run goes to OUT.ours.json, the baseline's to OUT.baseline.json, llama-server's log to OUT.log.
    #[arg(long)]
    pub(crate) out: PathBuf,
}

impl Set {
    pub(crate) fn sessions(&self) -> Result<Vec<Session>> {
        let sources = source::pinned(&list())?;
        let files: Vec<(String, String)> = sources
            .iter()
            .map(|source| Ok((source.path.clone(), source.read(&self.sources)?)))
            .collect::<Result<_>>()?;
        Ok(Session::all(&files, self.seed))
    }
}

impl Play {
    pub(crate) fn extent(&self) -> Extent {
        Extent { keys: self.keys, per_session: self.per_session }
    }
}

/// The files of the set.
pub(crate) fn list() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("replay/sources.json")
}
