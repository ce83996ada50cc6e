//! Fill in the middle and plain continuation for clients that bring their own text (the HTTP surface), by the loaded model's own format.

pub mod spelled;

use std::time::Instant;

use pilotlight_context::{Budget, Excerpt, Input, SegmentId, Source, TokenCounter, secrets};
use pilotlight_syntax::{Document, Language, Snapshot};

use crate::{
    Assistant,
    generation::{Asked, Generation, Limits},
    model::Model,
};

/// Bytes on each side of the cursor by which an open document is recognised.
const RECOGNISED_BY: usize = 400;
/// The most tokens of a client's text that enter a prompt.
const MOST_TOKENS: usize = 4096;

/// The name of a text that has none.
pub const UNTITLED: &str = "untitled";

/// Text with a hole in it.
#[derive(Clone, Debug, Default)]
pub struct Fill {
    /// The file's name. Without one, an open document that has the text stands for it, whoever has it open: not for those who must not learn of each other's files.
    pub path: Option<String>,
    /// What stands before the hole.
    pub prefix: String,
    /// What stands behind it.
    pub suffix: String,
    /// Other files' text, by name, the most important first.
    pub extra: Vec<(String, String)>,
    /// What it may be, more or less: it comes the sooner, and is no other.
    pub draft: String,
}

/// Why a text is not gone on with.
#[derive(Debug, thiserror::Error)]
pub enum ContinueFailure {
    /// There is no model, or none yet.
    #[error("{0}")]
    Unavailable(String),
    /// There is nothing to go on with.
    #[error("the prompt is empty: expected at least one token")]
    Empty,
    /// It is longer than the model's context.
    #[error("the prompt has {tokens} tokens: expected at most {most}, the model's context")]
    TooLong {
        /// Of the prompt.
        tokens: usize,
        /// There is room for.
        most: usize,
    },
}

impl Assistant {
    /// Writes what belongs into the hole. A text that an open document has is, if `fill` names no file, completed as that document is: by its name, with its part of the
    /// cache. At most half of the context is for the answer: the rest is the text's.
    ///
    /// # Errors
    ///
    /// Why the model cannot be asked, in words.
    pub async fn fill(&self, fill: Fill, mut limits: Limits) -> Result<Generation, String> {
        let started = Instant::now();
        let model = self.model().await?;
        let Model { engine, encoder } = model;
        let context = engine.info().context_length;
        limits.max_tokens = limits.max_tokens.min(context / 2);
        let budget = (context - limits.max_tokens).min(MOST_TOKENS);
        let known = match fill.path {
            None => self.recognise(&fill),
            Some(_) => None,
        };
        let (path, snapshot, cursor) = known.unwrap_or_else(|| {
            let path = fill.path.unwrap_or_else(|| UNTITLED.to_owned());
            let document = Document::open(Language::Plain, 0, &(fill.prefix.clone() + &fill.suffix));
            (path, document.snapshot(), fill.prefix.len())
        });
        let (excerpts, spent) = excerpts(fill.extra, budget / 2, encoder);
        let input = Input { path: &path, snapshot: &snapshot, cursor, anchor: None };
        let mut plan = pilotlight_context::plan(encoder.family(), input, Budget::shared(budget - spent), encoder);
        if let Some(with_excerpts) = encoder.family().with_excerpts.filter(|_| !excerpts.is_empty()) {
            plan.segments = with_excerpts("workspace", &excerpts, plan.segments);
        }
        let prompt = encoder.encode(&plan);
        let markers = encoder.family().markers;
        let draft = encoder.draft(&prompt.heal, &fill.draft);
        let asked = Asked { prompt: prompt.ids, heal: prompt.heal, draft };
        Ok(Generation::of(engine, asked, encoder.stops(), markers, limits, self.session(), started))
    }

    /// Writes what follows `prompt`, its secrets masked; the names of special tokens in it are those tokens, as servers of models have it.
    ///
    /// # Errors
    ///
    /// See [`ContinueFailure`].
    pub async fn continue_text(&self, prompt: &str, limits: Limits) -> Result<Generation, ContinueFailure> {
        let started = Instant::now();
        let model = self.model().await.map_err(ContinueFailure::Unavailable)?;
        let engine = &model.engine;
        let mut ids = engine.tokenizer().encode_with_special(&secrets::masked(prompt));
        if let Some(bos) = engine.info().bos.filter(|bos| ids.first() != Some(bos)) {
            ids.insert(0, bos);
        }
        if ids.is_empty() {
            return Err(ContinueFailure::Empty);
        }
        let (tokens, most) = (ids.len(), engine.info().context_length);
        // A server elsewhere counts by a tokenizer of its own: it refuses what is too long for it.
        if tokens > most && engine.bytes_per_token().is_none() {
            return Err(ContinueFailure::TooLong { tokens, most });
        }
        Ok(Generation::start(model, ids, Vec::new(), &[], limits, self.session(), started))
    }

    /// The one open document in which the text around the hole stands, and where.
    fn recognise(&self, fill: &Fill) -> Option<(String, Snapshot, usize)> {
        let before = tail(&fill.prefix);
        let needle = before.to_owned() + head(&fill.suffix);
        // A short text stands in many places.
        if needle.trim().len() < 16 {
            return None;
        }
        let mut found = self.documents_with(&needle).into_iter();
        let (path, snapshot, at) = found.next()?;
        found.next().is_none().then_some((path, snapshot, at + before.len()))
    }
}

/// As many of `texts` as `budget` tokens hold, without their secrets, and how many tokens they are.
fn excerpts(texts: Vec<(String, String)>, budget: usize, counter: &dyn TokenCounter) -> (Vec<Excerpt>, usize) {
    let mut spent = 0;
    let mut excerpts = Vec::new();
    for (path, text) in texts {
        let text = secrets::masked(&text).into_owned();
        let tokens = counter.count(&text);
        if spent + tokens > budget {
            break;
        }
        spent += tokens;
        let id = SegmentId { source: Source::Viewed, path, line: 0 };
        excerpts.push(Excerpt { id, text, gain: 1.0, tokens });
    }
    (excerpts, spent)
}

/// The last [`RECOGNISED_BY`] bytes or a few fewer.
fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(RECOGNISED_BY);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// The first [`RECOGNISED_BY`] bytes or a few fewer.
fn head(text: &str) -> &str {
    let mut end = text.len().min(RECOGNISED_BY);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
