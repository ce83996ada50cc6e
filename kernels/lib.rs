//! Compute kernels with their launchers: the only home of `unsafe` compute.
//!
//! `cpu` holds one op a file; each is written once over [`cpu::simd`]'s sixteen lanes and compiled for every instruction set the
//! program may meet. `cuda` is the
//! same ops on an NVIDIA GPU. This room knows slices, block formats and threads; it knows neither models nor files.
//!
//! Every instruction set gives the same bits for the same input: integer sums are exact, and each f32 result is built by the same
//! sequence of fused multiply-adds in the same lane order. The tests compare them by equality, not within a tolerance.

#![allow(
    clippy::needless_range_loop,
    clippy::manual_is_multiple_of,
    clippy::too_many_arguments,
    clippy::modulo_one,
    clippy::let_unit_value,
    clippy::type_complexity,
    reason = "registers are arrays indexed by lane, shapes come one by one as in the formulas, and some formats have units of one"
)]
// Kernels are unsafe from the first line to the last (raw pointers, instruction sets chosen at run time): a block around each
// intrinsic would say nothing. What a caller must keep is said at each function; the public API is safe.
#![allow(unsafe_code, unsafe_op_in_unsafe_fn)]

pub mod cpu;
pub mod cuda;
