//! The host emulator as a device: its library is the kernels' own sources, compiled as C++ (`emulator/shim.h`).
//!
//! Memory is host memory with guards around it, filled with NaNs' bits beyond what was asked for; a write past an end is found when it is freed or
//! when the device is waited for.

use std::{
    alloc::{Layout, alloc, dealloc},
    collections::BTreeMap,
    ffi::{CStr, CString, c_char, c_uint, c_void},
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
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
    graphs: BTreeMap<u64, Vec<Recorded>>,
    next: u64,
}

#[derive(Clone)]
struct Recorded {
    kernel: &'static str,
    grid: [u32; 3],
    threads: u32,
    shared: u32,
    arguments: Vec<Vec<u8>>,
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
        let name = CString::new(r.kernel).map_err(|e| CudaError::new(r.kernel, e.to_string()))?;
        // Copies at the alignment that parameters have.
        let mut copies: Vec<Vec<u128>> = Vec::new();
        for argument in &r.arguments {
            let mut copy = vec![0u128; argument.len().div_ceil(16)];
            for (word, bytes) in copy.iter_mut().zip(argument.chunks(16)) {
                let mut all = [0; 16];
                all[..bytes.len()].copy_from_slice(bytes);
                *word = u128::from_ne_bytes(all);
            }
            copies.push(copy);
        }
        let mut pointers: Vec<*mut c_void> = copies.iter_mut().map(|copy| copy.as_mut_ptr().cast()).collect();
        let sizes: Vec<usize> = r.arguments.iter().map(Vec::len).collect();
        let threads = [r.threads, 1, 1];
        // SAFETY: grids and threads are three numbers, there are as many sizes as pointers and each points to as many bytes; what the kernel
        // touches is the launcher's promise.
        let fault = unsafe {
            (self.emulate)(
                name.as_ptr(),
                r.grid.as_ptr(),
                threads.as_ptr(),
                r.shared as usize,
                pointers.as_mut_ptr(),
                sizes.as_ptr(),
                sizes.len(),
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
        let recorded = Recorded {
            kernel: launch.kernel,
            grid: launch.grid,
            threads: launch.threads,
            shared: launch.shared,
            arguments: launch.arguments.iter().map(|argument| argument.to_vec()).collect(),
        };
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
        state.graphs.insert(id, recorded);
        Ok(id)
    }

    unsafe fn run_graph(&self, graph: u64) -> Result<()> {
        let recorded = self.state().graphs.get(&graph).cloned().unwrap_or_default();
        recorded.iter().try_for_each(|r| self.run(r))
    }

    fn free_graph(&self, graph: u64) {
        self.state().graphs.remove(&graph);
    }
}
