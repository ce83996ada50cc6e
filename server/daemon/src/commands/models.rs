//! `pilotlight models`: code models by name, pulled from the Hugging Face hub into the user's cache.

use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use pilotlight_engine::hub::{Entry, Hub, Store, catalogue};

use crate::{
    cli::{Models, ModelsCommand},
    model,
};

pub(super) async fn run(arguments: Models) -> Result<ExitCode> {
    let store = model::store().context("there is no home folder to keep models in")?;
    match arguments.what.unwrap_or(ModelsCommand::List { json: false }) {
        ModelsCommand::List { json } => list(&store, json),
        ModelsCommand::Show { name } => show(&store, &known(&name)?),
        ModelsCommand::Pull { name } => pull(&store, &known(&name)?).await,
        ModelsCommand::Verify { name } => verify(&store, &known(&name)?),
        ModelsCommand::Remove { name } => {
            let name = known(&name)?.name;
            ensure!(store.place(&name).exists(), "{name} is not here");
            let freed = store.remove(&name)?;
            println!("{name}: {:.1} MB freed", freed as f64 / 1e6);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A name of the catalogue: others would name folders.
fn known(name: &str) -> Result<Entry> {
    match catalogue::find(name) {
        Some(entry) => Ok(entry),
        None => {
            let names: Vec<_> = catalogue::entries().into_iter().map(|entry| entry.name).collect();
            bail!("no model is known as {name:?}: expected one of {}", names.join(", "))
        }
    }
}

fn list(store: &Store, json: bool) -> Result<ExitCode> {
    if json {
        let all: Vec<_> = catalogue::entries()
            .into_iter()
            .map(|entry| {
                let pulled = store.manifest(&entry.name).ok().flatten();
                serde_json::json!({ "model": entry, "pulled": pulled })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("  {:<20} {:>8} {:>8}  {:<5} licence", "name", "size", "memory", "order");
    for entry in catalogue::entries() {
        // What cannot be read is not here; `verify` says why.
        let here = if matches!(store.manifest(&entry.name), Ok(Some(_))) { '*' } else { ' ' };
        println!(
            "{here} {:<20} {:>5.1} GB {:>4.0} GiB  {:<5} {}",
            entry.name,
            entry.bytes as f64 / 1e9,
            entry.memory,
            entry.order,
            entry.licence
        );
    }
    println!(
        "* is here. `pilotlight models show NAME` says more, and what the licence asks; `pull NAME` fetches one; then `--model NAME`."
    );
    Ok(ExitCode::SUCCESS)
}

fn show(store: &Store, entry: &Entry) -> Result<ExitCode> {
    let Entry {
        name, about, repository, revision, context, order, memory, licence, conditions, gated, checked, ..
    } = entry;
    let order = match order.as_str() {
        "psm" => "fills in the middle, prefix first",
        "spm" => "fills in the middle, suffix first",
        _ => "chats; it was not trained to fill in the middle, so it gives no ghost text",
    };
    println!("{name}: {about}");
    let pinned = if entry.is_pinned() { "pinned" } else { "its commit is kept when it is pulled" };
    println!("  from      {repository}, revision {revision} ({pinned})");
    println!("  size      {:.1} GB; wants {memory} GiB of memory", entry.bytes as f64 / 1e9);
    println!("  context   {context} tokens");
    println!("  does      {order}");
    println!("  licence   {licence}. {conditions}");
    println!("  checked   {checked}");
    if *gated {
        println!("  access    its owner asks who you are: see {repository} on the hub, and set HF_TOKEN");
    }
    match store.manifest(name)? {
        Some(manifest) => println!("  here      {}, commit {}", store.place(name).display(), manifest.commit),
        None => println!("  not here  `pilotlight models pull {name}`"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn pull(store: &Store, entry: &Entry) -> Result<ExitCode> {
    eprintln!("{}: {}. {}", entry.name, entry.licence, entry.conditions);
    // Draws nothing where standard error is not a terminal.
    let bar = ProgressBar::new(entry.bytes)
        .with_style(ProgressStyle::with_template("{msg} {bar:32} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left")?);
    let manifest = Hub::from_environment()?
        .pull(entry, store, |progress| {
            bar.set_length(progress.total);
            bar.set_position(progress.done);
            bar.set_message(progress.file.to_owned());
        })
        .await?;
    bar.finish_and_clear();
    // It has just been shown.
    store.shows_licence(&entry.name);
    let bytes: u64 = manifest.files.iter().map(|file| file.size).sum();
    println!("{}: {:.2} GB, {} of commit {}", entry.name, bytes as f64 / 1e9, entry.repository, manifest.commit);
    println!("`pilotlight --model {} doctor` tests it.", entry.name);
    Ok(ExitCode::SUCCESS)
}

fn verify(store: &Store, entry: &Entry) -> Result<ExitCode> {
    let bar = ProgressBar::new(entry.bytes);
    let wrong = store.verify(entry, |bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    for (file, why) in &wrong {
        println!("✗ {file}: {why}");
    }
    if wrong.is_empty() {
        println!("✓ {}: every file is as it was pulled", entry.name);
        return Ok(ExitCode::SUCCESS);
    }
    println!("`pilotlight models remove {0}` and `pilotlight models pull {0}` fetch it anew.", entry.name);
    Ok(ExitCode::FAILURE)
}
