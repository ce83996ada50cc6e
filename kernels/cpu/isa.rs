//! The instruction sets a kernel is compiled for, and which of them this machine has.

use std::{fmt, sync::OnceLock};

/// An instruction set that this machine has: others cannot be made outside of this crate, so that what takes one need not look. All give the same bits; they
/// differ in speed only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Plain Rust: any machine.
    Scalar,
    /// x86-64 with AVX2, FMA and F16C: `vpmaddubsw`.
    #[non_exhaustive]
    Avx2,
    /// The above with AVX-VNNI: `vpdpbusd` on 256 bits.
    #[non_exhaustive]
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VNNI: `vpdpbusd` on 512 bits.
    #[non_exhaustive]
    Avx512Vnni,
    /// AArch64 with the dot product extension: `sdot`.
    #[non_exhaustive]
    NeonDot,
}

impl Isa {
    /// The fastest one here.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::available().last().copied().unwrap_or(Self::Scalar))
    }

    /// All that this machine can run, from the slowest to the fastest.
    pub fn available() -> Vec<Self> {
        [Self::Scalar, Self::NeonDot, Self::Avx2, Self::AvxVnni, Self::Avx512Vnni]
            .into_iter()
            .filter(|isa| isa.is_available())
            .collect()
    }

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
            }
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => Self::Avx2.is_available() && is_x86_feature_detected!("avxvnni"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "aarch64")]
            Self::NeonDot => std::arch::is_aarch64_feature_detected!("dotprod"),
            _ => false,
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::AvxVnni => "avx-vnni",
            Self::Avx512Vnni => "avx512-vnni",
            Self::NeonDot => "neon-dotprod",
        })
    }
}
