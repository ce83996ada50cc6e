//! The compiled kernels, as `tests/kernels/cuda --update` leaves them in `built/`: machine code for one GPU, PTX for all others.
//!
//! PTX is compiled by the driver when it is first loaded (and kept in its own cache): no toolkit and no NVRTC at the user's. Drivers of CUDA 12.3 and later
//! take both. They are of exactly these sources: a test compares a hash of them, and `tests/kernels/cuda` compiles them again.

use miniz_oxide::inflate::decompress_to_vec_zlib;

use super::device::{CudaError, Result};

const SM_90: &[u8] = include_bytes!("built/sm_90.cubin.z");
const SM_90A: &[u8] = include_bytes!("built/sm_90a.cubin.z");
const PTX: &[u8] = include_bytes!("built/compute_80.ptx.z");

/// What a driver can load for a GPU of this compute capability, the best first, with names for messages.
pub(super) fn images(major: i32, minor: i32) -> Result<Vec<(&'static str, Vec<u8>)>> {
    if major < 8 {
        let message = format!("compute capability {major}.{minor}: 8.0 (Ampere) is the least that the kernels can use");
        return Err(CudaError::new("kernels", message));
    }
    let mut all = Vec::new();
    if (major, minor) == (9, 0) {
        all.push(("sm_90 code", inflate(SM_90)?));
    }
    let mut ptx = inflate(PTX)?;
    ptx.push(0); // The driver reads text up to a zero.
    all.push(("PTX", ptx));
    Ok(all)
}

/// The kernels that only Hopper has (`wide.cu`): such code runs on no other GPU, later ones neither.
pub(super) fn wide(major: i32, minor: i32) -> Result<Option<Vec<u8>>> {
    if (major, minor) == (9, 0) { inflate(SM_90A).map(Some) } else { Ok(None) }
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>> {
    decompress_to_vec_zlib(packed).map_err(|e| CudaError::new("kernels", e.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_embedded_was_made_of_these_sources() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cuda");
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "cu" || extension == "cuh"));
        paths.sort();
        let fnv = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        let hash =
            paths.iter().fold(0xcbf2_9ce4_8422_2325, |hash, path| std::fs::read(path).unwrap().iter().fold(hash, fnv));
        let of = include_str!("built/sources.fnv").trim();
        assert_eq!(format!("{hash:016x}"), of, "a kernel has changed: run `tests/kernels/cuda --update`");
    }

    #[test]
    fn what_is_embedded_is_what_a_driver_loads() {
        let all = images(9, 0).unwrap();
        assert_eq!(&all[0].1[..4], b"\x7fELF");
        let ptx = std::str::from_utf8(&all[1].1).unwrap();
        assert!(ptx.contains(".target sm_80") && ptx.ends_with('\0'));
        for kernel in super::super::ops::KERNELS {
            assert!(ptx.contains(&format!(".entry {kernel}(")), "no {kernel} in the PTX");
        }
        assert_eq!(images(8, 6).unwrap().len(), 1);
        let hopper = wide(9, 0).unwrap().unwrap();
        assert_eq!(&hopper[..4], b"\x7fELF");
        // ELF's ABI version: 7 is CUDA 12's, 8 is CUDA 13's, which drivers of 12 refuse.
        assert_eq!([all[0].1[8], hopper[8]], [7, 7]);
        assert!(wide(10, 0).unwrap().is_none() && wide(8, 9).unwrap().is_none());
        assert!(images(7, 5).unwrap_err().to_string().contains("8.0"));
    }
}
