//! `--device`: what computes.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What computes, as `auto`, `cpu` or `cuda:N`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// The first GPU that can be used, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU with this number, from 0.
    Cuda(usize),
}

impl TryFrom<String> for DeviceChoice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number = |text: &str| text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        match (text.as_str(), text.strip_prefix("cuda:").and_then(number)) {
            ("auto", _) => Ok(Self::Auto),
            ("cpu", _) => Ok(Self::Cpu),
            ("cuda", _) => Ok(Self::Cuda(0)),
            (_, Some(number)) => Ok(Self::Cuda(number)),
            _ => Err(format!("{text:?} is not a device; write auto, cpu, or cuda:0 for the first GPU")),
        }
    }
}

impl From<DeviceChoice> for String {
    fn from(device: DeviceChoice) -> Self {
        device.to_string()
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DeviceChoice, String> {
        DeviceChoice::try_from(text.to_owned())
    }

    #[test]
    fn a_device_is_written_as_it_is_read() {
        for (text, device) in [("auto", DeviceChoice::Auto), ("cpu", DeviceChoice::Cpu)] {
            assert_eq!((read(text).unwrap(), device.to_string()), (device, text.to_owned()));
        }
        assert_eq!(read("cuda").unwrap(), DeviceChoice::Cuda(0));
        assert_eq!(read("cuda:12").unwrap().to_string(), "cuda:12");
    }

    #[test]
    fn another_name_is_no_device() {
        for text in [
            "",
            "gpu",
            "CPU",
            "cuda:",
            "cuda:-1",
            "cuda:+1",
            "cuda: 0",
            "cuda:x",
            "cuda:99999999999999999999",
        ] {
            assert!(read(text).unwrap_err().contains("cuda:0"), "{text}");
        }
    }
}
