//! The keys and values of one layer of one sequence.

use half::{f16, slice::HalfFloatSliceExt};

use super::{Buffer, simd::Simd};

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvDtype {
    /// Half the memory, and half the traffic at depth.
    #[default]
    F16,
    /// As computed.
    F32,
}

/// Positions side by side in the keys: the scores of 16 positions are the lanes of one register, so no score needs a horizontal sum.
pub(crate) const SIDE: usize = 16;

/// Room for `capacity` positions. It knows no length: what was written last at a position is there. Memory that was never written is not
/// yet taken from the system.
#[derive(Debug)]
pub struct KvLayer {
    kv_heads: usize,
    head_dim: usize,
    capacity: usize,
    pub(crate) store: Store,
}

#[derive(Debug)]
pub(crate) enum Store {
    F16(Pair<f16>),
    F32(Pair<f32>),
}

#[derive(Debug)]
pub(crate) struct Pair<E: Element> {
    /// [kv_heads][capacity / 16][head_dim][16 positions]
    pub(crate) keys: Buffer<E>,
    /// [kv_heads][capacity][head_dim]
    pub(crate) values: Buffer<E>,
}

/// A number as it is stored.
pub(crate) trait Element: super::buffer::Plain {
    const ZERO: Self;
    /// Each rounded to the nearest; of equal lengths.
    fn convert(from: &[f32], to: &mut [Self]);
    unsafe fn load<S: Simd>(p: *const Self) -> S::F;
}

impl Element for f32 {
    const ZERO: Self = 0.0;
    fn convert(from: &[f32], to: &mut [Self]) {
        to.copy_from_slice(from);
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(p: *const Self) -> S::F {
        S::load(p)
    }
}

impl Element for f16 {
    const ZERO: Self = Self::ZERO;
    fn convert(from: &[f32], to: &mut [Self]) {
        to.convert_from_f32_slice(from);
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(p: *const Self) -> S::F {
        S::load_f16(p.cast())
    }
}

impl KvLayer {
    /// Empty. `head_dim` is a multiple of 16.
    pub fn new(dtype: KvDtype, kv_heads: usize, head_dim: usize, capacity: usize) -> Self {
        assert_eq!(head_dim % 16, 0, "head_dim {head_dim} is not a multiple of 16");
        let capacity = capacity.next_multiple_of(SIDE);
        let len = kv_heads * head_dim * capacity;
        let store = match dtype {
            KvDtype::F16 => Store::F16(Pair { keys: Buffer::zeroed(len), values: Buffer::zeroed(len) }),
            KvDtype::F32 => Store::F32(Pair { keys: Buffer::zeroed(len), values: Buffer::zeroed(len) }),
        };
        Self { kv_heads, head_dim, capacity, store }
    }

    /// Positions it has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Stores a key and a value (`[kv_heads][head_dim]` each, the key already turned) at `position`.
    pub fn write(&mut self, position: usize, key: &[f32], value: &[f32]) {
        assert!(position < self.capacity, "position {position} of {}", self.capacity);
        let width = self.kv_heads * self.head_dim;
        assert!(key.len() == width && value.len() == width, "{} heads of {}", self.kv_heads, self.head_dim);
        let (capacity, d) = (self.capacity, self.head_dim);
        match &mut self.store {
            Store::F16(pair) => pair.write(capacity, d, position, key, value),
            Store::F32(pair) => pair.write(capacity, d, position, key, value),
        }
    }

    /// Takes over the first `length` positions of another of the same shape and dtype.
    pub fn copy_from(&mut self, other: &Self, length: usize) {
        let shape = |layer: &Self| (layer.kv_heads, layer.head_dim, layer.capacity);
        assert_eq!(shape(self), shape(other), "layers of another shape");
        assert!(length <= self.capacity, "{length} positions of {}", self.capacity);
        let (_, d, capacity) = shape(self);
        match (&mut self.store, &other.store) {
            (Store::F16(to), Store::F16(from)) => to.copy(from, capacity * d, d, length),
            (Store::F32(to), Store::F32(from)) => to.copy(from, capacity * d, d, length),
            _ => panic!("layers of another dtype"),
        }
    }

    /// Key heads, and elements of a head.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.kv_heads, self.head_dim)
    }
}

impl<E: Element> Pair<E> {
    fn write(&mut self, capacity: usize, d: usize, position: usize, key: &[f32], value: &[f32]) {
        for (head, (key, value)) in key.chunks_exact(d).zip(value.chunks_exact(d)).enumerate() {
            let at = (head * capacity + position / SIDE * SIDE) * d + position % SIDE;
            for (i, key) in key.chunks_exact(SIDE).enumerate() {
                let mut stored = [E::ZERO; SIDE];
                E::convert(key, &mut stored);
                let at = at + SIDE * SIDE * i;
                for (to, from) in self.keys[at..].iter_mut().step_by(SIDE).zip(stored) {
                    *to = from;
                }
            }
            let at = (head * capacity + position) * d;
            E::convert(value, &mut self.values[at..at + d]);
        }
    }

    fn copy(&mut self, other: &Self, head_len: usize, d: usize, length: usize) {
        let heads = self.keys.chunks_exact_mut(head_len).zip(other.keys.chunks_exact(head_len));
        for (to, from) in heads {
            let len = length.next_multiple_of(SIDE) * d;
            to[..len].copy_from_slice(&from[..len]);
        }
        let heads = self.values.chunks_exact_mut(head_len).zip(other.values.chunks_exact(head_len));
        for (to, from) in heads {
            to[..length * d].copy_from_slice(&from[..length * d]);
        }
    }
}
