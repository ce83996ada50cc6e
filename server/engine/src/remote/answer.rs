//! One request to a server: asked, retried, read as it streams, given up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rand::Rng as _;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    Failure, Link, Remedy,
    lines::Lines,
    prompt::Writer,
    wire::{self, Question, Said},
};
use crate::{Done, Event, Finish, Prefill, Priority, Request, Token};

/// How long a failure is hidden by asking again, where a person waits at the cursor: behind that, another engine's answer is worth more than this one's.
const PATIENCE: Duration = Duration::from_secs(2);
/// Before the second try; doubled for each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How far an answer has come.
struct Answer<'a> {
    link: &'a Arc<Link>,
    request: &'a Request,
    events: &'a UnboundedSender<Event>,
    began: Instant,
    /// When the prompt was through.
    prefilled: Option<Instant>,
    decoded: usize,
}

/// Serves one request to its end. Dropping the answer under way closes its connection, which is what tells the server to stop.
pub(super) async fn serve(link: Arc<Link>, request: Request, events: UnboundedSender<Event>) {
    link.figures().requests.waiting += 1;
    let mut answer =
        Answer { link: &link, request: &request, events: &events, began: Instant::now(), prefilled: None, decoded: 0 };
    let limit = link.time_limits.of(request.priority);
    let ended = tokio::select! {
        biased;
        () = request.cancel.cancelled() => Ok(Finish::Cancelled),
        () = events.closed() => Ok(Finish::Cancelled),
        () = sleep(limit) => Ok(Finish::TimeLimit),
        ended = answer.run() => ended,
    };
    let (decoded, prefilled) = (answer.decoded, answer.prefilled);
    let ended = match ended {
        // With nothing to show for it, the limit is a failure like any other.
        Ok(Finish::TimeLimit) if decoded == 0 => Err(Failure::passing(format!(
            "no answer within {} s (engine.time-limits)",
            limit.unwrap_or_default().as_secs()
        ))),
        ended => ended,
    };
    let mut figures = link.figures();
    let counts = &mut figures.requests;
    counts.waiting -= 1;
    match &ended {
        Ok(Finish::Stop | Finish::Length) => counts.completed += 1,
        Ok(Finish::Cancelled) => counts.cancelled += 1,
        Ok(Finish::TimeLimit) => counts.timed_out += 1,
        Err(_) => counts.failed += 1,
    }
    drop(figures);
    let event = match ended {
        Ok(finish) => {
            if finish != Finish::Cancelled {
                link.is_well();
            }
            let took = prefilled.map_or(Duration::ZERO, |at| at.elapsed());
            Event::Done(Done { finish, decoded, drafted: 0, accepted: 0, took })
        }
        Err(failure) => {
            if failure.is_ailing() {
                link.ail(&failure);
            }
            Event::Failed(format!("{}: {}", link.name(), failure.message))
        }
    };
    // Nobody listens any more where it was cancelled.
    let _ = events.send(event);
}

/// For ever where there is no limit.
async fn sleep(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

impl Answer<'_> {
    /// Asks until there is an answer. What has been handed out cannot be taken back: an answer that breaks off in the middle is not asked for again.
    async fn run(&mut self) -> Result<Finish, Failure> {
        let link = self.link;
        let tokens = link.tokens(self.request.prompt.len());
        let context = link.found().context;
        if tokens > context {
            return Err(Failure::other(format!(
                "the prompt has about {tokens} tokens: expected at most {context}, its context"
            )));
        }
        // What nobody waits for yet is not worth somebody's money.
        if link.client.has_key() && self.request.priority == Priority::Warming {
            return Ok(Finish::Cancelled);
        }
        let mut pause = FIRST_PAUSE;
        loop {
            let failure = match self.attempt().await {
                Ok(finish) => return Ok(finish),
                Err(failure) => failure,
            };
            let Remedy::Retry(after) = failure.remedy else { return Err(failure) };
            // Jitter, so that several editors do not come back as one.
            let wait = after.unwrap_or_else(|| pause.mul_f64(rand::rng().random_range(0.5..1.0)));
            if self.decoded > 0 || self.began.elapsed() + wait > self.patience() {
                return Err(failure);
            }
            tracing::debug!(failure = failure.message, ?wait, "asking again");
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
    }

    fn patience(&self) -> Duration {
        match self.request.priority {
            Priority::Typing | Priority::Warming => PATIENCE,
            _ => PATIENCE * 15,
        }
    }

    async fn attempt(&mut self) -> Result<Finish, Failure> {
        let (link, request) = (self.link, self.request);
        let found = link.found();
        let writer = Writer { tokenizer: &link.tokenizer, names: &link.names };
        let question = Question {
            parts: writer.parts(&request.prompt),
            ids: link.exact.then_some(request.prompt.as_slice()),
            max_tokens: request.max_tokens,
            stops: request.stop.iter().filter_map(|id| Some(link.names.get(id)?.as_str())).collect(),
            sampling: &request.sampling,
            names: &link.names,
        };
        let (path, body) = wire::ask(&found, &question)?;
        let chat = question.is_chat();
        let opened = link.client.open(path, &body).await;
        if found.server_writes && !chat && opened.as_ref().is_err_and(|failure| failure.status == Some(501)) {
            link.cannot_fill();
        }
        let mut lines = Lines::new(opened?, link.client.stall());
        let mut ended = None;
        while let Some(line) = lines.next().await? {
            let Some(said) = wire::read(found.kind, chat, &line)? else { break };
            if let Some(tokens) = said.prompt.and_then(|cost| cost.tokens) {
                link.learn(request.prompt.len(), tokens);
            }
            ended = ended.or(said.finish);
            // What follows the end tells what it cost, where the server says so apart.
            let all = ended.is_some() && said.prompt.is_some();
            self.hand_out(said, ended.is_some());
            if all {
                break;
            }
        }
        ended.ok_or_else(|| Failure::passing("its answer ended in the middle"))
    }

    fn hand_out(&mut self, said: Said, ended: bool) {
        let Said { text, logprob, prompt: cost, .. } = said;
        if self.prefilled.is_none() && (cost.is_some() || ended || !text.is_empty()) {
            let told = cost.unwrap_or_default();
            let counted = Duration::try_from_secs_f64(told.millis / 1e3).ok().filter(|took| !took.is_zero());
            let prefill = Prefill {
                reused: told.reused,
                moved: 0,
                prefilled: if cost.is_some() { told.prefilled } else { self.link.tokens(self.request.prompt.len()) },
                queued: Duration::ZERO,
                took: counted.unwrap_or_else(|| self.began.elapsed()),
            };
            self.prefilled = Some(Instant::now());
            let _ = self.events.send(Event::Prefilled(prefill));
        }
        // A request for nothing only warms the server's cache.
        if text.is_empty() || self.request.max_tokens == 0 {
            return;
        }
        self.decoded += 1;
        let (bytes, logprob) = (text.into_bytes(), logprob.unwrap_or(f32::NAN));
        let _ = self.events.send(Event::Token(Token { id: 0, bytes, logprob, drafted: false }));
    }
}
