//! The numbers that keys and values are stored as.

use half::{bf16, f16, slice::HalfFloatSliceExt};

use super::super::{buffer::Plain, simd::Simd};

/// A number as it is stored.
pub(crate) trait Element: Plain {
    const ZERO: Self;
    /// Whether it is to be multiplied with a scale.
    const SCALED: bool = false;
    fn widen(self) -> f32;
    unsafe fn load<S: Simd>(p: *const Self) -> S::F;
}

/// An element that stands for itself.
pub(crate) trait Float: Element {
    /// Each rounded to the nearest; of equal lengths.
    fn convert(from: &[f32], to: &mut [Self]);
}

impl Element for f32 {
    const ZERO: Self = 0.0;
    fn widen(self) -> f32 {
        self
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(p: *const Self) -> S::F {
        S::load(p)
    }
}

impl Float for f32 {
    fn convert(from: &[f32], to: &mut [Self]) {
        to.copy_from_slice(from);
    }
}

/// Of 16 bits.
macro_rules! half {
    ($float:ty, $load:ident) => {
        impl Element for $float {
            const ZERO: Self = Self::ZERO;
            fn widen(self) -> f32 {
                self.to_f32()
            }
            #[inline(always)]
            unsafe fn load<S: Simd>(p: *const Self) -> S::F {
                S::$load(p.cast())
            }
        }

        impl Float for $float {
            fn convert(from: &[f32], to: &mut [Self]) {
                to.convert_from_f32_slice(from);
            }
        }
    };
}
half!(f16, load_f16);
half!(bf16, load_bf16);

impl Element for i8 {
    const ZERO: Self = 0;
    const SCALED: bool = true;
    fn widen(self) -> f32 {
        f32::from(self)
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(p: *const Self) -> S::F {
        S::load_i8(p)
    }
}
