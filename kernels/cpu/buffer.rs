//! Zeroed memory on cache line borders.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

/// Types whose all-zero bytes are a value and that need no drop.
///
/// # Safety
/// Exactly that must hold.
pub unsafe trait Plain: Copy {}
// SAFETY: all-zero bytes are 0.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for i8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for f32 {}
// SAFETY: all-zero bits are +0.0.
unsafe impl Plain for half::f16 {}

/// A cache line.
const LINE: usize = 64;

/// A fixed-length slice on a 64-byte border, zero at first. Pages that are never written cost no memory.
pub struct Buffer<T: Plain> {
    /// What was allocated: up to a line before `start`.
    base: *mut u8,
    start: NonNull<T>,
    len: usize,
    own: PhantomData<T>,
}

// SAFETY: it owns plain data, as a Vec does.
unsafe impl<T: Plain + Send> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Plain + Sync> Sync for Buffer<T> {}

impl<T: Plain> Buffer<T> {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let layout = Self::layout(len);
        // SAFETY: the layout is not empty.
        let base = unsafe { alloc_zeroed(layout) };
        // SAFETY: the layout has a line to spare.
        let start = unsafe { base.add(base.align_offset(LINE)) }.cast::<T>();
        let Some(start) = NonNull::new(start).filter(|_| !base.is_null()) else { handle_alloc_error(layout) };
        Self { base, start, len, own: PhantomData }
    }

    /// With a line to spare, and no alignment asked for: the system's allocator gives zeroed pages untouched only then.
    fn layout(len: usize) -> Layout {
        let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(LINE));
        match bytes.map(|bytes| Layout::from_size_align(bytes, 1)) {
            Some(Ok(layout)) => layout,
            _ => panic!("a buffer of {len} elements exceeds the address space"),
        }
    }
}

impl<T: Plain> Drop for Buffer<T> {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with the same layout.
        unsafe { dealloc(self.base, Self::layout(self.len)) }
    }
}

impl<T: Plain> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: `len` initialised elements that it owns.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} x {})", self.len, std::any::type_name::<T>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_zeroed_and_not_touched() {
        for len in [0, 1, 63, 1000] {
            let buffer = Buffer::<f32>::zeroed(len);
            assert_eq!(buffer.as_ptr().align_offset(LINE), 0);
            assert!(buffer.len() == len && buffer.iter().all(|x| x.to_bits() == 0));
        }
        // More than this machine may have: only what is written is taken.
        let mut large = Buffer::<u8>::zeroed(64 << 30);
        large[63 << 30] = 1;
        assert_eq!(large[63 << 30], 1);
    }
}
