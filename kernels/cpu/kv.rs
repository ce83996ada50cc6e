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

/// Positions of a page: as many as attention takes at a time, so that it runs over contiguous memory from one end of a page to the other.
pub const PAGE: usize = 64;

/// Positions side by side in the keys: the scores of 16 positions are the lanes of one register, so no score needs a horizontal sum.
pub(crate) const SIDE: usize = 16;

/// One layer's keys and values of all sequences, in pages of [`PAGE`] positions. A sequence is a table of page numbers, and sequences that begin alike share
/// pages. It knows no lengths: what was written last at a position is there. Memory that was never written is not yet taken from the system.
#[derive(Debug)]
pub struct KvLayer {
    kv_heads: usize,
    head_dim: usize,
    pages: usize,
    pub(crate) store: Store,
}

#[derive(Debug)]
pub(crate) enum Store {
    F16(Pair<f16>),
    F32(Pair<f32>),
}

#[derive(Debug)]
pub(crate) struct Pair<E: Element> {
    /// [pages][kv_heads][PAGE / 16][head_dim][16 positions]
    pub(crate) keys: Buffer<E>,
    /// [pages][kv_heads][PAGE][head_dim]
    pub(crate) values: Buffer<E>,
}

/// A number as it is stored.
pub(crate) trait Element: super::buffer::Plain {
    const ZERO: Self;
    /// Each rounded to the nearest; of equal lengths.
    fn convert(from: &[f32], to: &mut [Self]);
    fn widen(self) -> f32;
    unsafe fn load<S: Simd>(p: *const Self) -> S::F;
}

impl Element for f32 {
    const ZERO: Self = 0.0;
    fn convert(from: &[f32], to: &mut [Self]) {
        to.copy_from_slice(from);
    }
    fn widen(self) -> f32 {
        self
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
    fn widen(self) -> f32 {
        self.to_f32()
    }
    #[inline(always)]
    unsafe fn load<S: Simd>(p: *const Self) -> S::F {
        S::load_f16(p.cast())
    }
}

impl KvLayer {
    /// Empty. `head_dim` is a multiple of 16.
    pub fn new(dtype: KvDtype, kv_heads: usize, head_dim: usize, pages: usize) -> Self {
        assert_eq!(head_dim % 16, 0, "head_dim {head_dim} is not a multiple of 16");
        let len = kv_heads * head_dim * pages * PAGE;
        let store = match dtype {
            KvDtype::F16 => Store::F16(Pair { keys: Buffer::zeroed(len), values: Buffer::zeroed(len) }),
            KvDtype::F32 => Store::F32(Pair { keys: Buffer::zeroed(len), values: Buffer::zeroed(len) }),
        };
        Self { kv_heads, head_dim, pages, store }
    }

    /// Bytes of a page.
    pub fn page_bytes(dtype: KvDtype, kv_heads: usize, head_dim: usize) -> usize {
        let element = match dtype {
            KvDtype::F16 => 2,
            KvDtype::F32 => 4,
        };
        2 * kv_heads * head_dim * PAGE * element
    }

    /// Number of pages.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Stores a key and a value (`[kv_heads][head_dim]` each, the key already turned) at `position` of the sequence whose pages these are.
    pub fn write(&mut self, pages: &[u32], position: usize, key: &[f32], value: &[f32]) {
        let page = self.page(pages[position / PAGE]);
        let (width, d) = (self.kv_heads * self.head_dim, self.head_dim);
        assert!(key.len() == width && value.len() == width, "{} heads of {d}", self.kv_heads);
        match &mut self.store {
            Store::F16(pair) => pair.write(page, d, position % PAGE, key, value),
            Store::F32(pair) => pair.write(page, d, position % PAGE, key, value),
        }
    }

    /// Gives back what was [written](KvLayer::write), as it is stored.
    pub fn read(&self, pages: &[u32], position: usize, key: &mut [f32], value: &mut [f32]) {
        let page = self.page(pages[position / PAGE]);
        let (width, d) = (self.kv_heads * self.head_dim, self.head_dim);
        assert!(key.len() == width && value.len() == width, "{} heads of {d}", self.kv_heads);
        match &self.store {
            Store::F16(pair) => pair.read(page, d, position % PAGE, key, value),
            Store::F32(pair) => pair.read(page, d, position % PAGE, key, value),
        }
    }

    /// Copies the first `length` positions of page `from` to page `to`.
    pub fn copy(&mut self, from: u32, to: u32, length: usize) {
        assert!(length <= PAGE, "{length} positions of {PAGE}");
        let (from, to, width, d) = (self.page(from), self.page(to), self.kv_heads * self.head_dim, self.head_dim);
        match &mut self.store {
            Store::F16(pair) => pair.copy(from, to, width, d, length),
            Store::F32(pair) => pair.copy(from, to, width, d, length),
        }
    }

    /// Appends the bytes of a page, to be read by [`KvLayer::import`] on a machine of the same byte order.
    pub fn export(&self, page: u32, to: &mut Vec<u8>) {
        let (at, len) = (self.page(page), self.kv_heads * self.head_dim * PAGE);
        match &self.store {
            Store::F16(pair) => [&pair.keys, &pair.values].map(|all| to.extend_from_slice(bytes(&all[at..at + len]))),
            Store::F32(pair) => [&pair.keys, &pair.values].map(|all| to.extend_from_slice(bytes(&all[at..at + len]))),
        };
    }

    /// Takes over a page's bytes; as many as [`KvLayer::page_bytes`] says.
    pub fn import(&mut self, page: u32, from: &[u8]) {
        let (at, len) = (self.page(page), self.kv_heads * self.head_dim * PAGE);
        let (keys, values) = from.split_at(from.len() / 2);
        match &mut self.store {
            Store::F16(pair) => {
                bytes_mut(&mut pair.keys[at..at + len]).copy_from_slice(keys);
                bytes_mut(&mut pair.values[at..at + len]).copy_from_slice(values);
            }
            Store::F32(pair) => {
                bytes_mut(&mut pair.keys[at..at + len]).copy_from_slice(keys);
                bytes_mut(&mut pair.values[at..at + len]).copy_from_slice(values);
            }
        }
    }

    /// Key heads, and elements of a head.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.kv_heads, self.head_dim)
    }

    /// The element at which a page begins.
    fn page(&self, page: u32) -> usize {
        assert!((page as usize) < self.pages, "page {page} of {}", self.pages);
        page as usize * self.kv_heads * self.head_dim * PAGE
    }
}

impl<E: Element> Pair<E> {
    /// `page` is where it begins.
    fn write(&mut self, page: usize, d: usize, position: usize, key: &[f32], value: &[f32]) {
        for (head, (key, value)) in key.chunks_exact(d).zip(value.chunks_exact(d)).enumerate() {
            let at = page + (head * PAGE + position / SIDE * SIDE) * d + position % SIDE;
            for (i, key) in key.chunks_exact(SIDE).enumerate() {
                let mut stored = [E::ZERO; SIDE];
                E::convert(key, &mut stored);
                let at = at + SIDE * SIDE * i;
                for (to, from) in self.keys[at..].iter_mut().step_by(SIDE).zip(stored) {
                    *to = from;
                }
            }
            let at = page + (head * PAGE + position) * d;
            E::convert(value, &mut self.values[at..at + d]);
        }
    }

    /// `page` is where it begins.
    fn read(&self, page: usize, d: usize, position: usize, key: &mut [f32], value: &mut [f32]) {
        for (head, (key, value)) in key.chunks_exact_mut(d).zip(value.chunks_exact_mut(d)).enumerate() {
            let at = page + (head * PAGE + position / SIDE * SIDE) * d + position % SIDE;
            let stored = self.keys[at..].iter().step_by(SIDE);
            key.iter_mut().zip(stored).for_each(|(to, from)| *to = from.widen());
            let at = page + (head * PAGE + position) * d;
            value.iter_mut().zip(&self.values[at..]).for_each(|(to, from)| *to = from.widen());
        }
    }

    /// `from` and `to` are where the pages begin.
    fn copy(&mut self, from: usize, to: usize, width: usize, d: usize, length: usize) {
        for head in (0..width * PAGE).step_by(d * PAGE) {
            let at = from + head;
            self.keys.copy_within(at..at + length.next_multiple_of(SIDE) * d, to + head);
            self.values.copy_within(at..at + length * d, to + head);
        }
    }
}

fn bytes<E: Element>(of: &[E]) -> &[u8] {
    // SAFETY: f16 and f32 have no padding.
    unsafe { std::slice::from_raw_parts(of.as_ptr().cast(), size_of_val(of)) }
}

fn bytes_mut<E: Element>(of: &mut [E]) -> &mut [u8] {
    // SAFETY: as above, and any bits are a number of them.
    unsafe { std::slice::from_raw_parts_mut(of.as_mut_ptr().cast(), size_of_val(of)) }
}
