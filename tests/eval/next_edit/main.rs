//! Next edits on a git history: each commit that changes a definition's name or parameters is begun as a person would begin it, and what is offered next is held against what they did. `tests/eval/next_edit/run` makes
//! the table.
//!
//! The files that a commit changes are open, as they were before it, in a workspace as it was before it. Of one changed definition the lines with its head are made as the commit has them. Then next edits are
//! asked for: one is right if it makes lines that the commit makes there too; then it is taken, else it is dismissed, until there is none. An edit is a reversal if it makes lines again that the commit took away and had been
//! made; it is a new syntax error if the file's tree has more of them afterwards.
#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use clap::Parser;
use pilotlight_assist::{
    Assistant, DefinitionChange, DocumentId, Options, Workspace,
    syntax::{Change, Document, Language, PositionEncoding},
};
use pilotlight_engine::EngineError;
use serde_json::{Value, json};
use similar::{DiffOp, TextDiff};
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
struct Cli {
    /// A git repository
    repository: PathBuf,
    /// What the table calls it
    #[arg(long)]
    name: String,
    /// The latest commits that are looked at
    #[arg(long, default_value_t = 500)]
    commits: usize,
    /// Files of a commit at most: what changes more is no person's edit
    #[arg(long, default_value_t = 40)]
    files: usize,
    /// Only these commits (how their names begin): for a look at some
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Write the table into this file too
    #[arg(long)]
    into: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct Score {
    commits: usize,
    /// Definitions whose change was begun.
    begun: usize,
    /// Of these, the ones after which something was offered.
    with_offers: usize,
    offered: usize,
    right: usize,
    reversals: usize,
    syntax_errors: usize,
    /// Offers that were not right, for a look.
    wrong: Vec<Value>,
}

/// A file before and after a commit.
struct Changed {
    path: String,
    old: String,
    new: String,
}

#[tokio::main]
async fn main() {
    let cli = Cli::parse();
    let mut score = Score::default();
    let list = git(&cli.repository, &["log", "--no-merges", "--format=%H", &format!("-{}", cli.commits)]);
    let wanted = |commit: &&str| cli.only.is_empty() || cli.only.iter().any(|only| commit.starts_with(only.as_str()));
    for commit in String::from_utf8(list.unwrap()).unwrap().lines().filter(wanted) {
        let files = changed(&cli.repository, commit);
        if files.is_empty() || files.len() > cli.files {
            continue;
        }
        let heads: Vec<(usize, DefinitionChange)> = files
            .iter()
            .enumerate()
            .flat_map(|(at, file)| definitions(file).into_iter().map(move |it| (at, it)))
            .collect();
        if heads.is_empty() {
            continue;
        }
        score.commits += 1;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        export(&cli.repository, &format!("{commit}^"), &root);
        // The workspace is read once; each change is a person's own who has just opened the files.
        let shared = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("none".into())));
        for (at, change) in heads {
            let assistant = shared.for_client(Workspace::new(Options::default(), [root.clone()]));
            replay(&assistant, &root, &files, at, &change, commit, &mut score).await;
            files.iter().for_each(|file| assistant.close(&id(file)).unwrap());
        }
        eprintln!("{commit:.12}: {} begun, {} offered, {} right", score.begun, score.offered, score.right);
    }
    let row = json!({
        "commits_with_changed_definitions": score.commits,
        "changes_begun": score.begun,
        "with_offers": score.with_offers,
        "offered": score.offered,
        "right": score.right,
        "share_right": if score.offered == 0 { Value::Null } else { json!((1000.0 * score.right as f64 / score.offered as f64).round() / 1000.0) },
        "reversals": score.reversals,
        "new_syntax_errors": score.syntax_errors,
        "not_right": score.wrong,
    });
    println!("{row:#}");
    if let Some(into) = &cli.into {
        let known = std::fs::read(into).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let mut table: BTreeMap<String, Value> = known.unwrap_or_default();
        table.insert(cli.name, row);
        std::fs::write(into, serde_json::to_string_pretty(&table).unwrap() + "\n").unwrap();
    }
}

/// Begins one change of a definition, and takes what is offered as far as it is right.
async fn replay(
    assistant: &Assistant,
    root: &Path,
    files: &[Changed],
    at: usize,
    change: &DefinitionChange,
    commit: &str,
    score: &mut Score,
) {
    for file in files {
        let path = root.join(&file.path);
        assistant.open(id(file), Some(path.clone()), Language::from_path(&path), 0, &file.old);
    }
    let home = &files[at];
    // The lines with the definition's head, as the commit has them.
    let head_end = change.parameters.as_ref().map_or(0, |it| it.new.list.end).max(change.name_range.end);
    let line = |at: usize| home.new[..at].matches('\n').count();
    let Some((begun, cursor)) = with_hunks(&home.old, &home.new, line(change.name_range.start)..line(head_end) + 1)
    else {
        return;
    };
    set(assistant, &id(home), begun.clone());
    score.begun += 1;
    let before = score.offered;
    // What the person has taken away: nobody wants it back.
    let gone = lines_of(&home.old, &home.new, Side::Old);
    while let Ok(Some(next)) = assistant.next_edit(&id(home), cursor, CancellationToken::new()).await {
        score.offered += 1;
        let document = next.file.document.clone().unwrap();
        let file = files.iter().find(|file| id(file) == document).unwrap();
        let now = assistant.snapshot(&document).unwrap();
        let text = now.rope().to_string();
        let mut after = text.clone();
        after.replace_range(next.edit.range.clone(), &next.edit.text);
        let made = lines_of(&text, &after, Side::New);
        let wanted = lines_of(&file.old, &file.new, Side::New);
        let right = !made.is_empty() && made.iter().all(|line| wanted.contains(line));
        score.right += usize::from(right);
        let reversal = document == id(home)
            && made.iter().any(|line| gone.contains(line) && !wanted.contains(line))
            && lines_of(&text, &after, Side::Old).iter().any(|line| wanted.contains(line));
        score.reversals += usize::from(reversal);
        let errors = |text: &str| Document::open(now.language(), 0, text).snapshot().syntax_errors(0..text.len());
        score.syntax_errors += usize::from(errors(&after) > errors(&text));
        let line = now.rope().byte_to_line(next.edit.range.start) + 1;
        let place = format!("{:.12} {}:{line}", commit, file.path);
        let verdict = if right { "right" } else { "not right" };
        eprintln!("{place}: {verdict}: {made:?} ({} -> {})", change.old_name, change.new_name);
        if !right && score.wrong.len() < 40 {
            score.wrong.push(
                json!({ "at": place, "made": made, "change": format!("{} -> {}", change.old_name, change.new_name) }),
            );
        }
        if score.offered - before > 200 {
            break;
        }
        if right {
            set(assistant, &document, after);
            assistant.next_edit_taken(next.id);
        } else {
            assistant.next_edit_dismissed(next.id);
        }
    }
    score.with_offers += usize::from(score.offered > before);
}

fn id(file: &Changed) -> DocumentId {
    Arc::from(file.path.as_str())
}

fn set(assistant: &Assistant, document: &DocumentId, text: String) {
    assistant.change(document, 1, &[Change { span: None, text }], PositionEncoding::Utf8).unwrap();
}

/// `old` with those hunks of `new` that touch `lines` of it, and the byte at which they end; `None` for none.
fn with_hunks(old: &str, new: &str, lines: std::ops::Range<usize>) -> Option<(String, usize)> {
    let diff = TextDiff::from_lines(old, new);
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let (mut text, mut cursor) = (String::new(), None);
    for op in diff.ops() {
        let (of_old, of_new) = (op.old_range(), op.new_range());
        let touches = of_new.start < lines.end && lines.start < of_new.end.max(of_new.start + 1);
        if matches!(op, DiffOp::Equal { .. }) || !touches {
            text.extend(old_lines[of_old].iter().copied());
        } else {
            text.extend(new_lines[of_new].iter().copied());
            cursor = Some(text.len().saturating_sub(1));
        }
    }
    Some((text, cursor?))
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Old,
    New,
}

/// The lines that only one side has, trimmed.
fn lines_of(old: &str, new: &str, side: Side) -> Vec<String> {
    let diff = TextDiff::from_lines(old, new);
    let tag = if side == Side::Old { similar::ChangeTag::Delete } else { similar::ChangeTag::Insert };
    diff.iter_all_changes().filter(|it| it.tag() == tag).map(|it| it.value().trim().to_owned()).collect()
}

/// What of a file's definitions has another name or other parameters.
fn definitions(file: &Changed) -> Vec<DefinitionChange> {
    let assistant = Assistant::new(Options::default(), "none", || Err(EngineError::Stopped("none".into())));
    let id: DocumentId = Arc::from(file.path.as_str());
    assistant.open(id.clone(), None, Language::from_path(Path::new(&file.path)), 0, &file.old);
    set(&assistant, &id, file.new.clone());
    assistant.changes_of(&id).unwrap()
}

/// The files of a language that a commit changes, without those that it makes or takes away.
fn changed(repository: &Path, commit: &str) -> Vec<Changed> {
    let Some(names) = git(repository, &["diff", "--name-only", "--diff-filter=M", &format!("{commit}^"), commit])
    else {
        return Vec::new();
    };
    let names = String::from_utf8_lossy(&names).into_owned();
    let known = names.lines().filter(|name| Language::from_path(Path::new(name)) != Language::Plain);
    let text = |at: &str, name: &str| String::from_utf8(git(repository, &["show", &format!("{at}:{name}")])?).ok();
    known
        .filter_map(|name| {
            let (old, new) = (text(&format!("{commit}^"), name)?, text(commit, name)?);
            Some(Changed { path: name.to_owned(), old, new })
        })
        .collect()
}

/// The tree of a commit, as files.
fn export(repository: &Path, commit: &str, folder: &Path) {
    let archive = folder.join("..").join(format!("{}.tar", folder.file_name().unwrap().to_string_lossy()));
    git(repository, &["archive", "-o", archive.to_str().unwrap(), commit]).unwrap();
    assert!(Command::new("tar").arg("xf").arg(&archive).arg("-C").arg(folder).status().unwrap().success());
    std::fs::remove_file(archive).unwrap();
}

fn git(repository: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("git").arg("-C").arg(repository).args(arguments).output().unwrap();
    output.status.success().then_some(output.stdout)
}
