//! Time and memory of the index and of plans in workspaces of made-up files that look like a project: modules that import and call each other.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, RwLock, atomic::AtomicBool},
    time::Instant,
};

use pilotlight_assist::syntax::{
    Document, Language,
    index::{FileId, Index, Limits, scan},
};
use pilotlight_context::{
    Budget, Input, Repository, Surroundings, Texts, TokenCounter, family::ember, plan_with, recall::Recall,
};
use serde_json::{Value, json};

use crate::dice::Dice;

/// Plans that are timed.
const PLANS: usize = 400;
/// Saved files that are timed.
const SAVES: usize = 60;
/// Words that names are made of.
const WORDS: [&str; 24] = [
    "order", "price", "index", "cache", "token", "buffer", "stream", "client", "server", "parse", "query", "window",
    "cursor", "frame", "packet", "route", "event", "state", "budget", "layout", "queue", "worker", "report", "schema",
];

/// One row a size, each in a process of its own.
pub(crate) fn run(sizes: &[usize]) -> Value {
    let rows = sizes.iter().map(|size| {
        let me = std::env::current_exe().unwrap();
        let output = Command::new(me).args(["scale", "--one", &size.to_string()]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let row: Value = serde_json::from_slice(&output.stdout).unwrap();
        eprintln!("{row}");
        row
    });
    rows.collect()
}

struct Quarters;

impl TokenCounter for Quarters {
    fn count(&self, text: &str) -> usize {
        text.len().div_ceil(4)
    }
}

/// As `assist` reads them: from the disk, the last ones at hand.
struct Disk<'a> {
    index: &'a Index,
    read: Mutex<HashMap<FileId, Arc<str>>>,
}

impl Texts for Disk<'_> {
    fn text(&self, id: FileId) -> Option<Arc<str>> {
        if let Some(text) = self.read.lock().unwrap().get(&id) {
            return Some(text.clone());
        }
        let file = self.index.file(id)?;
        let text: Arc<str> = fs::read_to_string(self.index.root(file.root)?.join(&*file.path)).ok()?.into();
        let mut read = self.read.lock().unwrap();
        if read.len() > 128 {
            read.clear();
        }
        read.insert(id, text.clone());
        Some(text)
    }
}

/// Makes a workspace, indexes it, plans in it and saves files of it.
pub(crate) fn one(files: usize) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let bytes: usize = (0..files).map(|number| make(folder.path(), files, number)).sum();
    let root = folder.path().canonicalize().unwrap();
    let before = resident("VmRSS:");
    let index = RwLock::new(Index::default());
    let limits = Limits { files: 200_000, threads: 2, ..Limits::default() };
    let report = scan::scan(&root, limits, &index, None, &|_, _| {}, &AtomicBool::new(false));
    let indexed = resident("VmRSS:");
    let cache = root.join("index.bin");
    let started = Instant::now();
    pilotlight_assist::syntax::index::cache::save(&index.read().unwrap(), &root, &cache).unwrap();
    let saved = started.elapsed();
    let dice = Dice::new(files as u64);
    let (mut plans, mut recalls) = (Vec::new(), Vec::new());
    {
        let read = index.read().unwrap();
        let disk = Disk { index: &read, read: Mutex::default() };
        let ids: Vec<FileId> = read.files().map(|(id, _)| id).collect();
        for number in 0..PLANS {
            let id = ids[dice.at(number).below(ids.len())];
            let path = read.file(id).unwrap().path.to_string();
            let text = fs::read_to_string(root.join(&path)).unwrap();
            let snapshot = Document::open(Language::Rust, 0, &text).snapshot();
            let line = snapshot.rope().len_lines() / 2;
            let cursor = snapshot.rope().line_to_byte(line);
            let around =
                Surroundings { index: &read, texts: &disk, file: Some(id), edits: &[], viewed: &[], notes: &[] };
            let repository = Repository { name: "made", around, budget: 1024, kept: None };
            let input = Input { path: &path, snapshot: &snapshot, cursor, anchor: None };
            let started = Instant::now();
            let plan = plan_with(&ember::FAMILY, input, Budget::shared(1024), Some(repository), &Quarters);
            plans.push(started.elapsed().as_secs_f64() * 1e3);
            assert!(!plan.excerpts.is_empty(), "nothing was found for {path}");
            // At a place that was not looked at before; while a person types on the line there is nothing to do.
            let started = Instant::now();
            let recall = Recall::at(&snapshot, cursor, &path, Some(&around), &Recall::default());
            recalls.push(started.elapsed().as_secs_f64() * 1e3);
            assert!(recall.guess("").is_some(), "nothing was remembered for {path}");
        }
    }
    let mut saves = Vec::new();
    for number in 0..SAVES {
        let file = dice.at(number).on("save").below(files);
        let path = path_of(files, file);
        let mut text = fs::read_to_string(root.join(&path)).unwrap();
        text.push_str("\nfn added_by_the_save() {}\n");
        fs::write(root.join(&path), text).unwrap();
        let started = Instant::now();
        scan::update(&index, 0, &path, 1 << 20).unwrap();
        saves.push(started.elapsed().as_secs_f64() * 1e3);
    }
    json!({
        "files": report.files, "megabytes": bytes as f64 / 1e6, "threads": 2,
        "index_seconds": report.took.as_secs_f64(), "index_resident_mb": (indexed.saturating_sub(before)) as f64 / 1e6,
        "peak_resident_mb": resident("VmHWM:") as f64 / 1e6,
        "cache_mb": fs::metadata(&cache).unwrap().len() as f64 / 1e6, "cache_save_seconds": saved.as_secs_f64(),
        "plan_ms": quantiles(plans), "recall_ms": quantiles(recalls), "saved_file_ms": quantiles(saves),
    })
}

fn quantiles(mut figures: Vec<f64>) -> Value {
    figures.sort_by(f64::total_cmp);
    let at = |q: f64| (figures[((figures.len() - 1) as f64 * q).round() as usize] * 1000.0).round() / 1000.0;
    json!({ "p50": at(0.5), "p99": at(0.99), "max": at(1.0) })
}

/// Bytes of memory by the kernel's account of this process.
fn resident(which: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn path_of(files: usize, number: usize) -> String {
    // About forty files a folder.
    let folders = (files / 40).max(1);
    format!("src/{}_{}/{}_{number}.rs", WORDS[number % folders % 24], number % folders, WORDS[number / 7 % 24])
}

/// A module of about 120 lines: types, functions that call those of three other modules.
fn make(root: &Path, files: usize, number: usize) -> usize {
    let dice = Dice::new(number as u64);
    let word = |at: usize| WORDS[dice.at(at).below(24)];
    let name =
        |number: usize, at: usize| format!("{}_{}_{number}", WORDS[Dice::new(number as u64).at(at).below(24)], at);
    let mut text = String::new();
    let others: Vec<usize> = (0..3).map(|at| dice.on("other").at(at).below(files)).collect();
    for &other in &others {
        let path = path_of(files, other);
        let module = path.trim_start_matches("src/").trim_end_matches(".rs").replace('/', "::");
        text += &format!("use crate::{module}::{};\n", name(other, 0));
    }
    text += &format!("\n/// Holds the {} of a {}.\npub struct Own{number} {{\n", word(90), word(91));
    for at in 0..6 {
        text += &format!("    pub {}_{}: Own{},\n", word(at), at, others[at % 3]);
    }
    text += "}\n";
    for at in 0..10 {
        let (a, b) = (word(at + 10), word(at + 30));
        text += &format!(
            "\n/// Makes the {a} of a {b}.\npub fn {}({a}: &Own{number}, {b}_{at}: usize) -> usize {{\n",
            name(number, at)
        );
        text += &format!("    let {b}_total = {a}.{}_0.len() + {b}_{at};\n", word(0));
        text += &format!("    let next_{a} = {}({b}_total);\n", name(others[at % 3], 0));
        text += &format!(
            "    if next_{a} > {b}_total {{\n        return next_{a} * {};\n    }}\n    {b}_total\n}}\n",
            at + 2
        );
    }
    let path = root.join(path_of(files, number));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, &text).unwrap();
    text.len()
}
