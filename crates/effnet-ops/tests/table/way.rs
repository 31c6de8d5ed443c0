//! What computes an operation.

use candle_core::{DType, Device};
use effnet_ops::dispatch::{self, Level};

use super::case::Case;

#[derive(Debug, Clone)]
pub(crate) enum Way {
    /// The kernels, compiled for a level of the processor.
    Kernels(Level),
    /// candle's operations, on a device.
    Candle(Device),
}

impl Way {
    pub(crate) fn kernels() -> impl Iterator<Item = Self> {
        dispatch::available().into_iter().map(Self::Kernels)
    }

    pub(crate) fn device(&self) -> &Device {
        match self {
            Self::Kernels(_) => &Device::Cpu,
            Self::Candle(device) => device,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Kernels(level) => format!("kernels {}", level.name()),
            Self::Candle(device) => format!("candle {}", name(device)),
        }
    }

    /// Whether the operation holds for the type this way; else it must be refused.
    pub(crate) fn holds(&self, case: &Case, dtype: DType) -> bool {
        match self {
            Self::Kernels(_) => dtype == DType::F32,
            Self::Candle(device) => case.fallback.holds(device, dtype),
        }
    }

    /// On the CPU, candle's operations are asked for; elsewhere effnet-ops must take them by itself.
    pub(crate) fn compute<T>(&self, f: impl FnOnce() -> T) -> T {
        match self {
            Self::Kernels(level) => dispatch::with_level(*level, f).unwrap(),
            Self::Candle(Device::Cpu) => effnet_ops::by_candle(f),
            Self::Candle(_) => f(),
        }
    }
}

/// As `--device` has it.
pub(crate) fn name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}
