//! From logits to a choice: the greatest, and a token's log-probability.

use super::{
    Isa,
    exponential::exp,
    simd::{Simd, entry},
};

/// The index of the greatest logit; ties go to the lowest index. NaN is never chosen; 0 when there is nothing else.
pub fn argmax(isa: Isa, logits: &[f32]) -> usize {
    // SAFETY: a slice.
    let greatest = unsafe { greatest(isa, logits) };
    logits.iter().position(|x| *x == greatest).unwrap_or(0)
}

/// `ln softmax(logits)[index]`.
pub fn log_softmax_at(isa: Isa, logits: &[f32], index: usize) -> f32 {
    // SAFETY: a slice.
    unsafe {
        let greatest = greatest(isa, logits);
        logits[index] - greatest - sum_of_exponentials(isa, logits, greatest).ln()
    }
}

entry! { fn greatest(x: &[f32]) -> f32 = greatest_body; }
entry! { fn sum_of_exponentials(x: &[f32], greatest: f32) -> f32 = sum_body; }

#[inline(always)]
unsafe fn greatest_body<S: Simd>(x: &[f32]) -> f32 {
    // `max` gives its second operand when the first is NaN.
    let mut most = S::splat(f32::NEG_INFINITY);
    let mut i = 0;
    while i + 16 <= x.len() {
        most = S::max(S::load(x.as_ptr().add(i)), most);
        i += 16;
    }
    let mut most = S::greatest(most);
    while i < x.len() {
        most = if x[i] > most { x[i] } else { most };
        i += 1;
    }
    most
}

#[inline(always)]
unsafe fn sum_body<S: Simd>(x: &[f32], greatest: f32) -> f32 {
    let mut sum = S::splat(0.0);
    let mut i = 0;
    while i + 16 <= x.len() {
        sum = S::add(sum, exp::<S>(S::sub(S::load(x.as_ptr().add(i)), S::splat(greatest))));
        i += 16;
    }
    let mut rest = [f32::NEG_INFINITY; 16];
    let count = x.len() - i;
    std::ptr::copy_nonoverlapping(x.as_ptr().add(i), rest.as_mut_ptr(), count);
    S::store(rest.as_mut_ptr(), exp::<S>(S::sub(S::load(rest.as_ptr()), S::splat(greatest))));
    let mut total = S::sum(sum);
    let mut j = 0;
    while j < count {
        total += rest[j];
        j += 1;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::random;

    #[test]
    fn greatest_first_and_never_nan() {
        for isa in Isa::available() {
            for count in [1, 5, 16, 17, 100] {
                let mut x = random(count as u64, count);
                let want = (0..count).rev().max_by(|a, b| x[*a].total_cmp(&x[*b])).unwrap_or(0);
                assert_eq!(argmax(isa, &x), want);
                x[0] = f32::NAN;
                let want = (1..count).rev().max_by(|a, b| x[*a].total_cmp(&x[*b])).unwrap_or(0);
                assert_eq!(argmax(isa, &x), want, "{isa} {count}");
            }
            assert_eq!(argmax(isa, &[1.0; 40]), 0);
            assert_eq!(argmax(isa, &[f32::NAN; 40]), 0);
        }
    }

    #[test]
    fn log_softmax_agrees_with_f64() {
        for isa in Isa::available() {
            for count in [1, 7, 16, 8192, 1001] {
                let x: Vec<f32> = random(3, count).iter().map(|v| v * 10.0).collect();
                let most = x.iter().copied().fold(f32::MIN, f32::max);
                let sum: f64 = x.iter().map(|v| f64::from(v - most).exp()).sum();
                for i in [0, count / 2, count - 1] {
                    let want = f64::from(x[i] - most) - sum.ln();
                    let got = f64::from(log_softmax_at(isa, &x, i));
                    assert!((got - want).abs() < 1e-5, "{isa}: {got} and {want}");
                }
            }
        }
    }
}
