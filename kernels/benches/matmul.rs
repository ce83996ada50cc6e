//! Matrix products and attention against the memory bandwidth measured in the same run.
//!
//! `cargo bench -p pilotlight-kernels --bench matmul`; `THREADS=1` for one thread. `read` is the machine's bandwidth; a `gemv` cannot be
//! faster than its matrix is read (figures are bytes of weights a second, so they compare directly); `gemm` counts multiply-adds.

use std::{
    hint::black_box,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use pilotlight_kernels::cpu::{
    Activations, Arena, AttentionShape, Dtype, KvDtype, KvLayer, Matrix, PAGE, Part, Pool, Span, attention, linear,
};

fn pool() -> Pool {
    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok());
    Pool::new(threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)))
}

/// Weights of any bits but with small finite scales.
fn matrix(dtype: Dtype, rows: usize, columns: usize) -> Option<Matrix> {
    let bytes = rows * columns / dtype.block_columns() * dtype.block_bytes();
    let data: Vec<u8> = (0..bytes).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8 & 0x3f).collect();
    Matrix::new_in(&mut Arena::default(), dtype, rows, columns, &data).ok()
}

fn activations(pool: &Pool, rows: usize, columns: usize) -> Activations {
    let mut x = Activations::new(rows, columns);
    let row: Vec<f32> = (0..columns).map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0).collect();
    (0..rows).for_each(|r| x.set_row(pool.isa(), r, &row));
    x
}

fn product(pool: &Pool, weight: &Matrix, x: &Activations, rows: usize, out: &mut [f32]) {
    linear(pool, x, 0, rows, &mut [Part { weight, bias: None, out, add: false }]);
}

/// Runs `op` for 0.3 s untimed, then for a second and 20 times at least. `amount` is what it reads or computes.
fn time(name: &str, amount: usize, unit: &str, mut op: impl FnMut()) {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(300) {
        op();
    }
    let (mut all, start) = (Vec::new(), Instant::now());
    while all.len() < 20 || start.elapsed() < Duration::from_secs(1) {
        let start = Instant::now();
        op();
        all.push(start.elapsed().as_secs_f64());
    }
    all.sort_by(f64::total_cmp);
    let (median, least) = (all[all.len() / 2], all[0]);
    let rate = amount as f64 / median * 1e-9;
    println!("{name:<24} {rate:>8.1} G {unit} a second; median {:.1} us, least {:.1} us", median * 1e6, least * 1e6);
}

fn main() {
    let pool = pool();
    println!("{} threads", pool.workers());
    read(&pool);
    gemv(&pool);
    gemm(&pool);
    depth(&pool);
}

/// Large enough to come from memory: 256 MB.
fn read(pool: &Pool) {
    let data = vec![1u64; 32 << 20];
    time("read", 8 * data.len(), "bytes", || {
        let total = AtomicU64::new(0);
        pool.run(64, &|chunk| {
            let part = &data[chunk * (data.len() / 64)..][..data.len() / 64];
            let mut lanes = [0u64; 32];
            for line in part.chunks_exact(32) {
                lanes.iter_mut().zip(line).for_each(|(lane, x)| *lane ^= x);
            }
            total.fetch_add(lanes.iter().fold(0, |a, b| a ^ b), Relaxed);
        });
        black_box(total.into_inner());
    });
}

/// One row, from memory (136 MB of Q8_0 and what it is in other formats) and from the cache.
fn gemv(pool: &Pool) {
    for dtype in Dtype::ALL {
        for (rows, columns) in [(83_200, 1536), (1536, 1536)] {
            let Some(weight) = matrix(dtype, rows, columns) else { continue };
            let (x, mut out) = (activations(pool, 1, columns), vec![0.0; rows]);
            let name = format!("gemv {dtype} {rows}x{columns}");
            time(&name, weight.bytes(), "bytes", || product(pool, &weight, &x, 1, &mut out));
        }
    }
}

/// The rows of a keystroke, of a verification, of a prefill.
fn gemm(pool: &Pool) {
    let (outputs, columns) = (4864, 896);
    for dtype in [Dtype::Q8_0, Dtype::Q4_0, Dtype::Q4_K, Dtype::Q6_K, Dtype::F16] {
        // K-quants need whole blocks of 256.
        let columns = if dtype.block_columns() == 256 { 1024 } else { columns };
        let Some(weight) = matrix(dtype, outputs, columns) else { continue };
        for rows in [2, 4, 8, 16, 64, 128] {
            let (x, mut out) = (activations(pool, rows, columns), vec![0.0; rows * outputs]);
            let (name, work) = (format!("gemm {dtype} {rows} rows"), rows * outputs * columns);
            time(&name, work, "multiply-adds", || product(pool, &weight, &x, rows, &mut out));
        }
    }
}

/// Qwen2.5-Coder 0.5B's heads at depth; figures are bytes of keys and values a second.
fn depth(pool: &Pool) {
    let (heads, kv_heads, head_dim) = (14, 2, 64);
    let mut kv = KvLayer::new(KvDtype::F16, kv_heads, head_dim, 8192 / PAGE);
    let pages: Vec<u32> = (0..(8192 / PAGE) as u32).collect();
    for position in 0..8192 {
        let values: Vec<f32> = (0..kv_heads * head_dim).map(|i| ((i + position) % 13) as f32 / 13.0).collect();
        kv.write(&pages, position, &values, &values);
    }
    for (rows, depth) in [(1, 512), (1, 2048), (1, 8191), (16, 2048), (64, 2048)] {
        let query = vec![0.1; rows * heads * head_dim];
        let mut out = Activations::new(rows, heads * head_dim);
        let shape = AttentionShape { heads, scale: 0.125, window: None };
        let bytes = 2 * kv_heads * head_dim * 2 * (depth + 1);
        time(&format!("attention {rows} at {depth}"), bytes, "bytes", || {
            attention(pool, shape, &query, Span { pages: &pages, start: depth + 1 - rows, rows }, &kv, &mut out, 0);
        });
    }
}
