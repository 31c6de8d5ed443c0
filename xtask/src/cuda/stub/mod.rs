//! Libraries that stand in for NVIDIA's driver, cuBLAS and cuRAND, for programs with feature `cuda` where there is no GPU.
//!
//! The linker needs the driver's library wherever such a program is built. The stub of it has every function that cudarc, the crate
//! below candle, can call. By default each returns the error that the environment names, so that tests see how the
//! program reports it. With error 0 the stubs are a device that computes nothing, but counts what it is asked to do. `stub.h`
//! lists the variables.

#[cfg(all(test, target_os = "linux"))]
mod tests;

use super::toolkit::link;
use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A library with its sources, in the order in which they are built.
struct Library {
    /// The name that the loader looks for.
    file: &'static str,
    sources: &'static [&'static str],
    /// The library that it calls.
    below: Option<&'static str>,
}

const DRIVER: &str = "libcuda.so.1";

/// The name that the linker looks for. cuBLAS and cuRAND are linked from the toolkit.
const LINK: &str = "libcuda.so";

const LIBRARIES: [Library; 3] = [
    Library {
        file: DRIVER,
        sources: &["errors.c", "counts.c", "device.c", "memory.c", "launches.c", "failing.c"],
        below: None,
    },
    Library { file: "libcublas.so.13", sources: &["cublas.c"], below: Some(DRIVER) },
    Library { file: "libcurand.so.10", sources: &["curand.c"], below: Some(DRIVER) },
];

/// The sources that are the same for any version of cudarc.
const SOURCES: [(&str, &str); 8] = [
    ("stub.h", include_str!("stub.h")),
    ("errors.c", include_str!("errors.c")),
    ("counts.c", include_str!("counts.c")),
    ("device.c", include_str!("device.c")),
    ("memory.c", include_str!("memory.c")),
    ("launches.c", include_str!("launches.c")),
    ("cublas.c", include_str!("cublas.c")),
    ("curand.c", include_str!("curand.c")),
];

/// The file that holds all sources of the libraries beside it. It is written last: where it is, the libraries are whole.
const BUILT: &str = "built-from.c";

/// Builds the libraries in `folder`, unless they are there from the same sources, and returns `folder`.
pub(super) fn build(workspace: &Workspace, folder: &Path) -> Result<PathBuf> {
    let bindings = workspace.dependency("cudarc")?.join("src/driver/sys/mod.rs");
    let text = fs::read_to_string(&bindings).with_context(|| bindings.display().to_string())?;
    let functions = functions(&text);
    ensure!(!functions.is_empty(), "{}: no functions of the driver", bindings.display());
    compile(folder, &functions)?;
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

/// The functions that no source defines: with a device that works they are not supported.
fn failing(functions: &BTreeSet<&str>) -> String {
    let is_defined = |name: &str| SOURCES.iter().any(|(_, source)| source.contains(&format!("int {name}(")));
    let missing = functions.iter().filter(|name| !is_defined(name));
    let lines = missing
        .map(|name| format!("int {name}(void) {{ WORKS(); return NOT_SUPPORTED; }}\n"))
        .collect::<String>();
    format!("#include \"stub.h\"\n{lines}")
}

fn compile(folder: &Path, functions: &BTreeSet<&str>) -> Result<()> {
    let failing = failing(functions);
    let sources: Vec<(&str, &str)> = SOURCES.into_iter().chain([("failing.c", failing.as_str())]).collect();
    let all: String = sources.iter().map(|(_, source)| *source).collect();
    let built = folder.join(BUILT);
    let are_there = LIBRARIES.iter().all(|library| folder.join(library.file).exists());
    if are_there && fs::read_to_string(&built).is_ok_and(|text| text == all) {
        return Ok(());
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, source) in sources {
        fs::write(folder.join(name), source)?;
    }
    for Library { file, sources, below } in LIBRARIES {
        let below = below.map_or(String::new(), |name| format!("-L. -l:{name}"));
        let done = Shell::new(folder, "cc")
            .words("-std=gnu11 -shared -fPIC -O1 -Wall -Wextra -Werror -pthread")
            .words(&format!("-Wl,-soname,{file} -o {file} {} {below}", sources.join(" ")))
            .succeeds()?;
        ensure!(done, "cc could not compile the stub {file}");
    }
    link(DRIVER, &folder.join(LINK))?;
    fs::write(&built, all).with_context(|| built.display().to_string())
}
