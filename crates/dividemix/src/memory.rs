//! Memory: what this process has, and what it can still get, where the system says (Linux); and the same of a device.

#[cfg(feature = "cuda")]
mod cuda;
mod device;

use std::fs;
use std::path::{Path, PathBuf};

pub use device::{forget_peak_on, memory_left_on, memory_used_on, peak_on};

/// Where cgroups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Bytes of memory that can still be had: what the system calls available, or what the process's cgroups leave, if that
/// is less. `None` where nothing says so (other systems than Linux).
pub fn memory_left() -> Option<u64> {
    let system = available(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let cgroups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(limited_folders(&cgroups).iter().filter_map(|folder| left_in(folder)).fold(system, u64::min))
}

/// Bytes of memory that this process has now.
pub fn memory_used() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The most memory that this process had so far, where the system says so (Linux).
pub fn peak_rss_bytes() -> Option<u64> {
    kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Starts that count anew, where the system can.
pub fn forget_peak() {
    // proc(5): 5 resets the peak resident set size. Where it can't be reset, the peak is one that was before.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// `MemAvailable` of /proc/meminfo.
fn available(meminfo: &str) -> Option<u64> {
    kilobytes(meminfo, "MemAvailable:")
}

/// The value of a line `NAME 123 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The folders that may limit a process with this /proc/self/cgroup: its own and all above it, of version 2 (`0::/path`) and
/// of version 1's memory controller (`4:memory:/path`). In a container a path may be the one outside of it, which doesn't exist inside:
/// the mount point itself is among the folders, too.
fn limited_folders(cgroup: &str) -> Vec<PathBuf> {
    let of_line = |line: &str| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let mount = match controllers {
            "" => PathBuf::from(CGROUPS),
            _ if controllers.split(',').any(|name| name == "memory") => Path::new(CGROUPS).join("memory"),
            _ => return None,
        };
        let below = mount.join(path.trim_start_matches('/'));
        let folders = below.ancestors().take_while(|folder| folder.starts_with(&mount));
        Some(folders.map(Path::to_owned).collect::<Vec<_>>())
    };
    cgroup.lines().filter_map(of_line).flatten().collect()
}

/// Bytes that a cgroup leaves: its limit less the used memory. Cached files, which the kernel drops first, don't count as used.
fn left_in(folder: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let limit = number("memory.max").or_else(|| number("memory.limit_in_bytes"))?;
    let used = number("memory.current").or_else(|| number("memory.usage_in_bytes"))?;
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = ["total_inactive_file ", "inactive_file "]
        .iter()
        .find_map(|name| stat.lines().find_map(|line| line.strip_prefix(name))?.trim().parse::<u64>().ok());
    Some(limit.saturating_sub(used.saturating_sub(cached.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_the_kernel_writes_it() {
        let meminfo = "MemTotal:       24684188 kB\nMemFree:  123 kB\nMemAvailable:   20000000 kB\n";
        assert_eq!(available(meminfo), Some(20_000_000 * 1024));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn a_process_is_limited_by_its_cgroup_and_all_above_it() {
        let folders = limited_folders("8:pids:/x\n4:memory:/a/b\n0::/user/run\n");
        let expected = ["memory/a/b", "memory/a", "memory", "user/run", "user", ""];
        assert_eq!(folders, expected.map(|path| Path::new(CGROUPS).join(path)));
    }

    #[test]
    fn a_cgroup_leaves_its_limit_less_what_is_used_and_not_cached() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        put("memory.current", "700\n");
        put("memory.max", "max\n");
        assert_eq!(left_in(folder.path()), None, "no limit");
        put("memory.max", "1000\n");
        put("memory.stat", "anon 500\ninactive_file 200\n");
        assert_eq!(left_in(folder.path()), Some(500));
        put("memory.current", "5000\n");
        assert_eq!(left_in(folder.path()), Some(0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_says_what_is_left() {
        assert!(memory_left().unwrap() > 0);
        forget_peak();
        assert!(peak_rss_bytes().unwrap() >= memory_used().unwrap() / 2);
    }
}
