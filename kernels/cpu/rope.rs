//! Rotary position embedding. Source: Su et al., RoFormer (2021).
//!
//! Pair `i` of a head turns by `position * frequency[i]`. Cosines and sines of the rows at hand are computed once a step, for all layers.

/// Which elements of a head make a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopePairs {
    /// `(2i, 2i + 1)`: GGUF's llama and mistral3.
    Adjacent,
    /// `(i, i + half)`: Qwen, and Hugging Face's layout.
    Halves,
}

/// The angles of some positions.
#[derive(Debug)]
pub struct Rope {
    pairs: RopePairs,
    factor: f32,
    /// [half]
    frequencies: Box<[f32]>,
    /// [rows][half]
    cos: Box<[f32]>,
    /// [rows][half]
    sin: Box<[f32]>,
}

impl Rope {
    /// For up to `rows` rows; `frequencies` holds a frequency for each pair, scaling included; `factor` multiplies cosines and sines (YaRN's
    /// attention factor; else 1).
    pub fn new(pairs: RopePairs, frequencies: &[f32], factor: f32, rows: usize) -> Self {
        let table = vec![0.0; rows * frequencies.len()].into_boxed_slice();
        Self { pairs, factor, frequencies: frequencies.into(), cos: table.clone(), sin: table }
    }

    /// Computes the angles of row `row`, which stands at `position`.
    pub fn prepare(&mut self, row: usize, position: usize) {
        self.prepare_turn(row, position as isize);
    }

    /// Computes the angles by which row `row` turns where it is moved by so many positions.
    pub fn prepare_turn(&mut self, row: usize, position: isize) {
        let half = self.frequencies.len();
        for (i, frequency) in self.frequencies.iter().enumerate() {
            // The angle is rounded to f32 as the reference implementations do; its sine is taken in f64.
            let (sin, cos) = f64::from(position as f32 * frequency).sin_cos();
            self.cos[row * half + i] = cos as f32 * self.factor;
            self.sin[row * half + i] = sin as f32 * self.factor;
        }
    }

    /// Turns each head of `heads` (`[heads][head_dim]`) by the angles of row `row`. Elements past the pairs stay.
    pub fn apply(&self, row: usize, head_dim: usize, heads: &mut [f32]) {
        let half = self.frequencies.len();
        assert!(2 * half <= head_dim && heads.len().is_multiple_of(head_dim), "{half} pairs in heads of {head_dim}");
        let (cos, sin) = (&self.cos[row * half..][..half], &self.sin[row * half..][..half]);
        for head in heads.chunks_exact_mut(head_dim) {
            match self.pairs {
                RopePairs::Halves => {
                    let (low, high) = head[..2 * half].split_at_mut(half);
                    for i in 0..half {
                        let (a, b) = (low[i], high[i]);
                        low[i] = a * cos[i] - b * sin[i];
                        high[i] = a * sin[i] + b * cos[i];
                    }
                }
                RopePairs::Adjacent => {
                    for (i, pair) in head[..2 * half].chunks_exact_mut(2).enumerate() {
                        let (a, b) = (pair[0], pair[1]);
                        pair[0] = a * cos[i] - b * sin[i];
                        pair[1] = a * sin[i] + b * cos[i];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::testing::random;

    fn frequencies(half: usize) -> Vec<f32> {
        (0..half).map(|i| 1e4f32.powf(-(i as f32) / half as f32)).collect()
    }

    /// The rotation as multiplication of complex numbers, in f64.
    fn expected(pairs: RopePairs, position: usize, head: &[f32]) -> Vec<f64> {
        let half = head.len() / 2;
        let mut out = vec![0.0; head.len()];
        for (i, f) in frequencies(half).into_iter().enumerate() {
            let (a, b) = match pairs {
                RopePairs::Adjacent => (2 * i, 2 * i + 1),
                RopePairs::Halves => (i, i + half),
            };
            let angle = f64::from(position as f32 * f);
            let (x, y) = (f64::from(head[a]), f64::from(head[b]));
            out[a] = x * angle.cos() - y * angle.sin();
            out[b] = x * angle.sin() + y * angle.cos();
        }
        out
    }

    #[test]
    fn turns_pairs() {
        for pairs in [RopePairs::Adjacent, RopePairs::Halves] {
            let mut rope = Rope::new(pairs, &frequencies(32), 1.0, 3);
            (0..3).for_each(|row| rope.prepare(row, 1000 + row));
            for row in 0..3 {
                let before = random(row as u64, 2 * 64);
                let mut heads = before.clone();
                rope.apply(row, 64, &mut heads);
                for (head, before) in heads.chunks_exact(64).zip(before.chunks_exact(64)) {
                    for (y, want) in head.iter().zip(expected(pairs, 1000 + row, before)) {
                        assert!((f64::from(*y) - want).abs() < 1e-6, "{pairs:?}: {y} and {want}");
                    }
                }
            }
        }
    }
}
