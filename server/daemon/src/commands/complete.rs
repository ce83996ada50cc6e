//! `pilotlight complete FILE:LINE:COL`: one completion, printed.

use std::process::ExitCode;

use anyhow::Result;
use pilotlight_assist::Workspace;

use super::place::Place;
use crate::{cli::Complete, model, settings::Settings};

pub(super) async fn run(arguments: Complete, settings: &Settings) -> Result<ExitCode> {
    let place = Place::read(&arguments.place)?;
    let assistant = model::assistant(settings);
    assistant.set_workspace(Workspace::new(settings.assist(), std::env::current_dir()));
    let outcome = place.complete(&assistant, settings).await?;
    let text = outcome.completion.as_ref().map(|completion| completion.text.as_str());
    if arguments.json {
        let range = outcome.completion.as_ref().map(|completion| [completion.range.start, completion.range.end]);
        let document = serde_json::json!({ "text": text, "range": range, "explanation": outcome.explanation });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else if let Some(text) = text {
        println!("{text}");
    } else {
        eprintln!("no completion: {}", outcome.explanation.nothing_because.as_deref().unwrap_or("no reason given"));
    }
    Ok(ExitCode::SUCCESS)
}
