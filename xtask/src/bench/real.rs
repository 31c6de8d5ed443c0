//! Trainings on real images: CIFAR-10 as JPEG files, and labels that are partly wrong.

use super::contender::release;
use crate::shell::Shell;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// A folder with the data, in which runs are made by the program as a user makes them. What is there is not made again.
pub(super) struct Trainings {
    pub(super) folder: PathBuf,
    program: PathBuf,
}

impl Trainings {
    /// Builds the program, and brings the images (as `data`), the weights and the human labels into the build folder, under
    /// `name`.
    pub(super) fn prepare(workspace: &Workspace, name: &str, given: Option<&Path>) -> Result<Self> {
        let built = Shell::new(&workspace.root, "cargo")
            .words("build --release --locked --package cli --package effmix-bench")
            .succeeds()?;
        ensure!(built, "the program could not be built");
        let folder = workspace.target.join(name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let source = std::env::var_os("EFFMIX_DATA").map(PathBuf::from);
        let source = source.context(
            "EFFMIX_DATA must name a folder with cifar10-jpeg.tar.xz, cifar10n.csv and efficientnet-lite0.pth",
        )?;
        for file in ["cifar10n.csv", "efficientnet-lite0.pth"] {
            let from = source.join(file);
            std::fs::copy(&from, folder.join(file)).with_context(|| from.display().to_string())?;
        }
        let data = folder.join("data");
        match given {
            _ if data.is_dir() => {}
            #[cfg(unix)]
            Some(given) => {
                let given = std::path::absolute(given)?;
                std::os::unix::fs::symlink(&given, &data).with_context(|| given.display().to_string())?;
            }
            _ => {
                let part = folder.join("data.part");
                std::fs::create_dir_all(&part).with_context(|| part.display().to_string())?;
                let archive = source.join("cifar10-jpeg.tar.xz");
                let unpacked = Shell::new(&part, "tar").arg("-xJf").arg(&archive).succeeds()?;
                ensure!(unpacked, "{} could not be unpacked", archive.display());
                std::fs::rename(&part, data).with_context(|| part.display().to_string())?;
            }
        }
        Ok(Self { folder, program: release(&workspace.target).join("effmix") })
    }

    fn effmix(&self) -> Shell {
        Shell::new(&self.folder, &self.program)
    }

    /// A labels CSV of this name, by `effmix noise` with these flags and the seed 1.
    pub(super) fn noise(&self, name: &str, flags: &str) -> Result<()> {
        if self.folder.join(name).is_file() {
            return Ok(());
        }
        let made =
            self.effmix().words("noise data --seed 1").words(flags).arg("--out").arg(name).succeeds()?;
        ensure!(made, "{name} could not be made");
        Ok(())
    }

    /// The folder of a run of this name, by `effmix train` with these flags: made, or gone on with, where it is not whole yet.
    pub(super) fn run(&self, name: &str, flags: &str) -> Result<PathBuf> {
        let run = self.folder.join(name);
        if !run.join("summary.json").is_file() {
            let done = if run.join("config.toml").is_file() {
                self.effmix().arg("resume").arg(name).succeeds()?
            } else {
                self.effmix().words("train data").words(flags).arg("--out").arg(name).succeeds()?
            };
            ensure!(done, "{name} failed");
        }
        Ok(run)
    }
}
