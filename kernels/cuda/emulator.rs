//! The host emulator as a device: its library is the kernels' own sources, compiled as C++ (`emulator/shim.h`).
//!
//! Memory is host memory with guards around it, filled with NaNs' bits beyond what was asked for; a write past an end is found when it is freed or
//! when the device is waited for.

use std::{
    alloc::{Layout, alloc, dealloc},
    collections::BTreeMap,
    ffi::{CStr, c_char, c_uint, c_void},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use super::device::{CudaError, Launch, Machine, Result};

type Emulate = unsafe extern "C" fn(
    *const c_char,
    *const c_uint,
    *const c_uint,
    usize,
    *mut *mut c_void,
    *const usize,
    usize,
    c_uint,
) -> *const c_char;

/// Bytes before and after each allocation.
const GUARD: usize = 256;
const GUARD_BYTE: u8 = 0xa5;

pub(super) struct Emulator {
    /// Keeps `emulate` valid.
    _library: libloading::Library,
    emulate: Emulate,
    order: u32,
    wide: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Address to size.
    allocated: BTreeMap<u64, usize>,
    recording: Option<Vec<Recorded>>,
    graphs: BTreeMap<u64, Arc<[Recorded]>>,
    next: u64,
}

/// Parameters of a kernel, and the most words of 16 bytes that one may have.
const ARGUMENTS: usize = 4;
const WORDS: usize = 32;

/// A launch with copies of its arguments, at the alignment that parameters have; no memory besides.
struct Recorded {
    kernel: &'static str,
    grid: [u32; 3],
    threads: u32,
    shared: u32,
    arguments: [[u128; WORDS]; ARGUMENTS],
    sizes: [usize; ARGUMENTS],
    count: usize,
}

impl Recorded {
    fn new(launch: &Launch<'_>) -> Result<Self> {
        let &Launch { kernel, grid, threads, shared, arguments: given } = launch;
        if given.len() > ARGUMENTS || given.iter().any(|argument| argument.len() > 16 * WORDS) {
            return Err(CudaError::new(kernel, "more arguments than the emulator has room for"));
        }
        let (mut arguments, mut sizes) = ([[0; WORDS]; ARGUMENTS], [0; ARGUMENTS]);
        for ((words, size), argument) in arguments.iter_mut().zip(&mut sizes).zip(given) {
            *size = argument.len();
            for (word, bytes) in words.iter_mut().zip(argument.chunks(16)) {
                let mut all = [0; 16];
                all[..bytes.len()].copy_from_slice(bytes);
                *word = u128::from_ne_bytes(all);
            }
        }
        Ok(Self { kernel, grid, threads, shared, arguments, sizes, count: given.len() })
    }
}

impl Emulator {
    pub(super) fn load(path: &Path, order: u32) -> Result<Self> {
        let refuse = |e: libloading::Error| CudaError::new("emulator", e.to_string());
        // SAFETY: the library is ours: it has no initialisers that do anything.
        let library = unsafe { libloading::Library::new(path) }.map_err(refuse)?;
        // SAFETY: the symbol has this type (emulator.cpp).
        let emulate = unsafe { *library.get::<Emulate>(b"emulate\0").map_err(refuse)? };
        Ok(Self { _library: library, emulate, order, wide: AtomicBool::new(true), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, r: &Recorded) -> Result<()> {
        // A name and its zero.
        let mut name = [0u8; 64];
        match name.get_mut(..r.kernel.len()) {
            Some(to) if r.kernel.len() < 64 => to.copy_from_slice(r.kernel.as_bytes()),
            _ => return Err(CudaError::new(r.kernel, "too long a name")),
        }
        // The kernels take their parameters by value: nothing is written through these.
        let mut pointers = r.arguments.each_ref().map(|words| words.as_ptr().cast_mut().cast::<c_void>());
        let threads = [r.threads, 1, 1];
        // SAFETY: grids and threads are three numbers, there are as many sizes as pointers and each points to as many bytes; what the kernel
        // touches is the launcher's promise.
        let fault = unsafe {
            (self.emulate)(
                name.as_ptr().cast(),
                r.grid.as_ptr(),
                threads.as_ptr(),
                r.shared as usize,
                pointers.as_mut_ptr(),
                r.sizes.as_ptr(),
                r.count,
                self.order,
            )
        };
        if fault.is_null() {
            return Ok(());
        }
        // SAFETY: a constant of the library.
        let message = unsafe { CStr::from_ptr(fault) }.to_string_lossy().into_owned();
        Err(CudaError::new(r.kernel, message))
    }

    fn layout(bytes: usize) -> Layout {
        // SAFETY: 256 is a power of two, and sizes are far from overflow.
        unsafe { Layout::from_size_align_unchecked(bytes + 2 * GUARD, 256) }
    }

    /// Whether nobody wrote beside an allocation.
    fn intact(at: u64, bytes: usize) -> bool {
        let guard = |from: u64| {
            // SAFETY: within the allocation, guards included.
            let guard = unsafe { std::slice::from_raw_parts(from as *const u8, GUARD) };
            guard.iter().all(|&byte| byte == GUARD_BYTE)
        };
        guard(at - GUARD as u64) && guard(at + bytes as u64)
    }
}

impl Machine for Emulator {
    fn wide(&self) -> bool {
        self.wide.load(Relaxed)
    }

    fn set_wide(&self, on: bool) {
        self.wide.store(on, Relaxed);
    }

    fn name(&self) -> String {
        "host emulator".into()
    }

    fn memory(&self) -> Result<(u64, u64)> {
        Ok((1 << 32, 1 << 32))
    }

    fn allocate(&self, bytes: usize) -> Result<u64> {
        // SAFETY: the size is not zero; then all of it is written.
        let at = unsafe {
            let start = alloc(Self::layout(bytes));
            if start.is_null() {
                return Err(CudaError::new("allocate", format!("no {bytes} bytes")));
            }
            start.write_bytes(GUARD_BYTE, bytes + 2 * GUARD);
            start.add(GUARD).write_bytes(0, bytes);
            start.add(GUARD) as u64
        };
        self.state().allocated.insert(at, bytes);
        Ok(at)
    }

    fn free(&self, at: u64, bytes: usize) {
        let bytes = bytes.max(1);
        let intact = Self::intact(at, bytes);
        self.state().allocated.remove(&at);
        // SAFETY: it was allocated so.
        unsafe { dealloc((at - GUARD as u64) as *mut u8, Self::layout(bytes)) };
        assert!(intact || std::thread::panicking(), "a kernel wrote beside {bytes} bytes of its memory");
    }

    fn upload(&self, to: u64, from: &[u8]) -> Result<()> {
        // SAFETY: `Memory` has checked the range.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), to as *mut u8, from.len()) };
        Ok(())
    }

    fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to.as_mut_ptr(), to.len()) };
        self.wait()
    }

    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()> {
        // SAFETY: two allocations of at least as many bytes.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, bytes) };
        Ok(())
    }

    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<()> {
        let recorded = Recorded::new(launch)?;
        if let Some(recording) = &mut self.state().recording {
            recording.push(recorded);
            return Ok(());
        }
        self.run(&recorded)
    }

    fn wait(&self) -> Result<()> {
        match self.state().allocated.iter().all(|(at, bytes)| Self::intact(*at, *bytes)) {
            true => Ok(()),
            false => Err(CudaError::new("wait", "a kernel wrote beside its memory")),
        }
    }

    fn begin_graph(&self) -> Result<()> {
        self.state().recording = Some(Vec::new());
        Ok(())
    }

    fn end_graph(&self) -> Result<u64> {
        let mut state = self.state();
        let recorded = state.recording.take().ok_or_else(|| CudaError::new("end_graph", "none was begun"))?;
        state.next += 1;
        let id = state.next;
        state.graphs.insert(id, recorded.into());
        Ok(id)
    }

    unsafe fn run_graph(&self, graph: u64) -> Result<()> {
        let recorded = self.state().graphs.get(&graph).cloned();
        let recorded = recorded.ok_or_else(|| CudaError::new("run_graph", "no such graph"))?;
        recorded.iter().try_for_each(|r| self.run(r))
    }

    fn free_graph(&self, graph: u64) {
        self.state().graphs.remove(&graph);
    }
}
