#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! The program gets a function of its own under the name of each of the libraries' functions (`functions/`, one list a
//! library, which `cargo xtask ci --cuda` compares with cudarc's bindings). Each is a trampoline (`trampolines/`): it jumps to the address in its slot. Before the first call
//! the slot is empty, and the trampoline asks `resolve`, which loads the library (`library`) and fills the slot. So the linker finds every name that
//! candle calls in the program itself, and leaves the libraries out: rustc lets it link only those that are needed.

mod error;
#[cfg(is_delayed)]
mod library;
#[cfg(is_delayed)]
mod resolve;
#[cfg(is_delayed)]
mod trampolines;

pub use error::Error;

/// Loads the libraries that candle's CUDA backend calls on every GPU: the driver, cuBLAS and cuRAND. Without this call each is loaded when it is first
/// used.
///
/// Whether there is a GPU is the driver's to say: candle's `Device::new_cuda` asks it.
///
/// # Errors
/// The first library that can't be loaded, with the loader's reason. On systems where calls are not delayed there is no error.
pub fn check() -> Result<(), Error> {
    #[cfg(is_delayed)]
    for library in library::ON_EVERY_GPU {
        library.handle()?;
    }
    Ok(())
}
