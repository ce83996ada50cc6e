//! Tokens on their way through the device: passes of as many as there is room for, of one sequence or a token each of several.

// One block: running a recorded graph.
#![allow(unsafe_code)]

use pilotlight_kernels::{
    cpu::Draw,
    cuda::{self, STEP_ABREAST},
};

use super::{
    Cuda, GRAPH_ROWS, LOGIT_ROWS, PAGE, PASS, Page, Sequence,
    model::{Shape, Wanted},
};
use crate::EngineError;

impl Cuda {
    /// Computes up to [`PASS`] tokens of one sequence, or one each of several; what is wanted of the last `rows` is fetched from `given` on.
    fn pass(
        &mut self,
        sequences: &[Sequence<'_>],
        tokens: &[u32],
        (wanted, rows): (Wanted, usize),
        masked: usize,
        given: usize,
    ) -> Result<(), EngineError> {
        let (all, abreast) = (tokens.len(), sequences.len() > 1);
        let (each, most) = (if abreast { 1 } else { all }, self.step.layout.pages);
        let used = |sequence: &Sequence<'_>| (sequence.position + each).div_ceil(PAGE).min(sequence.pages.len());
        let used_pages = sequences.iter().flat_map(|sequence| sequence.pages[..used(sequence)].iter().copied());
        self.places.bring(used_pages.clone(), self.step.shape, &self.step.cache)?;
        self.slots.clear();
        self.slots.extend(used_pages.filter_map(|page| self.places.slot(page)));
        let (mut needed, mut rest) = (1, &self.slots[..]);
        let mut about = [(0, &[] as &[Page]); STEP_ABREAST];
        for (about, sequence) in about.iter_mut().zip(sequences) {
            let (pages, others) = rest.split_at(used(sequence).min(rest.len()));
            (*about, rest) = ((sequence.position, pages), others);
            needed = needed.max((sequence.position + each).div_ceil(PAGE));
        }
        let about = about.get(..sequences.len()).unwrap_or_default();
        let short = all <= GRAPH_ROWS;
        let choices = cuda::Wanted { first: if short { all - rows } else { 0 }, rows, masked };
        self.step.layout.fill(&mut self.words, about, tokens, choices)?;
        self.step.about.write(0, &self.words)?;

        if !short {
            self.model.blocks(&self.step, all, needed, false, rows > 0)?;
            // The last rows, as many at a time as there is room for.
            for first in (0..rows).step_by(LOGIT_ROWS) {
                let some = LOGIT_ROWS.min(rows - first);
                self.model.logits(&self.step, all - rows + first, some)?;
                if wanted.tokens() {
                    self.model.choose(&self.step, wanted, some, first)?;
                } else {
                    self.take(0, some, given + first)?;
                }
            }
        } else {
            let bucket = |n: usize, most: usize| n.next_power_of_two().min(most);
            let wanted = if rows > 0 { wanted } else { Wanted::Nothing };
            let shape = Shape { rows: bucket(all, GRAPH_ROWS), pages: bucket(needed, most), abreast, wanted };
            match self.graphs.get(&shape) {
                // SAFETY: all that was recorded belongs to `self`, and graphs are dropped first.
                Some(graph) => unsafe { graph.run() }?,
                None => {
                    // Run once as it is, so that every kernel is loaded; recorded for the next time.
                    self.model.short(&self.step, shape)?;
                    let graph = self.device.graph(|| self.model.short(&self.step, shape))?;
                    self.graphs.insert(shape, graph);
                }
            }
            if wanted == Wanted::Logits {
                self.take(all - rows, rows, given)?;
            }
        }
        if wanted.tokens() && rows > 0 {
            self.step.choices.read(rows, &mut self.chosen)?;
        }
        Ok(())
    }

    /// Fetches rows of logits.
    fn take(&mut self, first: usize, rows: usize, given: usize) -> Result<(), EngineError> {
        if rows == 0 {
            return Ok(());
        }
        let vocab = self.model.config.vocab;
        self.bytes.resize(4 * rows * vocab, 0);
        self.step.logits.read(4 * first * vocab, &mut self.bytes)?;
        let to = &mut self.logits[given * vocab..][..rows * vocab];
        to.iter_mut().zip(self.bytes.as_chunks().0).for_each(|(to, &bytes)| *to = f32::from_le_bytes(bytes));
        Ok(())
    }

    /// All passes over the tokens; leaves what is wanted of the last rows in `logits`, or in `chosen`.
    pub(super) fn steps(
        &mut self,
        sequences: &[Sequence<'_>],
        tokens: &[u32],
        (wanted, rows): (Wanted, usize),
        masks: &[Vec<u32>],
        draws: &[Draw],
    ) -> Result<(), EngineError> {
        let vocab = self.model.config.vocab;
        match wanted {
            Wanted::Choices | Wanted::Draws if rows > LOGIT_ROWS => {
                let message = format!("the choice after {rows} tokens: {LOGIT_ROWS} at most");
                return Err(EngineError::Compute { backend: "cuda", message });
            }
            Wanted::Logits if self.logits.len() < rows * vocab => self.logits.resize(rows * vocab, 0.0),
            _ => {}
        }
        if wanted == Wanted::Draws {
            self.draws(draws, rows)?;
        }
        for (row, mask) in masks.iter().enumerate() {
            self.step.choices.mask(row, mask)?;
        }
        let ([one], true) = (sequences, tokens.len() > 1) else {
            return match self.fit(sequences) {
                true => self.pass(sequences, tokens, (wanted, rows), masks.len(), 0),
                false => self.one_by_one(sequences, tokens, wanted, masks, draws),
            };
        };
        // Choices come of one pass: its rows are not cut in two.
        let (all, mut start, mut given) = (tokens.len(), 0, 0);
        while start < all {
            let mut end = all.min(start + PASS);
            if wanted.tokens() && end < all {
                end = end.min(all - rows);
            }
            // Of the last rows of all, those that are the last of this pass.
            let some = rows.saturating_sub(all - end).min(end - start);
            let at = Sequence { pages: one.pages, position: one.position + start };
            self.pass(&[at], &tokens[start..end], (wanted, some), if some > 0 { masks.len() } else { 0 }, given)?;
            given += some;
            start = end;
        }
        Ok(())
    }

    /// Says how each of the wanted rows is drawn from; those of which nothing is said take the most likely.
    fn draws(&self, draws: &[Draw], rows: usize) -> Result<(), EngineError> {
        let mut all = [Draw::GREEDY; LOGIT_ROWS];
        all.iter_mut().zip(draws).for_each(|(to, draw)| *to = *draw);
        Ok(self.step.choices.draw(&all[..rows.min(LOGIT_ROWS)])?)
    }

    /// Whether the next token of each of these sequences can be computed with all of their pages on the device.
    fn fit(&self, sequences: &[Sequence<'_>]) -> bool {
        let used = sequences.iter().map(|sequence| sequence.position / PAGE + 1).sum::<usize>();
        sequences.len() == 1 || used <= self.places.room()
    }

    /// The next token of each sequence by itself: there is no room for the pages of all.
    fn one_by_one(
        &mut self,
        sequences: &[Sequence<'_>],
        tokens: &[u32],
        wanted: Wanted,
        masks: &[Vec<u32>],
        draws: &[Draw],
    ) -> Result<(), EngineError> {
        let mut chosen = Vec::with_capacity(tokens.len());
        for (i, (sequence, token)) in sequences.iter().zip(tokens).enumerate() {
            let mask = masks.get(i).filter(|_| wanted.tokens());
            if let Some(mask) = mask {
                self.step.choices.mask(0, mask)?;
            }
            if wanted == Wanted::Draws {
                self.draws(draws.get(i..=i).unwrap_or_default(), 1)?;
            }
            self.pass(&[*sequence], &[*token], (wanted, 1), usize::from(mask.is_some()), i)?;
            chosen.extend_from_slice(&self.chosen);
        }
        if wanted.tokens() {
            self.chosen = chosen;
        }
        Ok(())
    }
}
