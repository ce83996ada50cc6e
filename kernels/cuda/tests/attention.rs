//! Turning, storing, attending, copying.

use super::*;

const KV_HEADS: usize = 2;
/// Of the cache: no multiple of 7.
const PAGES: usize = 24;

/// A cache with random keys and values at `positions` of a sequence, written by `rope` without turning; and these as stored.
struct Cached {
    shape: KvShape,
    cache: Memory,
    pages: Vec<u32>,
    /// `[positions][KV_HEADS][d]`
    keys: Vec<f32>,
    values: Vec<f32>,
}

const PLAIN: Rope<'static> = Rope { frequencies: None, adjacent: false, magnitude: 1.0, temperature: None };
const NO_NORMS: HeadNorms<'static> = HeadNorms { q: None, k: None, eps: 1e-6 };

fn half(x: &[f32]) -> Vec<f32> {
    x.iter().map(|x| f16::from_f32(*x).to_f32()).collect()
}

fn cached(device: &Device, d: usize, positions: usize) -> Cached {
    let pages: Vec<u32> = (0..positions.div_ceil(64) as u32).map(|i| (7 * i + 5) % PAGES as u32).collect();
    let shape = KvShape { layers: 2, pages: PAGES, kv_heads: KV_HEADS, head_dim: d };
    let cache = device.zeros(shape.bytes()).unwrap();
    let width = KV_HEADS * d;
    let (keys, values) = (random(20, positions * width), random(21, positions * width));
    for start in (0..positions).step_by(STEP_PASS) {
        let rows = STEP_PASS.min(positions - start);
        let [k, v] = [&keys, &values].map(|x| device.floats(&x[start * width..][..rows * width]).unwrap());
        let step = step(device, start, &vec![0; rows], &pages);
        let q = device.zeros(4 * rows * width).unwrap();
        let out = device.zeros(2 * rows * width).unwrap();
        rope(&step, rows, KV_HEADS, [&q, &k, &v], NO_NORMS, PLAIN, (shape, &cache, 1), &out).unwrap();
    }
    Cached { shape, cache, pages, keys: half(&keys), values: half(&values) }
}

/// Query heads in f16 on the device, and as numbers.
fn queries(device: &Device, rows: usize, width: usize) -> (Memory, Vec<f32>) {
    let values = half(&random(22, rows * width));
    let memory = device.zeros(2 * rows * width).unwrap();
    memory.write(0, &values.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect::<Vec<u8>>()).unwrap();
    (memory, values)
}

fn attended(c: &Cached, d: usize, heads: usize, q: &[f32], position: usize, window: Option<usize>) -> Vec<f64> {
    let mut out = Vec::new();
    for head in 0..heads {
        let kv_head = head / (heads / KV_HEADS);
        let from = window.map_or(0, |window| (position + 1).saturating_sub(window));
        let of = |x: &[f32], p: usize, i: usize| f64::from(x[(p * KV_HEADS + kv_head) * d + i]);
        let scores: Vec<f64> = (from..=position)
            .map(|p| (0..d).map(|i| f64::from(q[head * d + i]) * of(&c.keys, p, i)).sum::<f64>() * 0.3)
            .collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - most).exp()).collect();
        let total: f64 = weights.iter().sum();
        out.extend(
            (0..d).map(|i| (from..=position).zip(&weights).map(|(p, w)| w * of(&c.values, p, i)).sum::<f64>() / total),
        );
    }
    out
}

#[test]
fn attention_agrees_and_its_two_ways_give_the_same_bits() {
    for (d, group, positions, window) in [
        (16, 2, 70, None),
        (32, 1, 70, None),
        (64, 3, 260, None),
        (64, 2, 260, Some(90)),
        (96, 2, 65, None),
        (128, 4, 130, None),
        (256, 1, 66, None),
        // More pages than `attention_merge` reads at a time; of several tiles of a group and of some that are no whole ones.
        (16, 20, 1100, None),
        (32, 5, 1500, Some(1100)),
    ] {
        let heads = KV_HEADS * group;
        let most = 40.min(positions);
        let mut all: Option<Vec<f32>> = None;
        for device in devices() {
            let c = cached(&device, d, positions);
            let (q, values) = queries(&device, most, heads * d);
            let start = positions - most;
            let split = Split::new(&device, SPLIT_ROWS, heads, PAGES, d).unwrap();
            // All at once merges in registers; fewer, from the memory of the pages' parts.
            for (first, rows, by_page) in [
                (0, most, false),
                (0, most, true),
                (0, 1, true),
                (most - 5, 5, true),
                (3, 17, true),
                (3, 17, false),
                (most - 1, 1, false),
            ] {
                let step = step(&device, start, &vec![0; first + rows], &c.pages);
                let out = poisoned(&device, 2 * rows * padded(heads * d));
                let a = Attention {
                    heads,
                    scale: 0.3,
                    window,
                    first,
                    rows,
                    pages: if by_page { PAGES } else { c.pages.len() },
                    abreast: false,
                };
                attention(&step, a, &q, (c.shape, &c.cache, 1), by_page.then_some(&split), &out).unwrap();
                let stride = padded(heads * d);
                let got: Vec<f32> =
                    brains(&out).chunks_exact(stride).flat_map(|row| row[..heads * d].to_vec()).collect();
                if let Some(all) = &all {
                    assert_eq!(
                        got[..],
                        all[first * heads * d..][..got.len()],
                        "d {d}: {rows} rows from {first} on {device:?}"
                    );
                    continue;
                }
                for row in 0..rows {
                    let want = attended(&c, d, heads, &values[row * heads * d..][..heads * d], start + row, window);
                    for (i, want) in want.iter().enumerate() {
                        let got = f64::from(got[row * heads * d + i]);
                        assert!((got - want).abs() <= 4e-3, "d {d} row {row} element {i}: {got} {want}");
                    }
                }
                all = Some(got);
            }
        }
    }
}

#[test]
fn heads_are_normalised_turned_and_stored_in_their_place() {
    let (d, heads, rows, start) = (64, 4, 3, 126);
    for adjacent in [false, true] {
        let pairs = 24; // The last elements stay.
        let frequencies: Vec<f32> = (0..pairs).map(|i| 1e4f32.powf(-(i as f32) / pairs as f32)).collect();
        let (q, k, v) =
            (random(30, rows * heads * d), random(31, rows * KV_HEADS * d), random(32, rows * KV_HEADS * d));
        let (q_norm, k_norm) = (random(33, d), random(34, d));
        let turned = |x: &[f32], norm: &[f32], position: usize, query: bool| -> Vec<f64> {
            let mean = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / d as f64;
            let mut y: Vec<f64> =
                x.iter().zip(norm).map(|(x, w)| f64::from(*x) / (mean + 1e-6).sqrt() * f64::from(*w)).collect();
            for (i, f) in frequencies.iter().enumerate() {
                let (sin, cos) = f64::from(position as f32 * f).sin_cos();
                let (a, b) = if adjacent { (2 * i, 2 * i + 1) } else { (i, i + pairs) };
                (y[a], y[b]) = (1.2 * (y[a] * cos - y[b] * sin), 1.2 * (y[a] * sin + y[b] * cos));
            }
            let temperature = if query { 1.0 + 0.1 * f64::from((1 + position / 100) as u32).ln() } else { 1.0 };
            y.iter().map(|y| y * temperature).collect()
        };
        for device in devices() {
            let shape = KvShape { layers: 1, pages: 4, kv_heads: KV_HEADS, head_dim: d };
            let cache = device.zeros(shape.bytes()).unwrap();
            let pages = [2, 3, 1];
            let step = step(&device, start, &[0; 3], &pages);
            let [dq, dk, dv] = [&q, &k, &v].map(|x| device.floats(x).unwrap());
            let [nq, nk, f] = [&q_norm, &k_norm, &frequencies].map(|x| device.floats(x).unwrap());
            // A row more than the step has: padding.
            let out = poisoned(&device, 2 * rows * heads * d);
            let norms = HeadNorms { q: Some(&nq), k: Some(&nk), eps: 1e-6 };
            let how = Rope { frequencies: Some(&f), adjacent, magnitude: 1.2, temperature: Some((0.1, 100)) };
            rope(&step, rows, heads, [&dq, &dk, &dv], norms, how, (shape, &cache, 0), &out).unwrap();
            let (got, stored) = (halves(&out), halves(&cache));
            let close = |got: f32, want: f64, what: &str| {
                assert!((f64::from(got) - want).abs() <= 2e-3 * (1.0 + want.abs()), "{what}: {got} {want}")
            };
            for row in 0..rows {
                let position = start + row;
                for head in 0..heads {
                    let want = turned(&q[(row * heads + head) * d..][..d], &q_norm, position, true);
                    (0..d).for_each(|i| close(got[(row * heads + head) * d + i], want[i], "query"));
                }
                for head in 0..KV_HEADS {
                    let want = turned(&k[(row * KV_HEADS + head) * d..][..d], &k_norm, position, false);
                    let [keys, values] =
                        shape.places(0, pages[position / 64] as usize).map(|at| at / 2 + head * 64 * d);
                    for i in 0..d {
                        close(stored[keys + position % 64 * d + i], want[i], "key");
                        close(
                            stored[values + i * 64 + position % 64],
                            f64::from(v[(row * KV_HEADS + head) * d + i]),
                            "value",
                        );
                    }
                }
            }
            let written = stored.iter().filter(|x| **x != 0.0).count();
            assert!(written <= 2 * rows * KV_HEADS * d, "{written} elements of the cache are set");
        }
    }
}

#[test]
fn a_copied_page_attends_as_its_original() {
    for device in devices() {
        let (d, heads) = (64, 4);
        let c = cached(&device, d, 100);
        let (q, _) = queries(&device, 1, heads * d);
        let attend = |pages: &[u32], position| {
            let step = step(&device, position, &[0], pages);
            let out = poisoned(&device, 2 * padded(heads * d));
            let a = Attention { heads, scale: 0.3, window: None, first: 0, rows: 1, pages: 2, abreast: false };
            attention(&step, a, &q, (c.shape, &c.cache, 1), None, &out).unwrap();
            brains(&out)
        };
        let want = attend(&c.pages, 90);
        kv_copy(c.shape, &c.cache, c.pages[1] as usize, 6, 27).unwrap();
        assert_eq!(attend(&[c.pages[0], 6], 90), want);
        assert_ne!(attend(&[c.pages[0], 6], 91), attend(&c.pages, 91), "only as much as was asked for");
        assert!(kv_copy(c.shape, &c.cache, 0, PAGES, 1).is_err());
    }
}
