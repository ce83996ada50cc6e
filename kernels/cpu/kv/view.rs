//! A layer's keys and values as workers write them, each at positions of its own.

use half::{bf16, f16};

use super::{
    super::shared::Shared,
    MOST_DIM, PAGE, SCALED, SIDE,
    element::{Element, Float},
};

/// A layer to write to, and the elements of a head.
#[derive(Clone, Copy)]
pub(crate) enum View<'a> {
    F16(usize, SharedPair<'a, f16>),
    BF16(usize, SharedPair<'a, bf16>),
    F32(usize, SharedPair<'a, f32>),
    Q8(usize, SharedPair<'a, i8>, SharedPair<'a, f16>),
}

#[derive(Clone, Copy)]
pub(crate) struct SharedPair<'a, E> {
    pub(super) keys: Shared<'a, E>,
    pub(super) values: Shared<'a, E>,
}

impl View<'_> {
    /// Stores a key and a value, `[kv_heads][head_dim]` each.
    ///
    /// # Safety
    /// At element `page` a page begins that has `position`, both have the layer's width, and nobody else accesses the position.
    pub(crate) unsafe fn write(&self, page: usize, position: usize, key: &[f32], value: &[f32]) {
        match self {
            Self::F16(d, pair) => pair.write(page, *d, position, key, value),
            Self::BF16(d, pair) => pair.write(page, *d, position, key, value),
            Self::F32(d, pair) => pair.write(page, *d, position, key, value),
            Self::Q8(d, pair, scales) => write_scaled(pair, scales, page, *d, position, key, value),
        }
    }
}

impl<E: Element> SharedPair<'_, E> {
    /// Puts a key and a value of a head where its page, whose part of the head begins at `head`, has `position`.
    unsafe fn put(&self, head: usize, position: usize, key: &[E], value: &[E]) {
        let d = key.len();
        let to = self.keys.at(head + position / SIDE * SIDE * d + position % SIDE);
        for (i, key) in key.iter().enumerate() {
            *to.add(SIDE * i) = *key;
        }
        std::ptr::copy_nonoverlapping(value.as_ptr(), self.values.at(head + position * d), d);
    }
}

impl<E: Float> SharedPair<'_, E> {
    unsafe fn write(&self, page: usize, d: usize, position: usize, key: &[f32], value: &[f32]) {
        let (mut stored_key, mut stored_value) = ([E::ZERO; MOST_DIM], [E::ZERO; MOST_DIM]);
        for (head, (key, value)) in key.chunks_exact(d).zip(value.chunks_exact(d)).enumerate() {
            E::convert(key, &mut stored_key[..d]);
            E::convert(value, &mut stored_value[..d]);
            self.put(page + head * PAGE * d, position, &stored_key[..d], &stored_value[..d]);
        }
    }
}

unsafe fn write_scaled(
    pair: &SharedPair<'_, i8>,
    scales: &SharedPair<'_, f16>,
    page: usize,
    d: usize,
    position: usize,
    key: &[f32],
    value: &[f32],
) {
    let blocks = d.div_ceil(SCALED);
    let (mut stored_key, mut stored_value) = ([0i8; MOST_DIM], [0i8; MOST_DIM]);
    let (mut key_scales, mut value_scales) = ([f16::ZERO; MOST_DIM / SCALED], [f16::ZERO; MOST_DIM / SCALED]);
    for (head, (key, value)) in key.chunks_exact(d).zip(value.chunks_exact(d)).enumerate() {
        quantise(key, &mut stored_key, &mut key_scales);
        quantise(value, &mut stored_value, &mut value_scales);
        pair.put(page + head * PAGE * d, position, &stored_key[..d], &stored_value[..d]);
        let first = page / d * blocks + head * blocks * PAGE + position;
        for b in 0..blocks {
            *scales.keys.at(first + b * PAGE) = key_scales[b];
            *scales.values.at(first + b * PAGE) = value_scales[b];
        }
    }
}

/// `scale = max|x| / 127` as f16 for every [`SCALED`] elements; `q = round(x / scale)`.
fn quantise(x: &[f32], to: &mut [i8], scales: &mut [f16]) {
    for ((x, to), scale) in x.chunks(SCALED).zip(to.chunks_mut(SCALED)).zip(scales) {
        let greatest = x.iter().fold(0f32, |most, x| most.max(x.abs()));
        *scale = f16::from_f32(greatest / 127.0);
        let stored = scale.to_f32();
        let inverse = if stored > 0.0 { 1.0 / stored } else { 0.0 };
        // The scale's own rounding may push the greatest past 127: the cast stops there.
        x.iter().zip(to).for_each(|(x, to)| *to = (x * inverse).round_ties_even() as i8);
    }
}
