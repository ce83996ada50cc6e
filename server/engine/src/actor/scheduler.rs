//! The model's thread: always one step of the most urgent request.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, TryRecvError},
    },
    time::Duration,
};

use super::{clock::Clock, job::Job, turns::Turns};
use crate::{
    EngineError, Event, Figures, Finish, Tokenizer,
    backend::{Backend, Logits},
    cache::{Cache, Slot},
};

/// Owns the model. A step is one decode step or one chunk of a prompt; before each, new requests are taken in and cancelled ones are
/// let go, so that a more urgent request waits for one step at most.
pub(super) struct Scheduler {
    backend: Box<dyn Backend>,
    tokenizer: Arc<Tokenizer>,
    eos: Vec<u32>,
    prefill_chunk: usize,
    context_length: usize,
    cache: Cache,
    /// In order of arrival.
    jobs: Vec<Job>,
    turns: Turns,
    clock: Clock,
    inbox: Receiver<Job>,
    figures: Arc<Mutex<Figures>>,
}

/// All handles are gone.
struct Closed;

impl Scheduler {
    pub(super) fn new(
        backend: Box<dyn Backend>,
        tokenizer: Arc<Tokenizer>,
        eos: Vec<u32>,
        prefill_chunk: usize,
        clock: Clock,
        inbox: Receiver<Job>,
    ) -> Self {
        let cache = Cache::new(backend.slots());
        let context_length = backend.context_length();
        Self {
            backend,
            tokenizer,
            eos,
            prefill_chunk,
            context_length,
            cache,
            jobs: Vec::new(),
            turns: Turns::default(),
            clock,
            inbox,
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
            Ok(Closed) => "it was closed".to_owned(),
            Err(panic) => {
                let message = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
                let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
                format!("its thread panicked: {}", message.unwrap_or_default())
            }
        };
        let reason = EngineError::Stopped(reason).to_string();
        tracing::debug!("{reason}");
        let Self { jobs, inbox, .. } = self;
        for job in jobs.into_iter().chain(inbox) {
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
        if self.jobs.is_empty() {
            self.jobs.push(self.inbox.recv().map_err(|_| Closed)?);
        }
        loop {
            match self.inbox.try_recv() {
                Ok(job) => self.jobs.push(job),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Closed),
            }
        }
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
        let result = self.place(i).and_then(|slot| self.compute(i, slot, start));
        match result {
            Ok(None) => {}
            Ok(Some(event)) => self.end(i, event),
            Err(error) => {
                if let Some(slot) = self.jobs[i].slot.take() {
                    self.cache.forget(slot);
                }
                self.end(i, Event::Failed(error.to_string()));
            }
        }
    }

    /// The request's slot: the one it has, or one that holds as much of its sequence as possible.
    fn place(&mut self, i: usize) -> Result<Slot, EngineError> {
        if let Some(slot) = self.jobs[i].slot {
            return Ok(slot);
        }
        // Whoever has a slot was preempted: the least urgent, youngest of them can start over.
        let rank = |owner| {
            let other = self.jobs.iter().find(|job| job.id == owner)?;
            Some((other.request.priority, std::cmp::Reverse(owner)))
        };
        let (id, sequence) = (self.jobs[i].id, &self.jobs[i].sequence);
        let Some(placement) = self.cache.place(sequence, id, rank) else {
            return Err(EngineError::Stopped("no KV slot is free".into()));
        };
        for job in self.jobs.iter_mut().filter(|job| Some(job.id) == placement.evicted) {
            job.slot = None;
        }
        self.jobs[i].placed(placement.slot, placement.reused, self.clock.now());
        if let Some(from) = placement.copy_from {
            self.backend.copy(from, placement.slot, placement.reused)?;
        }
        Ok(placement.slot)
    }

    /// Computes the next tokens of the request's sequence; at its end, decodes one more. Gives the last event if this is the end.
    fn compute(&mut self, i: usize, slot: Slot, start: Duration) -> Result<Option<Event>, EngineError> {
        let job = &mut self.jobs[i];
        let position = self.cache.len(slot);
        let missing = &job.sequence[position..];
        let chunk = &missing[..missing.len().min(self.prefill_chunk)];
        let whole = chunk.len() == missing.len();
        let wanted = if whole { Logits::Last } else { Logits::None };
        let logits = self.backend.forward(slot, position, chunk, wanted)?;
        self.cache.extend(slot, chunk);
        job.took(self.clock.now().saturating_sub(start));
        if !whole {
            return Ok(None);
        }
        let (tokenizer, eos) = (&self.tokenizer, &self.eos);
        Ok(job.advance(logits, self.context_length, |id| eos.contains(&id), tokenizer))
    }

    /// Ends a request; what it computed stays in the cache.
    fn end(&mut self, i: usize, event: Event) {
        let job = self.jobs.remove(i);
        if let Some(slot) = job.slot {
            self.cache.release(slot);
        }
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
            figures.cache.in_use = self.cache.in_use();
        }
        // Last, so that whoever has the answer finds it counted.
        job.end(event);
    }
}
