//! Whether the machine has room for a model, asked before anything is taken: the system would end the process in the middle of loading, and perhaps others with it.

use std::{
    fs,
    time::{Duration, Instant},
};

use crate::{EngineError, options::group_limits};

/// Daemons that nobody uses end when another one starts, and leave their memory within this time.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(250);

/// Refuses weights of so many bytes where they do not fit; the cache grows with what is used of it, and is not counted.
pub(super) fn check(backend: &'static str, weights: u64) -> Result<(), EngineError> {
    let begun = Instant::now();
    loop {
        match available() {
            Some((free, most)) if may_come(weights, free, most) && begun.elapsed() < PATIENCE => {
                std::thread::sleep(LOOK);
            }
            told => return compare(backend, weights, told.map(|(free, _)| free)),
        }
    }
}

/// Whether there may be room for weights later: what exceeds all of the machine's memory is not waited for.
fn may_come(weights: u64, free: u64, most: u64) -> bool {
    weights > free && weights <= most
}

fn compare(backend: &'static str, weights: u64, free: Option<u64>) -> Result<(), EngineError> {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    match free {
        Some(free) if weights > free => {
            let message = format!(
                "the model does not fit the memory: its weights take {} MiB, and {} MiB are available; a smaller or a more quantised one may",
                mib(weights),
                mib(free)
            );
            Err(EngineError::Compute { backend, message })
        }
        _ => Ok(()),
    }
}

/// Bytes that this process may still take, and could at most if it were alone: with what the page cache holds (a mapped model is most of that), the machine's swap, and what ZFS gives back,
/// which Linux does not count as available. A group's swap is not counted: how much of it the group may use is not told, and a model that lives there is of no use.
/// `None` where it is not told, and on other systems: they make swap as they need it, and say no where they cannot.
fn available() -> Option<(u64, u64)> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let refresh = sysinfo::RefreshKind::nothing().with_memory(sysinfo::MemoryRefreshKind::everything());
    let mut system = sysinfo::System::new_with_specifics(refresh).ok()?;
    if system.total_memory() == 0 {
        // There is no /proc here.
        return None;
    }
    let zfs = fs::read_to_string("/proc/spl/kstat/zfs/arcstats").map_or(0, |text| held_by_zfs(&text));
    let free = system.available_memory().saturating_add(system.free_swap()).saturating_add(zfs);
    let most = system.total_memory().saturating_add(system.total_swap());
    let groups = group_limits(&mut system).map(|it| (it.total_memory.saturating_sub(it.rss), it.total_memory));
    Some(groups.fold((free, most), |(free, most), (left, all)| (free.min(left), most.min(all))))
}

/// The size of ZFS's cache, of its `arcstats`.
fn held_by_zfs(arcstats: &str) -> u64 {
    let size = arcstats.lines().find_map(|line| line.strip_prefix("size ")?.split_whitespace().last()?.parse().ok());
    size.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_figures() {
        let error = compare("cpu", 9 << 30, Some(6 << 30)).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("9216 MiB") && error.contains("6144 MiB"), "{error}");
        assert!(compare("cpu", 6 << 30, Some(6 << 30)).is_ok());
        // Where nothing is known nothing is refused.
        assert!(compare("cpu", u64::MAX, None).is_ok());
    }

    #[test]
    fn room_is_waited_for_where_it_may_come() {
        for (weights, waited_for) in [(6, false), (7, true), (8, true), (9, false)] {
            assert_eq!(may_come(weights, 6, 8), waited_for, "{weights} of 6 free and 8 in all");
        }
    }

    #[test]
    fn what_zfs_holds_is_read() {
        assert_eq!(
            held_by_zfs(
                "name                            type data\nhits 4 17\nsize                            4    8589934592\n"
            ),
            8 << 30
        );
        assert_eq!(held_by_zfs(""), 0);
    }
}
