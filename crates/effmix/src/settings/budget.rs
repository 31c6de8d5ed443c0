//! `--budget`: a time limit.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A time limit, as `45s`, `30m` or `1.5h`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Budget(Duration);

impl Budget {
    /// The time in seconds.
    pub fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl TryFrom<String> for Budget {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a time; write 45s, 30m or 1.5h");
        let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
        let seconds = match unit {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let time = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
        if time.is_zero() { Err(wrong()) } else { Ok(Self(time)) }
    }
}

impl From<Budget> for String {
    fn from(budget: Budget) -> Self {
        budget.to_string()
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds();
        match seconds {
            _ if seconds < 120.0 => write!(f, "{seconds}s"),
            _ if seconds < 7200.0 => write!(f, "{}m", seconds / 60.0),
            _ => write!(f, "{}h", seconds / 3600.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(text: &str) -> Result<Budget, String> {
        Budget::try_from(text.to_owned())
    }

    #[test]
    fn a_budget_has_a_number_and_a_unit() {
        assert_eq!(budget("45s").unwrap().seconds(), 45.0);
        assert_eq!(budget("30m").unwrap().seconds(), 1800.0);
        assert_eq!(budget("1.5h").unwrap().seconds(), 5400.0);
        for wrong in ["", "m", "30", "30 min", "-5m", "0s", "NaNs", "infh", "1e300h", "5µ"] {
            assert!(budget(wrong).unwrap_err().contains("30m"), "{wrong}");
        }
    }

    #[test]
    fn a_budget_is_written_as_it_is_read() {
        for text in ["45s", "30m", "1.5m", "8h"] {
            let read = budget(text).unwrap();
            assert_eq!(budget(&read.to_string()).unwrap(), read, "{text}");
        }
    }
}
