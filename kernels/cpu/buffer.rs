//! Zeroed memory on cache line borders.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::Arc,
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
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for f32 {}
// SAFETY: all-zero bits are +0.0.
unsafe impl Plain for half::f16 {}

// SAFETY: all-zero bits are +0.0.
unsafe impl Plain for half::bf16 {}

/// A cache line.
const LINE: usize = 64;

/// A fixed-length slice on a 64-byte border, zero at first. Pages that are never written cost no memory.
pub struct Buffer<T: Plain> {
    start: NonNull<T>,
    len: usize,
    /// Where it lies, perhaps with others.
    _memory: Arc<Memory>,
    own: PhantomData<T>,
}

// SAFETY: it owns plain data, as a Vec does.
unsafe impl<T: Plain + Send> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Plain + Sync> Sync for Buffer<T> {}

/// Where the weights of a model are put one behind the other, in large pages where the system has them: reading them takes fewer look-ups of addresses, and
/// the processor reads ahead further. It is freed when the last buffer is gone.
#[derive(Default)]
pub struct Arena {
    memory: Option<Arc<Memory>>,
    used: usize,
}

/// Memory of an arena is taken from the system in pieces of at least so much.
const PIECE: usize = 64 << 20;

/// Zeroed memory of the system's.
struct Memory {
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: an allocation; what is done with it is its buffers' concern.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    fn zeroed(bytes: usize) -> Arc<Self> {
        // No alignment is asked for: the system's allocator gives zeroed pages untouched only then.
        let Ok(layout) = Layout::from_size_align(bytes, 1) else { panic!("{bytes} bytes exceed the address space") };
        // SAFETY: the layout is not empty: callers have added a line.
        let base = unsafe { alloc_zeroed(layout) };
        let Some(base) = NonNull::new(base) else { handle_alloc_error(layout) };
        Arc::new(Self { base, layout })
    }

    /// Asks for large pages; it is as well without.
    fn in_large_pages(&self) {
        #[cfg(target_os = "linux")]
        {
            const PAGE: usize = 4096;
            let skipped = self.base.as_ptr().align_offset(PAGE);
            // SAFETY: within the allocation, whose content this advice leaves as it is.
            unsafe {
                let start = self.base.as_ptr().add(skipped.min(self.layout.size()));
                let whole = self.layout.size().saturating_sub(skipped) / PAGE * PAGE;
                libc::madvise(start.cast(), whole, libc::MADV_HUGEPAGE);
            }
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this layout.
        unsafe { dealloc(self.base.as_ptr(), self.layout) }
    }
}

impl Arena {
    /// `len` zeros.
    pub fn zeroed<T: Plain>(&mut self, len: usize) -> Buffer<T> {
        let bytes = Buffer::<T>::bytes(len);
        let memory = match &self.memory {
            Some(memory) if memory.layout.size() - self.used >= bytes => Arc::clone(memory),
            _ => {
                let memory = Memory::zeroed(bytes.max(PIECE));
                memory.in_large_pages();
                self.used = 0;
                Arc::clone(self.memory.insert(memory))
            }
        };
        let at = self.used;
        self.used += bytes;
        // SAFETY: these bytes were given to nobody before.
        unsafe { Buffer::at(memory, at, len) }
    }
}

impl<T: Plain> Buffer<T> {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let memory = Memory::zeroed(Self::bytes(len));
        // SAFETY: all of it.
        unsafe { Self::at(memory, 0, len) }
    }

    /// What is taken for `len` elements: with a line to spare, to begin on a border.
    fn bytes(len: usize) -> usize {
        let bytes = len.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(LINE));
        let Some(bytes) = bytes else { panic!("a buffer of {len} elements exceeds the address space") };
        bytes
    }

    /// # Safety
    /// From byte `at` on there are `bytes(len)` zeros that no other buffer has.
    unsafe fn at(memory: Arc<Memory>, at: usize, len: usize) -> Self {
        let from = memory.base.add(at);
        let start = from.add(from.align_offset(LINE)).cast::<T>();
        Self { start, len, _memory: memory, own: PhantomData }
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
        // Only what is written is taken: clearing all of it would take seconds and most of a small machine. (Systems refuse more than they have.)
        let mut large = Buffer::<u8>::zeroed(8 << 30);
        large[7 << 30] = 1;
        assert_eq!(large[7 << 30], 1);
    }
    #[test]
    fn an_arena_gives_each_its_own_and_lives_as_long_as_they() {
        let mut arena = Arena::default();
        let mut all: Vec<Buffer<f32>> = [1, 1000, PIECE / 4, 17, PIECE / 8].map(|len| arena.zeroed(len)).into();
        drop(arena);
        for (i, buffer) in all.iter_mut().enumerate() {
            assert_eq!(buffer.as_ptr().align_offset(LINE), 0);
            assert!(buffer.iter().all(|x| x.to_bits() == 0), "buffer {i}");
            buffer.fill(i as f32 + 1.0);
        }
        all.remove(1);
        for (buffer, value) in all.iter().zip([1.0, 3.0, 4.0, 5.0]) {
            assert!(buffer.iter().all(|x| *x == value));
        }
    }
}
