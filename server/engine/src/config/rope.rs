//! Rotary position embedding (arXiv 2104.09864) and its stretchings, reduced to one table of frequencies.

use std::{f64::consts::PI, path::Path};

use crate::EngineError;

/// Which elements of a head are rotated together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RopeStyle {
    /// Elements 2i and 2i+1.
    AdjacentPairs,
    /// Elements i and i + dimensions/2.
    HalfSplit,
}

/// Rotary positions: pair i of a head is rotated by `position * frequencies[i]`, and both are scaled by `magnitude`.
#[derive(Clone, Debug)]
pub struct Rope {
    /// Which elements make a pair.
    pub style: RopeStyle,
    /// Radians per position; two elements of a head for each. Elements past `2 * frequencies.len()` are not rotated.
    pub frequencies: Vec<f32>,
    /// Scales cos and sin (YaRN); 1 otherwise.
    pub magnitude: f32,
}

impl Rope {
    /// cos and sin of every pair at `position`, `magnitude` included.
    pub fn at(&self, position: usize) -> impl Iterator<Item = (f32, f32)> + '_ {
        self.frequencies.iter().map(move |frequency| {
            let (sin, cos) = (position as f32 * frequency).sin_cos();
            (cos * self.magnitude, sin * self.magnitude)
        })
    }
}

/// How a model was stretched past the context it was first trained on.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scaling {
    None,
    /// Positions divided by `factor`.
    Linear {
        factor: f64,
    },
    /// Llama 3.1: low frequencies divided by `factor`, high ones kept, a ramp between.
    Llama3 {
        factor: f64,
        low: f64,
        high: f64,
        original: f64,
    },
    /// arXiv 2309.00071.
    Yarn {
        factor: f64,
        beta_fast: f64,
        beta_slow: f64,
        original: f64,
        magnitude: Option<f64>,
    },
}

/// What a file states about RoPE.
pub(super) struct Stated {
    pub(super) theta: f64,
    /// Elements of a head that are rotated; `None` for all.
    pub(super) dimensions: Option<u64>,
    pub(super) scaling: Scaling,
}

impl Stated {
    pub(super) fn check(self, path: &Path, style: RopeStyle, head_dim: usize) -> Result<Rope, EngineError> {
        let dimensions = self.dimensions.unwrap_or(head_dim as u64);
        if dimensions == 0 || dimensions > head_dim as u64 || !dimensions.is_multiple_of(2) {
            let expected = format!("an even number up to the head's width of {head_dim}");
            return Err(EngineError::malformed(path, "RoPE dimensions", expected, dimensions.to_string()));
        }
        if !(self.theta.is_finite() && self.theta >= 1.0) {
            return Err(EngineError::malformed(path, "RoPE base", "a number of at least 1", self.theta.to_string()));
        }
        let (frequencies, magnitude) = frequencies(dimensions as usize, self.theta, &self.scaling);
        if !(frequencies.iter().all(|f| f.is_finite()) && magnitude.is_finite()) {
            let found = format!("{:?}", self.scaling);
            return Err(EngineError::malformed(path, "RoPE scaling", "finite, non-zero parameters", found));
        }
        Ok(Rope { style, frequencies, magnitude })
    }
}

/// Radians per position for each pair, and the scale of cos and sin.
fn frequencies(dimensions: usize, theta: f64, scaling: &Scaling) -> (Vec<f32>, f32) {
    let plain = (0..dimensions / 2).map(|i| theta.powf(-(2.0 * i as f64) / dimensions as f64));
    match *scaling {
        Scaling::None => (plain.map(|f| f as f32).collect(), 1.0),
        Scaling::Linear { factor } => (plain.map(|f| (f / factor) as f32).collect(), 1.0),
        Scaling::Llama3 { factor, low, high, original } => {
            let stretched = plain.map(|f| {
                let turns = original * f / (2.0 * PI);
                let keep = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                (f * (keep + (1.0 - keep) / factor)) as f32
            });
            (stretched.collect(), 1.0)
        }
        Scaling::Yarn { factor, beta_fast, beta_slow, original, magnitude } => {
            // The pair that makes `turns` turns within the original context.
            let pair_of = |turns: f64| dimensions as f64 * (original / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
            let first = pair_of(beta_fast).floor().max(0.0);
            let last = pair_of(beta_slow).ceil().min(dimensions as f64 - 1.0);
            let width = if last == first { 0.001 } else { last - first };
            let stretched = plain.enumerate().map(|(i, f)| {
                let interpolate = ((i as f64 - first) / width).clamp(0.0, 1.0);
                (f * (1.0 - interpolate + interpolate / factor)) as f32
            });
            let default = if factor <= 1.0 { 1.0 } else { 0.1 * factor.ln() + 1.0 };
            (stretched.collect(), magnitude.unwrap_or(default) as f32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llama3_keeps_fast_pairs_and_divides_slow_ones() {
        let scaling = Scaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original: 8192.0 };
        let (plain, _) = frequencies(128, 500_000.0, &Scaling::None);
        let (scaled, _) = frequencies(128, 500_000.0, &scaling);
        assert_eq!(plain[0], scaled[0]);
        assert!((scaled[63] * 8.0 - plain[63]).abs() < 1e-9);
        assert!(scaled.windows(2).all(|w| w[0] > w[1]));
    }

    #[test]
    fn yarn_magnitude_follows_the_factor_unless_given() {
        let yarn =
            |magnitude| Scaling::Yarn { factor: 4.0, beta_fast: 32.0, beta_slow: 1.0, original: 32768.0, magnitude };
        assert!((frequencies(128, 1e6, &yarn(None)).1 - 1.138_629_4).abs() < 1e-6);
        assert_eq!(frequencies(128, 1e6, &yarn(Some(1.0))).1, 1.0);
    }
}
