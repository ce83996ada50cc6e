//! Speed of the cpu backend at the shapes of real models, with random weights, beside the memory bandwidth of the same minute:
//! `cargo run --release -p pilotlight-engine --example shapes -- [SHAPE [DTYPE [THREADS]]]`.
//!
//! SHAPE: `spark`, `ember`, `0.5b`, `1.5b`, or `all`; DTYPE: `Q8_0`, `Q4_K_M`, ... Figures are medians, and the least in brackets. `floor` is the time
//! to read the weights (and, at depth, keys and values) once at the measured bandwidth.

use std::{collections::BTreeMap, hint::black_box, path::Path, sync::Arc, time::Instant};

use bytes::Bytes;
use pilotlight_engine::{
    backend::{Backend, Logits, PAGE, cpu::Cpu},
    config::{Biases, DecoderConfig, Rope, RopeStyle, Scales, family},
    decoder::{Decoder, Gated, Layer, Linear, Mlp, Norm},
    weights::{Dtype, Tensor},
};
use pilotlight_kernels::cpu::{KvDtype, Pool};

struct Shape {
    name: &'static str,
    hidden: usize,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    ffn: usize,
    vocab: usize,
    bias: bool,
}

const SHAPES: [Shape; 4] = [
    Shape {
        name: "spark",
        hidden: 256,
        layers: 6,
        heads: 4,
        kv_heads: 2,
        head_dim: 64,
        ffn: 704,
        vocab: 8192,
        bias: false,
    },
    Shape {
        name: "ember",
        hidden: 512,
        layers: 12,
        heads: 8,
        kv_heads: 2,
        head_dim: 64,
        ffn: 1408,
        vocab: 8192,
        bias: false,
    },
    Shape {
        name: "0.5b",
        hidden: 896,
        layers: 24,
        heads: 14,
        kv_heads: 2,
        head_dim: 64,
        ffn: 4864,
        vocab: 151_936,
        bias: true,
    },
    Shape {
        name: "1.5b",
        hidden: 1536,
        layers: 28,
        heads: 12,
        kv_heads: 2,
        head_dim: 128,
        ffn: 8960,
        vocab: 151_936,
        bias: true,
    },
];

const CONTEXT: usize = 8192 + 512;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (name, dtype) = (args.next().unwrap_or("all".into()), args.next().unwrap_or("Q8_0".into()));
    let threads = args.next().map_or(Ok(2), |n| n.parse())?;
    for shape in SHAPES.iter().filter(|shape| name == "all" || name == shape.name) {
        let decoder = shape.decoder(&dtype)?;
        let bandwidth = bandwidth(threads);
        let mut cpu = Cpu::new(&decoder, CONTEXT, CONTEXT.div_ceil(PAGE), threads, KvDtype::F16)?;
        let pages: Vec<u32> = (0..cpu.pages() as u32).collect();
        println!(
            "{} {dtype}: {:.1} M weights, {:.1} MB; {}, {threads} threads; reads {:.1} GB/s",
            shape.name,
            decoder.parameters as f64 / 1e6,
            decoder.bytes as f64 / 1e6,
            cpu.name(),
            bandwidth / 1e9
        );
        for tokens in [1, 2, 4, 8, 16, 64, 512] {
            let ids: Vec<u32> = (0..tokens).map(|i| (i * 97 % shape.vocab) as u32).collect();
            let (median, least) = time(|| cpu.forward(&pages, 0, &ids, Logits::Last).map(|_| ()))?;
            let rate = tokens as f64 / median;
            println!("  prefill {tokens:>4}: {:9.3} ms ({:9.3}) {rate:8.0} tokens/s", median * 1e3, least * 1e3);
        }
        for depth in [0, 2048, 8192] {
            let (median, least) = time(|| cpu.forward(&pages, depth, &[7], Logits::Last).map(|_| ()))?;
            // The rows of the embedding that are looked up are next to nothing, and tied weights are read as the output.
            let bytes = decoder.bytes as f64 + (4 * shape.layers * shape.kv_heads * shape.head_dim * depth) as f64;
            let floor = bytes / bandwidth;
            println!(
                "  decode at {depth:>4}: {:7.3} ms ({:7.3}) {:8.1} tokens/s; floor {:.3} ms, {:.0} % of the bandwidth",
                median * 1e3,
                least * 1e3,
                1.0 / median,
                floor * 1e3,
                100.0 * floor / median
            );
        }
    }
    Ok(())
}

/// Median and least of as many runs as fit a second and a half; at least 3.
fn time<E>(mut step: impl FnMut() -> Result<(), E>) -> Result<(f64, f64), E> {
    step()?;
    let (start, mut all) = (Instant::now(), Vec::new());
    while all.len() < 3 || (start.elapsed().as_secs_f64() < 1.5 && all.len() < 1000) {
        let start = Instant::now();
        step()?;
        all.push(start.elapsed().as_secs_f64());
    }
    all.sort_by(f64::total_cmp);
    Ok((all[all.len() / 2], all[0]))
}

/// Bytes a second, the best of a few reads of 512 MB.
fn bandwidth(threads: usize) -> f64 {
    let data = vec![1u64; 64 << 20];
    let pool = Pool::new(threads);
    let read = || {
        pool.run(64, &|chunk| {
            let mut lanes = [0u64; 32];
            for line in data[chunk << 20..(chunk + 1) << 20].chunks_exact(32) {
                lanes.iter_mut().zip(line).for_each(|(lane, x)| *lane ^= x);
            }
            black_box(lanes);
        });
        Ok::<(), ()>(())
    };
    time(read).map_or(f64::NAN, |(_, least)| 8.0 * data.len() as f64 / least)
}

impl Shape {
    /// Random weights in `dtype`; `Q4_K_M` as llama-quantize mixes it, fallbacks where 256 does not divide the columns included.
    fn decoder(&self, dtype: &str) -> Result<Decoder, String> {
        let mixed = dtype == "Q4_K_M";
        let by_name: BTreeMap<String, Dtype> = Dtype::ALL.iter().map(|d| (d.to_string(), *d)).collect();
        let stored = match by_name.get(if mixed { "Q4_K" } else { dtype }) {
            Some(dtype) => *dtype,
            None => return Err(format!("dtype {dtype}: expected Q4_K_M or one of {:?}", Dtype::ALL)),
        };
        let matrix = |rows: usize, columns: usize, better: bool| {
            let dtype = match (mixed && better, columns.is_multiple_of(256) || stored.block_elements() < 256) {
                (false, true) => stored,
                (false, false) => Dtype::Q5_0,
                (true, true) => Dtype::Q6_K,
                (true, false) => Dtype::Q8_0,
            };
            tensor(dtype, &[rows, columns])
        };
        let linear = |rows, columns, better| Linear { weight: matrix(rows, columns, better), bias: None };
        let biased = |rows, better| {
            let bias = self.bias.then(|| tensor(Dtype::F32, &[rows]));
            Linear { bias, ..linear(rows, self.hidden, better) }
        };
        let norm = || Norm { weight: tensor(Dtype::F32, &[self.hidden]), bias: None };
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let layer = |i: usize| {
            // Q4_K_M gives half of the layers a better V and down projection.
            let better = i < self.layers / 8 || i >= 7 * self.layers / 8 || (i - self.layers / 8) % 3 == 2;
            Layer {
                attn_norm: norm(),
                attn_q: biased(q, false),
                attn_k: biased(kv, false),
                attn_v: biased(kv, better),
                attn_q_norm: None,
                attn_k_norm: None,
                attn_output: linear(self.hidden, q, false),
                ffn_norm: norm(),
                mlp: Mlp::Gated(Gated {
                    gate: linear(self.ffn, self.hidden, false),
                    up: linear(self.ffn, self.hidden, false),
                    down: linear(self.hidden, self.ffn, better),
                }),
            }
        };
        let embedding = matrix(self.vocab, self.hidden, true);
        let layers: Vec<Layer> = (0..self.layers).map(layer).collect();
        let all = layers.iter().flat_map(|l| {
            let mlp = match &l.mlp {
                Mlp::Gated(gated) => vec![&gated.gate, &gated.up, &gated.down],
                Mlp::Plain { .. } | Mlp::Experts { .. } => Vec::new(),
            };
            let linears = [&l.attn_q, &l.attn_k, &l.attn_v, &l.attn_output].into_iter().chain(mlp);
            linears.map(|linear| &linear.weight)
        });
        let name = if self.bias { "qwen2" } else { "llama" };
        let (parameters, bytes) = all
            .chain([&embedding])
            .fold((0, 0), |(n, bytes), tensor| (n + tensor.elements() as u64, bytes + tensor.bytes.len() as u64));
        let frequencies =
            (0..self.head_dim / 2).map(|i| 1e6f32.powf(-(2.0 * i as f32) / self.head_dim as f32)).collect();
        Ok(Decoder {
            config: DecoderConfig {
                family: family(name).ok_or_else(|| format!("no family {name}"))?,
                vocab: self.vocab,
                hidden: self.hidden,
                layers: self.layers,
                heads: self.heads,
                kv_heads: self.kv_heads,
                head_dim: self.head_dim,
                ffn: self.ffn,
                experts: None,
                context_length: CONTEXT,
                norm_eps: 1e-6,
                rope: Rope { style: RopeStyle::HalfSplit, frequencies, magnitude: 1.0 },
                window: None,
                temperature: None,
                scales: Scales {
                    embedding: 1.0,
                    residual: 1.0,
                    attention: (self.head_dim as f32).sqrt().recip(),
                    logits: 1.0,
                },
                biases: if self.bias { Biases::Qkv } else { Biases::Optional },
                tied: Some(true),
                norm_without_one: false,
            },
            output: Linear { weight: embedding.clone(), bias: None },
            embedding,
            layers,
            output_norm: norm(),
            positions: None,
            parameters,
            bytes,
        })
    }
}

/// Weights of any bits, with scales between 2^-15 and 1.9.
fn tensor(dtype: Dtype, shape: &[usize]) -> Tensor {
    let rows: usize = shape.iter().product::<usize>() / dtype.block_elements();
    let bytes: Vec<u8> =
        (0..rows * dtype.block_bytes()).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 & 0x3b).collect();
    let file: Arc<Path> = Path::new("random").into();
    Tensor { name: "random".into(), file, shape: shape.to_vec(), dtype, bytes: Bytes::from(bytes), scale: 1.0 }
}
