//! No GPU: the program was built without the feature `cuda`.

use std::path::Path;

use candle_core::Device;

use super::failure::Failure;
use crate::settings::DeviceChoice;
use crate::{Error, Result};

/// Where NVIDIA's driver says which version it is.
const DRIVER: &str = "/proc/driver/nvidia/version";

/// # Errors
/// Always.
pub(super) fn open(number: usize) -> Result<(Device, String)> {
    let device = DeviceChoice::Cuda(number);
    let problem = format!(
        "{device}, but this effmix was built without CUDA; build it with `cargo install --path crates/cli --features cuda` \
         (docs/cuda.md says what that needs), or say --device cpu"
    );
    Err(Error::setting("--device", problem))
}

/// # Errors
/// Always: why.
pub(super) fn try_open(_: usize) -> std::result::Result<(Device, String), String> {
    Err("this effmix was built without CUDA".to_owned())
}

/// # Errors
/// Always: nothing to say, or that there is a GPU after all.
pub(super) fn open_any() -> std::result::Result<(usize, Device, String), String> {
    let there_is_one = Path::new(DRIVER).exists();
    Err(if there_is_one {
        "there is an NVIDIA GPU, but this effmix was built without CUDA: see docs/cuda.md"
    } else {
        ""
    }
    .to_owned())
}

/// Whether the error is a device's: none is.
pub(super) fn failure_of(_: &candle_core::Error) -> Option<Failure> {
    None
}
