//! Finds the weights: `PILOTLIGHT_EMBER` (a checkpoint being trained), or `weights/ember.gguf`. Without either the crate still builds,
//! and the engine says that the built-in model is missing.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=PILOTLIGHT_EMBER");
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut path = env::var_os("PILOTLIGHT_EMBER").map_or(here.join("weights/ember.gguf"), PathBuf::from);
    println!("cargo::rerun-if-changed={}", path.display());
    if !path.exists() {
        path = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("empty");
        if let Err(e) = fs::write(&path, []) {
            println!("cargo::error={}: {e}", path.display());
        }
    }
    println!("cargo::rustc-env=EMBER_GGUF={}", path.display());
}
