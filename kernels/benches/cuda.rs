//! Each kernel by itself on a GPU, beside its floor: what `kernels/README.md` predicts, measured. `tests/gpu/run` carries it there.
//!
//! `cuda [--emulated LIBRARY] [--milliseconds N]`: on the emulator the shapes are tiny and the times say nothing; it shows that the program works.
//!
//! An op is recorded many times in one graph, each time with other weights where these would fit the second-level cache; the graph is timed. A line that cannot be measured says why, and
//! the next goes on.

use std::{path::Path, time::Instant};

use pilotlight_kernels::cpu::Draw;
use pilotlight_kernels::cuda::{
    Activation, Attention, Choices, CudaError, Device, Embed, Format, HeadNorms, KvShape, Matrix, Memory, Part, Rope,
    Split, StepLayout, Wanted, attention, choose, draw, embed, gated, kv_rotate, linear, normalise, padded, rope,
    round_inputs,
};

type Result<T> = std::result::Result<T, CudaError>;

/// More than any second-level cache.
const OUT_OF_CACHE: usize = 256 << 20;
/// Ops in a graph.
const AT_ONCE: usize = 16;

struct Bench {
    device: Device,
    /// Shapes divided by this: 1 on a GPU.
    tiny: bool,
    milliseconds: u64,
    /// Bytes a second.
    bandwidth: f64,
}

/// What an op moves and computes, once.
#[derive(Clone, Copy, Default)]
struct Cost {
    bytes: usize,
    operations: f64,
}

impl Bench {
    fn of(&self, size: usize, least: usize) -> usize {
        if self.tiny { (size / 64).clamp(least, size).next_multiple_of(least) } else { size }
    }

    /// Times `op`, which is given its number in the graph.
    fn time(&self, name: &str, cost: Cost, op: impl Fn(usize) -> Result<()>) {
        let timed = || -> Result<(f64, f64, usize)> {
            op(0)?;
            self.device.wait()?;
            let at_once = if self.tiny { 2 } else { AT_ONCE };
            let graph = self.device.graph(|| (0..at_once).try_for_each(&op))?;
            let (mut all, start) = (Vec::new(), Instant::now());
            while all.len() < 3 || (start.elapsed().as_millis() < u128::from(self.milliseconds) && all.len() < 500) {
                let start = Instant::now();
                // SAFETY: what it touches outlives this call.
                #[allow(unsafe_code)]
                unsafe {
                    graph.run()?;
                }
                self.device.wait()?;
                all.push(start.elapsed().as_secs_f64() / at_once as f64);
            }
            all.sort_by(f64::total_cmp);
            Ok((all[all.len() / 2], all[0], all.len()))
        };
        match timed() {
            Ok((median, least, runs)) => {
                let floor = cost.bytes as f64 / self.bandwidth;
                let (moved, computed) = (cost.bytes as f64 / median * 1e-9, cost.operations / median * 1e-12);
                println!(
                    "{name:<44} {:>9.2} us (least {:>9.2}, {runs} runs)  floor {:>8.2} us {:>4.0} %  {moved:>6.0} GB/s {computed:>6.1} TFLOP/s",
                    median * 1e6,
                    least * 1e6,
                    floor * 1e6,
                    100.0 * floor / median,
                );
            }
            Err(error) => println!("{name:<44} failed: {error}"),
        }
    }

    fn matrix(&self, format: Format, rows: usize, columns: usize, seed: usize) -> Result<Matrix> {
        let (block, bytes) = format.block();
        let count = rows * columns / block * bytes;
        // Finite in every format, whatever part of a block a byte is.
        let mut x = seed as u32 + 1;
        let next = std::iter::repeat_with(|| {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 24) as u8 & 0xb7
        });
        let blocks: Vec<u8> = next.take(count).collect();
        Matrix::upload(&self.device, format, [rows, columns], &blocks, 1.0, 16)
    }

    /// As many of a shape as do not fit the cache.
    fn matrices(&self, format: Format, rows: usize, columns: usize) -> Result<Vec<Matrix>> {
        let copies = if self.tiny { 1 } else { OUT_OF_CACHE.div_ceil(format.bytes(rows, columns)).min(AT_ONCE) };
        (0..copies).map(|seed| self.matrix(format, rows, columns, seed)).collect()
    }

    /// bfloat16 or f16, none of them special.
    fn halves(&self, count: usize) -> Result<Memory> {
        let memory = self.device.zeros(2 * count)?;
        let bytes: Vec<u8> = (0..count)
            .flat_map(|i| (((i as u32).wrapping_mul(2_654_435_761) >> 16) as u16 & 0xb7ff | 0x3000).to_le_bytes())
            .collect();
        memory.write(0, &bytes)?;
        Ok(memory)
    }

    fn floats(&self, count: usize) -> Result<Memory> {
        let values: Vec<f32> = (0..count).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
        self.device.floats(&values)
    }

    fn products(&self, format: Format, outputs: usize, columns: usize, rows: &[usize]) -> Result<()> {
        let (outputs, columns) = (self.of(outputs, 64), self.of(columns, 256));
        let weights = self.matrices(format, outputs, columns)?;
        for &rows in rows {
            let x = self.halves(rows * padded(columns))?;
            let out = self.device.zeros(4 * rows * outputs)?;
            let cost = Cost {
                bytes: weights[0].bytes() + rows * (2 * columns + 4 * outputs),
                operations: 2.0 * (rows * outputs * columns) as f64,
            };
            let name = format!("linear {format:?} {outputs} x {columns}, {rows} rows");
            let multiply = |i: usize| {
                let weight = &weights[i % weights.len()];
                linear(&x, rows, &[Part { weight, bias: None, out: &out, add: false }])
            };
            self.time(&name, cost, multiply);
            // A norm's weight has left the caches when its turn comes: what it takes there is this less the line before.
            if rows == 1 {
                let normed = self.device.zeros(2 * padded(outputs))?;
                let norms = (0..AT_ONCE).map(|_| self.floats(outputs)).collect::<Result<Vec<_>>>()?;
                self.time(&format!("{name}, then normalise {outputs}"), cost, |i| {
                    multiply(i)?;
                    normalise(&out, 0, 1, &norms[i % norms.len()], None, 1e-5, &normed)
                });
            }
            // The other way of many rows, where there are two.
            if rows > 64 && self.device.wide() && matches!(format, Format::BF16 | Format::F8E4M3) {
                self.device.set_wide(false);
                self.time(&format!("{name}, prefill.cu"), cost, multiply);
                self.device.set_wide(true);
            }
        }
        // Inputs of 8 bits: rounded, and multiplied as bytes.
        if format == Format::F8E4M3 && self.device.wide() {
            self.device.set_wide_bytes(true);
            let weights: Vec<Matrix> = weights.into_iter().map(|weight| weight.with_rounded_inputs(1.0)).collect();
            for &rows in rows.iter().filter(|&&rows| rows > 64) {
                let (x, out) = (self.halves(rows * padded(columns))?, self.device.zeros(4 * rows * outputs)?);
                let bytes = weights[0].bytes() + rows * (columns + 4 * outputs);
                let cost = Cost { bytes, operations: 2.0 * (rows * outputs * columns) as f64 };
                self.time(&format!("linear {format:?} {outputs} x {columns}, {rows} rows of bytes"), cost, |i| {
                    let weight = &weights[i % weights.len()];
                    linear(&x, rows, &[Part { weight, bias: None, out: &out, add: false }])
                });
                let cost = Cost { bytes: 3 * rows * columns, ..Cost::default() };
                self.time(&format!("round_inputs {columns}, {rows} rows"), cost, |_| {
                    round_inputs(&x, rows, &weights[0])
                });
            }
            self.device.set_wide_bytes(false);
        }
        Ok(())
    }

    fn mlps(&self, format: Format, outputs: usize, columns: usize, rows: &[usize]) -> Result<()> {
        let (outputs, columns) = (self.of(outputs, 64), self.of(columns, 256));
        let weights = self.matrices(format, outputs, columns)?;
        for &rows in rows {
            let x = self.halves(rows * padded(columns))?;
            let out = self.device.zeros(2 * rows * padded(outputs))?;
            let cost = Cost {
                bytes: 2 * weights[0].bytes() + 2 * rows * (columns + outputs),
                operations: 4.0 * (rows * outputs * columns) as f64,
            };
            self.time(&format!("gated {format:?} 2 x {outputs} x {columns}, {rows} rows"), cost, |i| {
                let [gate, up] = [2 * i, 2 * i + 1].map(|i| &weights[i % weights.len()]);
                gated(&x, rows, Activation::Silu, (gate, None), Some((up, None)), &out)
            });
        }
        Ok(())
    }

    fn attend(&self, d: usize, heads: usize, kv_heads: usize, depth: usize, rows: usize, split: bool) -> Result<()> {
        let depth = self.of(depth, 128);
        let pages = (depth + rows).div_ceil(64);
        let shape = KvShape { layers: 1, pages, kv_heads, head_dim: d };
        let cache = self.halves(shape.bytes() / 2)?;
        let step = self.step(depth, rows, pages, Wanted::default())?;
        let q = self.halves(rows * heads * d)?;
        let out = self.device.zeros(2 * rows * padded(heads * d))?;
        let parts = if split { Some(Split::new(&self.device, rows, heads, pages, d)?) } else { None };
        let a = Attention { heads, scale: 0.1, window: None, first: 0, rows, pages, abreast: false };
        let cost = Cost { bytes: shape.bytes(), operations: 4.0 * (rows * heads * d * depth) as f64 };
        let way = if split { "split" } else { "whole" };
        let name = format!("attention {way}, {heads}/{kv_heads} heads of {d}, {rows} rows at {depth}");
        self.time(&name, cost, |_| attention(&step, a, &q, (shape, &cache, 0), parts.as_ref(), &out));
        if split && rows == 1 {
            let frequencies = self.floats(d / 2)?;
            let how = Rope { frequencies: Some(&frequencies), adjacent: false, magnitude: 1.0, temperature: None };
            let [q, k, v] = [heads, kv_heads, kv_heads].map(|heads| self.floats(rows * heads * d));
            let (q, k, v, turned) = (q?, k?, v?, self.device.zeros(2 * rows * heads * d)?);
            let norms = HeadNorms { q: None, k: None, eps: 1e-6 };
            self.time(&format!("rope, {heads}/{kv_heads} heads of {d}, {rows} rows"), Cost::default(), |_| {
                rope(&step, rows, heads, [&q, &k, &v], norms, how, (shape, &cache, 0), &turned)
            });
            let to: Vec<u32> = (0..pages as u32).collect();
            let moved =
                pilotlight_kernels::cuda::Moved { from: 0, offset: 0, pages: &to, position: 64, length: 64, by: -17 };
            let cost = Cost { bytes: 4 * shape.page_bytes(), ..Cost::default() };
            self.time("kv_rotate, a page of one layer", cost, |_| kv_rotate(shape, &cache, moved, how));
        }
        Ok(())
    }

    fn step(&self, position: usize, rows: usize, pages: usize, wanted: Wanted) -> Result<Memory> {
        let layout = StepLayout { pages };
        let (mut words, pages) = (Vec::new(), (0..pages as u32).collect::<Vec<_>>());
        layout.fill(&mut words, &[(position, &pages)], &vec![1; rows], wanted)?;
        let memory = self.device.zeros(layout.bytes())?;
        memory.write(0, &words)?;
        Ok(memory)
    }

    fn small(&self) -> Result<()> {
        let (hidden, vocab) = (self.of(5120, 256), self.of(131_072, 2048));
        let step = self.step(0, 16, 1, Wanted { first: 0, rows: 16, masked: 0 })?;
        let (x, weight) = (self.floats(16 * hidden)?, self.floats(hidden)?);
        let y = self.device.zeros(2 * 16 * padded(hidden))?;
        for rows in [1, 16] {
            self.time(&format!("normalise {hidden}, {rows} rows"), Cost::default(), |_| {
                normalise(&x, 0, rows, &weight, None, 1e-5, &y)
            });
        }
        let embedding = self.matrix(Format::BF16, self.of(4096, 64), hidden, 1)?;
        let what = Embed { embedding: &embedding, positions: None, scale: 1.0 };
        self.time(&format!("embed {hidden}, 1 row"), Cost::default(), |_| embed(&step, what, 1, &x));
        let logits = self.floats(16 * vocab)?;
        let steep: Vec<f32> = (0..16 * vocab).map(|i| 20.0 * ((i * 37 % 101) as f32 / 50.0 - 1.0)).collect();
        let steep = self.device.floats(&steep)?;
        let choices = Choices::new(&self.device, 16, vocab)?;
        for rows in [1, 8] {
            let cost = Cost { bytes: 4 * rows * vocab, ..Cost::default() };
            self.time(&format!("choose among {vocab}, {rows} rows"), cost, |_| {
                choose(&step, &logits, rows, 0, &choices)
            });
            let how = Draw { temperature: 0.8, top_k: 0, top_p: 0.95, number: 1 << 63 };
            choices.draw(&vec![how; rows])?;
            self.time(&format!("choose and draw among {vocab}, {rows} rows"), cost, |_| {
                choose(&step, &logits, rows, 0, &choices)?;
                draw(&step, &logits, rows, 0, &choices)
            });
            // As a model's are: nearly all of them far below the likeliest.
            self.time(&format!("choose and draw among {vocab}, {rows} rows, most unlikely"), cost, |_| {
                choose(&step, &steep, rows, 0, &choices)?;
                draw(&step, &steep, rows, 0, &choices)
            });
        }
        Ok(())
    }

    fn all(&self) {
        let say = |what: &str, done: Result<()>| {
            if let Err(error) = done {
                println!("{what}: {error}");
            }
        };
        use Format::{BF16, F8E4M3, Q4_K, Q6_K, Q8_0};
        say("small", self.small());
        // Devstral Small 2: down, output of attention, gate and up.
        let few = [1, 2, 8, 16, 64];
        let many = if self.tiny { [66, 66] } else { [512, 4096] };
        say("fp8", self.products(F8E4M3, 5120, 32768, &few));
        say("fp8", self.products(F8E4M3, 5120, 4096, &[1, 8]));
        say("fp8", self.mlps(F8E4M3, 32768, 5120, &[1, 8, many[0]]));
        say("fp8", self.products(F8E4M3, 5120, 32768, &many));
        // Qwen2.5-Coder 7B.
        for format in [BF16, Q8_0, Q4_K, Q6_K] {
            say("7b", self.products(format, 3584, 18944, &[1, 8, many[0]]));
        }
        say("7b", self.mlps(BF16, 18944, 3584, &[1, many[0]]));
        say("7b", self.mlps(Q4_K, 18944, 3584, &[1, many[0]]));
        for (depth, rows, split) in [
            (2048, 1, true),
            (8192, 1, true),
            (8192, 8, true),
            (32768, 1, true),
            (8192, 64, true),
            (8192, 64, false),
            (8192, 128, true),
            (8192, 128, false),
            (8192, 256, false),
            (8192, 512, false),
        ] {
            let rows = if self.tiny { rows.min(20) } else { rows };
            say("attention", self.attend(128, 32, 8, depth, rows, split));
        }
        say("attention", self.attend(64, 14, 2, 8192, 1, true));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1));
    let emulated = value("--emulated");
    let device = match emulated {
        Some(library) => Device::emulated(Path::new(library), 0),
        None => Device::first(),
    };
    let device = match device {
        Ok(device) => device,
        Err(error) => {
            println!("kernels on a GPU: not measured: {error}");
            return;
        }
    };
    let tiny = emulated.is_some();
    let bandwidth = if tiny { Ok(f64::NAN) } else { device.copy_rate() };
    let bandwidth = bandwidth.unwrap_or_else(|error| {
        println!("the bandwidth was not measured: {error}");
        f64::NAN
    });
    println!("{}; a copy reads and writes {:.0} GB/s", device.name(), bandwidth * 1e-9);
    let milliseconds = value("--milliseconds").and_then(|n| n.parse().ok()).unwrap_or(60);
    Bench { device, tiny, milliseconds, bandwidth }.all();
}
