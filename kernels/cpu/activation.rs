//! The non-linearities of MLPs, in lanes: both are `x * sigmoid(f(x))`.
//!
//! Sources: Hendrycks and Gimpel, Gaussian Error Linear Units (2016), whose tanh formula is `x * sigmoid(2 u)` with
//! `u = sqrt(2 / pi) (x + 0.044715 x^3)`; Elfwing et al., Sigmoid-Weighted Linear Units (2017).

use super::{exponential::exp, simd::Simd};

/// A non-linearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// GELU by its tanh formula.
    GeluTanh,
}

#[inline(always)]
pub(crate) unsafe fn activate<S: Simd>(activation: Activation, x: S::F) -> S::F {
    let inner = match activation {
        Activation::Silu => x,
        Activation::GeluTanh => {
            // 2 sqrt(2 / pi)
            let x = S::mul(x, S::splat(1.595_769));
            // x was scaled: its square is put right by the constant, 0.044715 / (8 / pi).
            S::fma(S::mul(S::mul(x, x), S::splat(0.017_559_55)), x, x)
        }
    };
    S::div(x, S::add(S::splat(1.0), exp::<S>(S::sub(S::splat(0.0), inner))))
}
