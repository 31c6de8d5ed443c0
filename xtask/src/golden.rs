//! `cargo xtask golden`: the committed reference values, made anew from the published libraries.
//!
//! The scripts of xtask/golden run in a Python environment of their own below the build folder, with the versions that
//! requirements.txt pins. The values are committed, so that any clone tests against them without Python. Another
//! processor rounds otherwise: a change in the last digits is none (and see train.py for the one file where rounding grows).

use crate::python::environment;
use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// A Python that has the packages of xtask/golden/requirements.txt already.
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Make only this file, by its name without `.json`.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
}

/// A script below xtask/golden, with the argument that it takes before the output file, and where its output belongs.
const FILES: [(&str, &str); 10] = [
    ("swish.py", "crates/effnet-ops/tests/golden/swish.json"),
    ("effnet.py", "crates/effnet-model/tests/golden/effnet.json"),
    ("train.py train", "crates/effnet-model/tests/golden/train.json"),
    ("train.py train_64px", "crates/effnet-model/tests/golden/train_64px.json"),
    ("lite0.py", "crates/effnet-model/tests/golden/lite0.json"),
    ("../../crates/image-folder/tests/golden/images.py", "crates/image-folder/tests/golden/images.json"),
    ("augment.py", "crates/image-folder/tests/golden/augment.json"),
    ("noisy.py", "crates/noisy-labels/tests/golden/noisy.json"),
    ("signals.py", "crates/noisy-labels/tests/golden/signals.json"),
    ("divide_mix_step.py", "crates/dividemix/tests/golden/divide_mix_step.json"),
];

/// True where every file was made.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let workspace = Workspace::read()?;
    let chosen: Vec<_> = FILES.iter().filter(|(_, file)| is_chosen(file, options.only.as_deref())).collect();
    ensure!(
        !chosen.is_empty(),
        "no golden file has that name; there are {}",
        FILES.map(|(_, file)| file).join(", ")
    );
    let python = match &options.python {
        Some(program) => program.clone(),
        None => environment(&workspace, "golden-python", "xtask/golden/requirements.txt")?,
    };
    for (script, file) in chosen {
        let out = workspace.root.join(file);
        let folder = out.parent().context("a golden file lies in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let made = Shell::new(&workspace.root.join("xtask/golden"), &python)
            .words(script)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(&out)
            .succeeds()?;
        ensure!(made, "{script} failed");
        println!("{file}");
    }
    Ok(true)
}

fn is_chosen(file: &str, only: Option<&str>) -> bool {
    only.is_none_or(|name| Path::new(file).file_stem().is_some_and(|stem| stem == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_chosen_by_its_whole_name() {
        let chosen = |name| FILES.iter().filter(|(_, file)| is_chosen(file, Some(name))).count();
        assert_eq!((chosen("train"), chosen("train_64px"), chosen("tra")), (1, 1, 0));
        assert!(FILES.iter().all(|(_, file)| is_chosen(file, None)));
    }

    #[test]
    fn every_script_is_there() {
        for (script, _) in FILES {
            let name = script.split_whitespace().next().unwrap();
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name).exists(), "{name}");
        }
    }
}
