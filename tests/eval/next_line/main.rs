//! The next line, measured with a model: how often it is written exactly, with the file alone and with the rest of the package within the same budget, beside two baselines that need no model.
//!
//! `tests/eval/next_line/run` makes `tests/eval/results/ember.json`.
#![allow(clippy::unwrap_used)]

mod baselines;
#[path = "../../replay/dice.rs"]
#[allow(dead_code)]
mod dice;
#[path = "../../replay/encoder.rs"]
#[allow(dead_code)]
mod encoder;
mod holes;
#[path = "../context/package.rs"]
#[allow(dead_code)]
mod package;
mod score;
mod writer;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use pilotlight_context::{Surroundings, recall::Recall};
use serde_json::{Value, json};

use crate::{
    baselines::Baselines,
    package::Package,
    score::{Line, Score, share},
    writer::Writer,
};

/// Tokens of a prompt, markers aside: what ember was trained with.
const BUDGET: usize = 960;
/// Of them, where the rest of the package is shown, for it.
const REPOSITORY: usize = 320;

#[derive(Parser)]
struct Cli {
    /// Folders, each one package
    packages: Vec<PathBuf>,
    /// Lines of each language
    #[arg(long, default_value_t = 60)]
    lines: usize,
    /// A model's file or folder; ember by default
    #[arg(long)]
    model: Option<PathBuf>,
    /// Another form of the same model, such as the weights before they were quantised: measured on the same lines
    #[arg(long)]
    beside: Option<PathBuf>,
    /// Print what was written where it was wrong
    #[arg(long)]
    show: bool,
    /// Write the table into this file
    #[arg(long)]
    into: Option<PathBuf>,
    /// Hold the table against this file's instead, of which the overall figures may differ by so much as other processors round
    #[arg(long, conflicts_with = "into")]
    against: Option<PathBuf>,
}

/// Characters of the lines that stand there when they are completed once more.
const TYPED: usize = 4;

/// Everything that was measured of some lines.
#[derive(Default)]
struct Scores {
    full: Score,
    file_only: Score,
    recalling: Score,
    recalling_file_only: Score,
    recalled: Score,
    beside: Option<Score>,
    similar_line: Score,
    n_gram: Score,
}

impl Scores {
    fn add(&mut self, other: &Self) {
        self.full.add(&other.full);
        self.file_only.add(&other.file_only);
        self.recalling.add(&other.recalling);
        self.recalling_file_only.add(&other.recalling_file_only);
        self.recalled.add(&other.recalled);
        if let Some(beside) = &other.beside {
            self.beside.get_or_insert_default().add(beside);
        }
        self.similar_line.add(&other.similar_line);
        self.n_gram.add(&other.n_gram);
    }

    fn table(&self) -> Value {
        let mut table = json!({
            "holes": self.full.lines(),
            "next_line_exact": self.full.exact(),
            "next_line_exact_file_only": self.file_only.exact(),
            "edit_similarity": self.full.similarity(),
            "edit_similarity_file_only": self.file_only.similarity(),
            "valid": self.full.valid(),
            "ended_the_line": self.full.ended(),
            "tokens_of_a_line": self.full.tokens(),
            "with_recall": {
                "next_line_exact": self.recalling.exact(),
                "next_line_exact_file_only": self.recalling_file_only.exact(),
                "edit_similarity": self.recalling.similarity(),
                "recalled": share(self.recalled.lines() as f64, self.full.lines()),
                "recalled_exact": self.recalled.exact(),
            },
            "baselines": {
                "similar_line": { "exact": self.similar_line.exact(), "edit_similarity": self.similar_line.similarity() },
                "n_gram": { "exact": self.n_gram.exact(), "edit_similarity": self.n_gram.similarity() },
            },
        });
        if let Some(beside) = &self.beside {
            table["unquantised"] = json!({ "next_line_exact": beside.exact(), "edit_similarity": beside.similarity() });
        }
        table
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    ensure!(!cli.packages.is_empty(), "no package was given: tests/eval/next_line/run has the list");
    let writer = Writer::load(cli.model.as_deref())?;
    let beside = cli.beside.as_deref().map(|path| Writer::load(Some(path))).transpose()?;
    let mut packages: Vec<Package> = cli.packages.iter().map(|folder| Package::read(folder)).collect();
    let languages = measured(&cli, 0, &mut packages, &writer, beside.as_ref());
    let begun = measured(&cli, TYPED, &mut packages, &writer, None);
    let overall = |languages: &BTreeMap<&'static str, Scores>| {
        let mut overall = Scores::default();
        languages.values().for_each(|scores| overall.add(scores));
        overall.table()
    };
    let mut table = json!({
        "model": writer.name, "tokens": { "budget": BUDGET, "of_the_rest_of_the_package": REPOSITORY },
        "packages": packages.iter().map(|package| package.name.as_str()).collect::<Vec<_>>(),
        "overall": overall(&languages), "after_characters": { "typed": TYPED, "overall": overall(&begun) },
    });
    for (language, scores) in &languages {
        table[*language] = scores.table();
    }
    println!("{table:#}");
    if let Some(path) = cli.into {
        std::fs::write(&path, format!("{table:#}\n"))?;
    }
    if let Some(path) = cli.against {
        let known: Value = serde_json::from_str(&std::fs::read_to_string(&path)?).context("the committed table")?;
        score::same(&table["overall"], &known["overall"])?;
        score::same(&table["after_characters"]["overall"], &known["after_characters"]["overall"])?;
    }
    Ok(())
}

/// Hides lines of each language but for their first `typed` characters, and scores what is written there.
fn measured(
    cli: &Cli,
    typed: usize,
    packages: &mut [Package],
    writer: &Writer,
    beside: Option<&Writer>,
) -> BTreeMap<&'static str, Scores> {
    let mut languages: BTreeMap<&'static str, Scores> = BTreeMap::new();
    for (language, at, lines) in holes::drawn(packages, cli.lines) {
        let package = &mut packages[at];
        let baselines = Baselines::of(package, &writer.encoder);
        for (file, line) in lines {
            let truth: String = package.texts[&file].lines().nth(line).unwrap().trim().chars().skip(typed).collect();
            let mut scores = Scores::default();
            package.hiding(file, line, typed, &[], |package, hidden| {
                let score = |line: Line| Score::of(hidden, &truth, line);
                let (full, file_only) =
                    (writer.write(package, hidden, BUDGET, REPOSITORY), writer.write(package, hidden, BUDGET, 0));
                if cli.show && full.text.trim_end() != truth {
                    println!("{language} {}:{}\n  expected {truth}\n  found    {}", hidden.path, line + 1, full.text);
                }
                let recall = |around: Option<&Surroundings<'_>>| {
                    Recall::at(&hidden.snapshot, hidden.cursor, &hidden.path, around, &Recall::default())
                };
                let (everywhere, here) = (recall(Some(&package.around(hidden))), recall(None));
                let recalled = writer::recalled(&everywhere, hidden, &file_only);
                scores = Scores {
                    recalling: score(recalled.clone().unwrap_or_else(|| file_only.clone())),
                    recalling_file_only: score(
                        writer::recalled(&here, hidden, &file_only).unwrap_or_else(|| file_only.clone()),
                    ),
                    recalled: recalled.map(score).unwrap_or_default(),
                    full: score(full),
                    file_only: score(file_only),
                    beside: beside.map(|writer| score(writer.write(package, hidden, BUDGET, REPOSITORY))),
                    similar_line: score(baselines.similar_line(hidden)),
                    n_gram: score(baselines.n_gram(hidden, &writer.encoder)),
                };
            });
            languages.entry(language).or_default().add(&scores);
        }
        eprintln!("{language}, {}: {}", package.name, languages[language].table());
    }
    languages
}
