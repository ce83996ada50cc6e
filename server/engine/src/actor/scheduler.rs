//! The model's thread: always one step of the most urgent request.

use std::{
    cmp::Reverse,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{
    Score,
    clock::Clock,
    job::{Job, Row},
    turns::Turns,
};
use crate::{
    EngineError, EngineOptions, Event, Figures, Finish, Priority, Tokenizer,
    backend::{Backend, Choice, Logits, Sequence},
    cache::{Cache, Full, Placement},
    figures::{CacheFigures, PageFigures},
    snapshot::Store,
    speculation::{Drafter, Gate, Strength},
};

/// Owns the model. A step is one decode step or one chunk of a prompt; before each, new requests are taken in and cancelled ones are
/// let go, so that a more urgent request waits for one step at most.
pub(super) struct Scheduler {
    pub(super) backend: Box<dyn Backend>,
    tokenizer: Arc<Tokenizer>,
    eos: Vec<u32>,
    prefill_chunk: usize,
    context_length: usize,
    pub(super) cache: Cache,
    /// In order of arrival.
    jobs: Vec<Job>,
    turns: Turns,
    speculation: bool,
    drafter: Drafter,
    gate: Gate,
    /// Scratch: what is drafted, all tokens of a step, and the requests that decode together in it.
    drafts: Vec<u32>,
    tokens: Vec<u32>,
    group: Vec<usize>,
    clock: Clock,
    inbox: Receiver<Message>,
    store: Option<Store>,
    /// Whether there is something to save.
    unsaved: bool,
    saving: Option<JoinHandle<()>>,
    figures: Arc<Mutex<Figures>>,
}

/// What the engine's thread is told.
pub(super) enum Message {
    Job(Box<Job>),
    /// To write the snapshot, and to tell its bytes.
    Save(Sender<Result<u64, EngineError>>),
    /// To tell what the cache's pages hold.
    Map(Sender<Vec<PageFigures>>),
    /// To score a text, so many tokens a step.
    Score(Vec<u32>, usize, Sender<Result<Vec<Score>, EngineError>>),
}

/// What a step gave.
enum Rows<'a> {
    Logits(&'a [f32]),
    Chosen(&'a [Choice]),
}

impl<'a> Rows<'a> {
    /// Row `i` of `count`.
    fn row(&self, i: usize, count: usize) -> Row<'a> {
        match *self {
            Self::Logits(logits) => {
                let vocab = logits.len() / count;
                Row::Logits(&logits[i * vocab..][..vocab])
            }
            Self::Chosen(choices) => Row::Chosen(choices.get(i).copied().flatten()),
        }
    }
}

/// All handles are gone.
struct Closed;

/// Missing tokens from which on it is worth looking for them elsewhere.
const MUCH: usize = 128;

/// Without work for so long, what has been computed since is saved.
const IDLE: Duration = Duration::from_secs(30);

impl Scheduler {
    pub(super) fn new(
        backend: Box<dyn Backend>,
        tokenizer: Arc<Tokenizer>,
        eos: Vec<u32>,
        options: &EngineOptions,
        clock: Clock,
        inbox: Receiver<Message>,
    ) -> Self {
        let abreast = backend.abreast();
        Self {
            cache: Cache::new(backend.pages(), backend.page_bytes()),
            context_length: backend.context_length(),
            backend,
            tokenizer,
            eos,
            prefill_chunk: options.prefill_chunk,
            jobs: Vec::new(),
            turns: Turns::new(abreast > 1),
            speculation: options.speculation,
            drafter: Drafter::default(),
            gate: Gate::default(),
            drafts: Vec::new(),
            tokens: Vec::new(),
            group: Vec::new(),
            clock,
            inbox,
            store: None,
            unsaved: false,
            saving: None,
            figures: Arc::default(),
        }
    }

    /// What [`crate::Engine::figures`] reads.
    pub(super) fn figures(&self) -> Arc<Mutex<Figures>> {
        Arc::clone(&self.figures)
    }

    /// Runs until all handles are gone. A panic in the model ends all requests, those to come too, with an error.
    pub(super) fn run(mut self) {
        let reason = match catch_unwind(AssertUnwindSafe(|| self.serve())) {
            Ok(Closed) => {
                if self.unsaved
                    && let Err(error) = self.save()
                {
                    tracing::warn!(%error, "no KV snapshot");
                }
                "it was closed".to_owned()
            }
            Err(panic) => {
                let message = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
                let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
                format!("its thread panicked: {}", message.unwrap_or_default())
            }
        };
        let reason = EngineError::Stopped(reason).to_string();
        tracing::debug!("{reason}");
        let Self { jobs, inbox, .. } = self;
        let queued = inbox.into_iter().filter_map(|message| match message {
            Message::Job(job) => Some(*job),
            Message::Save(_) | Message::Map(_) | Message::Score(..) => None,
        });
        for job in jobs.into_iter().chain(queued) {
            job.end(Event::Failed(reason.clone()));
        }
    }

    fn serve(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.receive() {
                return closed;
            }
            self.end_overdue();
            if let Some(job) = self.turns.next(self.jobs.iter_mut().map(|job| &mut job.standing)) {
                self.step(job);
            }
        }
    }

    /// Takes in what has arrived; waits if there is nothing to do.
    fn receive(&mut self) -> Result<(), Closed> {
        while self.jobs.is_empty() {
            match self.inbox.recv_timeout(IDLE) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => self.save_aside(),
                Err(RecvTimeoutError::Disconnected) => return Err(Closed),
            }
        }
        loop {
            match self.inbox.try_recv() {
                Ok(message) => self.take(message),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Closed),
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Job(job) => self.jobs.push(*job),
            Message::Map(answer) => {
                // Who asked may have gone.
                let _ = answer.send(self.cache.map());
            }
            Message::Score(tokens, chunk, answer) => {
                let _ = answer.send(self.score(&tokens, chunk));
            }
            Message::Save(answer) => {
                // Whoever does not wait for the answer any more does not need it.
                let _ = answer.send(self.save());
            }
        }
    }

    /// Begins with what an earlier run left, and leaves to the next.
    pub(super) fn restore(&mut self, store: Store) {
        store.restore(&mut *self.backend, &mut self.cache);
        self.store = Some(store);
    }

    /// Writes the snapshot; gives its bytes.
    fn save(&mut self) -> Result<u64, EngineError> {
        let _ = self.saving.take().map(JoinHandle::join);
        let Some(store) = &self.store else { return Ok(0) };
        let Some(image) = store.image(&*self.backend, &self.cache) else { return Ok(0) };
        self.unsaved = false;
        store.write(image).map_err(|source| EngineError::Io { path: store.folder().into(), source })
    }

    /// Writes the snapshot on another thread, so that nobody who comes meanwhile waits for the disk.
    fn save_aside(&mut self) {
        let busy = self.saving.as_ref().is_some_and(|saving| !saving.is_finished());
        let Some(store) = self.store.clone().filter(|_| self.unsaved && !busy) else { return };
        let Some(image) = store.image(&*self.backend, &self.cache) else { return };
        self.unsaved = false;
        let write = move || match store.write(image) {
            Ok(bytes) => tracing::debug!(bytes, "KV snapshot"),
            Err(error) => tracing::warn!(%error, folder = %store.folder().display(), "no KV snapshot"),
        };
        self.saving = std::thread::Builder::new().name("pilotlight-snapshot".into()).spawn(write).ok();
    }

    /// Ends the requests that nobody waits for and those whose time is up.
    fn end_overdue(&mut self) {
        let now = self.clock.now();
        let overdue = |(i, job): (usize, &Job)| Some((i, job.overdue(now)?));
        while let Some((i, finish)) = self.jobs.iter().enumerate().find_map(overdue) {
            let event = self.jobs[i].done(finish);
            self.end(i, event);
        }
    }

    /// One step for one request.
    fn step(&mut self, i: usize) {
        let start = self.clock.now();
        self.backend.set_background(matches!(self.jobs[i].request.priority, Priority::Warming | Priority::Indexing));
        let result = match self.prepare(i) {
            Ok(true) if self.gather(i) => return self.compute_together(start),
            Ok(true) => self.compute(i, start),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        match result {
            Ok(None) => {}
            Ok(Some(event)) => self.end(i, event),
            Err(error) => self.end(i, Event::Failed(error.to_string())),
        }
    }

    /// Gives the request a branch that holds as much of its sequence as possible, and room there for the next tokens. `false` where more urgent requests hold all
    /// memory: it waits, and holds nothing meanwhile.
    fn prepare(&mut self, i: usize) -> Result<bool, EngineError> {
        if self.jobs[i].branch.is_none() {
            let Placement { branch, copy } = loop {
                match self.cache.place(&self.jobs[i].sequence) {
                    Ok(placement) => break placement,
                    Err(Full) if self.make_room(i)? => {}
                    Err(Full) => return Ok(false),
                }
            };
            let branch = self.jobs[i].placed(branch, self.clock.now());
            if let Some((from, to, length)) = copy {
                let copied = self.backend.copy(from, to, length);
                copied.inspect_err(|_| self.cache.drop_last(branch))?;
            }
            if self.jobs[i].request.answer_now {
                self.bring(i)?;
            }
        }
        while let job = &mut self.jobs[i]
            && let Some(branch) = &mut job.branch
        {
            let missing = job.sequence.len() - branch.len();
            match self.cache.reserve(branch, missing.min(self.prefill_chunk)) {
                Ok(()) => return Ok(true),
                Err(Full) if self.make_room(i)? => {}
                Err(Full) => break,
            }
        }
        Ok(false)
    }

    /// Where much of a sequence is missing: brings what the cache has of it elsewhere, if that is most of it and there is room.
    fn bring(&mut self, i: usize) -> Result<(), EngineError> {
        let job = &mut self.jobs[i];
        let Some(branch) = &mut job.branch else { return Ok(()) };
        let missing = job.sequence.len() - branch.len();
        if missing < MUCH || !self.backend.shifts() {
            return Ok(());
        }
        let runs = self.cache.moved(&job.sequence, branch.len());
        if runs.is_empty() {
            return Ok(());
        }
        self.cache.hold(&runs, true);
        // Without room for all of it it is computed as any other, for all.
        let room = self.cache.reserve(branch, missing).is_ok();
        let mut brought = Ok(());
        if room {
            self.cache.part(branch);
            brought = runs.iter().try_for_each(|run| {
                self.backend.shift((run.page, run.offset), branch.pages(), run.at, run.length, run.by)
            });
        }
        self.cache.hold(&runs, false);
        brought?;
        if room {
            job.moved(runs);
        }
        Ok(())
    }

    /// Takes its branch from the least urgent, youngest other request, which starts over when its turn comes: what it computed is there still, if the memory
    /// was not needed. Where all others are more urgent the request's own is taken, and the answer is `false`.
    fn make_room(&mut self, i: usize) -> Result<bool, EngineError> {
        let rank = |job: &Job| (job.request.priority, Reverse(job.id));
        let others = (0..self.jobs.len()).filter(|&other| other != i && self.jobs[other].branch.is_some());
        let Some(victim) = others.min_by_key(|&other| rank(&self.jobs[other])) else {
            let message = "the KV cache has no room for one sequence: raise `engine.kv-memory-mib`".into();
            return Err(EngineError::Compute { backend: "cache", message });
        };
        let yields = rank(&self.jobs[victim]) < rank(&self.jobs[i]);
        if let Some(branch) = self.jobs[if yields { victim } else { i }].branch.take() {
            self.cache.release(branch, 0.0);
        }
        Ok(yields)
    }

    /// Computes the next tokens of the request's sequence; at its end, decodes one more, and as many more as were drafted rightly. Gives the last event if
    /// this is the end.
    fn compute(&mut self, i: usize, start: Duration) -> Result<Option<Event>, EngineError> {
        let job = &mut self.jobs[i];
        let Some(branch) = &mut job.branch else { return Ok(None) };
        while let Some(run) = job.moves.front().filter(|run| run.at == branch.len()) {
            self.cache.skip(branch, run.length);
            job.moves.pop_front();
        }
        let position = branch.len();
        let missing = job.sequence.len() - position;
        let until_moved = job.moves.front().map_or(missing, |run| run.at - position);
        let known = until_moved.min(self.prefill_chunk);
        let whole = known == missing;
        self.drafts.clear();
        let strength = if whole { self.draft(i) } else { None };
        let (drafted, rows) = (self.drafts.len(), if whole { 1 + self.drafts.len() } else { 0 });

        let job = &mut self.jobs[i];
        let chooses = whole && rows <= self.backend.chooses() && job.greedy();
        let masks = if chooses { job.masks(&self.drafts, &self.tokenizer) } else { Vec::new() };
        let Some(branch) = &mut job.branch else { return Ok(None) };
        self.tokens.clear();
        self.tokens.extend_from_slice(&job.sequence[position..position + known]);
        self.tokens.extend_from_slice(&self.drafts);
        let given = if chooses {
            let at = [Sequence { pages: branch.pages(), position }];
            Rows::Chosen(self.backend.choose(&at, &self.tokens, rows, &masks)?)
        } else {
            Rows::Logits(self.backend.forward(branch.pages(), position, &self.tokens, Logits::Tail(rows))?)
        };
        let took = self.clock.now().saturating_sub(start);
        if !whole {
            self.cache.extend(branch, &self.tokens);
            job.took(took);
            return Ok(None);
        }
        if known == 1 {
            self.gate.took(rows, took);
        }
        job.took(took);

        job.drafted += drafted;
        let (tokenizer, eos) = (&self.tokenizer, &self.eos);
        let (mut accepted, mut end) = (0, None);
        for i in 0..rows {
            let before = job.accepted;
            let expected = self.drafts.get(accepted).copied();
            end = job.advance(given.row(i, rows), expected, self.context_length, |id| eos.contains(&id), tokenizer);
            let right = job.accepted > before;
            accepted += usize::from(right);
            if end.is_some() || !right {
                break;
            }
        }
        if let Some(branch) = &mut job.branch {
            self.cache.extend(branch, &self.tokens[..known + accepted]);
        }
        if let Some(strength) = strength {
            self.gate.verified(strength, drafted, accepted);
        }
        Ok(end)
    }

    /// Finds the requests that may decode in the same step as request `i`: of its class, past their prompts, as many as the backend takes. `false` where it decodes alone.
    /// They cost little (the weights are read once for all of them), and whose turn it is does not change by it.
    fn gather(&mut self, i: usize) -> bool {
        self.group.clear();
        let most = self.backend.abreast();
        if most == 1 || self.jobs.len() == 1 || !self.jobs[i].decodes() {
            return false;
        }
        let priority = self.jobs[i].request.priority;
        self.group.push(i);
        for (other, job) in self.jobs.iter_mut().enumerate() {
            let joins = other != i && job.request.priority == priority && job.decodes();
            // Nobody's memory is taken for it.
            if joins && job.branch.as_mut().is_some_and(|branch| self.cache.reserve(branch, 1).is_ok()) {
                self.group.push(other);
            }
            if self.group.len() == most {
                break;
            }
        }
        self.group.len() > 1
    }

    /// Decodes one token for each request of the group.
    fn compute_together(&mut self, start: Duration) {
        self.tokens.clear();
        let mut sequences = Vec::with_capacity(self.group.len());
        let (mut chooses, mut masks) = (self.group.len() <= self.backend.chooses(), Vec::new());
        for &j in &self.group {
            let job = &self.jobs[j];
            if let (Some(branch), Some(&token)) = (&job.branch, job.sequence.last()) {
                sequences.push(Sequence { pages: branch.pages(), position: branch.len() });
                self.tokens.push(token);
                chooses &= job.greedy();
                masks.push(if chooses { job.masks(&[], &self.tokenizer).pop() } else { None });
            }
        }
        // Where one has a mask all have one, which may forbid nothing.
        let masks: Vec<Vec<u32>> = if masks.iter().any(Option::is_some) {
            let any = vec![u32::MAX; self.tokenizer.vocab_size().div_ceil(32)];
            masks.into_iter().map(|mask| mask.unwrap_or_else(|| any.clone())).collect()
        } else {
            Vec::new()
        };
        let mut ends = Vec::new();
        let count = self.tokens.len();
        let given = match chooses {
            true => self.backend.choose(&sequences, &self.tokens, count, &masks).map(Rows::Chosen),
            false => self.backend.decode(&sequences, &self.tokens).map(Rows::Logits),
        };
        match given {
            Ok(given) => {
                let took = self.clock.now().saturating_sub(start);
                let (tokenizer, eos) = (&self.tokenizer, &self.eos);
                for (row, (&j, token)) in self.group.iter().zip(&self.tokens).enumerate() {
                    let job = &mut self.jobs[j];
                    job.took(took);
                    job.standing.served();
                    let end = job.advance(
                        given.row(row, count),
                        None,
                        self.context_length,
                        |id| eos.contains(&id),
                        tokenizer,
                    );
                    if let Some(branch) = &mut job.branch {
                        self.cache.extend(branch, &[*token]);
                    }
                    ends.extend(end.map(|event| (j, event)));
                }
            }
            Err(error) => ends.extend(self.group.iter().map(|&j| (j, Event::Failed(error.to_string())))),
        }
        // From the last on: those before stay where they are.
        ends.sort_by_key(|(j, _)| Reverse(*j));
        for (j, event) in ends {
            self.end(j, event);
        }
    }

    /// Drafts what may follow a request's sequence, as far as that is worth its cost and there is room.
    fn draft(&mut self, i: usize) -> Option<Strength> {
        let job = &mut self.jobs[i];
        // The last token is chosen from logits, and never fed.
        let most = job.left().saturating_sub(1).min(self.context_length - job.sequence.len());
        let branch = job.branch.as_mut().filter(|_| self.speculation && most > 0)?;
        let strength = self.drafter.propose(&job.sequence, &job.script, &mut self.drafts);
        let missing = job.sequence.len() - branch.len();
        let count = self.gate.worth(strength, self.drafts.len().min(most), missing);
        self.drafts.truncate(count);
        if count > 0 && self.cache.reserve(branch, missing + count).is_err() {
            self.drafts.clear();
        }
        (!self.drafts.is_empty()).then_some(strength)
    }

    /// Ends a request; what it computed stays in the cache.
    fn end(&mut self, i: usize, event: Event) {
        let mut job = self.jobs.remove(i);
        self.unsaved = true;
        if let Some(branch) = job.branch.take() {
            self.cache.sign(&branch, job.request.session);
            self.cache.release(branch, job.urgency());
        }
        self.drafter.remember(&job.sequence, job.request.prompt.len());
        {
            let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
            let requests = &mut figures.requests;
            requests.waiting = self.jobs.len();
            match &event {
                Event::Done(done) => match done.finish {
                    Finish::Cancelled => requests.cancelled += 1,
                    Finish::TimeLimit => requests.timed_out += 1,
                    Finish::Stop | Finish::Length => requests.completed += 1,
                },
                _ => requests.failed += 1,
            }
            figures.speculation.drafted += job.drafted as u64;
            figures.speculation.accepted += job.accepted as u64;
            let in_use = self.jobs.iter().filter(|job| job.branch.is_some()).count();
            figures.cache = CacheFigures { in_use, ..self.cache.figures() };
        }
        // Last, so that whoever has the answer finds it counted.
        job.end(event);
    }
}
