//! The command line.

use std::{io::Write as _, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// A language server that keeps a code model lit: ghost text in your editor from a model that runs on this machine.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "\
Start with `pilotlight try`: it types into a real file and shows what an editor would show, with no download and no GPU.
Then point your editor at `pilotlight lsp` (see editors/ for Neovim, VS Code, Zed and Helix), and ask `pilotlight doctor` when something seems wrong.

The log goes to standard error; PILOTLIGHT_LOG sets what it tells (error, warn, info, debug, or tracing's filter syntax)."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes that looks at the settings.
#[derive(Args, Debug)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Global {
    /// The model: `ember` (built in), a name of `pilotlight models`, a `.gguf` file, or a folder with config.json, tokenizer.json and *.safetensors
    #[arg(long, global = true, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Settings to read in place of the user's config.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Threads that compute (by default: one a physical core)
    #[arg(long, global = true, value_name = "N")]
    pub(crate) threads: Option<usize>,
    /// One setting, over all other places where it is set: `--set completion.max-tokens=32`
    #[arg(long, global = true, value_name = "SECTION.NAME=VALUE")]
    pub(crate) set: Vec<String>,
}

impl Global {
    pub(crate) fn says_nothing(&self) -> bool {
        self.model.is_none() && self.config.is_none() && self.threads.is_none() && self.set.is_empty()
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the main job: type into a real file and see the ghost text, with its costs
    Try(Try),
    /// Serve an editor over standard input and output (this is what editors start), through the resident daemon
    Lsp(Lsp),
    /// Be the resident daemon: `lsp` starts it where there is none
    Daemon(Daemon),
    /// Say which daemons run, for whom, and what they hold; the exit status is 1 if there is none
    Status(Status),
    /// End the resident daemons in good order. An editor that is still open starts another with its next request
    Stop,
    /// Complete at one place and print the text
    Complete(Complete),
    /// Say what was found (CPU, memory, GPU, model) and whether all is well; the exit status says it too
    Doctor(Doctor),
    /// Say why the suggestion at one place is what it is: what the model was shown, and what was left out
    Explain(Explain),
    /// Change a definition and all its uses, carry a change that was made by hand to them, or have the model write. Prints a diff
    Refactor(Refactor),
    /// Mend what a compiler says is wrong, by a model that does what it is told. Prints a diff
    Fix(Fix),
    /// Index a workspace: what completions know of its other files. Shows what was found and left out
    Index(Index),
    /// Code models by name: list, pull, verify, remove
    Models(Models),
    /// Serve other tools over HTTP, in the shapes of llama.cpp, OpenAI, Mistral and Ollama
    Serve(Serve),
    /// Measure how fast this machine computes the model, or random weights of a known model's shape
    Bench(Bench),
    /// Print the JSON schema of the settings (config.toml; an editor's initializationOptions take what is not the user's alone)
    Schema(Schema),
}

#[cfg(unix)]
impl Command {
    /// Whether it is a server.
    pub(crate) fn serves(&self) -> bool {
        matches!(self, Self::Lsp(_) | Self::Daemon(_) | Self::Serve(_))
    }
}

#[derive(Args, Debug)]
pub(crate) struct Try {
    /// The file to type into (by default: a source file of Pilotlight itself). It is only read
    pub(crate) file: Option<PathBuf>,
    /// Milliseconds between two keystrokes
    #[arg(long, default_value_t = 120, value_name = "MS")]
    pub(crate) pace: u64,
    /// The most keystrokes to type
    #[arg(long, default_value_t = 240, value_name = "N")]
    pub(crate) keystrokes: usize,
    /// Print one JSON document and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Lsp {
    /// Speak over standard input and output (the only way so far, and so the default)
    #[arg(long, default_value_t = true)]
    pub(crate) stdio: bool,
    /// Keep everything, the model included, in this one process: no daemon is used or started
    #[arg(long)]
    pub(crate) standalone: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Daemon {
    /// Read the settings, as JSON, from standard input
    #[arg(long, hide = true)]
    pub(crate) handed: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Status {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Schema {
    /// Print the manual page of all settings in its place
    #[arg(long)]
    pub(crate) page: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Complete {
    /// Where: FILE:LINE:COLUMN, both counted from 1, the column in characters
    #[arg(value_name = "FILE:LINE:COL")]
    pub(crate) place: String,
    /// Print the completion with its explanation as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// Where: FILE:LINE:COLUMN, both counted from 1, the column in characters
    #[arg(value_name = "FILE:LINE:COL")]
    pub(crate) place: String,
    /// The workspace's folder (by default: the repository that the file is in)
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// Tokens for other files, in place of the setting completion.repository-tokens
    #[arg(long, value_name = "N")]
    pub(crate) repository_tokens: Option<usize>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to do, and what to do with the result.
#[derive(Args, Debug)]
#[command(after_help = "\
  pilotlight refactor rename src/geo.rs:12:8 area            a diff of what changes, in all files
  pilotlight refactor propagate src/geo.rs                   what you changed in it since the last commit, carried to its uses
  pilotlight refactor propagate --before old.rs src/geo.rs   the same, against another file
  pilotlight refactor propagate src/geo.rs --write           made, in all files or in none
  pilotlight refactor list src/geo.rs:12:8                   what the model can do there
  pilotlight refactor do write-body src/geo.rs:12:8          and that, done

For rename and propagate no model is asked. What is certain is in the diff; what is not (in strings and comments, on things of unknown type) is told on standard error with its reason, and taken with --all.
The exit status is 0 if there is something to change, 1 if there is nothing, and 2 for an error.")]
pub(crate) struct Refactor {
    #[command(subcommand)]
    pub(crate) what: RefactorKind,
    /// Write the files: all of them, or none where one has changed meanwhile
    #[arg(long, global = true)]
    pub(crate) write: bool,
    /// Take what is not certain too
    #[arg(long, global = true)]
    pub(crate) all: bool,
    /// Print one JSON document
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// The workspace's folder (by default: the repository that the file is in)
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RefactorKind {
    /// Give the definition at one place another name, there and wherever it is used
    Rename {
        /// Where its name stands: FILE:LINE:COLUMN, both counted from 1, the column in characters
        #[arg(value_name = "FILE:LINE:COL")]
        place: String,
        /// The new name
        name: String,
    },
    /// List what the model can do at a place, by its name
    List {
        /// Where: FILE:LINE:COLUMN, both counted from 1, the column in characters
        #[arg(value_name = "FILE:LINE:COL")]
        place: String,
        /// The end of the selection that begins there
        #[arg(long, value_name = "LINE:COL")]
        to: Option<String>,
    },
    /// Have the model do one of these
    Do {
        /// Its name in the list
        action: String,
        /// Where: FILE:LINE:COLUMN, both counted from 1, the column in characters
        #[arg(value_name = "FILE:LINE:COL")]
        place: String,
        /// The end of the selection that begins there
        #[arg(long, value_name = "LINE:COL")]
        to: Option<String>,
        /// What is wanted, for `rewrite`
        #[arg(long, value_name = "TEXT")]
        instruction: Option<String>,
    },
    /// Carry what was changed by hand in a file (names, parameters) to the uses of what is defined there
    Propagate {
        /// The file, as it is now
        file: PathBuf,
        /// What it was changed from: the file of this git revision
        #[arg(long, value_name = "REVISION", default_value = "HEAD", conflicts_with = "before")]
        since: String,
        /// What it was changed from: this file
        #[arg(long, value_name = "FILE")]
        before: Option<PathBuf>,
    },
}

/// What is wrong, and what to do with the result.
#[derive(Args, Debug)]
#[command(after_help = "\
  pilotlight fix src/geo.rs:12:8 --message 'mismatched types'    a diff that mends it
  cargo check --message-format=json | pilotlight fix             what cargo says, file by file
  pyright --outputjson | pilotlight fix --write                  made, in all files or in none

It wants a model that chats: one with a chat template, or a server (engine.remote). What it writes is dropped, and told, where it would be a syntax error.
The exit status is 0 if there is something to change, 1 if there is nothing, and 2 for an error.")]
pub(crate) struct Fix {
    /// Where it is wrong: FILE:LINE:COLUMN, both counted from 1, the column in characters. Without it diagnostics are read from standard input, as JSON: cargo's or rustc's messages, pyright's,
    /// eslint's, or a list of {path, line, column, message}
    #[arg(value_name = "FILE:LINE:COL")]
    pub(crate) place: Option<String>,
    /// What is wrong there
    #[arg(long, requires = "place", value_name = "TEXT")]
    pub(crate) message: Option<String>,
    /// Write the files: all of them, or none where one has changed meanwhile
    #[arg(long)]
    pub(crate) write: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
    /// The workspace's folder (by default: the repository that the first file is in)
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Index {
    /// The workspace's folder (by default: this one)
    pub(crate) folder: Option<PathBuf>,
    /// Read every file anew, whatever the cache has
    #[arg(long)]
    pub(crate) anew: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Models {
    #[command(subcommand)]
    pub(crate) what: Option<ModelsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Those that are known, and which are here
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// What one is, wants, and what its licence asks
    Show {
        /// A name of the list
        name: String,
    },
    /// Fetch one from the Hugging Face hub (or HF_ENDPOINT); what an earlier try has left is gone on with
    Pull {
        /// A name of the list
        name: String,
    },
    /// Read all files of one again, and compare them with what was pulled
    Verify {
        /// A name of the list
        name: String,
    },
    /// Delete one
    Remove {
        /// A name of the list
        name: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Where to listen (by default: what `http.listen` says, or 127.0.0.1:8012)
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// A file of tokens: `TOKEN` or `USER TOKEN` a line, with the user's quota behind it (`requests-per-minute=N`, `tokens-per-minute=N`). Who sends none of them is
    /// refused. Needed to listen beyond this machine
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Bench {
    /// A shape (ember, qwen2.5-coder-1.5b, devstral-small-2, …; a wrong name lists all) in place of the model: nothing is downloaded
    #[arg(long, value_name = "SHAPE")]
    pub(crate) random_weights: Option<String>,
    /// How the random weights are stored: f32, f16, bf16, fp8, q8_0, q4_0, q4_k, q4_k_m, q5_k, q6_k
    #[arg(long, default_value = "q8_0", value_name = "DTYPE")]
    pub(crate) dtype: String,
    /// Tokens of the prefills, with commas
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,16,64,512", value_name = "N,…")]
    pub(crate) prefill: Vec<usize>,
    /// Tokens in the cache before a decoded token and before a keystroke, with commas
    #[arg(long, value_delimiter = ',', default_value = "0,2048,8192", value_name = "N,…")]
    pub(crate) depth: Vec<usize>,
    /// Milliseconds for each figure, at least three runs
    #[arg(long, default_value_t = 1500, value_name = "MS")]
    pub(crate) milliseconds: u64,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

impl Cli {
    /// Sends the log to standard error: standard output belongs to the protocol or the answer.
    pub(crate) fn start_log(&self) {
        let level = match self.command {
            Command::Lsp(_) | Command::Daemon(_) | Command::Serve(_) => "info",
            // What goes wrong is printed anyway; PILOTLIGHT_LOG brings the rest.
            _ => "off",
        };
        let wanted = std::env::var("PILOTLIGHT_LOG").ok().filter(|it| !it.trim().is_empty());
        let filter = wanted.as_deref().map_or_else(|| Ok(EnvFilter::new(level)), EnvFilter::try_new);
        let filter = filter.unwrap_or_else(|error| {
            let found = wanted.unwrap_or_default();
            let _ = writeln!(std::io::stderr(), "PILOTLIGHT_LOG: expected error, warn, info, debug or a filter such as `pilotlight=debug`, found `{found}` ({error}); `{level}` is used");
            EnvFilter::new(level)
        });
        // What cannot be written (a full disk) is lost, here as above: to say so on standard error, which is the same file, would be a panic.
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .log_internal_errors(false)
            .init();
    }
}
