//! An NVIDIA GPU by candle's CUDA backend.

use candle_core::backend::BackendDevice;
use candle_core::cuda_backend::cudarc::driver::CudaContext;
use candle_core::cuda_backend::cudarc::driver::sys::CUresult;
use candle_core::cuda_backend::{CudaDevice, CudaError, cudarc};
use candle_core::{Device, Tensor};

use super::failure::Failure;
use crate::settings::DeviceChoice;
use crate::{Error, Result};

/// Opens a GPU and computes something small on it, so that a driver that can't load the kernels is known before any work. Returns the
/// device and its name.
///
/// # Errors
/// [`Error::Device`] with the reason and the remedy.
pub(super) fn open(number: usize) -> Result<(Device, String)> {
    let failed = |problem: String| Error::Device { device: DeviceChoice::Cuda(number).to_string(), problem };
    tried(number).map_err(|problem| failed(format!("{problem}; or say --device cpu")))
}

/// [`open`] for the first GPU; the reason where it can't be used.
///
/// # Errors
/// The reason, in a sentence.
pub(super) fn try_first() -> std::result::Result<(Device, String), String> {
    tried(0)
}

fn tried(number: usize) -> std::result::Result<(Device, String), String> {
    cuda_delayed::check().map_err(|missing| not_there(&missing))?;
    let count = CudaContext::device_count().map_err(|error| unusable(error.0))?;
    match count {
        0 => return Err(unusable(CUresult::CUDA_ERROR_NO_DEVICE)),
        1 if number > 0 => return Err("there is no such GPU; the only one is cuda:0".to_owned()),
        count if number >= count as usize => {
            return Err(format!("there is no such GPU; there are cuda:0 to cuda:{}", count - 1));
        }
        _ => {}
    }
    let used = || -> candle_core::Result<(Device, String)> {
        let cuda = CudaDevice::new(number)?;
        let name = cuda.cuda_stream().context().name().map_err(CudaError::from)?;
        let device = Device::Cuda(cuda);
        let two = (Tensor::new(&[1f32], &device)? + 1.0)?.to_vec1::<f32>()?;
        tracing::debug!(?two, "the GPU was tried");
        Ok((device, name))
    };
    used().map_err(|error| match code_of(&error) {
        Some(code) => unusable(code),
        None => format!("the GPU can't be used: {error}"),
    })
}

/// Which library is not there, and what to do.
fn not_there(missing: &cuda_delayed::Error) -> String {
    let remedy = match missing.library.starts_with("libcuda.so") {
        true => "where there is an NVIDIA GPU, install its driver",
        false => {
            "install the libraries of that version of CUDA, or name their folder in CUDA_HOME or LD_LIBRARY_PATH (docs/cuda.md)"
        }
    };
    format!("no GPU can be used: {missing}; {remedy}")
}

/// Why a GPU can't be used, and what to do.
fn unusable(code: CUresult) -> String {
    use CUresult as C;
    match code {
        C::CUDA_ERROR_NO_DEVICE => {
            "NVIDIA's driver finds no GPU (`nvidia-smi` lists those that it finds; CUDA_VISIBLE_DEVICES may hide them)".to_owned()
        }
        C::CUDA_ERROR_STUB_LIBRARY => "the library libcuda.so.1 is a stub, not NVIDIA's driver; install the driver".to_owned(),
        C::CUDA_ERROR_UNSUPPORTED_PTX_VERSION => format!(
            "NVIDIA's driver{} is older than the kernels of this program; install a newer one, or build effmix with a toolkit of \
             the driver's version (docs/cuda.md)",
            driver_version()
        ),
        C::CUDA_ERROR_NO_BINARY_FOR_GPU | C::CUDA_ERROR_INVALID_PTX => {
            "this program's kernels are for a newer kind of GPU; build effmix with CUDA_COMPUTE_CAP set to this GPU's compute \
             capability (docs/cuda.md)"
                .to_owned()
        }
        C::CUDA_ERROR_SYSTEM_DRIVER_MISMATCH => {
            "NVIDIA's driver and its library are of different versions; restart the machine after an update".to_owned()
        }
        C::CUDA_ERROR_OUT_OF_MEMORY => {
            "the GPU has no memory left; another program has it (`nvidia-smi` lists them)".to_owned()
        }
        other => format!("the GPU can't be used: {}", in_words(other)),
    }
}

/// The version of CUDA that the driver is for, in words: " (for CUDA 12.4)".
fn driver_version() -> String {
    let mut version = 0;
    // SAFETY: the function writes one int (cuDriverGetVersion).
    match unsafe { cudarc::driver::sys::cuDriverGetVersion(&raw mut version) } {
        CUresult::CUDA_SUCCESS if version > 0 => {
            format!(" (for CUDA {}.{})", version / 1000, version % 1000 / 10)
        }
        _ => String::new(),
    }
}

/// The driver's words for a code, and the code's name.
fn in_words(code: CUresult) -> String {
    let error = cudarc::driver::DriverError(code);
    let text = error.error_string().map(|text| text.to_string_lossy().into_owned()).unwrap_or_default();
    let name = error.error_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match (text.is_empty(), name.is_empty()) {
        (false, false) => format!("{text} ({name})"),
        _ => format!("{code:?}"),
    }
}

/// How the device failed, where the error is one of the device's.
pub(super) fn failure_of(error: &candle_core::Error) -> Option<Failure> {
    match code_of(error) {
        Some(CUresult::CUDA_ERROR_OUT_OF_MEMORY) => Some(Failure::OutOfMemory),
        Some(code) => Some(Failure::Lost(in_words(code))),
        None => match cuda_error(error)? {
            CudaError::Cublas(error) => Some(Failure::Lost(error.to_string())),
            CudaError::Curand(error) => Some(Failure::Lost(error.to_string())),
            _ => None,
        },
    }
}

/// The driver's code, where the error is the driver's.
fn code_of(error: &candle_core::Error) -> Option<CUresult> {
    match cuda_error(error)? {
        CudaError::Cuda(error) | CudaError::Load { cuda: error, .. } => Some(error.0),
        _ => None,
    }
}

fn cuda_error(error: &candle_core::Error) -> Option<&CudaError> {
    match error {
        candle_core::Error::Cuda(error) => error.downcast_ref(),
        candle_core::Error::WithBacktrace { inner, .. }
        | candle_core::Error::WithPath { inner, .. }
        | candle_core::Error::Context { inner, .. } => cuda_error(inner),
        _ => None,
    }
}
