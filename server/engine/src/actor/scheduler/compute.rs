//! What a step computes: the next tokens of one request with what was drafted behind them, or a token for each of several.

use std::{cmp::Reverse, time::Duration};

use pilotlight_kernels::cpu::Draw;

use super::{super::job::Row, Scheduler};
use crate::{
    EngineError, Event,
    backend::{Choice, Logits, Sequence},
    speculation::Strength,
};

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

impl Scheduler {
    /// Computes the next tokens of the request's sequence; at its end, decodes one more, and as many more as were drafted rightly. Gives the last event if
    /// this is the end.
    pub(super) fn compute(&mut self, i: usize, start: Duration) -> Result<Option<Event>, EngineError> {
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
        let chooses = whole && rows <= self.backend.chooses();
        self.draws.clear();
        if chooses {
            job.draws(rows, &mut self.draws);
        }
        let masks = if chooses { job.masks(&self.drafts, &self.tokenizer) } else { Vec::new() };
        let Some(branch) = &mut job.branch else { return Ok(None) };
        self.tokens.clear();
        self.tokens.extend_from_slice(&job.sequence[position..position + known]);
        self.tokens.extend_from_slice(&self.drafts);
        let given = if chooses {
            let at = [Sequence { pages: branch.pages(), position }];
            Rows::Chosen(self.backend.choose(&at, &self.tokens, rows, &masks, &self.draws)?)
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
    pub(super) fn gather(&mut self, i: usize) -> bool {
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
    pub(super) fn compute_together(&mut self, start: Duration) {
        self.tokens.clear();
        let mut sequences = Vec::with_capacity(self.group.len());
        let (chooses, mut masks) = (self.group.len() <= self.backend.chooses(), Vec::new());
        self.draws.clear();
        for &j in &self.group {
            let job = &self.jobs[j];
            if let (Some(branch), Some(&token)) = (&job.branch, job.sequence.last()) {
                sequences.push(Sequence { pages: branch.pages(), position: branch.len() });
                self.tokens.push(token);
                job.draws(1, &mut self.draws);
                // Who takes the most likely token says so beside those who draw.
                self.draws.resize(self.tokens.len(), Draw::GREEDY);
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
        let draws = if self.draws.iter().all(|draw| *draw == Draw::GREEDY) { &[] } else { &self.draws[..] };
        let given = match chooses {
            true => self.backend.choose(&sequences, &self.tokens, count, &masks, draws).map(Rows::Chosen),
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
}
