//! A place in a file, as `complete`, `explain` and `refactor` are asked about it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use pilotlight_assist::{
    Assistant, CompletionRequest, DocumentId, Outcome, Trigger,
    syntax::{Language, Position, PositionEncoding},
};
use tokio_util::sync::CancellationToken;

use crate::{model, settings::Settings};

/// A file that was read, and the place in it.
pub(super) struct Place<'a> {
    /// As it was given.
    given: &'a str,
    path: &'a str,
    pub(super) position: Position,
    /// The file's own path.
    pub(super) full: PathBuf,
    pub(super) text: String,
}

impl<'a> Place<'a> {
    /// Reads the file of `FILE:LINE:COL`.
    pub(super) fn read(given: &'a str) -> Result<Self> {
        let (path, position) = parse(given)?;
        let bytes = fs::read(path).with_context(|| path.to_owned())?;
        let text = String::from_utf8(bytes).map_err(|error| {
            anyhow::anyhow!("{path}: expected UTF-8 text, found another byte at {}", error.utf8_error().valid_up_to())
        })?;
        let lines = text.split('\n').count();
        ensure!((position.line as usize) < lines, "{given}: expected a line up to {lines}");
        let full = dunce::canonicalize(path).with_context(|| path.to_owned())?;
        Ok(Self { given, path, position, full, text })
    }

    /// What a person who asks here is answered: even what is unsure. A model that cannot be loaded is an error.
    pub(super) async fn complete(self, assistant: &Assistant, settings: &Settings) -> Result<Outcome> {
        let document: DocumentId = Arc::from(self.path);
        let language = Language::from_path(Path::new(self.path));
        assistant.open(document.clone(), Some(self.full), language, 0, &self.text);
        let snapshot = assistant.snapshot(&document)?;
        let cursor = snapshot.offset(self.position, PositionEncoding::Utf32).with_context(|| self.given.to_owned())?;
        model::loaded(assistant, settings).await?;
        let request = CompletionRequest { document, cursor, snapshot, trigger: Trigger::Invoked };
        Ok(assistant.complete(request, CancellationToken::new()).await)
    }
}

/// The folder of the nearest repository around a file; without one, the file's own.
pub(super) fn project_of(file: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(file);
    folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder).to_owned()
}

/// `FILE:LINE:COL`, both counted from 1. The file's name may itself contain colons.
fn parse(place: &str) -> Result<(&str, Position)> {
    let expected = || format!("expected FILE:LINE:COL (both counted from 1), found {place:?}");
    let (rest, column) = place.rsplit_once(':').with_context(expected)?;
    let (path, line) = rest.rsplit_once(':').with_context(expected)?;
    Ok((path, position(&format!("{line}:{column}")).map_err(|_| anyhow::anyhow!(expected()))?))
}

/// `LINE:COL`, both counted from 1.
pub(super) fn position(place: &str) -> Result<Position> {
    let number = |part: &str| part.parse::<u32>().ok().and_then(|n| n.checked_sub(1));
    match place.split_once(':').map(|(line, column)| (number(line), number(column))) {
        Some((Some(line), Some(character))) => Ok(Position { line, character }),
        _ => bail!("expected LINE:COL (both counted from 1), found {place:?}"),
    }
}
