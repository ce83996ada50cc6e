//! The resident path on an NVIDIA GPU: weights in tiles, a paged cache in f16, short steps as recorded graphs.
//!
//! A product's inputs are rounded to bfloat16, keys, values and probabilities to f16; the rest is f32. A token's logits never depend on how many
//! tokens were computed with it (`kernels/cuda/linear.cu`, `attention.cu`): prefill, verification and decoding agree to the bit, as on the CPU.
//!
//! Up to [`GRAPH_ROWS`] tokens, which is what a keystroke, a decoded token, a draft's verification and a token each of several sequences are, go as one graph for each
//! (number of rows, number of pages, what is wanted), rounded up to powers of two: positions, lengths and page numbers lie in device memory. More go as
//! launches, in passes of [`PASS`].
//!
//! Decoding fetches tokens, not logits: a few bytes a row. Drawn ones are those that the CPU draws (`kernels/cpu/draw.rs`).
//!
//! None of this has run on a GPU yet: it is tested on the host emulator of the kernels (`kernels/README.md`).

mod budget;
mod load;
mod model;
mod passes;
mod spill;

use std::collections::HashMap;

use pilotlight_kernels::cpu::{Draw, Isa, draw};
use pilotlight_kernels::cuda::{
    self, Choices, CudaError, Device, ExpertScratch, Graph, KvShape, Moved, STEP_ABREAST, STEP_PASS, Split, StepLayout,
    padded,
};

use self::{
    budget::Budget,
    load::Loader,
    model::{Model, Shape, Step, Wanted},
    spill::Places,
};
use super::{Backend, Choice, Logits, PAGE, Page, Sequence};
use crate::{EngineError, EngineOptions, decoder::Decoder};

/// Tokens computed together at most.
const PASS: usize = STEP_PASS;
/// Tokens of a step that goes as a graph.
const GRAPH_ROWS: usize = 16;
/// Tokens by which a GPU is proved: more than the kernels for few rows take; and which of them are computed by themselves.
const PROVED: usize = 72;
const PROVED_STEP: usize = 3;
/// Root of the mean squared difference from other products' logits, relative to their spread, that products of 8-bit floats may have.
const MOST_ERROR: f64 = 0.1;
/// Rows of logits that there is room for on the device.
const LOGIT_ROWS: usize = GRAPH_ROWS;

/// See the module.
pub struct Cuda {
    /// First, so that they go before the memory that they touch.
    graphs: HashMap<Shape, Graph>,
    device: Device,
    context_length: usize,
    model: Model,
    /// Whether products' inputs are rounded to 8-bit floats.
    rounds_inputs: bool,
    /// Rows of which it chooses tokens.
    pub(crate) chooses: usize,
    step: Step,
    /// Where the pages are.
    places: Places,
    /// The places of a step's pages.
    slots: Vec<Page>,
    /// The step as it goes to the device.
    words: Vec<u8>,
    /// What comes back.
    bytes: Vec<u8>,
    logits: Vec<f32>,
    chosen: Vec<Choice>,
}

impl From<CudaError> for EngineError {
    fn from(error: CudaError) -> Self {
        Self::Compute { backend: "cuda", message: error.to_string() }
    }
}

impl Cuda {
    /// Whether this backend can compute the decoder; where not, why.
    pub fn supports(decoder: &Decoder) -> Result<(), String> {
        let c = &decoder.config;
        if let Some(experts) = c.experts.filter(|experts| experts.count > cuda::MOST_EXPERTS) {
            return Err(format!("{} experts: {} are computed on the GPU", experts.count, cuda::MOST_EXPERTS));
        }
        if !cuda::attention_dims().contains(&c.head_dim) {
            return Err(format!(
                "heads of {} elements: {:?} are computed on the GPU",
                c.head_dim,
                cuda::attention_dims()
            ));
        }
        Ok(())
    }

    /// As the options ask: counts first what it will take, and refuses what does not fit.
    pub fn with_options(
        decoder: &Decoder,
        device: Device,
        context_length: usize,
        options: &EngineOptions,
    ) -> Result<Self, EngineError> {
        Self::supports(decoder).map_err(|message| EngineError::Compute { backend: "cuda", message })?;
        let (free, total) = device.memory()?;
        let budget = Budget::new(decoder, context_length);
        let (slots, pages) = budget.pages(free, total, options.kv_memory_mib)?;
        tracing::info!(
            device = device.name(),
            weights_mib = budget.weights >> 20,
            scratch_mib = budget.scratch >> 20,
            kv_mib = (slots as u64 * budget.page) >> 20,
            kv_on_host_mib = ((pages - slots) as u64 * budget.page) >> 20,
            free_mib = free >> 20,
            "the model goes to the GPU"
        );
        let mut cuda = Self::new(decoder, device, context_length, slots, pages)?;
        cuda.take_into_use(std::env::var_os("PILOTLIGHT_GPU_UNPROVED").is_some())?;
        Ok(cuda)
    }

    /// Proves the device. `unproved` (`tests/gpu/run`): what is wrong is only told, and computed with all the same, so that it is measured under its own name.
    fn take_into_use(&mut self, unproved: bool) -> Result<(), EngineError> {
        self.device.set_wide_bytes(self.rounds_inputs);
        let proved = self.prove();
        if !unproved {
            return proved;
        }
        if let Err(error) = proved {
            tracing::warn!(%error, "the GPU is not proved");
        }
        self.device.set_wide(true);
        self.device.set_wide_bytes(self.rounds_inputs);
        Ok(())
    }

    /// Computes some tokens at once and one by one: what a driver or a GPU that nobody has tried gets wrong must not reach a user. Products of many rows that sum in another order
    /// than those of few are done without.
    fn prove(&mut self) -> Result<(), EngineError> {
        let bytes = self.device.wide_bytes();
        self.device.set_wide_bytes(false);
        match self.prove_with(PROVED) {
            Err(error) if self.device.wide() => {
                tracing::info!(%error, "the GPU's asynchronous products are not used");
                self.device.set_wide(false);
                self.prove_with(PROVED)
            }
            proved => proved,
        }?;
        if bytes { self.prove_bytes() } else { Ok(()) }
    }

    /// Products of bytes have last bits of their own: they are taken if they come close to the others.
    fn prove_bytes(&mut self) -> Result<(), EngineError> {
        let tokens: Vec<u32> = self.proving(PROVED);
        let pages: Vec<Page> = (0..self.places.pages().min(PROVED.div_ceil(PAGE)) as Page).collect();
        let want = self.forward(&pages, 0, &tokens, Logits::All)?.to_vec();
        self.device.set_wide_bytes(true);
        let got = self.forward(&pages, 0, &tokens, Logits::All)?;
        let squares = |difference: &mut dyn Iterator<Item = f32>| difference.map(|x| f64::from(x).powi(2)).sum::<f64>();
        let mean = want.iter().sum::<f32>() / want.len() as f32;
        let far = squares(&mut got.iter().zip(&want).map(|(got, want)| got - want));
        let error = (far / squares(&mut want.iter().map(|x| x - mean))).sqrt();
        let close = error < MOST_ERROR;
        tracing::info!(error, "the GPU's products of 8-bit floats are {}", if close { "used" } else { "not used" });
        self.device.set_wide_bytes(close);
        Ok(())
    }

    /// Tokens to compute.
    fn proving(&self, count: usize) -> Vec<u32> {
        let vocab = self.model.config.vocab;
        (0..count.min(self.context_length)).map(|i| (i * 131 % vocab) as u32).collect()
    }

    fn prove_with(&mut self, count: usize) -> Result<(), EngineError> {
        let count = count.min(self.context_length);
        let vocab = self.model.config.vocab;
        let tokens = self.proving(count);
        let pages: Vec<Page> = (0..self.places.pages().min(PROVED.div_ceil(PAGE)) as Page).collect();
        let all = self.forward(&pages, 0, &tokens, Logits::All)?.to_vec();
        let refuse = |message: String| Err(EngineError::Compute { backend: "cuda", message });
        if !all.iter().all(|x| x.is_finite()) {
            return refuse("the GPU gives logits that are no numbers".into());
        }
        for (i, want) in all.chunks_exact(vocab).enumerate().step_by(PROVED_STEP) {
            let got = self.forward(&pages, i, &tokens[i..=i], Logits::Last)?;
            if got != want {
                return refuse(format!("the GPU computes token {i} otherwise by itself than among {count}"));
            }
            let at = [Sequence { pages: &pages, position: i }];
            let most = want.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            match self.choose(&at, &tokens[i..=i], 1, &[], &[])? {
                [Some((id, _))] if want.get(*id as usize) == Some(&most) => {}
                other => return refuse(format!("the GPU's choice after token {i} is not the greatest: {other:?}")),
            }
            let number = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let how = Draw { temperature: 0.9, top_k: 0, top_p: 0.95, number };
            let drawn = draw(Isa::best(), want, most, &how, &mut Vec::new());
            match self.choose(&at, &tokens[i..=i], 1, &[], &[how])? {
                [Some((id, _))] if *id == drawn => {}
                other => return refuse(format!("the GPU draws {other:?} after token {i}, not {drawn}")),
            }
        }
        Ok(())
    }

    /// Sends the weights to the device; the mapped file is not needed afterwards. Of `pages` pages `slots` are on the device at a time: at least those of one sequence, one to write
    /// to and one to copy from.
    pub fn new(
        decoder: &Decoder,
        device: Device,
        context_length: usize,
        slots: usize,
        pages: usize,
    ) -> Result<Self, EngineError> {
        Self::supports(decoder).map_err(|message| EngineError::Compute { backend: "cuda", message })?;
        let c = &decoder.config;
        let model = Loader::new(&device, decoder).model(decoder)?;
        let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let most_pages = context_length.div_ceil(PAGE);
        let layout = StepLayout { pages: most_pages };
        let shape = KvShape { layers: c.layers, pages: slots, kv_heads: c.kv_heads, head_dim: c.head_dim };
        let split_rows = budget::split_rows(c, most_pages);
        let inner = |i| device.zeros(2 * PASS * budget::inner_widths(c).nth(i).map_or(0, padded));
        let step = Step {
            about: device.zeros(layout.bytes())?,
            layout,
            x: device.zeros(4 * PASS * c.hidden)?,
            normed: device.zeros(2 * PASS * padded(c.hidden))?,
            q: device.zeros(4 * PASS * q)?,
            k: device.zeros(4 * PASS * kv)?,
            v: device.zeros(4 * PASS * kv)?,
            turned: device.zeros(2 * PASS * q)?,
            attended: device.zeros(2 * PASS * padded(q))?,
            gated: inner(0)?,
            shared: inner(1)?,
            logits: device.zeros(4 * LOGIT_ROWS * c.vocab)?,
            choices: Choices::new(&device, LOGIT_ROWS, c.vocab)?,
            experts: load::expert_shape(c).map(|shape| ExpertScratch::new(&device, PASS, shape)).transpose()?,
            split: Split::new(&device, split_rows, c.heads, most_pages, c.head_dim)?,
            shape,
            cache: device.zeros(shape.bytes())?,
        };
        device.wait()?;
        let (words, bytes, logits) = (Vec::new(), Vec::new(), vec![0.0; c.vocab]);
        let (graphs, chosen, places) = (HashMap::new(), Vec::with_capacity(LOGIT_ROWS), Places::new(slots, pages));
        let slots = Vec::new();
        let rounds_inputs = decoder.rounds_inputs();
        Ok(Self {
            graphs,
            context_length,
            model,
            rounds_inputs,
            chooses: LOGIT_ROWS,
            step,
            places,
            slots,
            words,
            bytes,
            logits,
            chosen,
            device,
        })
    }
}

impl Backend for Cuda {
    fn name(&self) -> String {
        // The first word is of what states of the cache are kept under.
        let way = if self.rounds_inputs { "cuda-fp8" } else { "cuda" };
        format!("{way} ({})", self.device.name())
    }

    fn pages(&self) -> usize {
        self.places.pages()
    }

    fn page_bytes(&self) -> usize {
        2 * self.step.shape.layers * self.step.shape.page_bytes()
    }

    fn context_length(&self) -> usize {
        self.context_length
    }

    fn forward(
        &mut self,
        pages: &[Page],
        position: usize,
        tokens: &[u32],
        logits: Logits,
    ) -> Result<&[f32], EngineError> {
        let rows = logits.rows(tokens.len());
        self.steps(&[Sequence { pages, position }], tokens, (Wanted::Logits, rows), &[], &[])?;
        Ok(&self.logits[..rows * self.model.config.vocab])
    }

    fn abreast(&self) -> usize {
        STEP_ABREAST
    }

    fn decode(&mut self, sequences: &[Sequence<'_>], tokens: &[u32]) -> Result<&[f32], EngineError> {
        let rows = tokens.len();
        self.steps(sequences, tokens, (Wanted::Logits, rows), &[], &[])?;
        Ok(&self.logits[..rows * self.model.config.vocab])
    }

    fn chooses(&self) -> usize {
        self.chooses
    }

    fn choose(
        &mut self,
        sequences: &[Sequence<'_>],
        tokens: &[u32],
        rows: usize,
        masks: &[Vec<u32>],
        draws: &[Draw],
    ) -> Result<&[Choice], EngineError> {
        let wanted = if draws.is_empty() { Wanted::Choices } else { Wanted::Draws };
        self.steps(sequences, tokens, (wanted, rows), masks, draws)?;
        Ok(&self.chosen)
    }

    fn shifts(&self) -> bool {
        // Learned positions are part of what was computed.
        self.model.positions.is_none()
    }

    fn shift(
        &mut self,
        (page, offset): (Page, usize),
        pages: &[Page],
        position: usize,
        length: usize,
        by: isize,
    ) -> Result<(), EngineError> {
        let Step { shape, cache, .. } = &self.step;
        let last = (position + length).div_ceil(PAGE);
        let to = pages.get(position / PAGE..last).unwrap_or_default();
        self.places.bring(to.iter().copied().chain([page]), *shape, cache)?;
        self.slots.clear();
        self.slots.extend(to.iter().filter_map(|&page| self.places.slot(page)));
        let (from, position) = (self.places.slot(page).unwrap_or(Page::MAX) as usize, position % PAGE);
        let moved = Moved { from, offset, pages: &self.slots, position, length, by };
        Ok(cuda::kv_rotate(*shape, cache, moved, self.model.rope())?)
    }

    fn copy(&mut self, from: Page, to: Page, length: usize) -> Result<(), EngineError> {
        let Step { shape, cache, .. } = &self.step;
        self.places.bring([from, to].into_iter(), *shape, cache)?;
        let [from, to] = [from, to].map(|page| self.places.slot(page).unwrap_or(Page::MAX) as usize);
        Ok(cuda::kv_copy(*shape, cache, from, to, length)?)
    }

    fn export(&self, page: Page, to: &mut Vec<u8>) -> bool {
        self.places.export(page, self.step.shape, &self.step.cache, to).is_ok()
    }

    fn import(&mut self, page: Page, from: &[u8]) -> bool {
        self.places.import(page, self.step.shape, &self.step.cache, from).is_ok()
    }
}

#[cfg(test)]
pub(crate) mod tests;
