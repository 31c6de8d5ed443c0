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
    tried(number).map_err(|why| Error::Device {
        device: DeviceChoice::Cuda(number).to_string(),
        problem: format!("{}; or say --device cpu", why.whole()),
    })
}

/// [`open`], with the reason in a few words.
///
/// # Errors
/// The reason.
pub(super) fn try_open(number: usize) -> std::result::Result<(Device, String), String> {
    tried(number).map_err(|why| why.short())
}

/// The first GPU that can be used, with its number.
///
/// # Errors
/// Why the first one can't be used.
pub(super) fn open_any() -> std::result::Result<(usize, Device, String), String> {
    let first = match try_open(0) {
        Ok((device, name)) => return Ok((0, device, name)),
        Err(why) => why,
    };
    let count = CudaContext::device_count().map_or(0, |count| usize::try_from(count).unwrap_or_default());
    let other = (1..count).find_map(|number| Some((number, try_open(number).ok()?)));
    other.map(|(number, (device, name))| (number, device, name)).ok_or(first)
}

/// Why a GPU can't be used.
enum Unusable {
    /// A library is not there.
    Missing(cuda_delayed::Error),
    /// The driver refuses, or can't load the kernels: a sentence that says what to do.
    Refused(String),
}

impl Unusable {
    /// In a few words, for the line that says what computes.
    fn short(self) -> String {
        match self {
            Self::Missing(missing) if is_driver(&missing) => "no NVIDIA driver was found".to_owned(),
            Self::Missing(missing) => format!("{} ({}) was not found", missing.about, missing.library),
            Self::Refused(why) => why,
        }
    }

    /// With the loader's reason and the remedy.
    fn whole(self) -> String {
        match self {
            Self::Missing(missing) if is_driver(&missing) => {
                format!("{missing}; where there is an NVIDIA GPU, install its driver")
            }
            Self::Missing(missing) => format!(
                "{missing}; install the libraries of that version of CUDA, or name their folder in CUDA_HOME or LD_LIBRARY_PATH \
                 (docs/cuda.md)"
            ),
            Self::Refused(why) => why,
        }
    }
}

fn is_driver(missing: &cuda_delayed::Error) -> bool {
    missing.library.starts_with("libcuda.so")
}

impl From<String> for Unusable {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

fn tried(number: usize) -> std::result::Result<(Device, String), Unusable> {
    cuda_delayed::check().map_err(Unusable::Missing)?;
    let count = CudaContext::device_count().map_err(|error| unusable(error.0))?;
    match count {
        0 => return Err(unusable(CUresult::CUDA_ERROR_NO_DEVICE).into()),
        1 if number > 0 => return Err("there is no such GPU; the only one is cuda:0".to_owned().into()),
        count if number >= count as usize => {
            return Err(format!("there is no such GPU; there are cuda:0 to cuda:{}", count - 1).into());
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
        Some(code) => unusable(code).into(),
        None => match failure_of(&error) {
            Some(Failure::Lost(why)) => format!("the GPU can't be used: {why}").into(),
            _ => "the GPU can't be used".to_owned().into(),
        },
    })
}

/// Why a GPU can't be used, and what to do.
fn unusable(code: CUresult) -> String {
    use CUresult as C;
    match code {
        C::CUDA_ERROR_NO_DEVICE => {
            "NVIDIA's driver finds no GPU (`nvidia-smi` lists those that it finds; CUDA_VISIBLE_DEVICES may hide them)".to_owned()
        }
        C::CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND => {
            "the library libcuda.so.1 lacks functions of NVIDIA's driver; install a newer driver".to_owned()
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
            "the GPU's memory is full (`nvidia-smi` lists the programs that use it)".to_owned()
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
            CudaError::Cublas(error) => Some(Failure::Lost(format!("cuBLAS says {:?}", error.0))),
            CudaError::Curand(error) => Some(Failure::Lost(format!("cuRAND says {:?}", error.0))),
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
