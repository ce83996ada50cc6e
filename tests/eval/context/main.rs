//! What the model is shown, measured without a model: `recall` (does the context hold the names that a hidden line needs?) and `scale` (time and memory at 1,000 to 100,000 files).
//!
//! `tests/eval/context/run` makes both tables: `tests/eval/results/context.json`.
#![allow(clippy::unwrap_used)]

#[path = "../../replay/dice.rs"]
#[allow(dead_code)]
mod dice;
mod methods;
mod package;
mod recall;
#[path = "../../replay/baseline/ring.rs"]
#[allow(dead_code)]
mod ring;
mod scale;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Recall of the names that hidden lines need, by method and budget
    Recall {
        /// Folders, each one package
        folders: Vec<PathBuf>,
        /// Lines of each package
        #[arg(long, default_value_t = 60)]
        lines: usize,
        /// Write the table into this file too
        #[arg(long)]
        into: Option<PathBuf>,
    },
    /// Index and plan in made-up workspaces of so many files
    Scale {
        /// Files
        #[arg(default_values_t = [1_000, 10_000, 100_000])]
        files: Vec<usize>,
        /// Write the table into this file too
        #[arg(long)]
        into: Option<PathBuf>,
        /// One size, in this process (memory is measured by process)
        #[arg(long, hide = true)]
        one: bool,
    },
}

fn main() {
    match Cli::parse().command {
        Command::Recall { folders, lines, into } => write(into, "recall", recall::run(&folders, lines)),
        Command::Scale { files, into, one: false } => write(into, "scale", scale::run(&files)),
        Command::Scale { files, .. } => println!("{}", scale::one(files[0])),
    }
}

/// Prints a table, and puts it under `name` into a file of tables.
fn write(into: Option<PathBuf>, name: &str, table: serde_json::Value) {
    println!("{table:#}");
    let Some(path) = into else { return };
    let known = std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
    let mut all: serde_json::Map<String, serde_json::Value> = known.unwrap_or_default();
    match table {
        serde_json::Value::Object(parts) if name == "recall" => all.extend(parts),
        table => _ = all.insert(name.to_owned(), table),
    }
    std::fs::write(&path, format!("{:#}\n", serde_json::Value::from(all))).unwrap();
}
