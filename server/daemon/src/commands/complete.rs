//! `pilotlight complete FILE:LINE:COL`: one completion, printed.

use std::{fs, path::Path, process::ExitCode, sync::Arc};

use anyhow::{Context, Result, bail};
use pilotlight_assist::{
    CompletionRequest, DocumentId, Trigger, Workspace,
    syntax::{Language, Position, PositionEncoding},
};
use tokio_util::sync::CancellationToken;

use crate::{cli::Complete, model, settings::Settings};

pub(super) async fn run(arguments: Complete, settings: &Settings) -> Result<ExitCode> {
    let (path, position) = place(&arguments.place)?;
    let bytes = fs::read(path).with_context(|| path.to_owned())?;
    let text = String::from_utf8(bytes).map_err(|error| {
        anyhow::anyhow!("{path}: expected UTF-8 text, found another byte at {}", error.utf8_error().valid_up_to())
    })?;
    let assistant = model::assistant(settings);
    let full = fs::canonicalize(path).with_context(|| path.to_owned())?;
    assistant.set_workspace(Workspace::new(settings.assist(), std::env::current_dir()));
    let document: DocumentId = Arc::from(path);
    let language = Language::from_path(Path::new(path));
    assistant.open(document.clone(), Some(full), language, 0, &text);
    let snapshot = assistant.snapshot(&document)?;
    let cursor = snapshot.offset(position, PositionEncoding::Utf32).with_context(|| arguments.place.clone())?;
    // Asked by a person, so even an unsure answer is shown; a model that cannot be loaded is an error here.
    model::loaded(&assistant, settings).await?;
    let request = CompletionRequest { document, cursor, snapshot, trigger: Trigger::Invoked };
    let outcome = assistant.complete(request, CancellationToken::new()).await;
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

/// `FILE:LINE:COL`, both counted from 1. The file's name may itself contain colons.
fn place(place: &str) -> Result<(&str, Position)> {
    let mut parts = place.rsplitn(3, ':');
    let (column, line, path) = (parts.next(), parts.next(), parts.next());
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<u32>().ok()).and_then(|n| n.checked_sub(1));
    match (path, number(line), number(column)) {
        (Some(path), Some(line), Some(character)) => Ok((path, Position { line, character })),
        _ => bail!("expected FILE:LINE:COL (both counted from 1), found {place:?}"),
    }
}
