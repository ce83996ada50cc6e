//! Pages of the KV cache for which the device has no room: they lie in the host's memory and come back before a step that uses them.
//!
//! To whoever drives the backend a page is a page. What is least recently used makes room. A page of a 24B model is 10 MB, its way through the bus some tenths of a millisecond; computing its 64
//! positions again takes 5 ms and more.

use pilotlight_kernels::cuda::{CudaError, KvShape, Memory};

use super::Page;

/// Where each page is.
pub(super) struct Places {
    /// By page: its place on the device.
    on_device: Vec<Option<Page>>,
    /// By page: what was taken from the device.
    on_host: Vec<Option<Vec<u8>>>,
    /// What a page lay in that went back to the device: the next one's that leaves it.
    spare: Vec<u8>,
    /// By place on the device: whose it is, and when it was last used.
    slots: Vec<(Option<Page>, u64)>,
    now: u64,
    /// Pages taken from the device so far.
    pub(super) spilled: usize,
}

impl Places {
    /// `pages` pages, of which the device has room for `slots`.
    pub(super) fn new(slots: usize, pages: usize) -> Self {
        let slots = slots.min(pages);
        let own = |i: usize| (i < slots).then_some(i as Page);
        Self {
            on_device: (0..pages).map(own).collect(),
            on_host: vec![None; pages],
            spare: Vec::new(),
            slots: (0..slots).map(|i| (own(i), 0)).collect(),
            now: 0,
            spilled: 0,
        }
    }

    pub(super) fn pages(&self) -> usize {
        self.on_device.len()
    }

    /// Places on the device.
    pub(super) fn room(&self) -> usize {
        self.slots.len()
    }

    /// Sees to it that all of these are on the device, together.
    pub(super) fn bring(
        &mut self,
        pages: impl Iterator<Item = Page> + Clone,
        shape: KvShape,
        cache: &Memory,
    ) -> Result<(), CudaError> {
        if self.slots.len() == self.on_device.len() {
            return Ok(());
        }
        self.now += 1;
        for page in pages.clone() {
            if let Some(slot) = self.slot(page) {
                self.slots[slot as usize].1 = self.now;
            }
        }
        for page in pages {
            if self.slot(page).is_some() {
                continue;
            }
            let free = (0..self.slots.len()).min_by_key(|&slot| self.slots[slot].1);
            let Some(slot) = free.filter(|&slot| self.slots[slot].1 < self.now) else {
                let message = format!("a step of more than the {} pages that the GPU has room for", self.slots.len());
                return Err(CudaError { call: "KV cache".into(), message });
            };
            if let Some(owner) = self.slots[slot].0 {
                let mut bytes = std::mem::take(&mut self.spare);
                bytes.clear();
                read(shape, cache, slot, &mut bytes)?;
                self.on_host[owner as usize] = Some(bytes);
                self.on_device[owner as usize] = None;
                self.spilled += 1;
            }
            if let Some(host) = self.on_host.get_mut(page as usize)
                && let Some(bytes) = host
            {
                write(shape, cache, slot, bytes)?;
                self.spare = host.take().unwrap_or_default();
            }
            self.slots[slot] = (Some(page), self.now);
            if let Some(at) = self.on_device.get_mut(page as usize) {
                *at = Some(slot as Page);
            }
        }
        Ok(())
    }

    /// Where on the device a page is; of one that is not there or is none, nothing.
    pub(super) fn slot(&self, page: Page) -> Option<Page> {
        self.on_device.get(page as usize).copied().flatten()
    }

    /// Appends a page's content, wherever it is.
    pub(super) fn export(&self, page: Page, shape: KvShape, cache: &Memory, to: &mut Vec<u8>) -> Result<(), CudaError> {
        match (self.slot(page), self.on_host.get(page as usize).and_then(Option::as_ref)) {
            (Some(slot), _) => read(shape, cache, slot as usize, to),
            (None, Some(bytes)) => {
                to.extend_from_slice(bytes);
                Ok(())
            }
            (None, None) if (page as usize) < self.pages() => {
                // Never written.
                to.resize(to.len() + 2 * shape.layers * shape.page_bytes(), 0);
                Ok(())
            }
            (None, None) => Err(CudaError { call: "KV cache".into(), message: format!("no page {page}") }),
        }
    }

    /// Sets a page's content, wherever it is.
    pub(super) fn import(&mut self, page: Page, shape: KvShape, cache: &Memory, from: &[u8]) -> Result<(), CudaError> {
        if let Some(slot) = self.slot(page) {
            return write(shape, cache, slot as usize, from);
        }
        match self.on_host.get_mut(page as usize) {
            Some(host) => *host = Some(from.into()),
            None => return Err(CudaError { call: "KV cache".into(), message: format!("no page {page}") }),
        }
        Ok(())
    }
}

fn read(shape: KvShape, cache: &Memory, slot: usize, to: &mut Vec<u8>) -> Result<(), CudaError> {
    let (start, part) = (to.len(), shape.page_bytes());
    to.resize(start + 2 * shape.layers * part, 0);
    let places = (0..shape.layers).flat_map(|layer| shape.places(layer, slot));
    places.zip(to[start..].chunks_exact_mut(part)).try_for_each(|(at, to)| cache.read(at, to))
}

fn write(shape: KvShape, cache: &Memory, slot: usize, from: &[u8]) -> Result<(), CudaError> {
    let places = (0..shape.layers).flat_map(|layer| shape.places(layer, slot));
    places.zip(from.chunks_exact(shape.page_bytes())).try_for_each(|(at, from)| cache.write(at, from))
}
