//! The folder of a sweep, and that nothing of a user's in it is lost.

use std::fs;
use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::{COMPARISON, STARTS};
use crate::files::start_of;
use crate::run::{RunFolder, SWEEP, inputs_stay};
use crate::{Error, Result};

/// What has to be done to a folder before the runs are trained in it.
#[derive(Debug)]
pub(super) enum Claim {
    /// It is made.
    New,
    /// It holds this very sweep.
    Same,
    /// It holds a part of this sweep, and gets the new plan.
    Extended,
    /// It holds another sweep, or this one, whose files are taken away: these runs'.
    Replaced(Vec<PathBuf>),
}

impl Claim {
    /// Looks at the folder, and changes nothing.
    ///
    /// # Errors
    /// [`Error::Output`] where it holds something else than this sweep, or, with `force`, than a sweep; [`Error::Setting`] where an input of
    /// the runs would be taken away.
    pub(super) fn of(out: &Path, plan: &Plan, force: bool) -> Result<Self> {
        // Before anything is written.
        plan.text()?;
        let refused =
            |problem: &str| Err(Error::Output { path: out.to_owned(), problem: problem.to_owned() });
        if !fs::exists(out).map_err(Error::io("can't read", out))? {
            return Ok(Self::New);
        }
        if !out.join(SWEEP).is_file() {
            return refused(
                "exists already, and it is no folder of several runs (there is no sweep.toml); choose another --out",
            );
        }
        let Some(there) = Plan::in_folder(out)? else {
            return refused("its sweep.toml was not written by this version of effmix; choose another --out");
        };
        if force {
            let runs = there.runs().into_iter().map(|run| out.join(run.name));
            let runs: Vec<PathBuf> = runs.filter(|run| run.is_dir()).collect();
            for (run, settings) in
                runs.iter().flat_map(|run| plan.runs().into_iter().map(move |p| (run, p.settings)))
            {
                inputs_stay(run, &settings)?;
            }
            for (name, start) in COMPARISON.into_iter().zip(STARTS) {
                let file = out.join(name);
                if file.exists() && start_of(&file, start.len()) != start.as_bytes() {
                    let problem =
                        "was not written by effmix, so --force won't replace it; move it away".to_owned();
                    return Err(Error::Output { path: file, problem });
                }
            }
            return Ok(Self::Replaced(runs));
        }
        match (plan.extends(&there), there.extends(plan)) {
            (true, true) => Ok(Self::Same),
            (true, false) => Ok(Self::Extended),
            (false, true) => refused(
                "holds further seeds or methods by the same settings (its sweep.toml): name these, too, or go on with `effmix resume` of this \
                 folder",
            ),
            (false, false) => refused(
                "holds runs by other settings (its sweep.toml): seeds and methods can be added to them, and nothing else be changed; choose \
                 another --out, or add --force to replace them",
            ),
        }
    }

    /// Whether runs that are there go.
    pub(super) fn replaces(&self) -> bool {
        matches!(self, Self::Replaced(_))
    }

    /// Makes the folder what the runs need.
    ///
    /// # Errors
    /// The disk's; a file in a run's place that no run wrote.
    pub(super) fn make(self, out: &Path, plan: &Plan) -> Result<()> {
        match self {
            Self::Same => return Ok(()),
            Self::New => replace_file::create_folder(out).map_err(Error::io("can't create", out))?,
            Self::Extended => {}
            Self::Replaced(runs) => {
                for run in runs {
                    RunFolder::create(Some(&run), "", true)?;
                    // Fails if something foreign is in it, and then the folder stays.
                    let _ = fs::remove_dir(run);
                }
                for file in COMPARISON.map(|name| out.join(name)).iter().filter(|file| file.exists()) {
                    fs::remove_file(file).map_err(Error::io("can't remove", file))?;
                }
            }
        }
        plan.write(out)
    }
}
