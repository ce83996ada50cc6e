//! How fast a backend computes: decoding, small and large prefills, a keystroke's step at depth, beside the memory bandwidth of the same minute.

use std::{hint::black_box, time::Instant};

use pilotlight_kernels::{
    cpu::{Arena, Buffer, Pool},
    cuda::{Device, Found, found},
};
use serde::Serialize;

use crate::{
    EngineError, EngineOptions,
    backend::{self, Backend, Logits, PAGE, Page, Sequence},
    checkpoint::Checkpoint,
    decoder::Decoder,
    shape,
};

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Tokens of prefills into an empty cache.
    pub prefill: Vec<usize>,
    /// Tokens in the cache before a decoded token and before a keystroke.
    pub depths: Vec<usize>,
    /// Milliseconds that each figure is measured for, at least three runs.
    pub milliseconds: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { prefill: vec![1, 2, 4, 8, 16, 64, 512], depths: vec![0, 2048, 8192], milliseconds: 1500 }
    }
}

/// One figure: milliseconds of a step.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Measured {
    /// Tokens of the step.
    pub tokens: usize,
    /// Tokens in the cache before it.
    pub depth: usize,
    /// How often it was run.
    pub runs: usize,
    /// Milliseconds, the median.
    pub median_ms: f64,
    /// Milliseconds, the least.
    pub least_ms: f64,
    /// By the median.
    pub tokens_per_second: f64,
    /// Milliseconds to read the weights, and the keys and values, once at the measured bandwidth.
    pub floor_ms: f64,
    /// The floor over the median: what part of the bandwidth is used.
    pub percent_of_bandwidth: f64,
}

/// All figures.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The model's, or the shape's with its type.
    pub model: String,
    /// Number of weights.
    pub parameters: u64,
    /// Their bytes as stored.
    pub bytes: u64,
    /// Bytes of keys and values for a token.
    pub kv_bytes_per_token: u64,
    /// The way it is computed.
    pub backend: String,
    /// Threads that compute; 0 where a GPU does.
    pub threads: usize,
    /// Bytes a second: read by these threads, or moved by a copy on the device (read and written).
    pub bandwidth: f64,
    /// Seconds to load the weights.
    pub load_s: f64,
    /// Into an empty cache.
    pub prefill: Vec<Measured>,
    /// One token at each depth.
    pub decode: Vec<Measured>,
    /// The typed token and the one before it, which it may have changed, at each depth: what stands between a keystroke and the first token.
    pub keystroke: Vec<Measured>,
}

/// Measures the model that the options name.
pub fn model(options: &EngineOptions, plan: &Plan, progress: impl FnMut(&str)) -> Result<Report, EngineError> {
    let checkpoint = Checkpoint::open(&options.source()?)?;
    run(checkpoint.name, &checkpoint.decoder, options, plan, progress)
}

/// Measures random weights of a shape, stored as `dtype` says.
pub fn random_weights(
    name: &str,
    dtype: &str,
    options: &EngineOptions,
    plan: &Plan,
    mut progress: impl FnMut(&str),
) -> Result<Report, EngineError> {
    let deepest = plan.depths.iter().copied().max().unwrap_or(0);
    let longest = plan.prefill.iter().copied().max().unwrap_or(0);
    progress("making random weights");
    let decoder = shape::of_name(name)?.decoder(dtype, (deepest + 2 * PAGE).max(longest))?;
    run(format!("{name} {}, random weights", dtype.to_ascii_uppercase()), &decoder, options, plan, progress)
}

/// A model in memory with numbers in its cache, ready to be timed.
pub struct Stand {
    backend: Box<dyn Backend>,
    pages: Vec<Page>,
    context: usize,
    vocab: usize,
    /// Of the weights.
    pub bytes: u64,
    /// Of keys and values.
    pub kv_bytes_per_token: u64,
}

impl Stand {
    /// The model that the options name; steps may end at `context`, or where the model's own ends.
    pub fn model(options: &EngineOptions, context: usize) -> Result<Self, EngineError> {
        Self::new(&Checkpoint::open(&options.source()?)?.decoder, context, options)
    }

    fn new(decoder: &Decoder, context: usize, options: &EngineOptions) -> Result<Self, EngineError> {
        let context = decoder.config.context_length.min(context.next_multiple_of(PAGE));
        let mut backend = backend::build(decoder, context, options)?;
        let pages: Vec<Page> = (0..context.div_ceil(PAGE) as Page).collect();
        fill(backend.as_mut(), &pages);
        let kv_bytes_per_token = (backend.page_bytes() / PAGE) as u64;
        Ok(Self { backend, pages, context, vocab: decoder.config.vocab, bytes: decoder.bytes, kv_bytes_per_token })
    }

    /// Runs a step of `tokens` tokens at `depth`, with the last token's logits, for so long, at least `least` times, and before that once untimed if it is small: median
    /// and least in seconds, and the number of runs. All must fit the context.
    pub fn time(
        &mut self,
        tokens: usize,
        depth: usize,
        milliseconds: u64,
        least: usize,
    ) -> Result<(f64, f64, usize), EngineError> {
        let ids: Vec<u32> = (0..tokens).map(|i| (i * 97 % self.vocab) as u32).collect();
        let at = [Sequence { pages: &self.pages, position: depth }];
        // As greedy decoding asks for it.
        let mut step = || match self.backend.chooses() {
            0 => self.backend.forward(&self.pages, depth, &ids, Logits::Last).map(|_| ()),
            _ => self.backend.choose(&at, &ids, 1, &[], &[]).map(|_| ()),
        };
        if tokens < 64 {
            step()?;
        }
        time(milliseconds, least, step)
    }
}

fn run(
    model: String,
    decoder: &Decoder,
    options: &EngineOptions,
    plan: &Plan,
    mut progress: impl FnMut(&str),
) -> Result<Report, EngineError> {
    // A model of a short context is measured as deep as it goes.
    let deepest = plan.depths.iter().copied().max().unwrap_or(0) + 2;
    let longest = plan.prefill.iter().copied().max().unwrap_or(0);
    let start = Instant::now();
    progress("loading");
    let mut stand = Stand::new(decoder, deepest.max(longest), options)?;
    let load_s = start.elapsed().as_secs_f64();
    let context = stand.context;
    let name = stand.backend.name();
    let threads = if name.starts_with("cuda") { 0 } else { options.thread_count() };
    progress("measuring the memory bandwidth");
    let bandwidth = match threads {
        0 => device_bandwidth()?,
        threads => Reader::new(threads).bandwidth(1000).1,
    };

    let mut measure = |tokens: usize, depth: usize| -> Result<Measured, EngineError> {
        let (median, least, runs) = stand.time(tokens, depth, plan.milliseconds, 3)?;
        let floor = (decoder.bytes + stand.kv_bytes_per_token * depth as u64) as f64 / bandwidth;
        Ok(Measured {
            tokens,
            depth,
            runs,
            median_ms: median * 1e3,
            least_ms: least * 1e3,
            tokens_per_second: tokens as f64 / median,
            floor_ms: floor * 1e3,
            percent_of_bandwidth: 100.0 * floor / median,
        })
    };
    let mut all = |what: &str, steps: Vec<(usize, usize)>| {
        let steps = steps.into_iter().filter(|(tokens, depth)| tokens + depth <= context);
        steps
            .map(|(tokens, depth)| {
                progress(&format!("{what}: {tokens} tokens at {depth}"));
                measure(tokens, depth)
            })
            .collect::<Result<Vec<_>, _>>()
    };
    let decode = all("decode", plan.depths.iter().map(|&depth| (1, depth)).collect())?;
    let keystroke = all("keystroke", plan.depths.iter().map(|&depth| (2, depth)).collect())?;
    let prefill = all("prefill", plan.prefill.iter().map(|&tokens| (tokens, 0)).collect())?;
    Ok(Report {
        model,
        parameters: decoder.parameters,
        bytes: decoder.bytes,
        kv_bytes_per_token: stand.kv_bytes_per_token,
        backend: name,
        threads,
        bandwidth,
        load_s,
        prefill,
        decode,
        keystroke,
    })
}

/// Puts numbers into the cache: attention over zeros would be another thing to measure.
fn fill(backend: &mut dyn Backend, pages: &[Page]) {
    let mut x = 1u32;
    let halves = std::iter::repeat_with(|| {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // Any sign and mantissa, 2^-4 to 2^-1.
        ((x >> 16) as u16 & 0x87ff | 0x2c00).to_le_bytes()
    });
    let content: Vec<u8> = halves.take(backend.page_bytes() / 2).flatten().collect();
    for &page in pages {
        backend.import(page, &content);
    }
}

/// Median and least, in seconds, and number of runs.
fn time(
    milliseconds: u64,
    least: usize,
    mut step: impl FnMut() -> Result<(), EngineError>,
) -> Result<(f64, f64, usize), EngineError> {
    let (start, mut all) = (Instant::now(), Vec::new());
    while all.len() < least || (start.elapsed().as_millis() < u128::from(milliseconds) && all.len() < 2000) {
        let start = Instant::now();
        step()?;
        all.push(start.elapsed().as_secs_f64());
    }
    all.sort_by(f64::total_cmp);
    Ok((all[all.len() / 2], all[0], all.len()))
}

/// Reads memory as a step reads weights: 512 MB in large pages, by the same kind of threads.
#[derive(Debug)]
pub struct Reader {
    data: Buffer<u64>,
    pool: Pool,
}

impl Reader {
    /// With so many threads.
    pub fn new(threads: usize) -> Self {
        let mut data = Arena::default().zeroed::<u64>(64 << 20);
        data.fill(1);
        Self { data, pool: Pool::new(threads) }
    }

    /// Bytes a second over so many milliseconds: the median read's, and the best one's.
    pub fn bandwidth(&self, milliseconds: u64) -> (f64, f64) {
        let data = &self.data;
        let read = || {
            self.pool.run(64, &|chunk| {
                let mut lanes = [0u64; 32];
                for line in data[chunk << 20..(chunk + 1) << 20].chunks_exact(32) {
                    lanes.iter_mut().zip(line).for_each(|(lane, x)| *lane ^= x);
                }
                black_box(lanes);
            });
            Ok(())
        };
        let bytes = 8.0 * self.data.len() as f64;
        time(milliseconds, 3, read).map_or((f64::NAN, f64::NAN), |(median, least, _)| (bytes / median, bytes / least))
    }
}

/// Bytes a second that a copy on the GPU reads and writes.
fn device_bandwidth() -> Result<f64, EngineError> {
    let Found::Device(_) = found() else { return Ok(f64::NAN) };
    Ok(Device::first()?.copy_rate()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::BackendChoice;

    #[test]
    fn every_step_asked_for_is_measured_if_the_context_has_room() {
        let options =
            EngineOptions { threads: 1, backend: BackendChoice::Cpu, kv_memory_mib: 1, ..EngineOptions::default() };
        let plan = Plan { prefill: vec![1, 5], depths: vec![0, 100], milliseconds: 0 };
        let mut said = Vec::new();
        let report = random_weights("spark", "q8_0", &options, &plan, |what| said.push(what.to_owned())).unwrap();
        let steps = |all: &[Measured]| all.iter().map(|m| (m.tokens, m.depth)).collect::<Vec<_>>();
        assert_eq!(steps(&report.decode), [(1, 0), (1, 100)]);
        assert_eq!(steps(&report.keystroke), [(2, 0), (2, 100)]);
        assert_eq!(steps(&report.prefill), [(1, 0), (5, 0)]);
        assert_eq!((report.parameters, report.kv_bytes_per_token), (6_520_832, 6 * 2 * 2 * 64 * 2));
        assert!(report.decode.iter().all(|m| m.runs == 3 && m.median_ms >= m.least_ms && m.percent_of_bandwidth > 0.0));
        assert!(said.iter().any(|what| what == "decode: 1 tokens at 100"), "{said:?}");
        assert!(
            model(&options, &Plan { prefill: vec![3], depths: vec![1 << 20], milliseconds: 0 }, |_| {})
                .unwrap()
                .decode
                .is_empty()
        );
    }
}
