//! Memory of the device that tensors are on: on the CPU it is the process's own.

use candle_core::Device;

use super::{forget_peak, memory_left, memory_used, peak_rss_bytes};

/// Bytes of the device's memory that can still be had, where it is known.
pub fn memory_left_on(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => memory_left(),
        #[cfg(feature = "cuda")]
        Device::Cuda(cuda) => super::cuda::left(cuda),
        _ => None,
    }
}

/// Bytes of the device's memory that this process has now: all that it has on the CPU, its tensors elsewhere. `None` where the
/// system or the device doesn't say.
pub fn memory_used_on(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => memory_used(),
        #[cfg(feature = "cuda")]
        Device::Cuda(cuda) => super::cuda::used(cuda),
        _ => None,
    }
}

/// The most of it that this process had so far.
pub fn peak_on(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => peak_rss_bytes(),
        #[cfg(feature = "cuda")]
        Device::Cuda(cuda) => super::cuda::peak(cuda),
        _ => None,
    }
}

/// Starts that count anew, where the system or the device can.
pub fn forget_peak_on(device: &Device) {
    match device {
        Device::Cpu => forget_peak(),
        #[cfg(feature = "cuda")]
        Device::Cuda(cuda) => super::cuda::forget_peak(cuda),
        _ => {}
    }
}
