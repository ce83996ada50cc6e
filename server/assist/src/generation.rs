//! Text as the model writes it, for surfaces whose clients settle it themselves.

use std::{sync::Arc, time::Instant};

use pilotlight_engine::{Engine, Event, Finish, Priority, Request, Sampling, Tokenizer};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::{completion::Stages, decoded::Decoded, model::Model};

/// What bounds a generation.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most tokens to decode; 0 only fills the cache.
    pub max_tokens: usize,
    /// How the next token is chosen.
    pub sampling: Sampling,
    /// Texts that end it; they are not handed out.
    pub stop: Vec<String>,
    /// Who goes first.
    pub priority: Priority,
}

/// What a generation cost and how it ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Prompt tokens found in the KV cache.
    pub reused: usize,
    /// Prompt tokens computed.
    pub prefilled: usize,
    /// Tokens decoded.
    pub decoded: usize,
    /// Why it ended; `None` while it has not.
    pub finish: Option<Finish>,
    /// Milliseconds by stage.
    pub millis: Stages,
}

/// What an engine is asked.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) prompt: Vec<u32>,
    /// What the text must begin with.
    pub(crate) heal: Vec<u8>,
    /// What it may be, more or less.
    pub(crate) draft: Vec<u32>,
}

/// A text that is being written. Dropping it tells the engine to stop.
#[derive(Debug)]
pub struct Generation {
    events: UnboundedReceiver<Event>,
    decoded: Decoded,
    /// Bytes of the text handed out.
    handed: usize,
    /// The caller's stops, and the format's markers, which no text should have in it.
    stops: Vec<String>,
    /// Where special tokens are to be read: their names.
    spelled: Option<Arc<Tokenizer>>,
    started: Instant,
    report: Report,
}

impl Generation {
    /// Asks the engine, for the client `session`, for what follows `prompt`. The first `heal.len()` bytes that come are those, and are not handed out.
    pub(crate) fn start(
        model: &Model,
        prompt: Vec<u32>,
        heal: Vec<u8>,
        markers: &[&str],
        limits: Limits,
        session: u64,
        started: Instant,
    ) -> Self {
        let asked = Asked { prompt, heal, ..Asked::default() };
        Self::of(&model.engine, asked, model.encoder.stops(), markers, limits, session, started)
    }

    /// The same of an engine whose prompts others write; `stop_ids` end it.
    pub(crate) fn of(
        engine: &Engine,
        Asked { prompt, heal, draft }: Asked,
        stop_ids: Vec<u32>,
        markers: &[&str],
        limits: Limits,
        session: u64,
        started: Instant,
    ) -> Self {
        let Limits { max_tokens, sampling, stop, priority } = limits;
        let stops = stop.into_iter().chain(markers.iter().map(|&it| it.to_owned())).filter(|it| !it.is_empty());
        let decoded = Decoded::behind(heal.len());
        let mut report = Report::default();
        report.millis.plan = started.elapsed().as_secs_f64() * 1e3;
        let cancel = CancellationToken::new();
        let request = Request {
            prompt,
            heal,
            draft,
            max_tokens,
            stop: stop_ids,
            sampling,
            priority,
            session,
            cancel,
            ..Request::default()
        };
        Self {
            events: engine.submit(request),
            decoded,
            handed: 0,
            stops: stops.collect(),
            spelled: None,
            started,
            report,
        }
    }

    /// The same with special tokens spelled out.
    pub(crate) fn spelling(self, tokenizer: Arc<Tokenizer>) -> Self {
        Self { spelled: Some(tokenizer), ..self }
    }

    /// The next piece of text, not empty; `None` at the end.
    ///
    /// # Errors
    ///
    /// What the engine says failed, for a person to read. Nothing comes after it.
    pub async fn next(&mut self) -> Result<Option<String>, String> {
        while self.report.finish.is_none() {
            match self.events.recv().await {
                Some(Event::Prefilled(prefill)) => {
                    (self.report.reused, self.report.prefilled) = (prefill.reused, prefill.prefilled);
                    self.report.millis.queued = prefill.queued.as_secs_f64() * 1e3;
                    self.report.millis.prefill = prefill.took.as_secs_f64() * 1e3;
                }
                Some(Event::Token(token)) => {
                    if self.report.millis.first_token == 0.0 {
                        self.report.millis.first_token = self.millis();
                    }
                    match self.spelled.as_ref().and_then(|tokenizer| tokenizer.special_name(token.id)) {
                        Some(name) => self.decoded.push(name.as_bytes(), token.logprob),
                        None => self.decoded.push(&token.bytes, token.logprob),
                    }
                    self.report.decoded = self.decoded.tokens;
                    if let Some(at) = self.stop_at() {
                        self.decoded.text.truncate(at);
                        // Nobody listens any more: the engine is free within a step.
                        self.events.close();
                        self.end(Finish::Stop);
                    }
                    if let Some(piece) = self.piece() {
                        return Ok(Some(piece));
                    }
                }
                Some(Event::Done(done)) => self.end(done.finish),
                Some(Event::Failed(message)) => {
                    self.end(Finish::Cancelled);
                    return Err(message);
                }
                None => self.end(Finish::Cancelled),
            }
        }
        Ok(self.piece())
    }

    /// What it has cost so far.
    pub fn report(&self) -> Report {
        self.report
    }

    fn end(&mut self, finish: Finish) {
        self.report.finish = Some(finish);
        self.report.millis.total = self.millis();
        self.report.millis.decode = self.report.millis.total - self.report.millis.first_token;
    }

    fn millis(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * 1e3
    }

    /// Where the first stop begins, in what has not been handed out: [`Self::piece`] holds back what may begin one.
    fn stop_at(&self) -> Option<usize> {
        let new = &self.decoded.text[self.handed..];
        self.stops.iter().filter_map(|stop| new.find(stop.as_str())).min().map(|at| self.handed + at)
    }

    /// What can be handed out: all at the end, before it all but what a stop may begin with.
    fn piece(&mut self) -> Option<String> {
        let new = &self.decoded.text[self.handed..];
        let held = if self.report.finish.is_some() { 0 } else { held_back(new, &self.stops) };
        let piece = new[..new.len() - held].to_owned();
        self.handed += piece.len();
        (!piece.is_empty()).then_some(piece)
    }
}

/// The length of the longest end of `text` that one of `stops` begins with.
fn held_back(text: &str, stops: &[String]) -> usize {
    let ends = |stop: &String| {
        let most = text.len().min(stop.len() - 1);
        (1..=most).rev().find(|&n| stop.as_bytes()[..n] == text.as_bytes()[text.len() - n..])
    };
    stops.iter().filter_map(ends).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stop_may_begin_with_is_held_back() {
        let stops = ["\n\n".to_owned(), "<|end|>".to_owned(), "é!".to_owned()];
        assert_eq!(held_back("a\n", &stops), 1);
        assert_eq!(held_back("a <|en", &stops), 4);
        assert_eq!(held_back("a b", &stops), 0);
        assert_eq!(held_back("aé", &stops), 2);
        assert_eq!(held_back("", &stops), 0);
    }
}
