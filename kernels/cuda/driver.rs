//! An NVIDIA GPU through the driver, `libcuda`, which is looked for at run time: nothing of CUDA is needed to build this or to start it.

use std::{
    collections::HashMap,
    ffi::{CString, c_void},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use cudarc::driver::{
    DriverError,
    result::{self, stream::StreamKind},
    sys,
};

use super::{
    device::{CudaError, Launch, Machine, Result},
    image,
    ops::{KERNELS, WIDE_KERNELS},
};

/// What was found of CUDA on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is no driver library.
    NoLibrary,
    /// There is one, and it says why it cannot be used.
    NoDevice(String),
    /// The first device's name and compute capability.
    Device(String),
}

/// Looks for a GPU, without taking anything of it.
pub fn found() -> Found {
    // SAFETY: it opens the library and closes it again.
    if !unsafe { sys::is_culib_present() } {
        return Found::NoLibrary;
    }
    match first_device() {
        Ok((_, name, (major, minor))) => Found::Device(format!("{name}, compute capability {major}.{minor}")),
        Err(error) => Found::NoDevice(error.to_string()),
    }
}

fn first_device() -> Result<(sys::CUdevice, String, (i32, i32))> {
    use sys::CUdevice_attribute as Attribute;
    result::init().map_err(|e| refuse("cuInit", e))?;
    let count = result::device::get_count().map_err(|e| refuse("cuDeviceGetCount", e))?;
    if count == 0 {
        return Err(CudaError::new("cuDeviceGetCount", "no device"));
    }
    let device = result::device::get(0).map_err(|e| refuse("cuDeviceGet", e))?;
    let name = result::device::get_name(device).map_err(|e| refuse("cuDeviceGetName", e))?;
    let attribute = |which| {
        // SAFETY: a device that the driver gave.
        unsafe { result::device::get_attribute(device, which) }.map_err(|e| refuse("cuDeviceGetAttribute", e))
    };
    let major = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
    let minor = attribute(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
    Ok((device, name, (major, minor)))
}

fn refuse(call: &str, error: DriverError) -> CudaError {
    let text = error.error_string().map_or_else(|_| format!("{error:?}"), |text| text.to_string_lossy().into_owned());
    CudaError::new(call, text)
}

/// Bytes of which the driver takes a copy before a call returns (CUDA's guide, of copies "of a memory block of 64 KB or less").
const COPIED_AT_ONCE: usize = 64 << 10;

pub(super) struct Driver {
    /// The GPU's, with the code that runs there and why it is not better code.
    name: String,
    device: sys::CUdevice,
    context: sys::CUcontext,
    module: sys::CUmodule,
    /// `wide.cu`, where the GPU is Hopper's.
    wide_module: Option<sys::CUmodule>,
    wide: AtomicBool,
    stream: sys::CUstream,
    functions: HashMap<&'static str, sys::CUfunction>,
    graphs: Mutex<Vec<Option<sys::CUgraphExec>>>,
}

// SAFETY: the driver's handles may be used from any thread, once the context is current there, which each call sees to.
unsafe impl Send for Driver {}
// SAFETY: the driver locks for itself; the graphs are behind a lock.
unsafe impl Sync for Driver {}

impl Driver {
    pub(super) fn first() -> Result<Self> {
        // SAFETY: it opens the library and closes it again.
        if !unsafe { sys::is_culib_present() } {
            return Err(CudaError::new("CUDA", "no device (no NVIDIA driver)"));
        }
        let (device, name, (major, minor)) = first_device()?;
        let images = image::images(major, minor)?;
        // SAFETY: a device that the driver gave.
        let context =
            unsafe { result::primary_ctx::retain(device) }.map_err(|e| refuse("cuDevicePrimaryCtxRetain", e))?;
        let mut driver = Self {
            name: format!("{name}, compute capability {major}.{minor}"),
            device,
            context,
            module: std::ptr::null_mut(),
            wide_module: None,
            wide: AtomicBool::new(false),
            stream: std::ptr::null_mut(),
            functions: HashMap::new(),
            graphs: Mutex::default(),
        };
        driver.current()?;
        let mut failed = Vec::new();
        for (what, image) in &images {
            // SAFETY: a cubin, or PTX that ends in a zero.
            match unsafe { result::module::load_data(image.as_ptr().cast()) } {
                Ok(module) => {
                    driver.module = module;
                    driver.name += &format!(", {what}");
                    break;
                }
                Err(error) => failed.push(refuse(what, error).to_string()),
            }
        }
        if driver.module.is_null() {
            let message = format!("{}; a newer NVIDIA driver may be needed", failed.join("; "));
            return Err(CudaError::new("cuModuleLoadData", message));
        }
        failed.iter().for_each(|why| driver.name += &format!(" ({why})"));
        driver.stream = result::stream::create(StreamKind::NonBlocking).map_err(|e| refuse("cuStreamCreate", e))?;
        let most = sys::CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
        let function = |module, name: &str, shared: i32| {
            let c_name = CString::new(name).map_err(|e| CudaError::new(name, e.to_string()))?;
            // SAFETY: a module that was loaded.
            let function = unsafe { result::module::get_function(module, c_name) }.map_err(|e| refuse(name, e))?;
            if shared > 0 {
                // SAFETY: a function of that module.
                unsafe { result::function::set_function_attribute(function, most, shared) }
                    .map_err(|e| refuse(name, e))?;
            }
            Ok(function)
        };
        for name in KERNELS {
            // 96 KB are there from compute capability 8.0 on.
            let shared = if name.starts_with("prefill") { 96 << 10 } else { 0 };
            driver.functions.insert(name, function(driver.module, name, shared)?);
        }
        if let Some(image) = image::wide(major, minor)? {
            // SAFETY: a cubin.
            match unsafe { result::module::load_data(image.as_ptr().cast()) } {
                Ok(module) => {
                    driver.wide_module = Some(module);
                    for name in WIDE_KERNELS {
                        driver.functions.insert(name, function(module, name, 227 << 10)?);
                    }
                    driver.set_wide(true);
                }
                // Without them it only takes longer.
                Err(error) => driver.name += &format!(" (without wide products: {})", refuse("sm_90a code", error)),
            }
        }
        Ok(driver)
    }

    /// Makes the context the calling thread's.
    fn current(&self) -> Result<()> {
        // SAFETY: a context that is retained as long as this lives.
        unsafe { result::ctx::set_current(self.context) }.map_err(|e| refuse("cuCtxSetCurrent", e))
    }

    fn graphs(&self) -> std::sync::MutexGuard<'_, Vec<Option<sys::CUgraphExec>>> {
        self.graphs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Machine for Driver {
    fn wide(&self) -> bool {
        self.wide.load(Relaxed)
    }

    fn set_wide(&self, on: bool) {
        self.wide.store(on && self.wide_module.is_some(), Relaxed);
    }

    fn name(&self) -> String {
        self.name.clone()
    }

    fn memory(&self) -> Result<(u64, u64)> {
        self.current()?;
        let (free, total) = result::mem_get_info().map_err(|e| refuse("cuMemGetInfo", e))?;
        Ok((free as u64, total as u64))
    }

    fn allocate(&self, bytes: usize) -> Result<u64> {
        self.current()?;
        let call = || format!("cuMemAlloc of {bytes} bytes");
        // SAFETY: the size is not zero; the memory is set before anyone sees it.
        unsafe {
            let at = result::malloc_sync(bytes).map_err(|e| refuse(&call(), e))?;
            if let Err(error) = result::memset_d8_async(at, 0, bytes, self.stream) {
                let _ = result::free_sync(at);
                return Err(refuse("cuMemsetD8Async", error));
            }
            Ok(at)
        }
    }

    fn free(&self, at: u64, _bytes: usize) {
        // Nothing can be done about an error here; the driver frees all at the end.
        if self.current().is_ok() {
            // SAFETY: it was allocated, and is freed once. The driver waits for what uses it.
            let _ = unsafe { result::free_sync(at) };
        }
    }

    fn upload(&self, to: u64, from: &[u8]) -> Result<()> {
        self.current()?;
        // SAFETY: `Memory` has checked the range. Of a source that is not pinned the driver takes a copy before the call returns where it is small; of others it only may.
        unsafe { result::memcpy_htod_async(to, from, self.stream) }.map_err(|e| refuse("cuMemcpyHtoDAsync", e))?;
        if from.len() > COPIED_AT_ONCE { self.wait() } else { Ok(()) }
    }

    fn download(&self, from: u64, to: &mut [u8]) -> Result<()> {
        self.current()?;
        // SAFETY: as above.
        unsafe { result::memcpy_dtoh_async(to, from, self.stream) }.map_err(|e| refuse("cuMemcpyDtoHAsync", e))?;
        self.wait()
    }

    fn copy(&self, from: u64, to: u64, bytes: usize) -> Result<()> {
        self.current()?;
        // SAFETY: two allocations of at least as many bytes.
        unsafe { result::memcpy_dtod_async(to, from, bytes, self.stream) }.map_err(|e| refuse("cuMemcpyDtoDAsync", e))
    }

    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<()> {
        self.current()?;
        let unknown = || CudaError::new(launch.kernel, "no such kernel");
        let function = *self.functions.get(launch.kernel).ok_or_else(unknown)?;
        let mut pointers = [std::ptr::null_mut::<c_void>(); 4];
        for (pointer, argument) in pointers.iter_mut().zip(launch.arguments) {
            *pointer = argument.as_ptr().cast_mut().cast();
        }
        let [x, y, z] = launch.grid;
        // SAFETY: the caller's promise. The driver copies the arguments before it returns.
        unsafe {
            result::launch_kernel(
                function,
                (x, y, z),
                (launch.threads, 1, 1),
                launch.shared,
                self.stream,
                &mut pointers[..launch.arguments.len()],
            )
        }
        .map_err(|e| refuse(launch.kernel, e))
    }

    fn wait(&self) -> Result<()> {
        self.current()?;
        // SAFETY: our stream.
        unsafe { result::stream::synchronize(self.stream) }.map_err(|e| refuse("cuStreamSynchronize", e))
    }

    fn begin_graph(&self) -> Result<()> {
        self.current()?;
        let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
        // SAFETY: our stream.
        unsafe { result::stream::begin_capture(self.stream, mode) }.map_err(|e| refuse("cuStreamBeginCapture", e))
    }

    fn end_graph(&self) -> Result<u64> {
        self.current()?;
        // SAFETY: our stream, a graph that the driver gave, which is destroyed once it is instantiated.
        let graph = unsafe {
            let graph = result::stream::end_capture(self.stream).map_err(|e| refuse("cuStreamEndCapture", e))?;
            let flags = sys::CUgraphInstantiate_flags(0);
            let made = result::graph::instantiate(graph, flags).map_err(|e| refuse("cuGraphInstantiate", e));
            let _ = result::graph::destroy(graph);
            made?
        };
        let mut graphs = self.graphs();
        graphs.push(Some(graph));
        Ok(graphs.len() as u64 - 1)
    }

    unsafe fn run_graph(&self, graph: u64) -> Result<()> {
        self.current()?;
        let gone = || CudaError::new("cuGraphLaunch", "no such graph");
        let graph = self.graphs().get(graph as usize).copied().flatten().ok_or_else(gone)?;
        // SAFETY: a graph that was instantiated; for what it touches, the caller's promise.
        unsafe { result::graph::launch(graph, self.stream) }.map_err(|e| refuse("cuGraphLaunch", e))
    }

    fn free_graph(&self, graph: u64) {
        let graph = self.graphs().get_mut(graph as usize).and_then(Option::take);
        if let (Some(graph), Ok(())) = (graph, self.current()) {
            // SAFETY: it was instantiated, and is destroyed once.
            let _ = unsafe { result::graph::exec_destroy(graph) };
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.current().is_err() {
            return;
        }
        // SAFETY: all of this was made by us, and nothing is left that uses it: memory and graphs hold the device.
        unsafe {
            if !self.stream.is_null() {
                let _ = result::stream::destroy(self.stream);
            }
            for module in [Some(self.module), self.wide_module].into_iter().flatten() {
                if !module.is_null() {
                    let _ = result::module::unload(module);
                }
            }
            let _ = result::primary_ctx::release(self.device);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The machine code and the PTX too, which the driver compiles: what a GPU of another kind is given.
    #[test]
    fn every_image_is_loaded_and_has_every_kernel() {
        let Found::Device(name) = found() else {
            return println!("on a GPU: skipped: no CUDA device ({:?})", found());
        };
        let (_, _, (major, minor)) = first_device().unwrap();
        let driver = Driver::first().unwrap();
        driver.current().unwrap();
        for (what, image) in image::images(major, minor).unwrap() {
            let start = std::time::Instant::now();
            // SAFETY: a cubin, or PTX that ends in a zero.
            let module = unsafe { result::module::load_data(image.as_ptr().cast()) }.unwrap();
            println!("{what} on {name}: loaded in {:.1} s", start.elapsed().as_secs_f64());
            for kernel in KERNELS {
                // SAFETY: a module that was loaded.
                unsafe { result::module::get_function(module, CString::new(kernel).unwrap()) }.unwrap();
            }
            // SAFETY: nothing of it is used.
            unsafe { result::module::unload(module) }.unwrap();
        }
    }
}
