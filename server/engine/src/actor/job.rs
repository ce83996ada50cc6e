//! A request on its way through the engine.

use std::{collections::VecDeque, time::Duration};

use pilotlight_kernels::cpu::Draw;
use tokio::sync::mpsc::UnboundedSender;

use super::turns::Standing;
use crate::{
    Done, Event, Finish, Prefill, Priority, Request, Token, Tokenizer,
    backend::Choice,
    cache::{Branch, Moved},
    sampling::Sampler,
    speculation::{Script, Strength},
};

/// A request and how far it has come.
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) request: Request,
    events: UnboundedSender<Event>,
    sampler: Option<Sampler>,
    /// By the engine's clock.
    arrived: Duration,
    /// When its time is up, by the engine's clock.
    deadline: Option<Duration>,
    /// Its claim on the next step.
    pub(super) standing: Standing,
    /// The prompt and what has been decoded.
    pub(super) sequence: Vec<u32>,
    /// Where its KV is; `None` before it starts, and after it lost it to a more urgent one.
    pub(super) branch: Option<Branch>,
    /// What of its sequence is taken from elsewhere, in order.
    pub(super) moves: VecDeque<Moved>,
    /// What the prompt cost so far; sent when it is complete.
    pub(super) prefill: Prefill,
    stage: Stage,
    decoded: usize,
    /// What the caller expects to be said.
    pub(super) script: Script,
    /// Tokens computed on trial, and those that were right.
    pub(super) drafted: usize,
    pub(super) accepted: usize,
    /// Bytes decoded: the first `request.heal.len()` of them are prescribed.
    decoded_bytes: usize,
    /// Time in decode steps.
    decoding: Duration,
}

/// What a step says of the token that comes next.
pub(super) enum Row<'a> {
    Logits(&'a [f32]),
    /// The token, of those that fit, chosen by the backend: the most likely, or drawn as was said.
    Chosen(Choice),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Queued,
    Prefilling,
    Decoding,
}

/// Why a request cannot be served, in words.
pub(super) fn check(request: &Request, context_length: usize, vocab: usize) -> Result<(), String> {
    check_tokens("prompt", &request.prompt, context_length, vocab)?;
    check_ids("draft", &request.draft, vocab)?;
    Sampler::new(&request.sampling).map(drop)
}

/// Why the model cannot read these tokens, in words.
pub(super) fn check_tokens(name: &str, tokens: &[u32], context_length: usize, vocab: usize) -> Result<(), String> {
    let length = tokens.len();
    if length == 0 {
        return Err(format!("the {name} is empty: expected at least one token"));
    }
    if length > context_length {
        return Err(format!("the {name} has {length} tokens: expected at most {context_length}, the model's context"));
    }
    check_ids(name, tokens, vocab)
}

fn check_ids(name: &str, tokens: &[u32], vocab: usize) -> Result<(), String> {
    match tokens.iter().find(|&&id| id as usize >= vocab) {
        Some(id) => Err(format!("the {name} has token {id}: expected ids below {vocab}, the model's vocabulary")),
        None => Ok(()),
    }
}

/// Either the token spells some of what is left to heal, or all of it and more. Markers have no bytes and do not fit.
fn fits(heal: &[u8], id: u32, tokenizer: &Tokenizer) -> bool {
    let bytes = tokenizer.bytes(id);
    !bytes.is_empty() && (heal.starts_with(bytes) || bytes.starts_with(heal))
}

impl Job {
    /// `request` must have passed `check`; it arrives `now` and may take as long as `limit` says.
    pub(super) fn new(
        id: u64,
        request: Request,
        events: UnboundedSender<Event>,
        now: Duration,
        limit: Option<Duration>,
    ) -> Self {
        Self {
            id,
            sampler: Sampler::new(&request.sampling).ok(),
            arrived: now,
            deadline: limit.map(|limit| now + limit),
            standing: Standing::new(id, request.priority, request.session),
            sequence: request.prompt.clone(),
            branch: None,
            moves: VecDeque::new(),
            prefill: Prefill::default(),
            stage: Stage::Queued,
            decoded: 0,
            script: Script::new(request.draft.clone(), Strength::of_draft(request.draft_chance)),
            drafted: 0,
            accepted: 0,
            decoded_bytes: 0,
            decoding: Duration::ZERO,
            request,
            events,
        }
    }

    /// Whether nobody waits for it any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.request.cancel.is_cancelled() || self.events.is_closed()
    }

    /// Why it is to end before its time: nobody waits for it, or it has taken too long.
    pub(super) fn overdue(&self, now: Duration) -> Option<Finish> {
        if self.is_cancelled() {
            Some(Finish::Cancelled)
        } else {
            self.deadline.filter(|&deadline| now > deadline).map(|_| Finish::TimeLimit)
        }
    }

    /// It has (again) a branch, which holds the first tokens of its sequence.
    pub(super) fn placed(&mut self, branch: Branch, now: Duration) -> &mut Branch {
        let reused = branch.len();
        self.moves.clear();
        if self.stage == Stage::Queued {
            self.stage = Stage::Prefilling;
            self.prefill.queued = now.saturating_sub(self.arrived);
        }
        if self.stage == Stage::Prefilling {
            self.prefill.reused = reused;
            self.prefill.prefilled = self.request.prompt.len() - reused;
            self.prefill.moved = 0;
        }
        self.branch.insert(branch)
    }

    /// Its branch holds room for its sequence, and these runs of it.
    pub(super) fn moved(&mut self, runs: Vec<Moved>) {
        if self.stage == Stage::Prefilling {
            self.prefill.moved = runs.iter().map(|run| run.length).sum();
            self.prefill.prefilled -= self.prefill.moved;
        }
        self.moves = runs.into();
    }

    /// What it counts in the cache that it used something.
    pub(super) fn urgency(&self) -> f64 {
        match self.request.priority {
            Priority::Typing | Priority::NextEdit => 1.0,
            Priority::Action | Priority::Refactor => 0.5,
            Priority::Warming => 0.25,
            Priority::Indexing => 0.1,
        }
    }

    /// A step for it took this long.
    pub(super) fn took(&mut self, time: Duration) {
        match self.stage {
            Stage::Decoding => self.decoding += time,
            _ => self.prefill.took += time,
        }
    }

    /// Whether a step for it decodes one token: all before it is computed.
    pub(super) fn decodes(&self) -> bool {
        self.stage == Stage::Decoding
            && self.branch.as_ref().is_some_and(|branch| branch.len() + 1 == self.sequence.len())
    }

    /// Tokens that it may decode still.
    pub(super) fn left(&self) -> usize {
        self.request.max_tokens - self.decoded
    }

    /// How the next `rows` tokens are drawn, where the most likely ones are not taken.
    pub(super) fn draws(&self, rows: usize, to: &mut Vec<Draw>) {
        if let Some(sampler) = &self.sampler {
            sampler.draws(rows, to);
        }
    }

    /// What may be said where the first bytes are still prescribed, as a bit for each token: after its sequence, and after each of `drafts` that leaves some.
    pub(super) fn masks(&self, drafts: &[u32], tokenizer: &Tokenizer) -> Vec<Vec<u32>> {
        let mut spelt = self.decoded_bytes;
        let mut masks = Vec::new();
        for draft in drafts.iter().map(Some).chain([None]) {
            let Some(heal) = self.request.heal.get(spelt..).filter(|heal| !heal.is_empty()) else { break };
            let vocab = tokenizer.vocab_size();
            let mut mask = vec![0; vocab.div_ceil(32)];
            (0..vocab).filter(|&id| fits(heal, id as u32, tokenizer)).for_each(|id| mask[id / 32] |= 1 << (id % 32));
            masks.push(mask);
            spelt += draft.map_or(0, |&id| tokenizer.bytes(id).len());
        }
        masks
    }

    /// Its whole sequence is computed: `row` is what follows the last token; `drafted` was thought to be next. Gives the last event if this is the end.
    pub(super) fn advance(
        &mut self,
        row: Row<'_>,
        drafted: Option<u32>,
        context_length: usize,
        is_end: impl Fn(u32) -> bool,
        tokenizer: &Tokenizer,
    ) -> Option<Event> {
        if self.is_cancelled() {
            // It was while this step was computed: what the step gave is not handed out.
            return Some(self.done(Finish::Cancelled));
        }
        if self.stage != Stage::Decoding {
            self.stage = Stage::Decoding;
            self.send(Event::Prefilled(self.prefill));
        }
        if self.request.max_tokens == 0 {
            return Some(self.done(Finish::Length));
        }
        let heal = self.request.heal.get(self.decoded_bytes..).unwrap_or_default();
        let chosen = match (row, &mut self.sampler) {
            (Row::Chosen(choice), sampler) => {
                sampler.iter_mut().for_each(Sampler::drawn);
                choice
            }
            (Row::Logits(logits), Some(sampler)) if heal.is_empty() => sampler.choose(logits),
            (Row::Logits(logits), Some(sampler)) => sampler.choose_among(logits, |id| fits(heal, id, tokenizer)),
            (Row::Logits(_), None) => None,
        };
        let Some((id, logprob)) = chosen else {
            return Some(Event::Failed("the model gave no finite logit: its weights are corrupt".into()));
        };
        if is_end(id) || self.request.stop.contains(&id) {
            return Some(self.done(Finish::Stop));
        }
        let bytes = tokenizer.bytes(id).to_vec();
        // What only spells the prompt's end again is none of what was asked for.
        let is_new = heal.is_empty() || bytes.len() > heal.len();
        self.decoded_bytes += bytes.len();
        let drafted = drafted == Some(id);
        self.accepted += usize::from(drafted);
        self.sequence.push(id);
        self.decoded += usize::from(is_new);
        self.script.follow(&self.sequence[self.request.prompt.len()..]);
        self.send(Event::Token(Token { id, bytes, logprob, drafted }));
        let full = self.sequence.len() > context_length;
        (full || self.decoded >= self.request.max_tokens).then(|| self.done(Finish::Length))
    }

    /// The event that ends it now.
    pub(super) fn done(&self, finish: Finish) -> Event {
        let Self { decoded, drafted, accepted, .. } = *self;
        Event::Done(Done { finish, decoded, drafted, accepted, took: self.decoding })
    }

    /// Ends it. Taking `self` makes it the one last event.
    pub(super) fn end(self, event: Event) {
        self.send(event);
    }

    /// A receiver that was dropped is noticed before the next step.
    fn send(&self, event: Event) {
        let _ = self.events.send(event);
    }
}
