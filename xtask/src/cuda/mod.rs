//! What a build with feature `cuda` needs on a machine without a GPU: `cargo xtask cuda-setup`.
//!
//! One folder holds NVIDIA's compiler and libraries, which come from PyPI, and libraries that stand in for the driver's.
//! `cargo xtask ci --cuda` sets both up, and runs its commands in the environment that [`Setup::environment`] returns.

mod check;
mod stub;
mod toolkit;

pub(crate) use check::{Options as CheckOptions, pack, run as check};

use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Result, ensure};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Folder for the toolkit and the stub of the driver. Default: `cuda-toolkit` in the build folder.
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// The GPU architecture that kernels are built for where there is no GPU to ask: 9.0, that of H100 and H200.
const ARCHITECTURE: &str = "90";

/// The version of NVIDIA's headers that cudarc binds to. Otherwise it asks the `nvcc` that the search path finds.
const CUDARC_VERSION: &str = "13000";

/// A toolkit and a stub of the driver that are ready to be used.
pub(crate) struct Setup {
    /// What NVIDIA's tools know as `CUDA_HOME`.
    toolkit: PathBuf,
    /// The folder with the stubs of the driver, cuBLAS and cuRAND.
    stub: PathBuf,
    /// Whether the toolkit is the pinned one, and not the one that `CUDA_HOME` named.
    is_pinned: bool,
}

/// Sets up toolkit and stub, and prints the environment that a build needs.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::read()?;
    only_on_linux()?;
    let folder = options.to.clone().unwrap_or_else(|| default_folder(&workspace));
    let setup = Setup::pinned(&workspace, &folder)?;
    println!("# Ready in {}. The build needs these variables:", folder.display());
    for (name, value) in setup.variables(&workspace.root) {
        println!("export {name}={}", quoted(&value));
    }
    for (name, folders) in setup.search_paths(&workspace.root) {
        println!("export {name}={}\"${{{name}:+:${name}}}\"", quoted(&folders));
    }
    Ok(true)
}

/// A word that a shell reads as this text.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// NVIDIA has its packages for Linux, and the stub is a library as Linux loads them.
fn only_on_linux() -> Result<()> {
    ensure!(cfg!(target_os = "linux"), "cuda-setup and ci --cuda work on Linux alone");
    Ok(())
}

fn default_folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("cuda-toolkit")
}

impl Setup {
    /// The toolkit that `CUDA_HOME` names, else the pinned one in the default folder.
    ///
    /// # Errors
    /// The system is not Linux, or one of [`Setup::pinned`].
    pub(crate) fn of_environment(workspace: &Workspace) -> Result<Self> {
        only_on_linux()?;
        match std::env::var_os("CUDA_HOME") {
            Some(home) => {
                let stub = stub::build(workspace, &workspace.target.join("cuda-stub"))?;
                Ok(Self { toolkit: home.into(), stub, is_pinned: false })
            }
            None => Self::pinned(workspace, &default_folder(workspace)),
        }
    }

    /// The pinned toolkit in `folder`: downloaded where it is not there, or another version is.
    ///
    /// # Errors
    /// pip can't install the packages, no C compiler is there, or `folder` holds something else.
    fn pinned(workspace: &Workspace, folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder)?;
        let toolkit = toolkit::install(&workspace.root, &folder)?;
        let stub = stub::build(workspace, &folder.join("stub"))?;
        Ok(Self { toolkit, stub, is_pinned: true })
    }

    /// All variables that a build and its programs need. Folders that a search path has already come last.
    pub(crate) fn environment(&self, root: &Path) -> Vec<(String, String)> {
        let with_others = |(name, folders): (&str, String)| {
            let others = std::env::var(name).ok().filter(|others| !others.is_empty());
            (name.to_owned(), others.map_or(folders.clone(), |others| format!("{folders}:{others}")))
        };
        let variables = self.variables(root).into_iter().map(|(name, value)| (name.to_owned(), value));
        variables.chain(self.search_paths(root).into_iter().map(with_others)).collect()
    }

    /// The variables with one value.
    fn variables(&self, root: &Path) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("CUDA_HOME", self.toolkit.display().to_string()),
            ("EFFMIX_CUDA_STUB", self.stub.display().to_string()),
        ];
        if self.is_pinned {
            variables.push(("CUDARC_CUDA_VERSION", CUDARC_VERSION.to_owned()));
        }
        // candle's build script starts a compiler for every second processor, and its kernels are most of the build.
        if std::env::var_os("CUDAFORGE_THREADS").is_none() {
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            variables.push(("CUDAFORGE_THREADS", processors.to_string()));
        }
        // The same script asks the GPU itself where there is one.
        if std::env::var_os("CUDA_COMPUTE_CAP").is_none() && gpus(root) == 0 {
            variables.push(("CUDA_COMPUTE_CAP", ARCHITECTURE.to_owned()));
        }
        variables
    }

    /// The folders where the linker and the loader find libraries. Only where there is no driver the loader finds the stubs, and
    /// finds them first: the toolkit's cuBLAS can't work with the stub of the driver.
    fn search_paths(&self, root: &Path) -> [(&'static str, String); 2] {
        let (toolkit, stub) = (self.toolkit.display(), self.stub.display());
        let libraries = format!("{toolkit}/lib64:{toolkit}/lib");
        let loaded = if has_driver(root) { libraries.clone() } else { format!("{stub}:{libraries}") };
        [("LIBRARY_PATH", format!("{libraries}:{stub}")), ("LD_LIBRARY_PATH", loaded)]
    }
}

/// How many GPUs the driver lists; none where there is no driver.
pub(crate) fn gpus(root: &Path) -> usize {
    let listed = Shell::new(root, "nvidia-smi").words("--list-gpus").reads();
    listed.map_or(0, |text| text.lines().filter(|line| line.starts_with("GPU ")).count())
}

/// Whether the loader finds a driver.
fn has_driver(root: &Path) -> bool {
    let listed = Shell::new(root, "ldconfig").words("-p").reads();
    listed.is_ok_and(|text| text.contains("libcuda.so.1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(is_pinned: bool) -> Setup {
        Setup { toolkit: "toolkit".into(), stub: "stub".into(), is_pinned }
    }

    #[test]
    fn a_program_is_linked_to_the_stub_also_where_there_is_a_driver() {
        let [(name, folders), _] = setup(true).search_paths(Path::new("."));
        assert_eq!((name, folders.as_str()), ("LIBRARY_PATH", "toolkit/lib64:toolkit/lib:stub"));
    }

    #[test]
    fn the_version_is_given_for_the_pinned_toolkit_alone() {
        let is_given = |is_pinned| {
            let variables = setup(is_pinned).variables(Path::new("."));
            variables.iter().any(|(name, _)| *name == "CUDARC_CUDA_VERSION")
        };
        assert!(is_given(true) && !is_given(false));
    }

    #[test]
    fn a_shell_reads_any_folder_as_it_is() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
