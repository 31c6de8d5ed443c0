//! What the figures were measured on.

use crate::shell::Shell;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The machine, as far as it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) processor: String,
    pub(super) cores: usize,
    /// Of those that kernels are chosen by, what the processor has.
    pub(super) instructions: Vec<String>,
    pub(super) memory_bytes: Option<u64>,
    pub(super) system: String,
}

impl Machine {
    pub(super) fn here() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            processor: processor(&cpuinfo)
                .or_else(|| {
                    Shell::new(Path::new("."), "sysctl").words("-n machdep.cpu.brand_string").reads().ok()
                })
                .map_or_else(|| format!("unknown {}", std::env::consts::ARCH), |name| name.trim().to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            instructions: instructions().into_iter().map(str::to_owned).collect(),
            memory_bytes: memory(&meminfo),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

/// Model name, with family and model where Linux tells them: a virtual machine's name may not say which processor it is.
fn processor(cpuinfo: &str) -> Option<String> {
    let name = field(cpuinfo, "model name")?;
    let numbers = field(cpuinfo, "cpu family").zip(field(cpuinfo, "model"));
    Some(match numbers {
        Some((family, model)) => format!("{name} (family {family}, model {model})"),
        None => name.to_owned(),
    })
}

fn memory(meminfo: &str) -> Option<u64> {
    let kilobytes: u64 = field(meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn instructions() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let found = [
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("FMA", is_x86_feature_detected!("fma")),
        ("AVX-512F", is_x86_feature_detected!("avx512f")),
        ("AVX-512 VNNI", is_x86_feature_detected!("avx512vnni")),
        ("AVX-512 BF16", is_x86_feature_detected!("avx512bf16")),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let found: [(&str, bool); 0] = [];
    found.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

/// Today, as 2026-11-25, in UTC.
pub(super) fn today() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    date(since.map_or(0, |since| since.as_secs() / 86_400))
}

/// The date so many days after 1970-01-01 (Hinnant's `civil_from_days`, "chrono-compatible low-level date algorithms").
fn date(days: u64) -> String {
    let days = days + 719_468; // since 0000-03-01
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153; // March is 0
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_processor_and_memory() {
        let cpuinfo = "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 1\nmodel name\t: AMD EPYC\n";
        assert_eq!(processor(cpuinfo).unwrap(), "AMD EPYC (family 25, model 1)");
        assert_eq!(processor("model name : M"), Some("M".to_owned()));
        assert_eq!(processor(""), None);
        assert_eq!(memory("MemTotal:       1024 kB\nMemFree: 1 kB"), Some(1 << 20));
    }

    #[test]
    fn days_become_dates() {
        let known =
            [(0, "1970-01-01"), (11_016, "2000-02-29"), (11_017, "2000-03-01"), (20_782, "2026-11-25")];
        for (days, expected) in known {
            assert_eq!(date(days), expected);
        }
    }
}
