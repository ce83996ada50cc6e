//! The model's thread: always one step of the most urgent request.

mod compute;

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

use pilotlight_kernels::cpu::Draw;

use super::{Score, clock::Clock, job::Job, turns::Turns};
use crate::{
    EngineError, EngineOptions, Event, Figures, Finish, Priority, Tokenizer,
    backend::Backend,
    cache::{Cache, Full, Placement},
    figures::{CacheFigures, PageFigures},
    snapshot::Store,
    speculation::{Drafter, Gate},
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
    /// Scratch: what is drafted, all tokens of a step, the requests that decode together in it, how tokens are drawn.
    drafts: Vec<u32>,
    tokens: Vec<u32>,
    group: Vec<usize>,
    draws: Vec<Draw>,
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
            draws: Vec::new(),
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
