//! Whether what the warm cache says is what a cold engine says: the same tokens for the same prompt, key by key.

use std::{collections::HashMap, path::Path, sync::Arc};

use anyhow::{Result, bail, ensure};
use pilotlight_assist::syntax::{Document, Language};
use pilotlight_context::{Anchor, Budget, Family, Input, PartialWords, Piece, TokenCounter};
use pilotlight_engine::{Engine, EngineOptions, Event, Request, Tokenizer};
use serde::Serialize;

use crate::{
    driver::{Answer, Peer, View},
    editor::Edit,
    server::Server,
};

/// Tokens that are compared at a key.
const TOKENS: usize = 24;

/// What was compared.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Agreement {
    /// Keys at which both engines were asked.
    pub(crate) compared: usize,
    pub(crate) tokens: usize,
    /// Prompt tokens that the warm engine did not compute.
    pub(crate) reused: usize,
    /// Keys at which a token differed.
    pub(crate) disagreements: Vec<String>,
    /// The largest difference of a token's log-probability.
    pub(crate) largest_logprob_difference: f32,
}

/// A server under test: after every so many answers its engine is asked again, and a fresh one beside it.
pub(crate) struct Twin {
    server: Server,
    options: EngineOptions,
    encoder: Encoder,
    budget: Budget,
    /// The document of the last prompt and what it left for the next: as the assistant has it.
    anchors: HashMap<String, Anchor>,
    every: usize,
    asked: usize,
    pub(crate) agreement: Agreement,
}

impl Twin {
    /// `context_tokens` as the server's options have it.
    pub(crate) async fn new(
        server: Server,
        options: EngineOptions,
        context_tokens: usize,
        every: usize,
    ) -> Result<Self> {
        let engine = server.assistant().engine().await.map_err(anyhow::Error::msg)?;
        let encoder = Encoder::new(engine.tokenizer().clone())?;
        let budget = Budget::shared(context_tokens);
        let anchors = HashMap::new();
        Ok(Self { server, options, encoder, budget, anchors, every, asked: 0, agreement: Agreement::default() })
    }

    /// The prompt that the assistant sent for `view`; checked against what its explanation says of it.
    fn prompt(&mut self, view: View<'_>) -> Result<(Vec<u32>, Vec<u8>)> {
        let language = Language::from_path(Path::new(view.path));
        let snapshot = Document::open(language, 0, view.text).snapshot();
        let anchor = self.anchors.remove(view.path);
        let input = Input { path: view.path, snapshot: &snapshot, cursor: view.cursor, anchor: anchor.as_ref() };
        let plan = pilotlight_context::plan(self.encoder.family, input, self.budget, &self.encoder);
        let (ids, heal, tokens) = self.encoder.encode(&plan);
        let told: Vec<(String, usize, usize)> = (self.server.explanation.segments.iter())
            .map(|segment| (segment.source.clone(), segment.line, segment.tokens))
            .collect();
        let found: Vec<(String, usize, usize)> = (plan.segments.iter().zip(tokens))
            .map(|(segment, tokens)| (segment.id.source.name().to_owned(), segment.id.line, tokens))
            .collect();
        if told != found {
            bail!("{}: this test plans another prompt than the server explains:\n{found:?}\n{told:?}", view.path);
        }
        self.anchors.insert(view.path.to_owned(), plan.anchor);
        Ok((ids, heal))
    }

    async fn compare(&mut self, path: &str, prompt: Vec<u32>, heal: Vec<u8>) -> Result<()> {
        let warm = self.server.assistant().engine().await.map_err(anyhow::Error::msg)?.clone();
        let (reused, told) = tokens(&warm, prompt.clone(), heal.clone(), &self.encoder.stops).await?;
        let options = self.options.clone();
        let cold = tokio::task::spawn_blocking(move || Engine::load_with(&options.source()?, &options)).await??;
        let (cold_reused, expected) = tokens(&cold, prompt, heal, &self.encoder.stops).await?;
        ensure!(cold_reused == 0, "a fresh engine says that it had {cold_reused} tokens in its cache");
        let agreement = &mut self.agreement;
        agreement.compared += 1;
        agreement.tokens += expected.len();
        agreement.reused += reused;
        let ids = |tokens: &[(u32, f32)]| tokens.iter().map(|(id, _)| *id).collect::<Vec<_>>();
        if ids(&told) != ids(&expected) {
            agreement.disagreements.push(format!("{path}: warm {:?}, cold {:?}", ids(&told), ids(&expected)));
            return Ok(());
        }
        for ((_, warm), (_, cold)) in told.iter().zip(&expected) {
            agreement.largest_logprob_difference = agreement.largest_logprob_difference.max((warm - cold).abs());
        }
        Ok(())
    }
}

/// Asks for what follows `prompt`; how much of it was in the cache, and the tokens.
async fn tokens(engine: &Engine, prompt: Vec<u32>, heal: Vec<u8>, stop: &[u32]) -> Result<(usize, Vec<(u32, f32)>)> {
    let mut events =
        engine.submit(Request { prompt, heal, max_tokens: TOKENS, stop: stop.to_vec(), ..Request::default() });
    let (mut reused, mut tokens) = (0, Vec::new());
    while let Some(event) = events.recv().await {
        match event {
            Event::Prefilled(prefill) => reused = prefill.reused,
            Event::Token(token) => tokens.push((token.id, token.logprob)),
            Event::Done(_) => {}
            Event::Failed(message) => bail!("the engine failed: {message}"),
        }
    }
    Ok((reused, tokens))
}

/// Plans as ids, as the assistant writes them.
struct Encoder {
    tokenizer: Arc<Tokenizer>,
    family: &'static Family,
    stops: Vec<u32>,
}

impl Encoder {
    fn new(tokenizer: Arc<Tokenizer>) -> Result<Self> {
        let family = Family::detect(|marker| tokenizer.special(marker).is_some())?;
        let stops = family.stops.iter().filter_map(|marker| tokenizer.special(marker)).collect();
        Ok(Self { tokenizer, family, stops })
    }

    /// Ids, the bytes to heal, and the tokens of each segment.
    fn encode(&self, plan: &pilotlight_context::Plan) -> (Vec<u32>, Vec<u8>, Vec<usize>) {
        let mut ids = Vec::new();
        let mut tokens = Vec::new();
        for segment in &plan.segments {
            let before = ids.len();
            for piece in &segment.pieces {
                match piece {
                    Piece::Marker(name) => ids.extend(self.tokenizer.special(name)),
                    Piece::Text(text) => ids.extend(self.tokenizer.encode(text)),
                }
            }
            tokens.push(ids.len() - before);
        }
        let heals = self.family.partial_words == PartialWords::Heal;
        let last = if heals { ids.pop_if(|last| !self.tokenizer.is_special(*last)) } else { None };
        let heal = last.map(|id| self.tokenizer.bytes(id).to_vec()).unwrap_or_default();
        (ids, heal, tokens)
    }
}

impl TokenCounter for Encoder {
    fn count(&self, text: &str) -> usize {
        self.tokenizer.encode(text).len()
    }
}

impl Peer for Twin {
    async fn ask(&mut self, view: View<'_>) -> Result<Answer> {
        let answer = self.server.ask(view).await?;
        if answer.cost.is_some() {
            let (prompt, heal) = self.prompt(view)?;
            self.asked += 1;
            if self.asked.is_multiple_of(self.every) {
                self.compare(view.path, prompt, heal).await?;
            }
        }
        Ok(answer)
    }

    async fn open(&mut self, path: &str, text: &str) -> Result<()> {
        self.server.open(path, text).await
    }

    async fn focus(&mut self, from: View<'_>, to: View<'_>) -> Result<()> {
        self.server.focus(from, to).await
    }

    async fn change(&mut self, edits: &[Edit], view: View<'_>) -> Result<()> {
        self.server.change(edits, view).await
    }

    async fn accepted(&mut self, taken: &Edit) -> Result<()> {
        self.server.accepted(taken).await
    }

    async fn saved(&mut self, view: View<'_>) -> Result<()> {
        self.server.saved(view).await
    }

    async fn idle(&mut self, milliseconds: u32, away: bool) -> Result<()> {
        self.server.idle(milliseconds, away).await
    }

    async fn close(&mut self, path: &str) -> Result<()> {
        self.anchors.remove(path);
        self.server.close(path).await
    }
}
