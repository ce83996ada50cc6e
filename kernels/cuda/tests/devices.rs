//! What tests of CUDA run on; the engine's take this file by its path.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use super::{Device, Found, found};

/// The emulator with its threads in each of `orders`; and the GPU, where there is one. With `PILOTLIGHT_TESTS_ON=gpu` (`tests/gpu/run`) that alone.
pub(super) fn devices(orders: &[u32]) -> Vec<Device> {
    if std::env::var_os("PILOTLIGHT_TESTS_ON").is_some_and(|on| on == "gpu") {
        return vec![Device::first().unwrap()];
    }
    let mut all: Vec<_> = orders.iter().map(|&order| Device::emulated(&emulator(), order).unwrap()).collect();
    match found() {
        Found::Device(_) => all.push(Device::first().unwrap()),
        Found::NoLibrary => println!("on a GPU: skipped: no CUDA device (no NVIDIA driver)"),
        Found::NoDevice(why) => println!("on a GPU: skipped: no CUDA device ({why})"),
    }
    all
}

/// The emulator's library, built where it is not there yet.
pub(super) fn emulator() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY
        .get_or_init(|| {
            let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
            let script = scripts.map(|at| at.join("tests/provision/cuda-emulator")).find(|it| it.is_file()).unwrap();
            let made = Command::new(&script).output().unwrap();
            assert!(made.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&made.stderr));
            String::from_utf8(made.stdout).unwrap().trim().into()
        })
        .clone()
}
