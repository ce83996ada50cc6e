//! What `rewrite` and `together` have in common: what to ask about, and reading an answer.

use std::path::Path;

use pilotlight_engine::{Done, Event};
use tokio::sync::mpsc::UnboundedReceiver;

/// The answer's tokens with the bits of their probabilities, and its end.
pub(crate) fn read(mut events: UnboundedReceiver<Event>) -> Result<(Vec<(u32, u32)>, Done), String> {
    let mut said = Vec::new();
    loop {
        match events.blocking_recv() {
            Some(Event::Token(token)) => said.push((token.id, token.logprob.to_bits())),
            Some(Event::Done(done)) => return Ok((said, done)),
            Some(Event::Prefilled(_)) => {}
            Some(Event::Failed(message)) => return Err(message),
            None => return Err("no end".into()),
        }
    }
}

/// All Rust sources below a folder.
pub(crate) fn sources(folder: &Path) -> std::io::Result<String> {
    let mut entries: Vec<_> = std::fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(|entry| entry.path());
    let mut text = String::new();
    for path in entries.into_iter().map(|entry| entry.path()) {
        if path.is_dir() {
            text += &sources(&path)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &std::fs::read_to_string(&path)?;
        }
    }
    Ok(text)
}
