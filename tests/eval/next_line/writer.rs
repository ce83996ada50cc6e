//! A model that writes the hidden line, greedily.

use std::path::Path;

use anyhow::Result;
use pilotlight_context::{Budget, Input, Repository, plan_with, recall::Recall};
use pilotlight_engine::{Engine, Event, ModelSource, Request};

use crate::{
    encoder::Encoder,
    package::{Hidden, Package},
    score::Line,
};

/// Tokens of one line at most.
const MOST: usize = 64;

pub(crate) struct Writer {
    pub(crate) name: String,
    pub(crate) encoder: Encoder,
    engine: Engine,
}

impl Writer {
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        let source = match path {
            None => ModelSource::Ember,
            Some(path) if path.is_dir() => ModelSource::SafeTensors(path.to_owned()),
            Some(path) => ModelSource::Gguf(path.to_owned()),
        };
        let engine = Engine::load(&source)?;
        let encoder = Encoder::new(engine.tokenizer().clone())?;
        Ok(Self { name: engine.info().name.clone(), encoder, engine })
    }

    /// The line at the cursor as the model writes it, with so many tokens of prompt, of which `repository` are for the rest of the package.
    pub(crate) fn write(&self, package: &Package, hidden: &Hidden, budget: usize, repository: usize) -> Line {
        let around = package.around(hidden);
        let input = Input { path: &hidden.path, snapshot: &hidden.snapshot, cursor: hidden.cursor, anchor: None };
        let rest = Repository { name: &package.name, around, budget: repository, kept: None };
        let family = self.encoder.family;
        let plan = plan_with(family, input, Budget::shared(budget - repository), Some(rest), &self.encoder);
        let (prompt, heal, _) = self.encoder.encode(&plan);
        let healed = heal.len();
        let stop = self.encoder.stops.clone();
        let mut events = self.engine.submit(Request { prompt, heal, max_tokens: MOST, stop, ..Request::default() });
        let (mut bytes, mut tokens, mut ended, mut logprobs) = (Vec::new(), 0, false, 0.0);
        while let Some(event) = events.blocking_recv() {
            match event {
                Event::Token(token) => {
                    tokens += 1;
                    logprobs += token.logprob;
                    bytes.extend_from_slice(&token.bytes);
                    if let Some(end) = bytes.iter().skip(healed).position(|byte| *byte == b'\n') {
                        bytes.truncate(healed + end);
                        ended = true;
                        break;
                    }
                }
                Event::Done(done) => ended = done.finish == pilotlight_engine::Finish::Stop,
                Event::Failed(why) => panic!("the model failed: {why}"),
                Event::Prefilled(_) => {}
            }
        }
        let text = String::from_utf8_lossy(bytes.get(healed..).unwrap_or_default()).into_owned();
        let confidence = if tokens == 0 { 0.0 } else { (logprobs / tokens as f32).exp() };
        Line { text, tokens, ended, confidence }
    }
}

/// The line from a like place that would be shown in the place of the model's, if one would: as `assist` decides, but that nothing is parsed.
pub(crate) fn recalled(recall: &Recall, hidden: &Hidden, written: &Line) -> Option<Line> {
    let guess = recall.guess(&hidden.typed)?;
    let line = || Line { text: guess.rest.to_owned(), tokens: 0, ended: true, confidence: guess.sureness };
    guess.beats(written.confidence.powf(written.tokens as f32)).then(line)
}
