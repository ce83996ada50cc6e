//! From a generation to an answer: whole, or piece by piece.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::header,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, StreamExt, stream};
use pilotlight_assist::{
    Explanation, Fill, Generation, Limits, Report,
    chat::ChatFailure,
    fill::{ContinueFailure, UNTITLED, spelled},
    journal::{self, Entry},
};
use pilotlight_engine::{Finish, Priority, Sampling};
use tokio::time::Instant;

use crate::{
    Failure, Surface,
    activity::{Task, Ticket},
};

/// What is asked for, whichever wire it came by.
pub(crate) struct Ask {
    pub(crate) what: What,
    pub(crate) limits: Limits,
}

/// A hole to fill or a text to go on with.
pub(crate) enum What {
    Fill(Fill),
    Continue(String),
}

impl What {
    /// A prompt, with a suffix where the client gives one. A prompt that spells out some family's fill-in-the-middle format is a hole too: whatever model is loaded can then fill it.
    pub(crate) fn of(prompt: String, suffix: Option<String>) -> Self {
        match suffix {
            Some(suffix) => Self::Fill(Fill { prefix: prompt, suffix, ..Fill::default() }),
            None => match spelled::parse(&prompt) {
                Some((prefix, suffix)) => {
                    Self::Fill(Fill { prefix: prefix.to_owned(), suffix: suffix.to_owned(), ..Fill::default() })
                }
                None => Self::Continue(prompt),
            },
        }
    }
}

/// How the next token is chosen, from what clients send; absent means greedy, as code wants it.
///
/// # Errors
///
/// A number outside of its range.
pub(crate) fn sampling(temperature: Option<f32>, top_p: Option<f32>, seed: Option<u64>) -> Result<Sampling, Failure> {
    let (temperature, top_p) = (temperature.unwrap_or(0.0), top_p.unwrap_or(1.0));
    if !(0.0..=5.0).contains(&temperature) {
        return Err(Failure::bad_request(format!("temperature: expected 0 to 5, found {temperature}")));
    }
    if !(top_p > 0.0 && top_p <= 1.0) {
        return Err(Failure::bad_request(format!("top_p: expected more than 0 and at most 1, found {top_p}")));
    }
    // Who asks again without a seed wants another answer.
    let seed = seed.unwrap_or_else(rand::random);
    Ok(if temperature == 0.0 { Sampling::Greedy } else { Sampling::TopP { temperature, top_p, seed } })
}

/// The limits of a request that types: somebody waits for it.
pub(crate) fn limits(max_tokens: usize, sampling: Sampling, stop: Vec<String>) -> Limits {
    // With nothing to decode it is a client's warm-up call.
    let priority = if max_tokens == 0 { Priority::Warming } else { Priority::Typing };
    Limits { max_tokens, sampling, stop, priority }
}

impl Surface {
    /// The model's name, or why there is none.
    pub(crate) async fn model(&self) -> Result<String, Failure> {
        self.assistant.engine().await.map(|engine| engine.info().name.clone()).map_err(Failure::unavailable)
    }

    /// Starts writing, if the user's quota has room for it.
    pub(crate) async fn start(&self, ask: Ask) -> Result<Running, Failure> {
        let asked = ask.limits.max_tokens;
        let (ticket, until) = self.begin(asked)?;
        let generation = match ask.what {
            What::Fill(mut fill) => {
                if self.private {
                    // Where users are told apart, nobody's prompt is made of what another has open.
                    fill.path.get_or_insert_with(|| UNTITLED.to_owned());
                }
                self.assistant.fill(fill, ask.limits).await.map_err(Failure::unavailable)?
            }
            What::Continue(prompt) => {
                self.assistant.continue_text(&prompt, ask.limits).await.map_err(|failure| match failure {
                    ContinueFailure::Unavailable(message) => Failure::unavailable(message),
                    ContinueFailure::Empty | ContinueFailure::TooLong { .. } => {
                        Failure::bad_request(failure.to_string())
                    }
                })?
            }
        };
        let model = self.model().await?;
        Ok(Running { generation, surface: self.clone(), ticket, asked, until, failed: None, model })
    }

    /// Starts the next answer of a conversation, under the same quota.
    pub(crate) async fn chat(&self, messages: &str, tools: Option<&str>, limits: Limits) -> Result<Running, Failure> {
        let asked = limits.max_tokens;
        let (ticket, until) = self.begin(asked)?;
        let generation = self.assistant.chat(messages, tools, limits).await.map_err(|failure| match failure {
            ChatFailure::Unavailable(message) => Failure::unavailable(message),
            ChatFailure::NoTemplate(_) => Failure::not_found(failure.to_string()),
            ChatFailure::Messages(_) | ChatFailure::TooLong { .. } => Failure::bad_request(failure.to_string()),
        })?;
        let model = self.assistant.talks_as().await.unwrap_or_default();
        Ok(Running { generation, surface: self.clone(), ticket, asked, until, failed: None, model })
    }

    fn begin(&self, max_tokens: usize) -> Result<(Ticket, Instant), Failure> {
        self.user.admit()?;
        let task = Task { client: self.user.name.clone(), wire: self.wire.clone(), max_tokens, decoded: 0 };
        Ok((self.activity.begin(task), Instant::now() + self.limit))
    }
}

/// A generation under this surface's limit, counted when it ends.
pub(crate) struct Running {
    generation: Generation,
    surface: Surface,
    ticket: Ticket,
    /// The most tokens.
    asked: usize,
    until: Instant,
    /// What went wrong, in words.
    failed: Option<String>,
    pub(crate) model: String,
}

impl Running {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Failure> {
        let next = match tokio::time::timeout_at(self.until, self.generation.next()).await {
            Ok(Ok(None)) if self.asked > 0 && cut_at_nothing(&self.report()) => {
                Err(Failure::timeout("no token was decoded in time (engine.time-limits)"))
            }
            Ok(Ok(piece)) => Ok(piece),
            Ok(Err(message)) => Err(Failure::unavailable(message)),
            Err(_) => Err(Failure::timeout(format!(
                "the answer took longer than {} s (http.time-limit-seconds)",
                self.surface.limit.as_secs()
            ))),
        };
        self.ticket.decoded(self.generation.report().decoded);
        next.inspect_err(|failure| self.failed = Some(failure.message().to_owned()))
    }

    /// All of it.
    pub(crate) async fn whole(mut self) -> Result<(String, Report), Failure> {
        let mut text = String::new();
        while let Some(piece) = self.next().await? {
            text += &piece;
        }
        Ok((text, self.report()))
    }

    pub(crate) fn report(&self) -> Report {
        self.generation.report()
    }

    /// Server-sent events: `write` gives those of a piece, and with none those of the end.
    pub(crate) fn events(self, write: impl Lines) -> Response {
        let events = self.lines(write).map(|line| Ok::<_, Infallible>(Event::default().data(line)));
        Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
    }

    /// One JSON document a line, by `write` as events are.
    pub(crate) fn json_lines(self, write: impl Lines) -> Response {
        let bytes = self.lines(write).map(|line| Ok::<_, Infallible>(Bytes::from(line + "\n")));
        ([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(bytes)).into_response()
    }

    /// The client's going away drops the stream, and with it the generation: the engine is free within a step.
    fn lines(self, write: impl Lines) -> impl Stream<Item = String> + Send + 'static {
        let batches = stream::unfold(Some((self, write)), async |state| {
            let (mut running, mut write) = state?;
            match running.next().await {
                Ok(Some(piece)) => Some((write(&running, Some(piece)), Some((running, write)))),
                Ok(None) => Some((write(&running, None), None)),
                Err(failure) => Some((vec![failure.body(&running.surface.wire).to_string()], None)),
            }
        });
        batches.flat_map(stream::iter)
    }
}

/// What writes a stream's lines: of a piece, and with none of the end.
pub(crate) trait Lines: FnMut(&Running, Option<String>) -> Vec<String> + Send + 'static {}

impl<F: FnMut(&Running, Option<String>) -> Vec<String> + Send + 'static> Lines for F {}

impl Drop for Running {
    fn drop(&mut self) {
        let report = self.generation.report();
        let Surface { metrics, user, assistant, wire, .. } = &self.surface;
        metrics.count(&report, &user.name);
        user.count(&report);
        let why = Explanation {
            nothing_because: self.failed.take().or_else(|| nothing_because(&report).map(str::to_owned)),
            reused: report.reused,
            prefilled: report.prefilled,
            decoded: report.decoded,
            millis: report.millis,
            ..Explanation::default()
        };
        let (client, wire) = (user.name.clone(), wire.clone());
        let entry = Entry { at: journal::now(), client, wire, language: String::new(), path: String::new(), why };
        assistant.journal().answered(assistant.session(), entry, None);
    }
}

/// Whether there was no time for as much as a token, of those that were asked for.
fn cut_at_nothing(report: &Report) -> bool {
    report.finish == Some(Finish::TimeLimit) && report.decoded == 0
}

/// Why a text is none, or not all of one.
fn nothing_because(report: &Report) -> Option<&'static str> {
    match report.finish {
        None | Some(Finish::Cancelled) => Some("the client went away before the end"),
        Some(Finish::TimeLimit) => Some("it took too long (engine.time-limits)"),
        Some(Finish::Stop) if report.decoded == 0 => Some("the model has nothing to add here"),
        Some(Finish::Stop | Finish::Length) => None,
    }
}
