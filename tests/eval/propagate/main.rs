//! Definitions of real packages, mutated one at a time, their uses carried, and the language's own checker asked what it thinks. `tests/eval/propagate/run` makes the table.
//!
//! A mutation counts where the checker complains of it before anything is carried (but for added optional parameters, where it must not). After carrying what is certain, a complaint on a line that
//! was edited is a wrong edit, one on a line with an uncertain place (or one told to be left) is neither, and any other is a use that was missed (of a name: where the line has it; a class that inherits
//! what does not agree any more is no use). `settled_unasked` is the share of the lines complained of that a person need not tick; most of `uncertain` are places of the name that mean something else.
#![allow(clippy::unwrap_used)]

mod checker;
#[path = "../../replay/dice.rs"]
#[allow(dead_code)]
mod dice;
mod mutation;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use checker::{Checker, Complaints};
use clap::Parser;
use mutation::{Kind, Mutation};
use pilotlight_assist::{
    Assistant, Left, Options, Which, Workspace,
    syntax::{Change, Document, Language},
};
use pilotlight_engine::EngineError;
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Cli {
    /// The language: rust, python, typescript or go
    language: String,
    /// Folders, each one package; they are changed and put back
    folders: Vec<PathBuf>,
    /// Mutations of each kind and package
    #[arg(long, default_value_t = 3)]
    each: usize,
    /// Definitions tried for each kind and package at most
    #[arg(long, default_value_t = 10)]
    tries: usize,
    /// Where the checkers of npm are (node_modules)
    #[arg(long)]
    node_modules: Option<PathBuf>,
    /// Write the table into this file too
    #[arg(long)]
    into: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Score {
    mutations: usize,
    /// Mutations of which nothing was carried: the change was not seen, or refused.
    unseen: usize,
    edited: usize,
    wrong: usize,
    missed: usize,
    /// Places in code that are for a person to say.
    uncertain: usize,
    /// The same in comments and strings.
    in_text: usize,
    /// Complaints of a changed name on lines that do not have it, and of whole classes.
    elsewhere: usize,
    /// Lines complained of before anything was carried.
    complaints: usize,
    /// Lines complained of that are carried only when a person says so.
    asked: usize,
}

#[tokio::main]
async fn main() {
    let cli = Cli::parse();
    let mut table: BTreeMap<&'static str, Score> = BTreeMap::new();
    let mut notes = Vec::new();
    for folder in &cli.folders {
        let folder = folder.canonicalize().unwrap();
        let checker = Checker::new(&cli.language, &folder, cli.node_modules.as_deref());
        let baseline = match checker.check() {
            Ok(baseline) => baseline,
            Err(error) => {
                eprintln!("{}: left out: {error}", folder.display());
                continue;
            }
        };
        eprintln!("{}: {} complaints to begin with", folder.display(), baseline.len());
        let mut package = Package { folder, checker, baseline };
        for kind in Kind::ALL {
            let score = table.entry(kind.name()).or_default();
            package.measure(&cli, kind, score, &mut notes).await;
        }
    }
    let shown: serde_json::Map<String, serde_json::Value> =
        table.iter().map(|(kind, score)| ((*kind).to_owned(), score.shown())).collect();
    let all = table.values().fold(Score::default(), |all, one| all.plus(one));
    let table = json!({ "kinds": shown, "all": all.shown(), "wrong_or_missed": notes });
    println!("{table:#}");
    if let Some(into) = cli.into {
        let known = fs::read_to_string(&into).ok().and_then(|text| serde_json::from_str(&text).ok());
        let mut tables: serde_json::Map<String, serde_json::Value> = known.unwrap_or_default();
        tables.insert(cli.language, table);
        fs::write(into, format!("{:#}\n", serde_json::Value::from(tables))).unwrap();
    }
}

struct Package {
    folder: PathBuf,
    checker: Checker,
    baseline: Complaints,
}

impl Package {
    async fn measure(&mut self, cli: &Cli, kind: Kind, score: &mut Score, notes: &mut Vec<String>) {
        let name = self.folder.file_name().unwrap().to_string_lossy().into_owned();
        let dice = dice::Dice::new(7).on(&name).on(kind.name());
        let mutations = dice.shuffled(mutation::all(&self.folder, &cli.language, kind));
        let mut done = 0;
        for mutation in mutations.into_iter().take(cli.tries) {
            if done == cli.each {
                break;
            }
            let original = fs::read_to_string(&mutation.path).unwrap();
            fs::write(&mutation.path, &mutation.text).unwrap();
            let before = self.checker.check().map(|now| now.since(&self.baseline));
            let counts = before.as_ref().is_ok_and(|before| {
                !before.iter().any(|at| mutation.holds(&at.path, at.line)) && (before.is_empty() == kind.is_harmless())
            });
            if counts {
                done += 1;
                let lines =
                    |before: Complaints| before.iter().map(|at| (at.path.clone(), at.line)).collect::<BTreeSet<_>>();
                let complaints = before.map_or(0, |before| lines(before).len());
                let one = self.one(&mutation, &original, notes).await;
                *score = score.plus(&Score { complaints, mutations: 1, ..one });
                eprintln!("{name} {} {}: {one:?}", kind.name(), mutation.what);
            }
            fs::write(&mutation.path, &original).unwrap();
        }
    }

    async fn one(&self, mutation: &Mutation, original: &str, notes: &mut Vec<String>) -> Score {
        let nothing = || Err(EngineError::Stopped("no model here".to_owned()));
        let assistant = Assistant::new(Options::default(), "none", nothing);
        assistant.set_workspace(Workspace::new(Options::default(), [self.folder.clone()]));
        let document = Arc::from("home");
        let path = mutation.path.clone();
        assistant.open(Arc::clone(&document), Some(path.clone()), Language::from_path(&path), 0, original);
        let text = mutation.text.clone();
        assistant.change(&document, 1, &[Change { span: None, text }], Default::default()).unwrap();
        let revision = assistant.snapshot(&document).unwrap().revision();
        let changes = assistant.changes_of(&document).unwrap();
        let mut score = Score::default();
        let mut set = pilotlight_assist::ChangeSet::default();
        for change in changes {
            match assistant.propagate(&document, revision, change, CancellationToken::new()).await {
                Ok(offer) => set.merge(offer.set),
                Err(error) => notes.push(format!("{}: {error}", mutation.what)),
            }
        }
        if set.files.is_empty() && set.left.is_empty() && !mutation.kind.is_harmless() {
            score.unseen += 1;
        }
        // Lines after the edits, of which none adds a line break: as before them.
        let (mut edited, mut unsure) = (BTreeSet::new(), BTreeMap::new());
        for file in &set.files {
            let path = file.path.clone().unwrap();
            for edit in &file.edits {
                let lines =
                    file.before.rope().byte_to_line(edit.range.start)..=file.before.rope().byte_to_line(edit.range.end);
                let lines = lines.map(|line| (path.clone(), line + 1));
                match &edit.doubt {
                    None => edited.extend(lines),
                    Some(doubt) => unsure.extend(lines.map(|line| (line, doubt.clone()))),
                }
            }
            let certain = file.edits.iter().filter(|edit| edit.doubt.is_none()).count();
            score.edited += certain;
            let dead = |doubt: &str| ["in a comment", "in a string", "in a comment or a string"].contains(&doubt);
            let in_text = file.edits.iter().filter(|edit| edit.doubt.as_deref().is_some_and(dead)).count();
            score.in_text += in_text;
            score.uncertain += file.edits.len() - certain - in_text;
            fs::write(&path, file.after(Which::Certain)).unwrap();
        }
        score.uncertain += set.left.len();
        for left in &set.left {
            let lines = std::iter::once((left.path.clone(), left.line + 1)).chain(call_lines(left, &mutation.name));
            unsure.extend(lines.map(|line| (line, left.because.clone())));
        }
        let after = self.checker.check().map(|now| now.since(&self.baseline)).unwrap_or_default();
        let mut seen = BTreeSet::new();
        for at in after.iter() {
            let place = (at.path.clone(), at.line);
            if !seen.insert(place.clone()) {
                continue;
            }
            let verdict = if let Some(doubt) = unsure.get(&place) {
                score.asked += 1;
                eprintln!("  asked: {}:{}: {doubt}: {}", at.path.display(), at.line, line_of(&at.path, at.line).trim());
                continue;
            } else if edited.contains(&place) {
                score.wrong += 1;
                "wrong"
            } else if mutation.holds(&at.path, at.line) {
                continue;
            } else if mutation.kind.is_a_name() && !line_of(&at.path, at.line).contains(&mutation.name)
                || line_of(&at.path, at.line).trim_start().starts_with("class ")
            {
                // No use: an interface that is not met any more, say, or a class whose bases do not agree on a method.
                score.elsewhere += 1;
                continue;
            } else {
                score.missed += 1;
                "missed"
            };
            let path = at.path.strip_prefix(&self.folder).unwrap_or(&at.path);
            notes.push(format!("{}: {verdict}: {}:{}: {}", mutation.what, path.display(), at.line, at.message));
        }
        for file in &set.files {
            fs::write(file.path.as_ref().unwrap(), file.before.rope().to_string()).unwrap();
        }
        score
    }
}

impl Score {
    fn plus(&self, other: &Self) -> Self {
        Self {
            mutations: self.mutations + other.mutations,
            unseen: self.unseen + other.unseen,
            edited: self.edited + other.edited,
            wrong: self.wrong + other.wrong,
            missed: self.missed + other.missed,
            uncertain: self.uncertain + other.uncertain,
            in_text: self.in_text + other.in_text,
            elsewhere: self.elsewhere + other.elsewhere,
            complaints: self.complaints + other.complaints,
            asked: self.asked + other.asked,
        }
    }

    fn shown(&self) -> serde_json::Value {
        let right = self.edited.saturating_sub(self.wrong);
        let share = |part: usize, of: usize| (of > 0).then(|| (part as f64 / of as f64 * 1e4).round() / 1e4);
        json!({
            "mutations": self.mutations, "nothing_carried": self.unseen, "lines_complained_of": self.complaints,
            "edited": self.edited, "wrong": self.wrong, "missed": self.missed, "uncertain": self.uncertain, "in_comments_and_strings": self.in_text, "complaints_elsewhere": self.elsewhere,
            "precision": share(right, self.edited), "recall": share(right, right + self.missed),
            "asked": self.asked, "settled_unasked": share(self.complaints.saturating_sub(self.asked + self.missed + self.wrong + self.elsewhere), self.complaints),
        })
    }
}

/// The lines, counted from 1, of the calls whose name stands on a line that is left to a person: a checker may complain of an argument further down.
fn call_lines(left: &Left, name: &str) -> Vec<(PathBuf, usize)> {
    let text = fs::read_to_string(&left.path).unwrap_or_default();
    let snapshot = Document::open(Language::from_path(&left.path), 0, &text).snapshot();
    let line = |at: usize| snapshot.rope().byte_to_line(at);
    let calls = snapshot.sites().calls;
    let here = calls.iter().filter(|call| text[call.name.clone()] == *name && line(call.name.start) == left.line);
    here.flat_map(|call| line(call.list.start)..=line(call.list.end))
        .map(|line| (left.path.clone(), line + 1))
        .collect()
}

/// A line, counted from 1, as the file has it now.
fn line_of(path: &Path, line: usize) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().nth(line - 1).unwrap_or_default().to_owned()
}

/// Every file of a language under a folder.
pub(crate) fn files(folder: &Path, language: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "node_modules" && name != "target" {
                folders.push(path);
            } else if Language::from_path(&path).id() == language {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
