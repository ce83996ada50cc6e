//! The resident CPU path: quantised weights in tiles, fused steps, buffers made once. A decode step allocates nothing.
//!
//! Weights stay as they are stored; what goes into a product with quantised ones is quantised to 8 bits in blocks of 32 first, so logits
//! differ from the reference by that rounding. A token's logits never depend on how many tokens were computed with it, nor on the
//! number of threads or the instruction set: prefill, verification and decoding agree to the bit.
//!
//! Shapes in comments: `t` tokens of a pass, at most [`PASS`].

mod layer;
mod mlp;

use std::sync::Arc;

use pilotlight_kernels::cpu::{
    Activation, Activations, Adjusted, Arena, AttentionShape, Buffer, KvDtype, KvLayer, Matrix, Pool, Projected, Rope,
    RopePairs, Span, attention, give_way, linear, turn_and_store,
};

use self::{
    layer::{Layer, Norm, Projection, matrix},
    mlp::ExpertStep,
};
use super::{Backend, Logits, Page, Sequence};
use crate::{
    EngineError,
    config::{self, DecoderConfig, RopeStyle},
    decoder::Decoder,
};

/// Tokens computed together at most: longer runs go in passes of this many. The weights of a pass are read once; its rows stay in the cache.
const PASS: usize = 128;

/// Sequences that decode in one step: as many rows as the product kernel takes at once.
const ABREAST: usize = 8;

/// See the module.
pub struct Cpu {
    pool: Pool,
    /// The workers of background steps, once there has been one.
    background_pool: Option<Pool>,
    background: bool,
    config: DecoderConfig,
    context_length: usize,
    /// `[vocab, hidden]`
    embedding: Arc<Matrix>,
    /// `[positions, hidden]`
    positions: Option<Matrix>,
    activation: Activation,
    layers: Vec<Layer>,
    /// Scaled by what the logits are scaled by.
    output_norm: Norm,
    /// Of the norms of the residual stream, which is kept divided by the residual scale.
    norm_eps: f32,
    /// `[vocab, hidden]`: the embedding itself where they are tied.
    output: Projection,
    kv: KvDtype,
    /// By layer.
    cache: Vec<KvLayer>,
    step: Step,
    /// Turns keys that are moved: without the factor that they have already.
    turn: Rope,
    /// `[rows, vocab]`
    logits: Vec<f32>,
}

/// The buffers of a pass.
struct Step {
    rope: Rope,
    /// `[PASS, hidden]`: the residual stream.
    x: Buffer<f32>,
    /// `[PASS, hidden]`
    normed: Activations,
    /// `[PASS, heads * head_dim]`
    q: Buffer<f32>,
    /// `[PASS, kv_heads * head_dim]`
    k: Buffer<f32>,
    /// `[PASS, kv_heads * head_dim]`
    v: Buffer<f32>,
    /// `[PASS, heads * head_dim]`
    attended: Activations,
    /// `[PASS, ffn]`
    gated: Activations,
    /// `[hidden]`: a position's vector.
    row: Buffer<f32>,
    experts: Option<ExpertStep>,
}

impl Cpu {
    /// Whether this backend can compute the decoder; where not, why.
    pub fn supports(decoder: &Decoder) -> Result<(), String> {
        match decoder.config.head_dim {
            d if d.is_multiple_of(16) && d <= 256 => Ok(()),
            d => Err(format!("heads of {d} elements: a multiple of 16 up to 256 is computed")),
        }
    }

    /// Bytes that the weights take here.
    pub(super) fn weights(decoder: &Decoder) -> u64 {
        decoder.matrices().chain(decoder.experts()).map(layer::bytes).sum()
    }

    /// Repacks the weights; the mapped file is not needed afterwards. `context_length` bounds a sequence, `pages` all of them together.
    pub fn new(
        decoder: &Decoder,
        context_length: usize,
        pages: usize,
        threads: usize,
        kv: KvDtype,
    ) -> Result<Self, EngineError> {
        Self::supports(decoder).map_err(|message| EngineError::Compute { backend: "cpu", message })?;
        let c = &decoder.config;
        let arena = &mut Arena::default();
        let embedding = Arc::new(matrix(arena, &decoder.embedding)?);
        let output = if decoder.is_tied() {
            Projection { weight: Arc::clone(&embedding), bias: None }
        } else {
            Projection::new(arena, &decoder.output)?
        };
        let pairs = match c.rope.style {
            RopeStyle::AdjacentPairs => RopePairs::Adjacent,
            RopeStyle::HalfSplit => RopePairs::Halves,
        };
        let (q_width, kv_width) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let step = Step {
            rope: Rope::new(pairs, &c.rope.frequencies, c.rope.magnitude, PASS),
            x: Buffer::zeroed(PASS * c.hidden),
            normed: Activations::new(PASS, c.hidden),
            q: Buffer::zeroed(PASS * q_width),
            k: Buffer::zeroed(PASS * kv_width),
            v: Buffer::zeroed(PASS * kv_width),
            attended: Activations::new(PASS, q_width),
            gated: Activations::new(PASS, c.ffn),
            row: Buffer::zeroed(c.hidden),
            experts: c.experts.map(|experts| ExpertStep::new(c, experts)),
        };
        // Granite multiplies what each block adds by `m`. With the stream divided by `m`, the blocks add as they are; a norm of it is the norm of
        // the whole with `eps / m^2`.
        let m = c.scales.residual;
        let mut output_norm = Norm::new(&decoder.output_norm)?;
        let all = output_norm.weight.iter_mut().chain(output_norm.bias.iter_mut().flatten());
        all.for_each(|weight| *weight *= c.scales.logits);
        Ok(Self {
            pool: Pool::new(threads),
            background_pool: None,
            background: false,
            context_length,
            embedding,
            positions: decoder.positions.as_ref().map(|positions| matrix(arena, positions)).transpose()?,
            activation: match c.family.activation {
                config::Activation::Silu => Activation::Silu,
                config::Activation::GeluTanh => Activation::GeluTanh,
            },
            layers: decoder.layers.iter().map(|layer| Layer::new(arena, layer)).collect::<Result<_, _>>()?,
            output_norm,
            norm_eps: c.norm_eps / (m * m),
            output,
            kv,
            cache: (0..c.layers).map(|_| KvLayer::new(kv, c.kv_heads, c.head_dim, pages)).collect(),
            step,
            turn: Rope::new(pairs, &c.rope.frequencies, 1.0, 1),
            logits: vec![0.0; c.vocab],
            config: c.clone(),
        })
    }

    /// One pass, of one sequence's next tokens or of one token each of several: `t = tokens.len() <= PASS`. Leaves the last `wanted` rows, normed, at the start of
    /// `step.normed`; gives their number. Of several sequences all are wanted.
    fn pass(&mut self, sequences: &[Sequence<'_>], tokens: &[u32], wanted: usize) -> usize {
        let mut rows = tokens.len() / sequences.len();
        self.embed(sequences, tokens);
        let Self { pool, config: c, step: s, norm_eps, activation, .. } = self;
        let (hidden, q_width, kv_width) = (c.hidden, c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let shape = AttentionShape { heads: c.heads, scale: c.scales.attention, window: c.window };
        let mut t = tokens.len();

        for (row, at) in positions(sequences, rows).enumerate() {
            s.rope.prepare(row, at);
        }
        let mut skipped = 0;
        let temperature = c.temperature.map(|temperature| move |position| temperature.at(position));
        let last = self.layers.len() - 1;
        for (i, (layer, kv)) in self.layers.iter().zip(&mut self.cache).enumerate() {
            layer.attn_norm.apply(pool, &s.x[..t * hidden], t, *norm_eps, &mut s.normed);
            let mut qkv = [
                layer.q.part(&mut s.q[..t * q_width]),
                layer.k.part(&mut s.k[..t * kv_width]),
                layer.v.part(&mut s.v[..t * kv_width]),
            ];
            linear(pool, &s.normed, 0, t, &mut qkv);
            for (i, sequence) in sequences.iter().enumerate() {
                let (q, kv_rows) =
                    (i * rows * q_width..(i + 1) * rows * q_width, i * rows * kv_width..(i + 1) * rows * kv_width);
                let projected = Projected { q: &mut s.q[q], k: &mut s.k[kv_rows.clone()], v: &s.v[kv_rows] };
                let adjusted = Adjusted {
                    norms: [layer.q_norm.as_deref(), layer.k_norm.as_deref()],
                    eps: c.norm_eps,
                    temperature: temperature.as_ref().map(|t| t as _),
                };
                let span = Span { pages: sequence.pages, start: sequence.position, rows };
                turn_and_store(pool, &s.rope, i * rows, adjusted, projected, span, kv);
            }
            if i == last {
                // All that later tokens need of this pass is stored: go on with the wanted rows alone.
                skipped = t - wanted.min(t);
                if skipped == t {
                    return 0;
                }
                s.x.copy_within(skipped * hidden..t * hidden, 0);
                s.q.copy_within(skipped * q_width..t * q_width, 0);
                t -= skipped;
                rows = t / sequences.len();
            }
            for (i, sequence) in sequences.iter().enumerate() {
                let span = Span { pages: sequence.pages, start: sequence.position + skipped, rows };
                let query = &s.q[i * rows * q_width..][..rows * q_width];
                attention(pool, shape, query, span, kv, &mut s.attended, i * rows);
            }
            linear(pool, &s.attended, 0, t, &mut [layer.o.residual(&mut s.x[..t * hidden])]);

            layer.ffn_norm.apply(pool, &s.x[..t * hidden], t, *norm_eps, &mut s.normed);
            layer.mlp.add(pool, *activation, t, s);
        }
        self.output_norm.apply(pool, &s.x[..t * hidden], t, *norm_eps, &mut s.normed);
        t
    }

    /// Does some work, and where nobody waits for it, so that other programs go first.
    fn politely(&mut self, work: impl FnOnce(&mut Self) + Send) {
        if !self.background {
            return work(self);
        }
        // On a thread of its own, for a priority cannot be taken back.
        let workers = self.pool.workers();
        let other = self.background_pool.take().unwrap_or_else(|| Pool::giving_way(workers));
        let usual = std::mem::replace(&mut self.pool, other);
        let mut work = Some(work);
        let done = std::thread::scope(|scope| {
            let step = || {
                give_way();
                work.take().map(|work| work(self))
            };
            std::thread::Builder::new().spawn_scoped(scope, step).map(std::thread::ScopedJoinHandle::join)
        });
        self.background_pool = Some(std::mem::replace(&mut self.pool, usual));
        match (done, work) {
            (Ok(Err(panic)), _) => std::panic::resume_unwind(panic),
            // There are too many threads: better impolite than not at all.
            (Err(_), Some(work)) => work(self),
            _ => {}
        }
    }

    /// All passes over the tokens; leaves the wanted rows in `logits`.
    fn steps(&mut self, pages: &[Page], position: usize, tokens: &[u32], logits: Logits) {
        let (all, rows) = (tokens.len(), logits.rows(tokens.len()));
        self.make_room(rows);
        let mut given = 0;
        for (i, tokens) in tokens.chunks(PASS).enumerate() {
            // Of the last rows of all, those that are the last of this pass.
            let wanted = rows.saturating_sub(all - i * PASS - tokens.len());
            let rows = self.pass(&[Sequence { pages, position: position + i * PASS }], tokens, wanted);
            if rows > 0 {
                self.project(given, rows);
                given += rows;
            }
        }
    }

    /// Makes room for so many rows of logits.
    fn make_room(&mut self, rows: usize) {
        let wanted = rows * self.config.vocab;
        if self.logits.len() < wanted {
            self.logits.resize(wanted, 0.0);
        }
    }

    /// Rows `first..first + rows` of the logits, of what a pass left.
    fn project(&mut self, first: usize, rows: usize) {
        let vocab = self.config.vocab;
        let out = &mut self.logits[first * vocab..][..rows * vocab];
        linear(&self.pool, &self.step.normed, 0, rows, &mut [self.output.part(out)]);
    }

    /// Writes the tokens' rows of the residual stream.
    fn embed(&mut self, sequences: &[Sequence<'_>], tokens: &[u32]) {
        let Self { pool, config: c, step: s, .. } = self;
        let scale = c.scales.embedding / c.scales.residual;
        let at = positions(sequences, tokens.len() / sequences.len());
        for (at, (x, token)) in at.zip(s.x.chunks_exact_mut(c.hidden).zip(tokens)) {
            self.embedding.row(pool.isa(), *token as usize, x);
            if scale != 1.0 {
                x.iter_mut().for_each(|x| *x *= scale);
            }
            if let Some(positions) = &self.positions {
                let row = &mut s.row[..c.hidden];
                positions.row(pool.isa(), at, row);
                x.iter_mut().zip(row).for_each(|(x, p)| *x += *p);
            }
        }
    }
}

/// Where the rows of a pass stand: `rows` neighbours of each sequence.
fn positions(sequences: &[Sequence<'_>], rows: usize) -> impl Iterator<Item = usize> {
    sequences.iter().flat_map(move |sequence| sequence.position..sequence.position + rows)
}

impl Backend for Cpu {
    fn name(&self) -> String {
        let isa = self.pool.isa();
        match self.kv {
            KvDtype::F16 => format!("cpu ({isa})"),
            kv => format!("cpu ({isa}, KV in {kv:?})"),
        }
    }

    fn pages(&self) -> usize {
        self.cache.first().map_or(0, KvLayer::pages)
    }

    fn page_bytes(&self) -> usize {
        let c = &self.config;
        c.layers * KvLayer::page_bytes(self.kv, c.kv_heads, c.head_dim)
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
        self.politely(|cpu| cpu.steps(pages, position, tokens, logits));
        Ok(&self.logits[..logits.rows(tokens.len()) * self.config.vocab])
    }

    fn set_background(&mut self, background: bool) {
        self.background = background;
    }

    fn abreast(&self) -> usize {
        ABREAST
    }

    fn decode(&mut self, sequences: &[Sequence<'_>], tokens: &[u32]) -> Result<&[f32], EngineError> {
        let rows = tokens.len();
        self.make_room(rows);
        self.politely(|cpu| {
            cpu.pass(sequences, tokens, rows);
            cpu.project(0, rows);
        });
        Ok(&self.logits[..rows * self.config.vocab])
    }

    fn shifts(&self) -> bool {
        // Learned positions are part of what was computed.
        self.positions.is_none()
    }

    fn shift(
        &mut self,
        (page, offset): (Page, usize),
        pages: &[Page],
        position: usize,
        length: usize,
        by: isize,
    ) -> Result<(), EngineError> {
        let Self { pool, config: c, step: s, cache, turn, .. } = self;
        let width = c.kv_heads * c.head_dim;
        let (key, value) = (&mut s.k[..width], &mut s.v[..width]);
        turn.prepare_turn(0, by);
        for kv in cache {
            for i in 0..length {
                kv.read(&[page], offset + i, key, value);
                turn.apply(pool.isa(), 0, c.head_dim, key);
                kv.write(pages, position + i, key, value);
            }
        }
        Ok(())
    }

    fn copy(&mut self, from: Page, to: Page, length: usize) -> Result<(), EngineError> {
        self.cache.iter_mut().for_each(|layer| layer.copy(from, to, length));
        Ok(())
    }

    fn export(&self, page: Page, to: &mut Vec<u8>) -> bool {
        self.cache.iter().for_each(|layer| layer.export(page, to));
        true
    }

    fn import(&mut self, page: Page, from: &[u8]) -> bool {
        let layers = self.cache.iter_mut().zip(from.chunks_exact(from.len() / self.config.layers));
        layers.for_each(|(layer, from)| layer.import(page, from));
        true
    }
}

#[cfg(test)]
mod tests;
