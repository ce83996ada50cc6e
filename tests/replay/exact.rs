//! Whether what the warm cache says is what a cold engine says: the same tokens for the same prompt, key by key. And how often an answer from moved keys (`completion.answer-now`),
//! which is approximate, is another one.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use pilotlight_assist::syntax::{Document, Language};
use pilotlight_context::{Anchor, Budget, Input};
use pilotlight_engine::{Engine, EngineOptions, Event, Request};
use serde::{Deserialize, Serialize};

use crate::{
    driver::{Answer, Peer, View},
    editor::Edit,
    encoder::Encoder,
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

/// What answers at once are worth: an engine of their own got every prompt that way, and each that it answered approximately once more, exactly.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Approximation {
    pub(crate) asked: usize,
    /// Prompts that were answered from moved keys.
    pub(crate) approximate: usize,
    /// Of these: another first token; another token somewhere in the first line; another one among all that were asked for.
    pub(crate) first_token_differs: usize,
    pub(crate) first_line_differs: usize,
    pub(crate) some_token_differs: usize,
    /// Prompt tokens of these: taken from elsewhere, computed nevertheless, and what the exact answer had to compute.
    pub(crate) moved: usize,
    pub(crate) computed: usize,
    pub(crate) exactly: usize,
    /// Until the first token, in milliseconds: approximate and exact, of the same prompts; medians.
    pub(crate) first_token_ms: [f64; 2],
    #[serde(skip)]
    times: [Vec<f64>; 2],
}

/// What the answers of the server under test are held against.
enum Reference {
    /// A freshly loaded engine, at every so many answers.
    Cold { options: Box<EngineOptions>, every: usize },
    /// The answers at once of this one.
    Hasty(Engine),
}

/// A server under test, and another engine that is asked what its own was asked.
pub(crate) struct Twin {
    server: Server,
    reference: Reference,
    encoder: Encoder,
    budget: Budget,
    /// The document of the last prompt and what it left for the next: as the assistant has it.
    anchors: HashMap<String, Anchor>,
    asked: usize,
    pub(crate) agreement: Agreement,
    approximation: Approximation,
}

impl Twin {
    /// Compares with a cold engine after every so many answers. `context_tokens` as the server's options have it.
    pub(crate) async fn cold(
        server: Server,
        options: EngineOptions,
        context_tokens: usize,
        every: usize,
    ) -> Result<Self> {
        Self::new(server, Reference::Cold { options: Box::new(options), every }, context_tokens).await
    }

    /// Measures what answers at once are worth.
    pub(crate) async fn hasty(server: Server, options: EngineOptions, context_tokens: usize) -> Result<Self> {
        let engine = load(options).await?;
        Self::new(server, Reference::Hasty(engine), context_tokens).await
    }

    async fn new(server: Server, reference: Reference, context_tokens: usize) -> Result<Self> {
        let engine = server.assistant().engine().await.map_err(anyhow::Error::msg)?;
        let encoder = Encoder::new(engine.tokenizer().clone())?;
        let budget = Budget::shared(context_tokens);
        let (agreement, approximation) = (Agreement::default(), Approximation::default());
        Ok(Self { server, reference, encoder, budget, anchors: HashMap::new(), asked: 0, agreement, approximation })
    }

    /// What was found of answers at once.
    pub(crate) fn approximation(mut self) -> Approximation {
        for (median, times) in self.approximation.first_token_ms.iter_mut().zip(&mut self.approximation.times) {
            times.sort_by(f64::total_cmp);
            *median = times.get(times.len() / 2).copied().unwrap_or_default();
        }
        self.approximation
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

    /// Asks the server's engine again, and a fresh one.
    async fn compare(&mut self, path: &str, request: Request, options: EngineOptions) -> Result<()> {
        let warm = self.server.assistant().engine().await.map_err(anyhow::Error::msg)?.clone();
        let told = Said::of(&warm, request.clone()).await?;
        let expected = Said::of(&load(options).await?, request).await?;
        ensure!(expected.reused == 0, "a fresh engine says that it had {} tokens in its cache", expected.reused);
        let agreement = &mut self.agreement;
        agreement.compared += 1;
        agreement.tokens += expected.ids.len();
        agreement.reused += told.reused;
        if told.ids != expected.ids {
            agreement.disagreements.push(format!("{path}: warm {:?}, cold {:?}", told.ids, expected.ids));
            return Ok(());
        }
        for (warm, cold) in told.logprobs.iter().zip(&expected.logprobs) {
            agreement.largest_logprob_difference = agreement.largest_logprob_difference.max((warm - cold).abs());
        }
        Ok(())
    }

    /// Asks `engine` for an answer at once, and where that was approximate for the exact one.
    async fn hurry(&mut self, request: Request, engine: &Engine) -> Result<()> {
        let found = &mut self.approximation;
        found.asked += 1;
        let hasty = Said::of(engine, Request { answer_now: true, ..request.clone() }).await?;
        if hasty.moved == 0 {
            return Ok(());
        }
        let exact = Said::of(engine, request).await?;
        ensure!(exact.moved == 0, "an exact answer says that {} of its tokens were moved", exact.moved);
        found.approximate += 1;
        found.first_token_differs += usize::from(hasty.ids.first() != exact.ids.first());
        let line = |said: &Said| self.encoder.first_line(&said.ids);
        found.first_line_differs += usize::from(line(&hasty) != line(&exact));
        found.some_token_differs += usize::from(hasty.ids != exact.ids);
        found.moved += hasty.moved;
        found.computed += hasty.computed;
        found.exactly += exact.computed;
        for (times, said) in found.times.iter_mut().zip([hasty, exact]) {
            times.push(said.first_token.as_secs_f64() * 1e3);
        }
        Ok(())
    }
}

async fn load(options: EngineOptions) -> Result<Engine> {
    Ok(tokio::task::spawn_blocking(move || Engine::load_with(&options.source()?, &options)).await??)
}

/// What an engine said to a prompt.
#[derive(Debug, Default)]
struct Said {
    /// Tokens of the prompt: in the cache, taken from elsewhere in it, computed.
    reused: usize,
    moved: usize,
    computed: usize,
    first_token: Duration,
    ids: Vec<u32>,
    logprobs: Vec<f32>,
}

impl Said {
    async fn of(engine: &Engine, request: Request) -> Result<Self> {
        let began = Instant::now();
        let mut events = engine.submit(request);
        let mut said = Self::default();
        while let Some(event) = events.recv().await {
            match event {
                Event::Prefilled(prefill) => {
                    (said.reused, said.moved, said.computed) = (prefill.reused, prefill.moved, prefill.prefilled);
                }
                Event::Token(token) => {
                    if said.ids.is_empty() {
                        said.first_token = began.elapsed();
                    }
                    said.ids.push(token.id);
                    said.logprobs.push(token.logprob);
                }
                Event::Done(_) => {}
                Event::Failed(message) => bail!("the engine failed: {message}"),
            }
        }
        Ok(said)
    }
}

impl Peer for Twin {
    async fn ask(&mut self, view: View<'_>) -> Result<Answer> {
        let answer = self.server.ask(view).await?;
        if answer.cost.is_some() {
            let (prompt, heal) = self.prompt(view)?;
            let stop = self.encoder.stops.clone();
            let request = Request { prompt, heal, max_tokens: TOKENS, stop, ..Request::default() };
            self.asked += 1;
            match &self.reference {
                Reference::Cold { options, every } if self.asked.is_multiple_of(*every) => {
                    let options = EngineOptions::clone(options);
                    self.compare(view.path, request, options).await?;
                }
                Reference::Cold { .. } => {}
                Reference::Hasty(engine) => {
                    let engine = engine.clone();
                    self.hurry(request, &engine).await?;
                }
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
