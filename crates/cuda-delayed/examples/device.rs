//! Whether a program that was built for NVIDIA's GPUs can use one here: `cargo run --example device`.

#![allow(clippy::print_stdout, reason = "its result")]

/// The device to compute on, and why not the other one.
pub(crate) fn device() -> (&'static str, Option<String>) {
    match cuda_delayed::check() {
        Ok(()) => ("cuda", None),
        Err(error) => ("cpu", Some(error.to_string())),
    }
}

pub(crate) fn main() {
    match device() {
        (device, None) => println!("computing on {device}"),
        (device, Some(reason)) => println!("computing on {device}, because {reason}"),
    }
}
