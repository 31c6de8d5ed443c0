//! Numbers with the unit that suits them.

/// A number of seconds: `59 s`, `1 min 1 s`, `2 h 1 min`.
pub fn human_duration(seconds: f64) -> String {
    match seconds.max(0.0) as u64 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A number of bytes: `66 kB`, `850 MB`, `1.4 GB`.
pub fn human_bytes(bytes: u64) -> String {
    match bytes as f64 / 1e6 {
        megabytes if megabytes < 0.9995 => format!("{:.0} kB", megabytes * 1e3),
        megabytes if megabytes < 999.5 => format!("{megabytes:.0} MB"),
        megabytes => format!("{:.1} GB", megabytes / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_said_in_two_units() {
        let said = [-1.0, 59.9, 61.0, 7260.0].map(human_duration);
        assert_eq!(said, ["0 s", "59 s", "1 min 1 s", "2 h 1 min"]);
    }

    #[test]
    fn bytes_are_said_in_the_unit_that_suits() {
        let said = [65_536, 1_400_000, 850_000_000, 1_449_000_000].map(human_bytes);
        assert_eq!(said, ["66 kB", "1 MB", "850 MB", "1.4 GB"]);
    }
}
