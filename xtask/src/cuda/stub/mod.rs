//! A library that stands in for NVIDIA's driver, so that programs with feature `cuda` link and start without one.
//!
//! candle links to the driver at the start of a program, so without `libcuda.so.1` not even `--help` would run. The stub has
//! every function of the driver that cudarc, the crate below candle, can call. Each returns the error that the environment
//! names, so that tests see how the program reports it.

use super::toolkit::link;
use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The part of the library's source that is the same for any version of cudarc.
const SOURCE: &str = include_str!("stub.c");

/// The name that the loader looks for, and the name that the linker looks for.
const LIBRARY: &str = "libcuda.so.1";
const LINK: &str = "libcuda.so";

/// Builds the library in `folder`, unless it is there with the same source, and returns `folder`.
pub(super) fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let bindings = workspace.dependency("cudarc")?.join("src/driver/sys/mod.rs");
    let text = fs::read_to_string(&bindings).with_context(|| bindings.display().to_string())?;
    let functions = functions(&text);
    ensure!(!functions.is_empty(), "{}: no functions of the driver", bindings.display());
    compile(folder, &source(&functions))?;
    Ok(folder.to_owned())
}

/// The names of the driver's functions in cudarc's bindings, which have a line `pub unsafe fn cuInit(...` each.
fn functions(bindings: &str) -> BTreeSet<&str> {
    bindings
        .lines()
        .filter_map(|line| line.strip_prefix("pub unsafe fn ")?.split_once('('))
        .map(|(name, _)| name)
        .filter(|name| {
            name.strip_prefix("cu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
        })
        .collect()
}

fn source(functions: &BTreeSet<&str>) -> String {
    let failing = functions.iter().filter(|name| !SOURCE.contains(&format!("int {name}(")));
    let lines: Vec<String> = failing.map(|name| format!("FAILS({name})\n")).collect();
    format!("{SOURCE}{}", lines.concat())
}

/// Compiles `source`. The source is written last: where it is, the library is whole.
fn compile(folder: &Path, source: &str) -> Result<()> {
    let (file, library) = (folder.join("stub.c"), folder.join(LIBRARY));
    if library.exists() && fs::read_to_string(&file).is_ok_and(|text| text == source) {
        return Ok(());
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let new = folder.join("new.c");
    fs::write(&new, source)?;
    let done = Shell::new(folder, "cc")
        .words(&format!("-shared -fPIC -O1 -Wall -Werror -Wl,-soname,{LIBRARY} -o {LIBRARY} new.c"))
        .succeeds()?;
    ensure!(done, "cc could not compile the stub of the driver");
    link(LIBRARY, &folder.join(LINK))?;
    fs::rename(&new, &file).with_context(|| file.display().to_string())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const BINDINGS: &str = "pub type cuThing = u32;\n\
        pub unsafe fn cuInit(Flags: u32) -> CUresult {\n    cuInit(Flags)\n}\n\
        pub unsafe fn cuMemAlloc_v2(dptr: *mut CUdeviceptr, bytesize: usize) -> CUresult {\n\
        pub unsafe fn cuGetErrorString(error: CUresult, pStr: *mut *const c_char) -> CUresult {\n\
        pub unsafe fn culib() -> &'static Library {\n";

    /// Prints the code of a call, and how the driver names it.
    const CALLER: &str = "#include <stdio.h>\n\
        int cuInit(unsigned flags);\n\
        int cuGetErrorString(int code, const char **text);\n\
        int main(void) {\n\
            const char *text;\n\
            int code = cuInit(0);\n\
            cuGetErrorString(code, &text);\n\
            printf(\"%d %s\", code, text ? text : \"-\");\n\
        }\n";

    #[test]
    fn the_functions_are_read_from_the_bindings() {
        let found: Vec<&str> = functions(BINDINGS).into_iter().collect();
        assert_eq!(found, ["cuGetErrorString", "cuInit", "cuMemAlloc_v2"]);
    }

    #[test]
    fn every_function_fails_with_the_code_of_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        compile(path, &source(&functions(BINDINGS))).unwrap();
        fs::write(path.join("caller.c"), CALLER).unwrap();
        let built = Shell::new(path, "cc").words("caller.c -o caller -L. -lcuda").succeeds().unwrap();
        assert!(built);
        let said = |code: &str| {
            let caller = Shell::new(path, path.join("caller")).env("LD_LIBRARY_PATH", path.to_str().unwrap());
            caller.env("EFFMIX_CUDA_ERROR", code).reads().unwrap()
        };
        assert_eq!(said(""), "100 no CUDA-capable device is detected");
        assert_eq!(said("2"), "2 out of memory");
        assert_eq!(said("5"), "5 -");
    }

    #[test]
    fn a_stub_with_the_same_source_is_not_compiled_again() {
        let folder = tempfile::tempdir().unwrap();
        let made = || fs::metadata(folder.path().join(LIBRARY)).unwrap().modified().unwrap();
        compile(folder.path(), &source(&BTreeSet::from(["cuInit"]))).unwrap();
        let first = made();
        compile(folder.path(), &source(&BTreeSet::from(["cuInit"]))).unwrap();
        assert_eq!(made(), first);
        compile(folder.path(), &source(&BTreeSet::from(["cuInit", "cuCtxDestroy_v2"]))).unwrap();
        assert!(made() > first);
    }
}
