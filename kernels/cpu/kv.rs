//! The keys and values of one layer of one sequence.

mod element;
mod view;

use half::{bf16, f16};

pub(crate) use self::{
    element::Element,
    view::{SharedPair, View},
};
use super::{Buffer, buffer::Plain, shared::Shared};

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvDtype {
    /// Half the memory, and half the traffic at depth.
    #[default]
    F16,
    /// The same with fewer digits and no overflow.
    BF16,
    /// Bytes with an f16 scale for every 32 elements of a head: 17 bytes where f16 has 32.
    Q8_0,
    /// As computed.
    F32,
}

/// Positions of a page: as many as attention takes at a time, so that it runs over contiguous memory from one end of a page to the other.
pub const PAGE: usize = 64;

/// Positions side by side in the keys: the scores of 16 positions are the lanes of one register, so no score needs a horizontal sum.
pub(crate) const SIDE: usize = 16;

/// The largest head.
pub(crate) const MOST_DIM: usize = 256;

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
    BF16(Pair<bf16>),
    F32(Pair<f32>),
    /// With scales, `[pages][kv_heads][blocks of a head][PAGE]` both of keys and values.
    Q8(Pair<i8>, Pair<f16>),
}

#[derive(Debug)]
pub(crate) struct Pair<E: Plain> {
    /// [pages][kv_heads][PAGE / 16][head_dim][16 positions]
    pub(crate) keys: Buffer<E>,
    /// [pages][kv_heads][PAGE][head_dim]
    pub(crate) values: Buffer<E>,
}

/// Elements of a head that share a scale; the last ones of a head may be fewer.
pub(crate) const SCALED: usize = 32;

impl KvLayer {
    /// Empty. `head_dim` is a multiple of 16, at most 256.
    pub fn new(dtype: KvDtype, kv_heads: usize, head_dim: usize, pages: usize) -> Self {
        assert!(head_dim % 16 == 0 && head_dim <= MOST_DIM, "head_dim {head_dim}: multiples of 16 up to {MOST_DIM}");
        let positions = kv_heads * pages * PAGE;
        let len = positions * head_dim;
        let store = match dtype {
            KvDtype::F16 => Store::F16(Pair::new(len)),
            KvDtype::BF16 => Store::BF16(Pair::new(len)),
            KvDtype::Q8_0 => Store::Q8(Pair::new(len), Pair::new(positions * head_dim.div_ceil(SCALED))),
            KvDtype::F32 => Store::F32(Pair::new(len)),
        };
        Self { kv_heads, head_dim, pages, store }
    }

    /// Bytes of a page.
    pub fn page_bytes(dtype: KvDtype, kv_heads: usize, head_dim: usize) -> usize {
        let head = match dtype {
            KvDtype::F16 | KvDtype::BF16 => 2 * head_dim,
            KvDtype::Q8_0 => head_dim + 2 * head_dim.div_ceil(SCALED),
            KvDtype::F32 => 4 * head_dim,
        };
        2 * kv_heads * PAGE * head
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
        let view = self.view();
        // SAFETY: the page exists, the widths are right, and nobody else has the layer.
        unsafe { view.write(page, position % PAGE, key, value) };
    }

    /// For workers that each write positions of their own.
    pub(crate) fn view(&mut self) -> View<'_> {
        let d = self.head_dim;
        match &mut self.store {
            Store::F16(pair) => View::F16(d, pair.shared()),
            Store::BF16(pair) => View::BF16(d, pair.shared()),
            Store::F32(pair) => View::F32(d, pair.shared()),
            Store::Q8(pair, scales) => View::Q8(d, pair.shared(), scales.shared()),
        }
    }

    /// Gives back what was [written](KvLayer::write), as it is stored.
    pub fn read(&self, pages: &[u32], position: usize, key: &mut [f32], value: &mut [f32]) {
        let page = self.page(pages[position / PAGE]);
        let (width, d) = (self.kv_heads * self.head_dim, self.head_dim);
        assert!(key.len() == width && value.len() == width, "{} heads of {d}", self.kv_heads);
        let position = position % PAGE;
        match &self.store {
            Store::F16(pair) => pair.read(page, d, position, key, value),
            Store::BF16(pair) => pair.read(page, d, position, key, value),
            Store::F32(pair) => pair.read(page, d, position, key, value),
            Store::Q8(pair, scales) => {
                pair.read(page, d, position, key, value);
                let blocks = d.div_ceil(SCALED);
                for (values, scales) in [(key, &scales.keys), (value, &scales.values)] {
                    let heads = values.chunks_exact_mut(d).flat_map(|head| head.chunks_mut(SCALED));
                    let scales = scales[page / d * blocks + position..].iter().step_by(PAGE);
                    heads.zip(scales).for_each(|(block, scale)| block.iter_mut().for_each(|x| *x *= scale.to_f32()));
                }
            }
        }
    }

    /// Copies the first `length` positions of page `from` to page `to`.
    pub fn copy(&mut self, from: u32, to: u32, length: usize) {
        assert!(length <= PAGE, "{length} positions of {PAGE}");
        let (from, to, width, d) = (self.page(from), self.page(to), self.kv_heads * self.head_dim, self.head_dim);
        match &mut self.store {
            Store::F16(pair) => pair.copy(from, to, width, d, length),
            Store::BF16(pair) => pair.copy(from, to, width, d, length),
            Store::F32(pair) => pair.copy(from, to, width, d, length),
            Store::Q8(pair, scales) => {
                pair.copy(from, to, width, d, length);
                let blocks = d.div_ceil(SCALED);
                let (from, to) = (from / d * blocks, to / d * blocks);
                for run in (0..width / d * blocks * PAGE).step_by(PAGE) {
                    scales.keys.copy_within(from + run..from + run + length, to + run);
                    scales.values.copy_within(from + run..from + run + length, to + run);
                }
            }
        }
    }

    /// Appends the bytes of a page, to be read by [`KvLayer::import`] on a machine of the same byte order.
    pub fn export(&self, page: u32, to: &mut Vec<u8>) {
        let at = self.page(page);
        let (len, scales) = self.page_lengths();
        let mut add = |pair: [&[u8]; 2]| pair.map(|bytes| to.extend_from_slice(bytes));
        match &self.store {
            Store::F16(pair) => add(pair.bytes(at, len)),
            Store::BF16(pair) => add(pair.bytes(at, len)),
            Store::F32(pair) => add(pair.bytes(at, len)),
            Store::Q8(pair, of) => {
                add(pair.bytes(at, len));
                add(of.bytes(at / len * scales, scales))
            }
        };
    }

    /// Takes over a page's bytes; as many as [`KvLayer::page_bytes`] says.
    pub fn import(&mut self, page: u32, from: &[u8]) {
        let at = self.page(page);
        let (len, scales) = self.page_lengths();
        match &mut self.store {
            Store::F16(pair) => pair.set_bytes(at, len, from),
            Store::BF16(pair) => pair.set_bytes(at, len, from),
            Store::F32(pair) => pair.set_bytes(at, len, from),
            Store::Q8(pair, of) => {
                let (bytes, halves) = from.split_at(2 * len);
                pair.set_bytes(at, len, bytes);
                of.set_bytes(at / len * scales, scales, halves);
            }
        }
    }

    /// Elements of a page, and scales where there are any, of keys as of values.
    fn page_lengths(&self) -> (usize, usize) {
        let positions = self.kv_heads * PAGE;
        (positions * self.head_dim, positions * self.head_dim.div_ceil(SCALED))
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
    fn read(&self, page: usize, d: usize, position: usize, key: &mut [f32], value: &mut [f32]) {
        for (head, (key, value)) in key.chunks_exact_mut(d).zip(value.chunks_exact_mut(d)).enumerate() {
            let at = page + (head * PAGE + position / SIDE * SIDE) * d + position % SIDE;
            let stored = self.keys[at..].iter().step_by(SIDE);
            key.iter_mut().zip(stored).for_each(|(to, from)| *to = from.widen());
            let at = page + (head * PAGE + position) * d;
            value.iter_mut().zip(&self.values[at..]).for_each(|(to, from)| *to = from.widen());
        }
    }
}

impl<E: Plain> Pair<E> {
    fn new(len: usize) -> Self {
        Self { keys: Buffer::zeroed(len), values: Buffer::zeroed(len) }
    }

    fn bytes(&self, at: usize, len: usize) -> [&[u8]; 2] {
        [&self.keys, &self.values].map(|all| {
            let of = &all[at..at + len];
            // SAFETY: the numbers here have no padding.
            unsafe { std::slice::from_raw_parts(of.as_ptr().cast(), size_of_val(of)) }
        })
    }

    fn set_bytes(&mut self, at: usize, len: usize, from: &[u8]) {
        let (keys, values) = from.split_at(from.len() / 2);
        for (all, from) in [(&mut self.keys, keys), (&mut self.values, values)] {
            let to = &mut all[at..at + len];
            // SAFETY: as above, and any bits are a number of them.
            let to = unsafe { std::slice::from_raw_parts_mut(to.as_mut_ptr().cast::<u8>(), size_of_val(to)) };
            to.copy_from_slice(from);
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

    fn shared(&mut self) -> SharedPair<'_, E> {
        SharedPair { keys: Shared::new(&mut self.keys), values: Shared::new(&mut self.values) }
    }
}
