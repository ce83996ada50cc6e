//! Whether the machine has something to spare for what may never be used.

use std::{
    path::Path,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Looked at again after so long.
const FRESH: Duration = Duration::from_secs(10);
/// Threads that want to run, for each processor, past which the machine is busy with something else.
const BUSY: f64 = 1.5;

/// Remembers the last look.
#[derive(Debug, Default)]
pub(crate) struct Machine(Mutex<Option<(Instant, bool)>>);

impl Machine {
    /// Whether it runs on its battery, or is busy. (Where neither can be known, as on Windows, it is not.)
    pub(crate) fn is_strained(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match *last {
            Some((at, strained)) if at.elapsed() < FRESH => strained,
            _ => {
                let processors = std::thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
                let load = sysinfo::System::load_average().map_or(0.0, |load| load.one) / processors;
                let strained = load > BUSY || is_discharging(Path::new("/sys/class/power_supply"));
                *last = Some((Instant::now(), strained));
                strained
            }
        }
    }
}

/// Whether a battery is being emptied (Linux's `sysfs-class-power`); a mouse's own battery is none of the machine's.
fn is_discharging(supplies: &Path) -> bool {
    let read = |supply: &Path, name: &str| std::fs::read_to_string(supply.join(name)).unwrap_or_default();
    std::fs::read_dir(supplies).into_iter().flatten().flatten().any(|entry| {
        let supply = entry.path();
        read(&supply, "type").trim() == "Battery"
            && read(&supply, "scope").trim() != "Device"
            && read(&supply, "status").trim() == "Discharging"
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_battery_that_is_emptied_is_a_strain_and_that_of_a_mouse_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let supply = |name: &str, files: &[(&str, &str)]| {
            let supply = folder.path().join(name);
            std::fs::create_dir_all(&supply).unwrap();
            for (file, text) in files {
                std::fs::write(supply.join(file), text).unwrap();
            }
        };
        supply("AC", &[("type", "Mains\n"), ("online", "0\n")]);
        supply("mouse", &[("type", "Battery\n"), ("scope", "Device\n"), ("status", "Discharging\n")]);
        supply("BAT0", &[("type", "Battery\n"), ("status", "Charging\n")]);
        assert!(!is_discharging(folder.path()));
        supply("BAT0", &[("status", "Discharging\n")]);
        assert!(is_discharging(folder.path()));
        assert!(!is_discharging(&folder.path().join("none")));
    }
}
