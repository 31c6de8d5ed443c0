//! The libraries: their names, where they are looked for, and what a call returns where there is none.

use crate::Error;
use libloading::os::unix::{Library as Handle, RTLD_LAZY, RTLD_LOCAL};
use std::ffi::{CStr, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;

/// A library, which is looked for once in the life of the program.
pub(crate) struct Library {
    about: &'static str,
    /// The name that the loader looks for.
    file: &'static str,
    /// What a function that isn't there returns: a status code of the library.
    pub(crate) missing: i32,
    handle: OnceLock<Result<Handle, Error>>,
}

/// The major version of CUDA that cudarc's bindings are for.
macro_rules! of_this_version {
    ($name:literal) => {
        concat!($name, ".so.", env!("CUDA_MAJOR_VERSION"))
    };
}

/// The libraries by the numbers that `trampolines` gives them.
pub(crate) static LIBRARIES: [Library; 6] = [
    // cudaError_enum in cuda.h: CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND.
    Library::new("NVIDIA's driver", "libcuda.so.1", 302),
    // cublas_api.h: CUBLAS_STATUS_NOT_INITIALIZED.
    Library::new("cuBLAS", of_this_version!("libcublas"), 1),
    Library::new("cuBLASLt", of_this_version!("libcublasLt"), 1),
    // curand.h: CURAND_STATUS_NOT_INITIALIZED. cuRAND has been at version 10 since CUDA 10.
    Library::new("cuRAND", "libcurand.so.10", 101),
    // nvrtc.h: NVRTC_ERROR_INTERNAL_ERROR.
    Library::new("NVRTC", of_this_version!("libnvrtc"), 11),
    // driver_types.h: cudaErrorSharedObjectSymbolNotFound.
    Library::new("the CUDA runtime", of_this_version!("libcudart"), 302),
];

/// The libraries that `Device::new_cuda` of candle calls.
pub(crate) const ON_EVERY_GPU: [&Library; 3] = [&LIBRARIES[0], &LIBRARIES[1], &LIBRARIES[3]];

impl Library {
    const fn new(about: &'static str, file: &'static str, missing: i32) -> Self {
        Self { about, file, missing, handle: OnceLock::new() }
    }

    /// The loaded library.
    pub(crate) fn handle(&self) -> Result<&Handle, Error> {
        self.handle.get_or_init(|| self.load()).as_ref().map_err(Error::clone)
    }

    /// The address of a function; `None` where the library can't be loaded or has no such function.
    pub(crate) fn address(&self, function: &CStr) -> Option<*const c_void> {
        let handle = self.handle().ok()?;
        // SAFETY: the symbol is taken as an address alone, whatever it is.
        let symbol = unsafe { handle.get::<*const c_void>(function) }.ok()?;
        let address = symbol.into_raw().cast_const();
        (!address.is_null()).then_some(address)
    }

    fn load(&self) -> Result<Handle, Error> {
        open(self.file).or_else(|reason| {
            folders()
                .map(|folder| folder.join(self.file))
                .filter(|file| file.exists())
                .find_map(|file| open(file).ok())
                .ok_or(Error { about: self.about, library: self.file, reason })
        })
    }
}

fn open(file: impl libloading::AsFilename) -> Result<Handle, String> {
    // SAFETY: what runs here are the initialisers of NVIDIA's libraries, which a program that is linked to them runs too. The
    // library stays loaded to the end of the program, as the slots keep its addresses.
    unsafe { Handle::open(Some(file), RTLD_LAZY | RTLD_LOCAL) }.map_err(|error| reason(&error))
}

/// The loader's own words, which libloading keeps as the error's source.
fn reason(error: &libloading::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

/// Where a toolkit has its libraries, below the folders that name one.
fn folders() -> impl Iterator<Item = PathBuf> {
    let homes = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let below = ["lib64", "lib", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"];
    homes.flat_map(move |home| below.map(|folder| home.join(folder)))
}
