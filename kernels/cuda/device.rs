//! A device's memory and its queue of work.

use std::{
    fmt,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use super::{driver::Driver, emulator::Emulator};

/// What went wrong on the device, and in which call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {message}")]
pub struct CudaError {
    /// The driver's function or our op.
    pub call: String,
    /// What it said.
    pub message: String,
}

impl CudaError {
    pub(super) fn new(call: impl Into<String>, message: impl Into<String>) -> Self {
        Self { call: call.into(), message: message.into() }
    }
}

pub(super) type Result<T> = std::result::Result<T, CudaError>;

/// One launch.
pub(super) struct Launch<'a> {
    pub(super) kernel: &'static str,
    pub(super) grid: [u32; 3],
    pub(super) threads: u32,
    /// Bytes of shared memory.
    pub(super) shared: u32,
    /// The kernel's parameters, by value.
    pub(super) arguments: &'a [&'a [u8]],
}

/// What a device can do. Work is done in the order in which it is asked for.
pub(super) trait Machine: Send + Sync {
    fn name(&self) -> String;
    /// Free and total bytes.
    fn memory(&self) -> Result<(u64, u64)>;
    /// Memory of zeros.
    fn allocate(&self, bytes: usize) -> Result<u64>;
    fn free(&self, at: u64, bytes: usize);
    /// The source may be reused at once.
    fn upload(&self, to: u64, from: &[u8]) -> Result<()>;
    /// Waits for what was asked before.
    fn download(&self, from: u64, to: &mut [u8]) -> Result<()>;
    /// Between two allocations.
    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()>;
    /// # Safety
    /// The arguments are those of the kernel, and what it reads and writes is allocated.
    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<()>;
    fn wait(&self) -> Result<()>;
    /// From here on launches are recorded, not run.
    fn begin_graph(&self) -> Result<()>;
    fn end_graph(&self) -> Result<u64>;
    /// # Safety
    /// What its launches read and write is still allocated.
    unsafe fn run_graph(&self, graph: u64) -> Result<()>;
    fn free_graph(&self, graph: u64);
    /// Whether it has the kernels of `wide.cu` and they are to be used.
    fn wide(&self) -> bool;
    /// Not at all where it has none.
    fn set_wide(&self, on: bool);
}

/// How often a device was asked for what a warm step must not ask for, and for what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Memory.
    pub allocations: u64,
    /// Graphs that were recorded.
    pub recordings: u64,
    /// Kernels one by one, recorded ones too. A driver may load a kernel when it is first launched.
    pub launches: u64,
    /// Recorded graphs that were run.
    pub graphs: u64,
    /// Copies to the device and back.
    pub copies: u64,
    /// Bytes that came back.
    pub fetched: u64,
}

/// What all that share a device see of it.
#[derive(Default)]
struct Shared {
    asked: Mutex<Asked>,
    /// Whether products of bytes are asked for.
    bytes: AtomicBool,
}

/// A device. `Clone` is cheap.
#[derive(Clone)]
pub struct Device {
    machine: Arc<dyn Machine>,
    shared: Arc<Shared>,
}

impl Device {
    /// The first NVIDIA GPU; an error says what is missing. Never panics where there is no driver.
    pub fn first() -> Result<Self> {
        Ok(Self::of(Driver::first()?))
    }

    /// The host emulator that `tests/provision/cuda-emulator` builds, a shared library: the kernels on the CPU, thousands of times slower, for tests. `order` is that in which a
    /// block's threads run: 0 upwards, 1 downwards, others by a pattern.
    pub fn emulated(library: &Path, order: u32) -> Result<Self> {
        Ok(Self::of(Emulator::load(library, order)?))
    }

    fn of(machine: impl Machine + 'static) -> Self {
        Self { machine: Arc::new(machine), shared: Arc::default() }
    }

    /// What it was asked for so far, by all that share it.
    pub fn asked(&self) -> Asked {
        *self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, what: impl FnOnce(&mut Asked)) {
        what(&mut self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// `NVIDIA H200, compute capability 9.0`
    pub fn name(&self) -> String {
        self.machine.name()
    }

    /// Free and total bytes.
    pub fn memory(&self) -> Result<(u64, u64)> {
        self.machine.memory()
    }

    /// Whether products of many tokens go by Hopper's asynchronous products (`wide.cu`).
    pub fn wide(&self) -> bool {
        self.machine.wide()
    }

    /// Turns these off, or on again where the device has them.
    pub fn set_wide(&self, on: bool) {
        self.machine.set_wide(on);
    }

    /// Whether these multiply inputs that were rounded to 8-bit floats as bytes: twice the rate, with sums whose last bits hardware makes its own. Off at first.
    pub fn wide_bytes(&self) -> bool {
        self.wide() && self.shared.bytes.load(Relaxed)
    }

    /// Asks for that, or not any more.
    pub fn set_wide_bytes(&self, on: bool) {
        self.shared.bytes.store(on, Relaxed);
    }

    /// `bytes` zeros.
    pub fn zeros(&self, bytes: usize) -> Result<Memory> {
        self.count(|asked| asked.allocations += 1);
        let at = self.machine.allocate(bytes.max(1))?;
        Ok(Memory { device: self.clone(), at, bytes })
    }

    /// A copy of `values`.
    pub fn floats(&self, values: &[f32]) -> Result<Memory> {
        let memory = self.zeros(size_of_val(values))?;
        memory.write(0, &values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())?;
        Ok(memory)
    }

    /// Bytes a second that a large copy on the device reads and writes: the best of ten.
    pub fn copy_rate(&self) -> Result<f64> {
        const BYTES: usize = 1 << 30;
        let (from, to) = (self.zeros(BYTES)?, self.zeros(BYTES)?);
        // Zeros would be another thing to measure.
        let piece: Vec<u8> = (0..16u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        (0..BYTES / piece.len()).try_for_each(|i| from.write(i * piece.len(), &piece))?;
        let mut best = f64::INFINITY;
        for _ in 0..10 {
            self.wait()?;
            let start = Instant::now();
            self.machine.copy(from.at, to.at, BYTES)?;
            self.wait()?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        Ok(2.0 * BYTES as f64 / best)
    }

    /// Waits until all that was asked for is done; an error of any of it comes out here.
    pub fn wait(&self) -> Result<()> {
        self.machine.wait()
    }

    /// Records what `work` launches. Nothing of it runs.
    pub fn graph(&self, work: impl FnOnce() -> Result<()>) -> Result<Graph> {
        self.count(|asked| asked.recordings += 1);
        self.machine.begin_graph()?;
        let done = work();
        let graph = self.machine.end_graph();
        let id = match (done, graph) {
            (Ok(()), graph) => graph?,
            (Err(error), graph) => {
                if let Ok(id) = graph {
                    self.machine.free_graph(id);
                }
                return Err(error);
            }
        };
        Ok(Graph { device: self.clone(), id })
    }

    /// # Safety
    /// As [`Machine::launch`].
    pub(super) unsafe fn launch(&self, launch: &Launch<'_>) -> Result<()> {
        self.count(|asked| asked.launches += 1);
        // SAFETY: the caller's promise.
        unsafe { self.machine.launch(launch) }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({})", self.name())
    }
}

/// Memory of a device, freed when dropped.
#[derive(Debug)]
pub struct Memory {
    device: Device,
    at: u64,
    bytes: usize,
}

impl Memory {
    /// Bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whose it is.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Writes `from` at byte `offset`.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<()> {
        self.check("write", offset, from.len())?;
        self.device.count(|asked| asked.copies += 1);
        self.device.machine.upload(self.at + offset as u64, from)
    }

    /// Reads from byte `offset`, after all that was asked for before.
    pub fn read(&self, offset: usize, to: &mut [u8]) -> Result<()> {
        self.check("read", offset, to.len())?;
        self.device.count(|asked| {
            asked.copies += 1;
            asked.fetched += to.len() as u64;
        });
        self.device.machine.download(self.at + offset as u64, to)
    }

    /// The address of byte `offset`, of which `bytes` are to be touched.
    pub(super) fn address(&self, what: &str, offset: usize, bytes: usize) -> Result<u64> {
        self.check(what, offset, bytes)?;
        Ok(self.at + offset as u64)
    }

    fn check(&self, what: &str, offset: usize, bytes: usize) -> Result<()> {
        match offset.checked_add(bytes) {
            Some(end) if end <= self.bytes => Ok(()),
            _ => Err(CudaError::new(what, format!("{bytes} bytes at {offset} of {}", self.bytes))),
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.device.machine.free(self.at, self.bytes);
    }
}

/// Launches that were recorded.
pub struct Graph {
    device: Device,
    id: u64,
}

impl Graph {
    /// Runs them again.
    ///
    /// # Safety
    /// All memory that the launches touch is still there.
    pub unsafe fn run(&self) -> Result<()> {
        self.device.count(|asked| asked.graphs += 1);
        // SAFETY: the caller's promise.
        unsafe { self.device.machine.run_graph(self.id) }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        self.device.machine.free_graph(self.id);
    }
}
