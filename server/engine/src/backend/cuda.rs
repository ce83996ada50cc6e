//! The resident path on an NVIDIA GPU: weights in tiles, a paged cache in f16, short steps as recorded graphs.
//!
//! A product's inputs are rounded to bfloat16, keys, values and probabilities to f16; the rest is f32. A token's logits never depend on how many
//! tokens were computed with it (`kernels/cuda/linear.cu`, `attention.cu`): prefill, verification and decoding agree to the bit, as on the CPU.
//!
//! Up to [`GRAPH_ROWS`] tokens, which is what a keystroke, a decoded token, a draft's verification and a token each of several sequences are, go as one graph for each
//! (number of rows, number of pages, what is wanted), rounded up to powers of two: positions, lengths and page numbers lie in device memory. More go as
//! launches, in passes of [`PASS`].
//!
//! Greedy decoding fetches choices, not logits: a few bytes a row.
//!
//! None of this has run on a GPU yet: it is tested on the host emulator of the kernels (`kernels/README.md`).

// One block: running a recorded graph.
#![allow(unsafe_code)]

mod budget;
mod load;
mod spill;

use std::{collections::HashMap, sync::Arc};

use pilotlight_kernels::cuda::{
    self, Attention, Choices, CudaError, Device, Embed, ExpertScratch, Experts, Graph, HeadNorms, KvShape, Matrix,
    Memory, Moved, Part, Rope, STEP_ABREAST, STEP_PASS, Split, StepLayout, padded,
};

use self::{
    budget::Budget,
    load::{Inner, Layer, Loader, Mlp, Norm, Projection},
    spill::Places,
};
use super::{Backend, Choice, Logits, PAGE, Page, Sequence};
use crate::{
    EngineError, EngineOptions,
    config::{self, DecoderConfig, RopeStyle},
    decoder::Decoder,
};

/// Tokens computed together at most.
const PASS: usize = STEP_PASS;
/// Tokens of a step that goes as a graph.
const GRAPH_ROWS: usize = 16;
/// Tokens by which a GPU is proved: more than the kernels for few rows take; and which of them are computed by themselves.
const PROVED: usize = 72;
const PROVED_STEP: usize = 3;
/// Rows of logits that there is room for on the device.
const LOGIT_ROWS: usize = GRAPH_ROWS;

/// See the module.
pub struct Cuda {
    /// First, so that they go before the memory that they touch.
    graphs: HashMap<Shape, Graph>,
    device: Device,
    context_length: usize,
    model: Model,
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

/// What a graph was recorded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shape {
    rows: usize,
    pages: usize,
    /// Of several sequences, a row each.
    abreast: bool,
    wanted: Wanted,
}

/// What is to be known of the rows after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Wanted {
    Nothing,
    Logits,
    /// The most likely tokens.
    Choices,
}

struct Model {
    config: DecoderConfig,
    /// `[vocab, hidden]`
    embedding: Arc<Matrix>,
    /// `[positions, hidden]`
    positions: Option<Matrix>,
    activation: cuda::Activation,
    layers: Vec<Layer>,
    /// Scaled by what the logits are scaled by.
    output_norm: Norm,
    /// Of the norms of the residual stream, which is kept divided by the residual scale.
    norm_eps: f32,
    /// `[vocab, hidden]`: the embedding itself where they are tied.
    output: Projection,
    /// `[pairs]`
    frequencies: Option<Memory>,
}

/// What a step reads and writes besides weights.
struct Step {
    layout: StepLayout,
    /// Position, rows, tokens, pages.
    about: Memory,
    /// `[PASS, hidden]` f32: the residual stream.
    x: Memory,
    /// `[PASS, padded hidden]` bfloat16
    normed: Memory,
    /// `[PASS, heads * head_dim]` f32
    q: Memory,
    /// `[PASS, kv_heads * head_dim]` f32
    k: Memory,
    /// `[PASS, kv_heads * head_dim]` f32
    v: Memory,
    /// `[PASS, heads * head_dim]` f16
    turned: Memory,
    /// `[PASS, padded heads * head_dim]` bfloat16
    attended: Memory,
    /// `[PASS, padded width]` bfloat16: of a block without experts, and of what every token takes beside its experts.
    gated: Memory,
    shared: Memory,
    /// `[LOGIT_ROWS, vocab]` f32
    logits: Memory,
    /// Of [`LOGIT_ROWS`] rows.
    choices: Choices,
    experts: Option<ExpertScratch>,
    split: Split,
    shape: KvShape,
    cache: Memory,
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
        match cuda.prove() {
            // `tests/gpu/run` measures what is wrong too.
            Err(error) if std::env::var_os("PILOTLIGHT_GPU_UNPROVED").is_some() => {
                tracing::warn!(%error, "the GPU is not proved");
            }
            proved => proved?,
        }
        Ok(cuda)
    }

    /// Computes some tokens at once and one by one: what a driver or a GPU that nobody has tried gets wrong must not reach a user. Products of many rows that sum in another order
    /// than those of few are done without.
    fn prove(&mut self) -> Result<(), EngineError> {
        match self.prove_with(PROVED) {
            Err(error) if self.device.wide() => {
                tracing::info!(%error, "the GPU's asynchronous products are not used");
                self.device.set_wide(false);
                self.prove_with(PROVED)
            }
            proved => proved,
        }
    }

    fn prove_with(&mut self, count: usize) -> Result<(), EngineError> {
        let count = count.min(self.context_length);
        let vocab = self.model.config.vocab;
        let tokens: Vec<u32> = (0..count).map(|i| (i * 131 % vocab) as u32).collect();
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
            match self.choose(&at, &tokens[i..=i], 1, &[])? {
                [Some((id, _))] if want.get(*id as usize) == Some(&most) => {}
                other => return refuse(format!("the GPU's choice after token {i} is not the greatest: {other:?}")),
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
        Ok(Self { graphs, context_length, model, step, places, slots, words, bytes, logits, chosen, device })
    }

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
                match wanted {
                    Wanted::Choices => {
                        cuda::choose(&self.step.about, &self.step.logits, some, first, &self.step.choices)?;
                    }
                    _ => self.take(0, some, given + first)?,
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
        if wanted == Wanted::Choices && rows > 0 {
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
}

impl Cuda {
    /// All passes over the tokens; leaves what is wanted of the last rows in `logits`, or in `chosen`.
    fn steps(
        &mut self,
        sequences: &[Sequence<'_>],
        tokens: &[u32],
        (wanted, rows): (Wanted, usize),
        masks: &[Vec<u32>],
    ) -> Result<(), EngineError> {
        let vocab = self.model.config.vocab;
        match wanted {
            Wanted::Choices if rows > LOGIT_ROWS => {
                let message = format!("the choice after {rows} tokens: {LOGIT_ROWS} at most");
                return Err(EngineError::Compute { backend: "cuda", message });
            }
            Wanted::Logits if self.logits.len() < rows * vocab => self.logits.resize(rows * vocab, 0.0),
            _ => {}
        }
        for (row, mask) in masks.iter().enumerate() {
            self.step.choices.mask(row, mask)?;
        }
        let ([one], true) = (sequences, tokens.len() > 1) else {
            return match self.fit(sequences) {
                true => self.pass(sequences, tokens, (wanted, rows), masks.len(), 0),
                false => self.one_by_one(sequences, tokens, wanted, masks),
            };
        };
        // Choices come of one pass: its rows are not cut in two.
        let (all, mut start, mut given) = (tokens.len(), 0, 0);
        while start < all {
            let mut end = all.min(start + PASS);
            if wanted == Wanted::Choices && end < all {
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
}

impl Cuda {
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
    ) -> Result<(), EngineError> {
        let mut chosen = Vec::with_capacity(tokens.len());
        for (i, (sequence, token)) in sequences.iter().zip(tokens).enumerate() {
            let mask = masks.get(i).filter(|_| wanted == Wanted::Choices);
            if let Some(mask) = mask {
                self.step.choices.mask(0, mask)?;
            }
            self.pass(&[*sequence], &[*token], (wanted, 1), usize::from(mask.is_some()), i)?;
            chosen.extend_from_slice(&self.chosen);
        }
        if wanted == Wanted::Choices {
            self.chosen = chosen;
        }
        Ok(())
    }
}

impl Model {
    /// A step as it is recorded.
    fn short(&self, step: &Step, shape: Shape) -> Result<(), CudaError> {
        self.blocks(step, shape.rows, shape.pages, shape.abreast, shape.wanted != Wanted::Nothing)?;
        if shape.wanted != Wanted::Nothing {
            self.logits(step, 0, shape.rows)?;
        }
        if shape.wanted == Wanted::Choices {
            cuda::choose(&step.about, &step.logits, shape.rows, 0, &step.choices)?;
        }
        Ok(())
    }

    /// Embedding and blocks. `rows` and `pages` are at least the step's. Without `whole` it ends when all that later tokens need is stored.
    fn blocks(&self, s: &Step, rows: usize, pages: usize, abreast: bool, whole: bool) -> Result<(), CudaError> {
        let c = &self.config;
        let scale = c.scales.embedding / c.scales.residual;
        cuda::embed(
            &s.about,
            Embed { embedding: &self.embedding, positions: self.positions.as_ref(), scale },
            rows,
            &s.x,
        )?;
        let (rope, window) = (self.rope(), c.window);
        let attention = Attention { heads: c.heads, scale: c.scales.attention, window, first: 0, rows, pages, abreast };
        for (i, layer) in self.layers.iter().enumerate() {
            let kv = (s.shape, &s.cache, i);
            layer.attn_norm.apply(&s.x, 0, rows, self.norm_eps, &s.normed)?;
            cuda::linear(&s.normed, rows, &[layer.q.part(&s.q), layer.k.part(&s.k), layer.v.part(&s.v)])?;
            let norms = HeadNorms { q: layer.q_norm.as_ref(), k: layer.k_norm.as_ref(), eps: c.norm_eps };
            cuda::rope(&s.about, rows, c.heads, [&s.q, &s.k, &s.v], norms, rope, kv, &s.turned)?;
            if !whole && i + 1 == self.layers.len() {
                return Ok(());
            }
            cuda::attention(&s.about, attention, &s.turned, kv, Some(&s.split), &s.attended)?;
            cuda::linear(&s.attended, rows, &[layer.o.residual(&s.x)])?;

            layer.ffn_norm.apply(&s.x, 0, rows, self.norm_eps, &s.normed)?;
            let down = match &layer.mlp {
                Mlp::Experts { router, gate, up, down, shape, shared } => {
                    if let Some(Inner { gate, up, down }) = shared {
                        cuda::gated(&s.normed, rows, self.activation, gate.half(), Some(up.half()), &s.shared)?;
                        cuda::linear(&s.shared, rows, &[down.residual(&s.x)])?;
                    }
                    if let Some(scratch) = &s.experts {
                        let weights = Experts { router, gate, up, down };
                        cuda::experts(&s.about, &s.normed, rows, self.activation, (weights, *shape), scratch, &s.x)?;
                    }
                    continue;
                }
                Mlp::Gated(Inner { gate, up, down }) => {
                    cuda::gated(&s.normed, rows, self.activation, gate.half(), Some(up.half()), &s.gated)?;
                    down
                }
                Mlp::Plain { up, down } => {
                    cuda::gated(&s.normed, rows, self.activation, up.half(), None, &s.gated)?;
                    down
                }
            };
            cuda::linear(&s.gated, rows, &[down.residual(&s.x)])?;
        }
        Ok(())
    }

    /// How heads are turned.
    fn rope(&self) -> Rope<'_> {
        let c = &self.config;
        Rope {
            frequencies: self.frequencies.as_ref(),
            adjacent: c.rope.style == RopeStyle::AdjacentPairs,
            magnitude: c.rope.magnitude,
            temperature: c.temperature.map(|t| (t.beta, t.original)),
        }
    }

    /// Logits of rows `first..first + rows` of the residual stream, at most [`LOGIT_ROWS`].
    fn logits(&self, s: &Step, first: usize, rows: usize) -> Result<(), CudaError> {
        self.output_norm.apply(&s.x, first, rows, self.norm_eps, &s.normed)?;
        cuda::linear(&s.normed, rows, &[self.output.part(&s.logits)])
    }
}

impl Norm {
    fn apply(&self, x: &Memory, first: usize, rows: usize, eps: f32, out: &Memory) -> Result<(), CudaError> {
        cuda::normalise(x, first, rows, &self.weight, self.bias.as_ref(), eps, out)
    }
}

impl Projection {
    /// `out = W x + b`
    fn part<'a>(&'a self, out: &'a Memory) -> Part<'a> {
        Part { weight: &self.weight, bias: self.bias.as_ref(), out, add: false }
    }

    /// `out += W x + b`
    fn residual<'a>(&'a self, out: &'a Memory) -> Part<'a> {
        Part { add: true, ..self.part(out) }
    }

    /// As the inner half of an MLP.
    fn half(&self) -> (&Matrix, Option<&Memory>) {
        (&self.weight, self.bias.as_ref())
    }
}

impl Backend for Cuda {
    fn name(&self) -> String {
        format!("cuda ({})", self.device.name())
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
        self.steps(&[Sequence { pages, position }], tokens, (Wanted::Logits, rows), &[])?;
        Ok(&self.logits[..rows * self.model.config.vocab])
    }

    fn abreast(&self) -> usize {
        STEP_ABREAST
    }

    fn decode(&mut self, sequences: &[Sequence<'_>], tokens: &[u32]) -> Result<&[f32], EngineError> {
        let rows = tokens.len();
        self.steps(sequences, tokens, (Wanted::Logits, rows), &[])?;
        Ok(&self.logits[..rows * self.model.config.vocab])
    }

    fn chooses(&self) -> usize {
        LOGIT_ROWS
    }

    fn choose(
        &mut self,
        sequences: &[Sequence<'_>],
        tokens: &[u32],
        rows: usize,
        masks: &[Vec<u32>],
    ) -> Result<&[Choice], EngineError> {
        self.steps(sequences, tokens, (Wanted::Choices, rows), masks)?;
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

/// The non-linearity's name in `kernels`.
fn activation(c: &DecoderConfig) -> cuda::Activation {
    match c.family.activation {
        config::Activation::Silu => cuda::Activation::Silu,
        config::Activation::GeluTanh => cuda::Activation::GeluTanh,
    }
}

#[cfg(test)]
mod tests;
