//! Finds out which major version of CUDA the program is built for, in cudarc's own way, and whether calls are delayed on the
//! target.

use std::env::var;
use std::process::Command;

/// The version where no toolkit is found. Then cudarc isn't compiled either, and nothing calls the libraries.
const DEFAULT: &str = "13";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CUDARC_CUDA_VERSION");
    let major = of_environment().or_else(of_compiler).unwrap_or_else(|| DEFAULT.to_owned());
    println!("cargo:rustc-env=CUDA_MAJOR_VERSION={major}");
    println!("cargo:rustc-check-cfg=cfg(is_delayed)");
    if is_delayed() {
        println!("cargo:rustc-cfg=is_delayed");
    }
}

/// Whether the target is one of those for which there are trampolines.
fn is_delayed() -> bool {
    let is = |name: &str, values: &[&str]| {
        var(format!("CARGO_CFG_TARGET_{name}")).is_ok_and(|value| values.contains(&value.as_str()))
    };
    is("OS", &["linux"]) && is("ENV", &["gnu"]) && is("ARCH", &["x86_64", "aarch64"])
}

/// `13` of the variable's `13000`.
fn of_environment() -> Option<String> {
    let version: u32 = var("CUDARC_CUDA_VERSION").ok()?.parse().ok()?;
    Some((version / 1000).to_string())
}

/// `13` of the compiler's `Cuda compilation tools, release 13.0, V13.0.88`.
fn of_compiler() -> Option<String> {
    let output = Command::new("nvcc").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.split("release ").nth(1)?.split('.').next()?.to_owned())
}
