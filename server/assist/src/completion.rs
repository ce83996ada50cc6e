//! Inline completion: the request, and the way to the answer.

mod explanation;
mod extent;
mod recalled;
mod shown;
mod trim;
mod unclosed;
mod unended;

#[cfg(test)]
mod tests;

use std::{ops::Range, path::PathBuf, time::Instant};

use pilotlight_context::{
    Anchor, Budget, Excerpt, Input, Order, Plan, Repository, Surroundings,
    recall::Recall,
    sources::{Edit, Note, Place},
};
use pilotlight_engine::{Event, Finish, Priority, Request};
use tokio_util::sync::CancellationToken;

use crate::{
    DocumentId,
    decoded::Decoded,
    indexing::{Indexing, Reading},
    model::Model,
    options::CompletionOptions,
};
pub use explanation::{Explanation, LeftOutReport, RecalledReport, SegmentReport, Stages};
pub(crate) use extent::Reach;
use recalled::Recalled;
pub(crate) use shown::{Memory, Shown};

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The person, by a key.
    Invoked,
    /// The editor, while typing.
    Automatic,
}

/// A request for ghost text.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    /// An open document.
    pub document: DocumentId,
    /// Byte offset of the cursor in the snapshot below.
    pub cursor: usize,
    /// The state the cursor belongs to.
    pub snapshot: pilotlight_syntax::Snapshot,
    /// Who asked.
    pub trigger: Trigger,
}

/// Names one completion that was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CompletionId(pub u64);

/// Ghost text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// To be named when it is shown, accepted or dismissed.
    pub id: CompletionId,
    /// The bytes it replaces; on one line, contains the cursor (empty at the cursor for a pure insertion).
    pub range: Range<usize>,
    /// The new text of `range`.
    pub text: String,
}

/// The answer to a completion request: exactly one for each.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What to show, if anything.
    pub completion: Option<Completion>,
    /// How it came about; why there is nothing to show.
    pub explanation: Explanation,
}

/// What a document's last plan left for its next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Last {
    /// The format it was written in: another model's begins anew.
    family: &'static str,
    anchor: Option<Anchor>,
    excerpts: Option<(Vec<Excerpt>, usize)>,
    recall: Recall,
}

impl Last {
    /// What `model` can go on with: of another format, nothing.
    fn of(self, model: &Model) -> Self {
        let family = model.encoder.family().name;
        if self.family == family { self } else { Self { family, recall: self.recall, ..Self::default() } }
    }

    /// What `plan` leaves.
    fn leave(&mut self, family: &'static str, plan: Plan) {
        (self.family, self.anchor, self.excerpts) = (family, Some(plan.anchor), Some((plan.excerpts, plan.line_start)));
    }

    /// Where what was typed since the anchor is more than the cursor's line: has the next plan make a new one. `false` where there is nothing to gain.
    pub(crate) fn weigh_anchor(&mut self, snapshot: &pilotlight_syntax::Snapshot, cursor: usize, order: Order) -> bool {
        let line = snapshot.line_at(cursor).start;
        let stale = self.anchor.as_mut().filter(|anchor| order == Order::Psm && anchor.at < line);
        stale.map(Anchor::weigh).is_some()
    }

    /// Keeps the excerpts for a plan at `cursor`, whatever line it is on.
    pub(crate) fn freeze(&mut self, snapshot: &pilotlight_syntax::Snapshot, cursor: usize) {
        if let Some((_, line_start)) = &mut self.excerpts {
            *line_start = snapshot.line_at(cursor).start;
        }
    }
}

/// What a plan may look at beside the document.
pub(crate) struct Surrounded<'a> {
    /// The file as the prompt names it.
    pub(crate) path: String,
    /// What the prompt calls the project.
    pub(crate) project: String,
    /// Tokens for excerpts; 0: the document alone.
    pub(crate) budget: usize,
    /// Whether lines from places like the cursor's may be shown.
    pub(crate) recalls: bool,
    pub(crate) indexing: &'a Indexing,
    /// The client's folders.
    pub(crate) roots: Vec<PathBuf>,
    /// The document's folder and its own path.
    pub(crate) file: Option<(PathBuf, PathBuf)>,
    pub(crate) edits: Vec<Edit>,
    pub(crate) places: Vec<Place>,
    /// What others report of the document.
    pub(crate) notes: Vec<Note>,
}

impl<'a> Surrounded<'a> {
    /// Nothing yet.
    pub(crate) fn new(indexing: &'a Indexing, path: String, project: String) -> Self {
        let (roots, file, edits, places, notes) = (Vec::new(), None, Vec::new(), Vec::new(), Vec::new());
        Self { path, project, budget: 0, recalls: false, indexing, roots, file, edits, places, notes }
    }

    /// What sources look at.
    fn around<'r>(&'r self, reading: &'r Reading<'_>) -> Surroundings<'r> {
        Surroundings {
            index: &reading.index,
            texts: reading,
            file: self.file.as_ref().and_then(|(root, path)| reading.file(root, path)),
            edits: &self.edits,
            viewed: &self.places,
            notes: &self.notes,
        }
    }

    /// Plans the prompt of `request`. Holds the index meanwhile.
    fn plan(&self, model: &Model, options: &CompletionOptions, request: &CompletionRequest, last: &Last) -> Plan {
        let encoder = &model.encoder;
        let room = model.engine.info().context_length - most_tokens(model, options);
        let total = options.context_tokens.min(room);
        let (snapshot, cursor) = (&request.snapshot, request.cursor);
        let input = Input { path: &self.path, snapshot, cursor, anchor: last.anchor.as_ref() };
        // A prompt is never without the open file: that has at least half of the tokens.
        let share = self.budget.min(total / 2);
        if share == 0 {
            return pilotlight_context::plan(encoder.family(), input, Budget::shared(total), encoder);
        }
        let reading = self.indexing.read(self.roots.clone());
        let around = self.around(&reading);
        let kept = last.excerpts.as_ref().map(|(excerpts, line_start)| (excerpts.as_slice(), *line_start));
        let repository = Repository { name: &self.project, around, budget: share, kept };
        pilotlight_context::plan_with(encoder.family(), input, Budget::shared(total - share), Some(repository), encoder)
    }
}

/// What became of a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It is on the screen.
    Shown,
    /// Taken whole.
    Whole,
    /// Its first `bytes` bytes were taken.
    Partial {
        /// Of the completion's text.
        bytes: usize,
    },
    /// Dismissed by the person.
    Dismissed,
}

impl Outcome {
    /// No ghost text, and why.
    pub(crate) fn nothing(because: impl Into<String>) -> Self {
        Self {
            completion: None,
            explanation: Explanation { nothing_because: Some(because.into()), ..Explanation::default() },
        }
    }
}

/// Who asks the engine, and how urgently.
pub(crate) struct Caller<'a> {
    pub(crate) priority: Priority,
    /// The client: the engine shares its time between clients.
    pub(crate) session: u64,
    /// How much may be written.
    pub(crate) reach: Reach,
    pub(crate) cancel: &'a CancellationToken,
}

/// Why a completion that nobody asked for is not made here: whatever a model writes between two halves of a word makes another word of them.
pub(crate) fn is_out_of_place(request: &CompletionRequest) -> Option<&'static str> {
    let automatic = request.trigger == Trigger::Automatic;
    (automatic && trim::is_inside_a_word(&request.snapshot, request.cursor)).then_some("the cursor is inside a word")
}

/// Plans, asks the engine and settles the text. `last` is what the document's last plan left, and is left what this one leaves. The answer carries no id yet: `0` stands in its place.
pub(crate) async fn generate(
    model: &Model,
    options: &CompletionOptions,
    request: &CompletionRequest,
    surrounded: &Surrounded<'_>,
    last: &mut Last,
    caller: Caller<'_>,
) -> Outcome {
    let Caller { priority, session, reach, cancel } = caller;
    let started = Instant::now();
    let millis = |since: Instant| since.elapsed().as_secs_f64() * 1e3;
    let (snapshot, cursor) = (&request.snapshot, request.cursor);
    let encoder = &model.encoder;

    *last = std::mem::take(last).of(model);
    let wanted = surrounded.recalls || model.engine.takes_drafts();
    let guess = wanted.then(|| recalled::guess(request, surrounded, last)).flatten();
    let shown = guess.clone().filter(|_| surrounded.recalls);
    let recalled = shown.and_then(|guess| Recalled::of(request, guess, reach));
    if let Some(recalled) = recalled.as_ref().filter(|recalled| recalled.is_certain()) {
        let mut explanation = Explanation { recalled: Some(recalled.report()), ..Explanation::default() };
        explanation.millis.total = millis(started);
        return Outcome { completion: Some(recalled.completion.clone()), explanation };
    }
    let mut plan = surrounded.plan(model, options, request, last);
    let prompt = encoder.encode(&plan);
    let mut explanation = Explanation { segments: prompt.segments, ..Explanation::default() };
    for segment in &mut explanation.segments {
        let excerpt = plan.excerpts.iter().find(|excerpt| {
            excerpt.id.source.name() == segment.source
                && excerpt.id.path == segment.path
                && excerpt.id.line == segment.line
        });
        segment.gain = excerpt.map(|excerpt| excerpt.gain);
    }
    explanation.left_out = std::mem::take(&mut plan.left_out)
        .into_iter()
        .map(|left| LeftOutReport {
            source: left.id.source.name().to_owned(),
            path: left.id.path,
            line: left.id.line,
            tokens: left.tokens,
            gain: left.gain,
            because: left.because.to_owned(),
        })
        .collect();
    last.leave(encoder.family().name, plan);
    explanation.millis.plan = millis(started);

    let mut events = model.engine.submit(Request {
        draft: guess.as_ref().map(|guess| encoder.draft(&prompt.heal, &guess.rest)).unwrap_or_default(),
        draft_chance: guess.map_or(0.0, |guess| guess.sureness),
        prompt: prompt.ids,
        heal: prompt.heal.clone(),
        max_tokens: most_tokens(model, options),
        stop: encoder.stops(),
        priority,
        session,
        answer_now: options.answer_now && priority == Priority::Typing,
        cancel: cancel.clone(),
        ..Request::default()
    });

    let here = snapshot.around(cursor);
    let mut extent = extent::Extent::new(&here, cursor, reach);
    let mut decoded = Decoded::behind(prompt.heal.len());
    let mut ended = None;
    // Dropping `events` at the loop's end is what tells the engine that it has said enough.
    while let Some(event) = events.recv().await {
        match event {
            Event::Prefilled(prefill) => {
                explanation.reused = prefill.reused;
                let mut end = 0;
                for segment in &mut explanation.segments {
                    end += segment.tokens;
                    segment.warm = end <= prefill.reused;
                }
                explanation.prefilled = prefill.prefilled;
                explanation.moved = prefill.moved;
                explanation.millis.queued = prefill.queued.as_secs_f64() * 1e3;
                explanation.millis.prefill = prefill.took.as_secs_f64() * 1e3;
            }
            Event::Token(token) => {
                if explanation.decoded == 0 {
                    explanation.millis.first_token = millis(started);
                }
                explanation.decoded += 1;
                explanation.drafted += usize::from(token.drafted);
                decoded.push(&token.bytes, token.logprob);
                if extent.grow(&decoded.text) == extent::Flow::Enough || decoded.has_marker(encoder.family().markers) {
                    break;
                }
            }
            Event::Done(done) => ended = Some(done.finish),
            Event::Failed(message) => {
                explanation.nothing_because = Some(format!("the engine failed: {message}"));
                return Outcome { completion: None, explanation };
            }
        }
    }
    drop(events);
    explanation.confidence = decoded.confidence();
    explanation.millis.decode = millis(started) - explanation.millis.first_token;

    let settled = if ended == Some(Finish::Cancelled) || cancel.is_cancelled() {
        Err("superseded by a newer keystroke")
    } else if decoded.text.trim().is_empty() {
        Err("the model has nothing to add here")
    } else {
        settle(extent, &decoded, ended, options, request.trigger)
    };
    explanation.millis.total = millis(started);
    let settled = settled.map(|(range, text)| Completion { id: CompletionId(0), range, text });
    let least = if request.trigger == Trigger::Invoked { 0.0 } else { options.min_confidence };
    if let Some(recalled) = recalled
        && !cancel.is_cancelled()
        && recalled.is_better(&settled, &explanation, least)
    {
        explanation.recalled = Some(recalled.report());
        return Outcome { completion: Some(recalled.completion), explanation };
    }
    let completion = match settled {
        Ok(completion) => Some(completion),
        Err(because) => {
            explanation.nothing_because = Some(because.to_owned());
            None
        }
    };
    Outcome { completion, explanation }
}

/// What an answer may have at most: half of a context that is small, or the model would see nothing of the text.
fn most_tokens(model: &Model, options: &CompletionOptions) -> usize {
    options.max_tokens.min(model.engine.info().context_length / 2)
}

/// Has the engine compute the prompt that a completion at `request` would ask with, and nothing more. `last` as in [`generate`]; what it is left is told before the engine is asked.
pub(crate) async fn prefill(
    model: &Model,
    options: &CompletionOptions,
    request: &CompletionRequest,
    surrounded: &Surrounded<'_>,
    caller: Caller<'_>,
    last: Last,
    planned: impl FnOnce(Last),
) {
    let mut last = last.of(model);
    let plan = surrounded.plan(model, options, request, &last);
    let prompt = model.encoder.encode(&plan).ids;
    last.leave(model.encoder.family().name, plan);
    planned(last);
    let Caller { priority, session, cancel, .. } = caller;
    let ask = Request { prompt, priority, session, cancel: cancel.clone(), ..Request::default() };
    let mut events = model.engine.submit(ask);
    while events.recv().await.is_some() {}
}

fn settle(
    extent: extent::Extent<'_>,
    decoded: &Decoded,
    ended: Option<Finish>,
    options: &CompletionOptions,
    trigger: Trigger,
) -> Result<(Range<usize>, String), &'static str> {
    let unsure = decoded.confidence().is_some_and(|confidence| confidence < options.min_confidence);
    if unsure && trigger == Trigger::Automatic {
        return Err("the model is too unsure of it (completion.min-confidence)");
    }
    extent.finish(&decoded.text, ended == Some(Finish::Stop))
}
