//! The device that computes: opened before any work, described in one line, and its errors in words that say what to do.
//!
//! | file | holds |
//! |---|---|
//! | `cuda` | an NVIDIA GPU, opened and tried |
//! | `without` | the same names where the program was built without the feature `cuda` |
//! | `failure` | what a device's error means for a user |
//! | `memory` | what a run takes of a GPU's memory, and which batch has room |

#[cfg(feature = "cuda")]
mod cuda;
mod failure;
mod memory;
#[cfg(not(feature = "cuda"))]
mod without;

use candle_core::Device;
use dividemix::memory::{memory_left_on, memory_used_on};

#[cfg(feature = "cuda")]
use cuda as gpu;
pub(crate) use failure::Attempt;
pub use memory::DeviceMemory;
#[cfg(not(feature = "cuda"))]
use without as gpu;

use crate::settings::DeviceChoice;
use crate::text::human_bytes;
use crate::{Error, Result};

/// A device to compute on, ready for use.
///
/// ```
/// use effmix::settings::DeviceChoice;
///
/// let device = effmix::ComputeDevice::open(DeviceChoice::Cpu)?;
/// assert!(device.describe().starts_with("the CPU"));
/// # Ok::<(), effmix::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ComputeDevice {
    /// Never `Auto`.
    choice: DeviceChoice,
    candle: Device,
    /// A GPU's name; of the CPU, why there is no GPU.
    about: String,
}

impl ComputeDevice {
    /// The CPU.
    pub fn cpu() -> Self {
        Self { choice: DeviceChoice::Cpu, candle: Device::Cpu, about: String::new() }
    }

    /// Opens the device and tries it with a small computation. [`DeviceChoice::Auto`] is the first GPU that can be used, or the
    /// CPU where none can; [`ComputeDevice::describe`] says why.
    ///
    /// # Errors
    /// [`Error::Setting`] for a GPU where the program was built without the feature `cuda`; [`Error::Device`] where there is no
    /// driver, one too old, no such GPU, or one that fails.
    pub fn open(choice: DeviceChoice) -> Result<Self> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::cpu()),
            DeviceChoice::Cuda(number) => {
                let (candle, about) = gpu::open(number)?;
                Ok(Self { choice, candle, about })
            }
            DeviceChoice::Auto => Ok(match gpu::open_any() {
                Ok((number, candle, about)) => Self { choice: DeviceChoice::Cuda(number), candle, about },
                Err(about) => Self { about, ..Self::cpu() },
            }),
        }
    }

    /// The device, or the CPU where it can't be used; [`ComputeDevice::describe`] says why.
    pub(crate) fn open_or_cpu(choice: DeviceChoice) -> Self {
        match choice {
            DeviceChoice::Cuda(number) => match gpu::try_open(number) {
                Ok((candle, about)) => Self { choice, candle, about },
                Err(about) => Self { about, ..Self::cpu() },
            },
            DeviceChoice::Cpu | DeviceChoice::Auto => Self::open(choice).unwrap_or_default(),
        }
    }

    /// What it is: [`DeviceChoice::Cpu`] or [`DeviceChoice::Cuda`].
    pub fn choice(&self) -> DeviceChoice {
        self.choice
    }

    /// The device of tensors.
    pub fn candle(&self) -> &Device {
        &self.candle
    }

    /// The device in words, as [`ComputeDevice::name`], with the memory that a GPU has free. Where a GPU was looked for and can't be
    /// used, the reason follows.
    pub fn describe(&self) -> String {
        let name = self.name();
        match self.choice {
            DeviceChoice::Cuda(_) => {
                let free = memory_left_on(&self.candle)
                    .map_or_else(String::new, |free| format!(", {} free", human_bytes(free)));
                format!("{name}{free}")
            }
            _ if self.about.is_empty() => name,
            _ => format!("{name} ({})", self.about),
        }
    }

    /// The device by its name: "the CPU, 8 threads", "cuda:0, NVIDIA H200".
    pub fn name(&self) -> String {
        match self.choice {
            DeviceChoice::Cuda(_) => format!("{}, {}", self.choice, self.about),
            _ => {
                let threads = rayon::current_num_threads();
                let s = if threads == 1 { "" } else { "s" };
                format!("the CPU, {threads} thread{s}")
            }
        }
    }

    /// Waits until the device has done what it was given.
    pub(crate) fn finish(&self) -> Result<()> {
        Ok(self.candle.synchronize()?)
    }

    /// The error of work on this device, in words that say what to do where the device itself failed.
    pub(crate) fn explained(&self, error: Error, attempt: &Attempt<'_>) -> Error {
        let Some(failure) = failure::candle_error(&error).and_then(gpu::failure_of) else { return error };
        let left = memory_left_on(&self.candle).zip(memory_used_on(&self.candle));
        let free = left.map(|(left, used)| left + used);
        Error::Device { device: self.choice.to_string(), problem: failure::problem(&failure, free, attempt) }
    }
}

impl Default for ComputeDevice {
    fn default() -> Self {
        Self::cpu()
    }
}
