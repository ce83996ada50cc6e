//! What the examples about drafts have in common: what to ask about, asking, and adding up.

use std::{path::Path, time::Duration};

use pilotlight_engine::{Done, Engine, Event, Request};

/// Of several answers.
#[derive(Default)]
pub(crate) struct Sum {
    pub(crate) decoded: usize,
    /// Not every example tells it.
    #[allow(dead_code)]
    pub(crate) drafted: usize,
    pub(crate) accepted: usize,
    pub(crate) time: Duration,
}

impl Sum {
    pub(crate) fn add(&mut self, done: Done) {
        self.decoded += done.decoded;
        self.drafted += done.drafted;
        self.accepted += done.accepted;
        self.time += done.took;
    }
}

/// The answer's tokens with the bits of their probabilities, and its end.
pub(crate) fn ask(engine: &Engine, request: Request) -> Result<(Vec<(u32, u32)>, Done), String> {
    let (mut events, mut said) = (engine.submit(request), Vec::new());
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
