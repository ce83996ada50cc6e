//! `pilotlight explain FILE:LINE:COL`: why the suggestion there is what it is: what the model was shown, what was warm, and what was left out.

use std::process::ExitCode;

use anyhow::{Context, Result};
use pilotlight_assist::{Explanation, RecalledReport, Workspace};

use super::place::{Place, project_of};
use crate::{cli::Explain, model, settings::Settings};

pub(super) async fn run(arguments: Explain, settings: &Settings) -> Result<ExitCode> {
    let place = Place::read(&arguments.place)?;
    let root = match &arguments.folder {
        Some(folder) => dunce::canonicalize(folder).with_context(|| folder.display().to_string())?,
        None => project_of(&place.full),
    };
    let mut options = settings.assist();
    if let Some(tokens) = arguments.repository_tokens {
        options.completion.repository_tokens = Some(tokens);
    }
    let assistant = model::assistant(settings);
    assistant.set_workspace(Workspace::new(options.clone(), [root]));
    if options.completion.repository_tokens != Some(0) || options.completion.recall != Some(false) {
        assistant.index_now();
    }
    let outcome = place.complete(&assistant, settings).await?;
    let text = outcome.completion.as_ref().map(|completion| completion.text.as_str());
    if arguments.json {
        let document = serde_json::json!({ "text": text, "explanation": outcome.explanation });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        print(text, &outcome.explanation);
    }
    Ok(ExitCode::SUCCESS)
}

fn print(text: Option<&str>, explanation: &Explanation) {
    match text {
        Some(text) => println!("{text}"),
        None => println!("no completion: {}", explanation.nothing_because.as_deref().unwrap_or("no reason given")),
    }
    if let Some(RecalledReport { path, line, renamed, sureness }) = &explanation.recalled {
        let renamed = if *renamed { ", with the words of this one" } else { "" };
        let sure = 100.0 * sureness;
        println!("\nIt is a line from a place like this one{renamed}: {path}:{} ({sure:.0} % sure).", line + 1);
    }
    if explanation.segments.is_empty() {
        println!("The model was not asked.");
        return;
    }
    println!("\nIn the prompt, in this order (* was in the cache):");
    for segment in &explanation.segments {
        let warm = if segment.warm { '*' } else { ' ' };
        let gain = segment.gain.map_or(String::new(), |gain| format!("gain {gain:.2}"));
        let place = format!("{}:{}", segment.path, segment.line + 1);
        println!("  {warm} {:<11} {:>5} tokens  {gain:<9}  {place}", segment.source, segment.tokens);
    }
    println!("  {} tokens from the cache, {} computed", explanation.reused, explanation.prefilled);
    if explanation.moved > 0 {
        println!("  {} moved there from elsewhere: the answer is approximate", explanation.moved);
    }
    if !explanation.left_out.is_empty() {
        println!("\nLeft out:");
        for left in &explanation.left_out {
            let place = format!("{}:{}", left.path, left.line + 1);
            println!(
                "    {:<11} {:>5} tokens  gain {:.2}  {place}  ({})",
                left.source, left.tokens, left.gain, left.because
            );
        }
    }
}
