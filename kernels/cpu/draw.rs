//! A token drawn by its probability: by top-k, then by top-p, then by a number.
//!
//! Probabilities are whole numbers, `e^((logit - greatest) / temperature)` in units of 2^-31: sums of these know no order, so that whoever adds them, and in whatever order
//! (`cuda/draw.cu`), draws the same token. What is 2^31 times less likely than the likeliest is never drawn.

use super::{
    Isa, argmax,
    exponential::exp,
    simd::{Simd, entry},
};

/// How a token is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// A positive number; 0 takes the likeliest.
    pub temperature: f32,
    /// Of so many of the likeliest; 0 for all.
    pub top_k: u32,
    /// Of the fewest of the likeliest whose share of the sum reaches this, 0 to 1.
    pub top_p: f32,
    /// Which of them: any number is as likely as any other.
    pub number: u64,
}

impl Draw {
    /// The likeliest.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: 0, top_p: 1.0, number: 0 };
}

/// Candidates sorted at first; a nucleus rarely has more, and a vocabulary has a hundred thousand.
const LIKELY: usize = 64;

/// Draws one. `greatest` is the greatest of the logits, a finite number; NaN is never drawn. `candidates` is scratch: ids and probabilities.
pub fn draw(isa: Isa, logits: &[f32], greatest: f32, how: &Draw, candidates: &mut Vec<(u32, u32)>) -> u32 {
    candidates.clear();
    candidates.reserve(logits.len());
    let scale = 1.0 / how.temperature;
    if !scale.is_finite() {
        return argmax(isa, logits) as u32;
    }
    let mut id = 0;
    for some in logits.chunks(16) {
        let mut lanes = [f32::NEG_INFINITY; 16];
        lanes[..some.len()].copy_from_slice(some);
        // SAFETY: 16 lanes.
        unsafe { exponentials(isa, lanes.as_mut_ptr(), greatest, scale) };
        for (logit, e) in some.iter().zip(lanes) {
            // Rounded down; what is beyond a clamped exponential, or no number, is nothing.
            let weight = if logit.is_nan() { 0 } else { (e * (1u32 << 31) as f32) as u32 };
            if weight > 0 {
                candidates.push((id, weight));
            }
            id += 1;
        }
    }
    cut(candidates, how.top_k, how.top_p);
    let all: u64 = sum(candidates);
    let mut left = ((u128::from(how.number) * u128::from(all)) >> 64) as u64;
    for &(id, weight) in &*candidates {
        if left < u64::from(weight) {
            return id;
        }
        left -= u64::from(weight);
    }
    // Not come to where there is a candidate: the likeliest is one.
    candidates.last().map_or(0, |&(id, _)| id)
}

fn sum(candidates: &[(u32, u32)]) -> u64 {
    candidates.iter().map(|&(_, weight)| u64::from(weight)).sum()
}

/// Leaves the likeliest, by id: at most `top_k`, and of these the fewest that reach `top_p` of their sum. Of equals the lower ids.
fn cut(candidates: &mut Vec<(u32, u32)>, top_k: u32, top_p: f32) {
    let order = |a: &(u32, u32), b: &(u32, u32)| b.1.cmp(&a.1).then(a.0.cmp(&b.0));
    let top_k = top_k as usize;
    if top_k > 0 && top_k < candidates.len() {
        candidates.select_nth_unstable_by(top_k, order);
        candidates.truncate(top_k);
    }
    if top_p < 1.0 {
        let enough = enough(sum(candidates), top_p);
        let mut likely = LIKELY;
        loop {
            likely = likely.min(candidates.len());
            if likely < candidates.len() {
                candidates.select_nth_unstable_by(likely, order);
            }
            candidates[..likely].sort_unstable_by(order);
            let mut reached = 0;
            let last = candidates[..likely].iter().position(|&(_, weight)| {
                reached += u64::from(weight);
                reached >= enough
            });
            if let Some(last) = last {
                candidates.truncate(last + 1);
                break;
            }
            if likely == candidates.len() {
                break;
            }
            likely *= 8;
        }
    }
    candidates.sort_unstable();
}

/// The least that is `top_p` of `all`, at least 1.
fn enough(all: u64, top_p: f32) -> u64 {
    ((all as f64 * f64::from(top_p)).ceil() as u64).clamp(1, all.max(1))
}

entry! { fn exponentials(x: *mut f32, greatest: f32, scale: f32) = body; }

#[inline(always)]
unsafe fn body<S: Simd>(x: *mut f32, greatest: f32, scale: f32) {
    let below = S::sub(S::load(x), S::splat(greatest));
    S::store(x, exp::<S>(S::mul(below, S::splat(scale))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::random;

    /// Everything sorted, cut by the definition.
    fn by_definition(logits: &[f32], how: &Draw) -> Vec<usize> {
        let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut all: Vec<(usize, f64)> = logits
            .iter()
            .map(|x| ((f64::from(*x) - f64::from(greatest)) / f64::from(how.temperature)).exp())
            .enumerate()
            .filter(|(_, weight)| *weight > 2f64.powi(-30))
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if how.top_k > 0 {
            all.truncate(how.top_k as usize);
        }
        let sum: f64 = all.iter().map(|it| it.1).sum();
        let mut reached = 0.0;
        let last = all.iter().position(|(_, weight)| {
            reached += weight;
            reached >= sum * f64::from(how.top_p)
        });
        all.truncate(last.map_or(all.len(), |last| last + 1));
        let mut ids: Vec<usize> = all.into_iter().map(|it| it.0).collect();
        ids.sort_unstable();
        ids
    }

    #[test]
    fn what_can_be_drawn_is_what_the_definition_leaves() {
        let mut logits: Vec<f32> = random(3, 3000).iter().map(|x| (x * 24.0).round() / 4.0).collect();
        (logits[7], logits[11]) = (f32::NAN, f32::NEG_INFINITY);
        let greatest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for (temperature, top_k, top_p) in [
            (1.0, 0, 0.01),
            (1.0, 0, 0.5),
            (0.8, 0, 0.9),
            (1.0, 0, 0.999),
            (1.0, 0, 1.0),
            (0.7, 40, 0.8),
            (1.0, 1, 0.5),
            (2.0, 100_000, 0.3),
        ] {
            assert_eq!(
                draw(Isa::best(), &logits, greatest, &Draw::GREEDY, &mut Vec::new()) as usize,
                argmax(Isa::best(), &logits)
            );
            let mut how = Draw { temperature, top_k, top_p, number: 0 };
            let want = by_definition(&logits, &how);
            let mut got = Vec::new();
            let first = draw(Isa::best(), &logits, greatest, &how, &mut got);
            let ids: Vec<usize> = got.iter().map(|&(id, _)| id as usize).collect();
            assert_eq!(ids, want, "{how:?}");
            assert_eq!(first as usize, want[0], "the least number is the first token");
            how.number = u64::MAX;
            assert_eq!(draw(Isa::best(), &logits, greatest, &how, &mut got) as usize, want[want.len() - 1]);
            for isa in Isa::available() {
                for number in [1 << 60, 3 << 61, 0x9e37_79b9_7f4a_7c15] {
                    let how = Draw { number, ..how };
                    let mut same = Vec::new();
                    let drawn = draw(isa, &logits, greatest, &how, &mut same);
                    assert_eq!((drawn, &same), (draw(Isa::Scalar, &logits, greatest, &how, &mut got), &got), "{isa}");
                }
            }
        }
    }
}
