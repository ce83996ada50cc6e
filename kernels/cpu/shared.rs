//! A slice that several workers write at once, each its own part.

use std::marker::PhantomData;

/// A borrowed slice whose elements workers may write through a shared reference.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: every access is unsafe and its caller promises that no two workers touch the same element.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), borrow: PhantomData }
    }

    /// A pointer to element `index`.
    ///
    /// # Safety
    /// What is accessed through it lies in the slice, and no other worker accesses it during this op.
    pub(crate) unsafe fn at(&self, index: usize) -> *mut T {
        debug_assert!(index <= self.len);
        self.start.add(index)
    }
}
