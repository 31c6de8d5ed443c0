//! A folder that checks a GPU machine which has neither network nor Rust: `cargo xtask cuda-check --pack DIR`.
//!
//! The folder holds the programs, packed, and `run.sh`, which says what it does (`run.sh --help`). Reference values are in the test
//! programs, and the data is made by the program itself.

use super::Setup;
use crate::shell::Shell;
use crate::workspace::{CUDA, Workspace};
use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// The most that the folder may hold: what one can carry to a machine without thinking.
const LARGEST: u64 = 64 << 20;

/// What the folder holds beside the programs.
const FILES: [(&str, &str); 2] = [
    ("run.sh", include_str!("../../cuda/run.sh")),
    ("torch_bench.py", include_str!("../../cuda/torch_bench.py")),
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// New folder to pack everything into that a GPU machine needs: programs, reference values and run.sh.
    #[arg(long, value_name = "DIR")]
    pack: PathBuf,
    /// Profile that the programs are built with.
    #[arg(long, value_name = "NAME", default_value = "release")]
    profile: String,
}

/// Builds and packs.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::read()?;
    let mut environment = Setup::of_environment(&workspace)?.environment(&workspace.root);
    environment.push(("CARGO_TARGET_DIR".to_owned(), workspace.target.join(CUDA).display().to_string()));
    pack(&workspace, &environment, &options.profile, &options.pack)?;
    println!("Packed in {}: copy the folder to the machine and run ./run.sh there", options.pack.display());
    Ok(true)
}

/// A program of the pack: its name there, and cargo's name and kind of its target.
const PROGRAMS: [(&str, &str, &str); 4] = [
    ("effmix", "effmix", "bin"),
    ("ops", "ops", "example"),
    ("networks", "effnet", "test"),
    ("dividemix", "dividemix", "lib"),
];

/// Builds the programs in this environment, and puts all into `folder`.
///
/// # Errors
/// The folder is there already and not empty; a build fails; the folder gets larger than 64 MiB.
pub(crate) fn pack(
    workspace: &Workspace,
    environment: &[(String, String)],
    profile: &str,
    folder: &Path,
) -> Result<()> {
    let is_free = !folder.exists() || fs::read_dir(folder)?.next().is_none();
    ensure!(is_free, "{} holds something already; name a new folder with --pack", folder.display());
    let programs = build(workspace, environment, profile)?;
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).with_context(|| bin.display().to_string())?;
    for (name, program) in programs {
        let stripped = bin.join(name);
        let done = Shell::new(&workspace.root, "strip").arg("-o").arg(&stripped).arg(&program).succeeds()?;
        ensure!(done, "strip could not read {}", program.display());
        ensure!(Shell::new(&workspace.root, "gzip").arg("-9").arg(&stripped).succeeds()?, "gzip failed");
    }
    for (name, text) in FILES {
        fs::write(folder.join(name), text)?;
    }
    make_executable(&folder.join("run.sh"))?;
    fs::write(folder.join("version.txt"), version(workspace)?)?;
    let size = size(folder)?;
    ensure!(size <= LARGEST, "{} holds {size} bytes, more than 64 MiB", folder.display());
    Ok(())
}

/// The executables by their names in the pack.
fn build(
    workspace: &Workspace,
    environment: &[(String, String)],
    profile: &str,
) -> Result<Vec<(&'static str, PathBuf)>> {
    let crates = workspace.crates().filter(|package| package.has_cuda());
    let which: Vec<String> = crates.map(|package| format!("--package {}", package.name)).collect();
    let which = format!("{} --features {CUDA} --profile {profile} --message-format json", which.join(" "));
    let cargo = |command: &str| {
        let shell = Shell::new(&workspace.root, "cargo").words(command).words(&which);
        environment.iter().fold(shell, |shell, (name, value)| shell.env(name, value)).reads()
    };
    let mut messages = cargo("build --bin effmix --example ops")?;
    messages += &cargo("test --no-run --lib --test effnet")?;
    let built = artifacts(&messages);
    let find = |(name, target, kind): &(&'static str, &str, &str)| {
        let found = built.iter().find(|artifact| artifact.target.is(target, kind));
        let program = found.and_then(|artifact| artifact.executable.clone());
        Ok((*name, program.with_context(|| format!("cargo has built no {kind} {target}"))?))
    };
    PROGRAMS.iter().map(find).collect()
}

/// A line of cargo's messages.
#[derive(Deserialize)]
struct Artifact {
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Target {
    fn is(&self, name: &str, kind: &str) -> bool {
        self.name == name && self.kind.iter().any(|own| own == kind)
    }
}

/// The programs among cargo's messages.
fn artifacts(messages: &str) -> Vec<Artifact> {
    let artifact = |line: &str| serde_json::from_str::<Artifact>(line).ok();
    messages.lines().filter_map(artifact).filter(|artifact| artifact.executable.is_some()).collect()
}

/// The version, and the commit where there is one.
fn version(workspace: &Workspace) -> Result<String> {
    let commit = Shell::new(&workspace.root, "git").words("describe --always --dirty").reads();
    let version = workspace.packages.iter().find(|package| package.name == "cli").context("no crate cli")?;
    let commit = commit.map_or_else(|_| String::new(), |commit| format!(" ({})", commit.trim()));
    Ok(format!("{}{commit}\n", version.version))
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { size(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

#[cfg(unix)]
fn make_executable(file: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(0o755))?)
}

/// Other systems are refused before anything is built.
#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_among_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"effnet_ops","kind":["lib"]},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"dividemix","kind":["lib"]},"executable":"/t/dividemix-1"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"ops","kind":["example"]},"executable":"/t/ops"}"#,
            "\nnot JSON\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        let found: Vec<(String, bool)> = artifacts(messages)
            .into_iter()
            .map(|artifact| (artifact.target.name.clone(), artifact.target.is("ops", "example")))
            .collect();
        assert_eq!(found, [("dividemix".to_owned(), false), ("ops".to_owned(), true)]);
    }

    #[test]
    fn the_size_of_a_folder_is_that_of_all_files_below() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("a"), [0; 3]).unwrap();
        fs::write(folder.path().join("below/b"), [0; 4]).unwrap();
        assert_eq!(size(folder.path()).unwrap(), 7);
    }
}
