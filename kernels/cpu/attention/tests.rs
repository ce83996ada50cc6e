//! Tests of `attention`.

use half::{bf16, f16};

use super::*;
use crate::cpu::{Dtype, Isa, KvDtype, testing::random};

struct Case {
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    start: usize,
    rows: usize,
    window: Option<usize>,
}

fn run(case: &Case, dtype: KvDtype, isa: Isa, start: usize, rows: usize) -> Activations {
    run_with(&Pool::with_isa(2, isa), case, dtype, start, rows)
}

fn run_with(pool: &Pool, case: &Case, dtype: KvDtype, start: usize, rows: usize) -> Activations {
    let (width, kv_width) = (case.heads * case.head_dim, case.kv_heads * case.head_dim);
    let end = case.start + case.rows;
    let (pages, table) = table(end);
    let mut kv = KvLayer::new(dtype, case.kv_heads, case.head_dim, pages);
    for position in 0..end {
        kv.write(&table, position, &key(position, kv_width), &value(position, kv_width));
    }
    let query: Vec<f32> = (start..start + rows).flat_map(|p| random(3_000_000 + p as u64, width)).collect();
    let mut out = Activations::new(rows, width);
    let shape = AttentionShape { heads: case.heads, scale: 3.0, window: case.window };
    attention(pool, shape, &query, Span { pages: &table, start, rows }, &kv, &mut out, 0);
    out
}

/// Pages for so many positions, neither in order nor side by side, and the number of pages to have.
fn table(positions: usize) -> (usize, Vec<u32>) {
    let count = positions.div_ceil(PAGE);
    (2 * count, (0..count as u32).map(|i| 2 * (count as u32 - 1 - i) + 1).collect())
}

fn key(position: usize, width: usize) -> Vec<f32> {
    random(1_000_000 + position as u64, width)
}

fn value(position: usize, width: usize) -> Vec<f32> {
    random(2_000_000 + position as u64, width)
}

/// As stored.
fn rounded(dtype: KvDtype, d: usize, x: &[f32]) -> Vec<f64> {
    let each = |round: fn(f32) -> f32| x.iter().map(|x| f64::from(round(*x))).collect();
    match dtype {
        KvDtype::F32 => each(|x| x),
        KvDtype::F16 => each(|x| f16::from_f32(x).to_f32()),
        KvDtype::BF16 => each(|x| bf16::from_f32(x).to_f32()),
        KvDtype::Q8_0 => {
            let blocks = x.chunks(d).flat_map(|head| head.chunks(32));
            let all = blocks.flat_map(|block| {
                let greatest = block.iter().fold(0f32, |most, x| most.max(x.abs()));
                let scale = f16::from_f32(greatest / 127.0).to_f32();
                block.iter().map(move |x| {
                    f64::from(scale) * f64::from((x * (1.0 / scale)).round_ties_even().clamp(-128.0, 127.0))
                })
            });
            all.collect()
        }
    }
}

/// Softmax attention in f64, two passes.
fn expected(case: &Case, row: usize, dtype: KvDtype) -> Vec<f64> {
    let (d, width, kv_width) = (case.head_dim, case.heads * case.head_dim, case.kv_heads * case.head_dim);
    let position = case.start + row;
    let query = random(3_000_000 + position as u64, width);
    let seen = (position + 1).saturating_sub(case.window.unwrap_or(usize::MAX))..=position;
    let keys: Vec<Vec<f64>> = seen.clone().map(|p| rounded(dtype, d, &key(p, kv_width))).collect();
    let values: Vec<Vec<f64>> = seen.map(|p| rounded(dtype, d, &value(p, kv_width))).collect();
    let mut out = Vec::new();
    for head in 0..case.heads {
        let at = head / (case.heads / case.kv_heads) * d;
        let dot = |k: &Vec<f64>| -> f64 { (0..d).map(|j| k[at + j] * f64::from(query[head * d + j])).sum() };
        let scores: Vec<f64> = keys.iter().map(|k| 3.0 * dot(k)).collect();
        let most = scores.iter().copied().fold(f64::MIN, f64::max);
        let total: f64 = scores.iter().map(|s| (s - most).exp()).sum();
        out.extend(
            (0..d).map(|j| scores.iter().zip(&values).map(|(s, v)| (s - most).exp() / total * v[at + j]).sum::<f64>()),
        );
    }
    out
}

const CASES: [Case; 13] = [
    Case { heads: 4, kv_heads: 2, head_dim: 64, start: 0, rows: 1, window: None },
    Case { heads: 4, kv_heads: 2, head_dim: 64, start: 0, rows: 9, window: None },
    Case { heads: 4, kv_heads: 2, head_dim: 64, start: 61, rows: 70, window: None },
    Case { heads: 14, kv_heads: 2, head_dim: 64, start: 127, rows: 2, window: None },
    Case { heads: 12, kv_heads: 2, head_dim: 128, start: 300, rows: 3, window: None },
    Case { heads: 3, kv_heads: 3, head_dim: 80, start: 20, rows: 20, window: None },
    Case { heads: 3, kv_heads: 1, head_dim: 48, start: 64, rows: 7, window: None },
    Case { heads: 5, kv_heads: 1, head_dim: 16, start: 64, rows: 4, window: None },
    Case { heads: 20, kv_heads: 2, head_dim: 32, start: 33, rows: 5, window: None },
    // The window's edge within a block, at one, blocks apart; rows that go together and do not see the same blocks.
    Case { heads: 4, kv_heads: 2, head_dim: 64, start: 61, rows: 70, window: Some(24) },
    Case { heads: 2, kv_heads: 2, head_dim: 32, start: 120, rows: 80, window: Some(64) },
    Case { heads: 4, kv_heads: 1, head_dim: 16, start: 250, rows: 9, window: Some(1) },
    Case { heads: 3, kv_heads: 3, head_dim: 80, start: 0, rows: 150, window: Some(100) },
];

const DTYPES: [KvDtype; 4] = [KvDtype::F32, KvDtype::F16, KvDtype::BF16, KvDtype::Q8_0];

/// Of the same stored keys and values.
#[test]
fn agrees_with_f64_however_stored() {
    for case in &CASES {
        for isa in Isa::available() {
            for dtype in DTYPES {
                let out = run(case, dtype, isa, case.start, case.rows);
                for row in [0, case.rows / 2, case.rows - 1] {
                    for (got, want) in out.row(row).iter().zip(expected(case, row, dtype)) {
                        assert!((f64::from(*got) - want).abs() < 1e-5, "{isa} {dtype:?} row {row}: {got} and {want}");
                    }
                }
            }
        }
    }
}

/// What storage costs: keys and values of up to 1 in magnitude, scores of up to 3 times as many as a head has elements.
#[test]
fn eight_bits_are_near_what_they_stand_for() {
    for case in &CASES {
        let exact = run(case, KvDtype::F32, Isa::best(), case.start, case.rows);
        let stored = run(case, KvDtype::Q8_0, Isa::best(), case.start, case.rows);
        let both = (0..case.rows).flat_map(|row| exact.row(row).iter().zip(stored.row(row)));
        let square = |x: f32| f64::from(x) * f64::from(x);
        let (off, all) = both.fold((0.0, 0.0), |(off, all), (x, y)| (off + square(x - y), all + square(*x)));
        assert!((off / all).sqrt() < 0.03, "{}", (off / all).sqrt());
    }
}

#[test]
fn the_same_bits_everywhere_and_for_a_row_alone() {
    for (case, dtype) in CASES.iter().flat_map(|case| DTYPES.map(|dtype| (case, dtype))) {
        let bits = |x: &Activations, row: usize| -> Vec<u32> { x.row(row).iter().map(|v| v.to_bits()).collect() };
        let scalar = run(case, dtype, Isa::Scalar, case.start, case.rows);
        for isa in Isa::available() {
            let all = run(case, dtype, isa, case.start, case.rows);
            for row in 0..case.rows {
                assert_eq!(bits(&all, row), bits(&scalar, row), "{isa} row {row}");
                if isa == Isa::best() {
                    // More workers than key heads: groups are split.
                    let pool = Pool::new(7);
                    let alone = run_with(&pool, case, dtype, case.start + row, 1);
                    assert_eq!(bits(&alone, 0), bits(&all, row), "row {row} by 7 workers");
                    assert_eq!(alone.seen(0, Dtype::Q8_0), all.seen(row, Dtype::Q8_0));
                    let alone = run(case, dtype, isa, case.start + row, 1);
                    assert_eq!(bits(&alone, 0), bits(&all, row), "row {row} alone");
                    assert_eq!(alone.seen(0, Dtype::Q8_0), all.seen(row, Dtype::Q8_0));
                }
            }
        }
    }
}

#[test]
fn what_lies_after_a_position_is_not_seen() {
    let (pages, table) = table(100);
    let mut kv = KvLayer::new(KvDtype::F16, 1, 64, pages);
    for position in 0..100 {
        kv.write(&table, position, &key(position, 64), &value(position, 64));
    }
    let pool = Pool::new(1);
    let shape = AttentionShape { heads: 2, scale: 1.0, window: None };
    let (query, mut before, mut after) = (random(1, 128), Activations::new(1, 128), Activations::new(1, 128));
    attention(&pool, shape, &query, Span { pages: &table, start: 70, rows: 1 }, &kv, &mut before, 0);
    for position in 71..100 {
        kv.write(&table, position, &[900.0; 64], &[1e4; 64]);
    }
    attention(&pool, shape, &query, Span { pages: &table, start: 70, rows: 1 }, &kv, &mut after, 0);
    assert_eq!(before.row(0), after.row(0));
    kv.write(&table, 70, &[900.0; 64], &[1e4; 64]);
    attention(&pool, shape, &query, Span { pages: &table, start: 70, rows: 1 }, &kv, &mut after, 0);
    assert_ne!(before.row(0), after.row(0));
}

#[test]
fn a_page_is_shared_by_sequences_and_its_copy_answers_as_it_does() {
    DTYPES.into_iter().for_each(pages_and_copies);
}

fn pages_and_copies(dtype: KvDtype) {
    let mut kv = KvLayer::new(dtype, 2, 32, 4);
    let (original, other) = ([2, 0], [2, 3]);
    for position in 0..100 {
        kv.write(&original, position, &key(position, 64), &value(position, 64));
    }
    let (pool, shape) = (Pool::new(1), AttentionShape { heads: 4, scale: 1.0, window: None });
    let answer = |kv: &KvLayer, pages: &[u32], position| {
        let mut out = Activations::new(1, 128);
        attention(&pool, shape, &random(1, 128), Span { pages, start: position, rows: 1 }, kv, &mut out, 0);
        out.row(0).to_vec()
    };
    let (at_63, at_76) = (answer(&kv, &original, 63), answer(&kv, &original, 76));
    assert_eq!(answer(&kv, &other, 63), at_63);
    kv.copy(0, 3, 13);
    assert_eq!(answer(&kv, &other, 76), at_76);
    let mut exported = vec![];
    kv.export(0, &mut exported);
    assert_eq!(exported.len(), KvLayer::page_bytes(dtype, 2, 32));
    kv.import(1, &exported);
    assert_eq!(answer(&kv, &[2, 1], 76), at_76);
    kv.write(&other, 76, &[900.0; 64], &[1e4; 64]);
    assert_ne!(answer(&kv, &other, 76), at_76);
    assert_eq!(answer(&kv, &original, 76), at_76);
}
