//! The row `cuda-start`: a program with feature `cuda` starts where there is nothing of NVIDIA's.
//!
//! The crate `cuda-delayed` sees to that, as long as it has every function that candle calls.

use super::Context;
use crate::shell::Shell;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;

/// Libraries with lists of functions: the module of cudarc's bindings, and the list in `cuda-delayed`. The CUDA runtime is missing here:
/// candle's own kernels call it and not cudarc, so its list is long enough where no program needs it.
const LISTS: [(&str, &str); 5] = [
    ("driver", "cuda"),
    ("cublas", "cublas"),
    ("cublaslt", "cublasLt"),
    ("curand", "curand"),
    ("nvrtc", "nvrtc"),
];

/// Compares the lists with the bindings, and looks at the program, which is built.
pub(super) fn starts_without_libraries(c: &mut Context, program: &Path) -> Result<()> {
    let cudarc = c.workspace.dependency("cudarc")?;
    let lists = c.workspace.root.join("crates/cuda-delayed/src/functions");
    for (module, list) in LISTS {
        let bindings = read(&cudarc.join(format!("src/{module}/sys/mod.rs")))?;
        let list = lists.join(format!("{list}.s"));
        let is_same = read(&list)? == functions(&bindings);
        if !is_same {
            eprintln!("{} should be:\n{}", list.display(), functions(&bindings));
        }
        c.report.ended(&format!("functions of {module}"), is_same);
    }
    let text = Shell::new(&c.workspace.root, "readelf").words("--dynamic").arg(program).reads()?;
    let needed = needed(&text);
    if needed.is_empty() {
        c.report.passed("no library of NVIDIA's is needed");
    } else {
        c.report.failed("no library of NVIDIA's is needed", &needed.join(", "));
    }
    let started = Shell::new(&c.workspace.root, program).arg("--version").env("LD_LIBRARY_PATH", "");
    c.report.ended("the program starts", started.succeeds()?);
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// The functions of cudarc's bindings as `cuda-delayed` lists them: with what a function returns, where that is no status.
fn functions(bindings: &str) -> String {
    let mut lines: Vec<String> = bindings
        .lines()
        .filter_map(|line| line.strip_prefix("pub unsafe fn ")?.split_once('('))
        // These two are cudarc's own.
        .filter(|(name, _)| !matches!(*name, "culib" | "is_culib_present"))
        .map(|(name, signature)| {
            let returns = match signature.rsplit_once(") -> ") {
                Some((_, result)) if result.starts_with("*const") => ", text",
                Some((_, result)) if !result.starts_with("usize") => "",
                _ => ", zero",
            };
            format!("function {name}{returns}\n")
        })
        .collect();
    lines.sort();
    lines.dedup();
    lines.concat()
}

/// The libraries of NVIDIA's among those that the output of `readelf --dynamic` calls needed.
fn needed(dynamic: &str) -> Vec<&str> {
    dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split_once('[')?.1.split_once(']'))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("libcu") || name.starts_with("libnv"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_listed_with_what_they_return() {
        let bindings = "pub unsafe fn nvrtcVersion(major: *mut c_int, minor: *mut c_int) -> nvrtcResult {\n\
            pub unsafe fn cublasXerbla(srName: *const c_char, info: c_int) {\n\
            pub unsafe fn cublasGetStatusName(status: cublasStatus_t) -> *const ::core::ffi::c_char {\n\
            pub unsafe fn cublasLtGetVersion() -> usize {\n\
            pub unsafe fn culib() -> &'static Library {\n\
            pub unsafe fn is_culib_present() -> bool {\n\
            fn load<F: Copy>(name: &str) -> F {\n";
        let expected = "function cublasGetStatusName, text\nfunction cublasLtGetVersion, zero\n\
            function cublasXerbla, zero\nfunction nvrtcVersion\n";
        assert_eq!(functions(bindings), expected);
    }

    #[test]
    fn libraries_of_nvidia_are_found_among_those_that_are_needed() {
        let dynamic = "  Tag        Type                         Name/Value\n\
            0x0000000000000001 (NEEDED)             Shared library: [libcuda.so.1]\n\
            0x0000000000000001 (NEEDED)             Shared library: [libc.so.6]\n\
            0x0000000000000001 (NEEDED)             Shared library: [libnvrtc.so.13]\n\
            0x000000000000000e (SONAME)             Library soname: [libcurand.so.10]\n";
        assert_eq!(needed(dynamic), ["libcuda.so.1", "libnvrtc.so.13"]);
    }
}
